//! From text to a declaration, with everything that is wrong found at once.

use super::shapes::{TENANCY, typed};
use super::{OWNER_ID, Tenancy};
use crate::diagnostics::{Code, Diagnostic, Sink, SourceMap, codes};
use crate::model::guardrail::{OrganizationId, RolePattern, TagKey};
use crate::model::{IdLanguage, NameError, Region};
use crate::source::shape::{Kind, check_record};
use crate::source::{Entry, Node};

impl Tenancy {
    /// Reads a declaration that is written in YAML or JSON. What is wrong goes to the sink; with errors there is no
    /// declaration. `name` is the file's, for findings.
    pub fn parse(bytes: &[u8], name: &str, sources: &mut SourceMap, sink: &mut Sink) -> Option<Self> {
        let mut found = Sink::new();
        let declaration = crate::source::read(name, bytes, sources, &mut found).and_then(|tree| {
            check_record(&tree, &TENANCY, &mut found);
            Reader { tree: &tree, ids: None, sink: &mut found }.check();
            if found.has_errors() {
                return None;
            }
            match serde_json::from_value(typed(&tree, &Kind::Record(&TENANCY))) {
                Ok(declaration) => Some(declaration),
                // The shapes and the types say the same, which a test holds.
                Err(error) => {
                    found.push(Diagnostic::new(&codes::SHAPE_WRONG_TYPE, tree.origin.clone(), error.to_string()));
                    None
                }
            }
        });
        let broken = found.has_errors();
        sink.append(found);
        declaration.filter(|_| !broken)
    }
}

/// Checks what a declaration means. What is missing or of a wrong type was found by its shape, and is passed over.
struct Reader<'t> {
    tree: &'t Node,
    ids: Option<IdLanguage>,
    sink: &'t mut Sink,
}

/// The entries of a mapping under a key.
fn entries<'t>(node: &'t Node, key: &str) -> &'t [Entry] {
    node.get(key).and_then(Node::entries).unwrap_or_default()
}

/// The items of a list under a key.
fn items<'t>(node: &'t Node, key: &str) -> &'t [Node] {
    node.get(key).and_then(Node::items).unwrap_or_default()
}

fn word<'t>(node: &'t Node, key: &str) -> Option<&'t str> {
    node.get(key).and_then(Node::text)
}

impl<'t> Reader<'t> {
    fn find(&mut self, code: &'static Code, at: &Node, message: impl Into<String>, help: impl Into<String>) {
        self.sink.push(Diagnostic::new(code, at.origin.clone(), message).help(help));
    }

    /// Checks a text with a constructor of the model.
    fn named<T>(
        &mut self,
        node: Option<&Node>,
        code: &'static Code,
        new: impl Fn(&str) -> Result<T, NameError>,
    ) -> Option<T> {
        let node = node?;
        match new(node.text()?) {
            Ok(name) => Some(name),
            Err(error) => {
                self.find(code, node, error.problem, error.help);
                None
            }
        }
    }

    fn check(&mut self) {
        let tree = self.tree;
        self.ids = self.named(tree.get("ids").and_then(|ids| ids.get("pattern")), &codes::ID_LANGUAGE, IdLanguage::new);
        self.named(tree.get("tag"), &codes::TENANCY_NAME, TagKey::new);
        self.named(tree.get("organization"), &codes::TENANCY_NAME, OrganizationId::new);
        self.filled(tree, "templates", "nothing is claimed without a template", "name the templates that are deployed");
        let templates = items(tree, "templates");
        for (at, template) in templates.iter().enumerate() {
            let Some(file) = template.get("template") else { continue };
            let same = |other: &&Node| file.text().is_some() && word(other, "template") == file.text();
            if let Some(earlier) = templates.iter().take(at).find(same).and_then(|other| other.get("template")) {
                let name = file.text().unwrap_or_default();
                self.sink.push(
                    Diagnostic::new(
                        &codes::TENANCY_DUPLICATE_TEMPLATE,
                        file.origin.clone(),
                        format!("the template `{name}` is declared twice"),
                    )
                    .label("again here")
                    .also(earlier.origin.clone(), "first here")
                    .help("make one entry of the two: a template has one scope and one set of owners"),
                );
            }
        }
        for template in templates {
            self.template(template);
        }
        for operators in items(tree, "operators") {
            self.filled(operators, "principals", "nobody is named who must be able to work", "name roles by ARN");
            self.filled(operators, "regions", "no region is named in which they work", "name the regions in use");
            for principal in items(operators, "principals") {
                self.named(Some(principal), &codes::TENANCY_NAME, role_arn);
            }
            for region in items(operators, "regions") {
                self.named(Some(region), &codes::ID_REGION, Region::new);
            }
        }
    }

    fn template(&mut self, template: &'t Node) {
        let shared = word(template, "scope") == Some("shared");
        if let Some(accounts) = template.get("accounts").filter(|accounts| shared && accounts.text() == Some("own")) {
            self.find(
                &codes::TENANCY_SCOPE,
                accounts,
                "a stack that tenants share is in no tenant's own account",
                "take `accounts` out, or write `scope: tenant`",
            );
        }
        for entry in entries(template, "parameters") {
            let value = &entry.value;
            let word = value.text().or_else(|| value.get("tenantDigest").map(|_| "tenantDigest"));
            if shared && word.is_some_and(|word| word.starts_with("tenant")) {
                self.of_one_tenant(value, &format!("the parameter `{}`", entry.key));
            }
            if let Some(name) = value.get("stack").and_then(|stack| stack.get("template")) {
                self.shared_template(name);
            }
        }
        for entry in entries(template, "owners") {
            self.owner(&entry.key, &entry.value, shared);
        }
        for entry in entries(template, "roles") {
            self.role(template, &entry.key, &entry.value, shared);
        }
    }

    /// A tenant is spoken of in a stack that has many.
    fn of_one_tenant(&mut self, at: &Node, what: &str) {
        self.find(
            &codes::TENANCY_SCOPE,
            at,
            format!("{what} is one tenant's, and tenants share the stack"),
            "say what keeps tenants apart in it, or write `scope: tenant` if each tenant has a stack of this template",
        );
    }

    fn unknown_template(&mut self, at: &Node, name: &str) {
        let known: Vec<&str> = items(self.tree, "templates").iter().filter_map(|one| word(one, "template")).collect();
        self.sink.push(
            Diagnostic::new(
                &codes::TENANCY_UNKNOWN_TEMPLATE,
                at.origin.clone(),
                format!("`{name}` is no template of this declaration"),
            )
            .did_you_mean(name, known)
            .help("write the file as its entry in `templates` does"),
        );
    }

    /// The template of a stack whose outputs are read.
    fn shared_template(&mut self, name: &Node) {
        let Some(text) = name.text() else { return };
        let found = items(self.tree, "templates").iter().find(|one| word(one, "template") == Some(text));
        match found.map(|one| word(one, "scope")) {
            None => self.unknown_template(name, text),
            Some(Some("tenant")) => self.find(
                &codes::TENANCY_SCOPE,
                name,
                format!("`{text}` is deployed for each tenant, and a parameter cannot say for which"),
                "name the template of the stack that tenants share",
            ),
            _ => {}
        }
    }

    fn owner(&mut self, id: &str, owner: &'t Node, shared: bool) {
        if owner.text() == Some("tenant") && shared {
            self.of_one_tenant(owner, &format!("`{id}`"));
        }
        for kind in ["partitionKey", "objectKey", "encryptionContext"] {
            if let Some(pattern) = owner.get(kind).and_then(|inner| inner.get("pattern")) {
                self.pattern(pattern);
            }
        }
        for kind in ["services", "application", "platform"] {
            self.reason(owner.get(kind));
        }
        for role in owner.get("application").map_or(&[][..], |inner| items(inner, "through")) {
            let file = role.text().and_then(|text| text.split_once('#')).map(|(file, _)| file);
            let Some(file) = file else { continue };
            if !items(self.tree, "templates").iter().any(|one| word(one, "template") == Some(file)) {
                self.unknown_template(role, file);
            }
        }
    }

    fn role(&mut self, template: &'t Node, id: &str, role: &'t Node, shared: bool) {
        if role.text() == Some("tenant") && shared {
            self.of_one_tenant(role, &format!("the role `{id}`"));
        }
        self.reason(role.get("platform"));
        let Some(session) = role.get("session") else { return };
        self.filled(
            session,
            "mintedBy",
            "nobody is named who may open sessions of this role",
            "name the roles of the code that knows which tenant a request is for",
        );
        for minter in items(session, "mintedBy") {
            let Some(name) = minter.text() else { continue };
            let roles = template.get("roles");
            if roles.and_then(|roles| roles.get(name)).is_none_or(|minter| minter.get("platform").is_none()) {
                self.find(
                    &codes::TENANCY_MINTER,
                    minter,
                    format!("`{name}` may open sessions in any tenant's name, and is not declared as the platform's"),
                    format!("add `{name}: {{ platform: {{ reason: … }} }}` to `roles` of the same template"),
                );
            }
        }
    }

    fn reason(&mut self, inner: Option<&Node>) {
        let Some(reason) = inner.and_then(|inner| inner.get("reason")) else { return };
        if reason.text().is_some_and(|text| text.trim().is_empty()) {
            self.find(
                &codes::TENANCY_EMPTY,
                reason,
                "the reason is empty",
                "write one sentence for whoever reviews the proof: what it is for, or what code must do",
            );
        }
    }

    fn filled(&mut self, node: &Node, key: &str, message: &str, help: &str) {
        if let Some(list) = node.get(key).filter(|list| list.items().is_some_and(<[Node]>::is_empty)) {
            self.find(&codes::TENANCY_EMPTY, list, message, help);
        }
    }

    /// A pattern says whose something is: it holds the owner's id once, and where the id ends is seen.
    fn pattern(&mut self, node: &Node) {
        let Some(text) = node.text() else { return };
        let help = format!("write it like `{OWNER_ID}`, `{OWNER_ID}#*` or `{OWNER_ID}/*`");
        let Some((before, after)) = text.split_once(OWNER_ID) else {
            self.find(&codes::TENANCY_PATTERN, node, format!("`{text}` does not hold `{OWNER_ID}`"), help);
            return;
        };
        let (body, open) = match after.strip_suffix('*') {
            Some(body) => (body, true),
            None => (after, false),
        };
        if after.contains(OWNER_ID) {
            self.find(&codes::TENANCY_PATTERN, node, format!("`{text}` holds `{OWNER_ID}` more than once"), help);
            return;
        }
        if before.contains("${") || after.contains("${") {
            let message = format!("`{text}` holds a variable other than `{OWNER_ID}`");
            self.find(&codes::TENANCY_PATTERN, node, message, help);
            return;
        }
        if before.contains(['*', '?']) || body.contains(['*', '?']) {
            let message = format!("`{text}` holds a wildcard that is not a `*` at its end");
            self.find(&codes::TENANCY_PATTERN, node, message, help);
            return;
        }
        let Some(ids) = &self.ids else { return };
        if ids.min_length() == ids.max_length() {
            return;
        }
        let beside = before.chars().last().into_iter().chain(body.chars().next()).find(|beside| ids.allows(*beside));
        let message = match beside {
            Some(beside) => format!("`{beside}` stands beside the id in `{text}`, and an id may hold it"),
            None if body.is_empty() && open => {
                format!("`{text}` is the key of `{OWNER_ID}` and of every tenant whose id begins with it")
            }
            None => return,
        };
        let help = "put a character beside the id that no id holds, such as `#` or `/`, or give all ids one length";
        self.find(&codes::TENANCY_DELIMITER, node, message, help);
    }
}

/// A pattern of roles, as an ARN.
fn role_arn(text: &str) -> Result<RolePattern, NameError> {
    if text.starts_with("arn:") {
        return RolePattern::new(text);
    }
    Err(NameError {
        problem: format!("`{text}` is not the ARN of a role"),
        help: format!("write `arn:*:iam::*:role/{text}`"),
        too_long: false,
    })
}
