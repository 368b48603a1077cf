//! Policy documents as they are shipped, read into statements. Nothing is decided here.
//!
//! The grammar is that of AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use super::template::Resolved;
use super::text::Text;

/// Where something stands: a file, and a JSON pointer into it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, as the user named it.
    pub file: String,
    /// The JSON pointer (RFC 6901) of the value.
    pub pointer: String,
}

impl Place {
    /// A place below this one.
    #[must_use]
    pub fn at(&self, step: impl std::fmt::Display) -> Self {
        let step = step.to_string().replace('~', "~0").replace('/', "~1");
        Self { file: self.file.clone(), pointer: format!("{}/{step}", self.pointer) }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}#{}", self.file, self.pointer)
    }
}

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Where it stands.
    pub place: Place,
    /// Whether `${…}` in it are variables, which version 2012-10-17 made them.
    pub variables: bool,
    /// Its statements.
    pub statements: Vec<Statement>,
}

/// What a statement does to a request that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It grants.
    Allow,
    /// It refuses, whatever grants.
    Deny,
}

/// Values, or everything but them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Only<T> {
    /// Whether everything else is meant: `NotAction`, `NotResource`, `NotPrincipal`.
    pub negated: bool,
    /// The values.
    pub values: Vec<T>,
}

/// Whom a statement names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    /// `*`: everybody, without credentials too.
    Everyone,
    /// An account, role, user or session.
    Aws(Text),
    /// A service, by its domain name.
    Service(Text),
    /// An identity provider.
    Federated(Text),
    /// An account's canonical user of S3.
    Canonical(Text),
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Where it stands.
    pub place: Place,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// What it does.
    pub effect: Effect,
    /// Whom it names; none in policies of identities and of the organization.
    pub principals: Option<Only<Principal>>,
    /// The actions, as patterns.
    pub actions: Only<String>,
    /// The resources, as patterns; none in trust policies, which mean their role.
    pub resources: Option<Only<Text>>,
    /// The conditions, all of which must hold.
    pub conditions: Vec<Condition>,
}

/// How the values of a key that has many are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantifier {
    /// `ForAllValues`
    All,
    /// `ForAnyValue`
    Any,
}

/// A condition operator without its quantifier and `IfExists`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `StringEquals`, `StringNotEquals`, and the two that ignore case.
    Equals {
        /// Whether it is a `Not…`.
        negated: bool,
        /// Whether case does not count.
        any_case: bool,
    },
    /// `StringLike`, `StringNotLike`.
    Like {
        /// Whether it is a `Not…`.
        negated: bool,
    },
    /// `ArnLike`, `ArnEquals`, and their negations: the same operator in two spellings.
    Arn {
        /// Whether it is a `Not…`.
        negated: bool,
    },
    /// `Null`
    Null,
    /// `Bool`
    Bool,
    /// One that compares numbers, dates, addresses or bytes, by name.
    Other(String),
}

/// One key of one operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Where its values stand.
    pub place: Place,
    /// The quantifier.
    pub quantifier: Option<Quantifier>,
    /// The operator.
    pub operator: Operator,
    /// Whether it ends in `IfExists`.
    pub if_exists: bool,
    /// The key, as written; case does not count.
    pub key: String,
    /// The values, of which one must fit (of a negated operator: none).
    pub values: Vec<Text>,
}

/// Something that is no policy, or cannot be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    /// Where.
    pub place: Place,
    /// What is the matter: a part of a sentence, in the style of findings.
    pub what: String,
}

/// Reads a policy document. What cannot be read is a defect, and a statement with a defect is not in the document: the
/// caller must treat the document as unknown.
#[must_use]
pub fn read(document: &Resolved, place: &Place) -> (Document, Vec<Defect>) {
    let mut reader = Reader { defects: Vec::new() };
    let document = reader.document(document, place);
    (document, reader.defects)
}

struct Reader {
    defects: Vec<Defect>,
}

impl Reader {
    fn defect(&mut self, place: &Place, what: impl Into<String>) {
        self.defects.push(Defect { place: place.clone(), what: what.into() });
    }

    fn document(&mut self, value: &Resolved, place: &Place) -> Document {
        let mut document = Document { place: place.clone(), variables: false, statements: Vec::new() };
        let Some(entries) = self.map(value, place, "a policy document") else { return document };
        for (key, value) in entries {
            let place = place.at(key);
            match key.as_str() {
                "Version" => match self.text(value, &place).as_deref() {
                    Some("2012-10-17") => document.variables = true,
                    Some("2008-10-17") | None => {}
                    Some(other) => self.defect(&place, format!("`{other}` is no version of the policy language")),
                },
                "Id" => {}
                "Statement" => match value {
                    Resolved::List(items) => {
                        for (at, item) in items.iter().enumerate() {
                            let statement = self.statement(item, &place.at(at));
                            document.statements.extend(statement);
                        }
                    }
                    one => document.statements.extend(self.statement(one, &place)),
                },
                other => self.defect(&place, format!("`{other}` is no element of a policy document")),
            }
        }
        document
    }

    fn statement(&mut self, value: &Resolved, place: &Place) -> Option<Statement> {
        let entries = self.map(value, place, "a statement")?;
        let before = self.defects.len();
        let (mut sid, mut effect, mut principals, mut actions, mut resources) = (None, None, None, None, None);
        let mut conditions = Vec::new();
        for (key, value) in entries {
            let place = place.at(key);
            match key.as_str() {
                "Sid" => sid = self.text(value, &place),
                "Effect" => match self.text(value, &place).as_deref() {
                    Some("Allow") => effect = Some(Effect::Allow),
                    Some("Deny") => effect = Some(Effect::Deny),
                    Some(other) => self.defect(&place, format!("`{other}` is neither `Allow` nor `Deny`")),
                    None => {}
                },
                "Principal" | "NotPrincipal" => {
                    let values = self.principals(value, &place);
                    principals = Some(Only { negated: key == "NotPrincipal", values });
                }
                "Action" | "NotAction" => {
                    actions = Some(Only { negated: key == "NotAction", values: self.texts(value, &place) });
                }
                "Resource" | "NotResource" => {
                    resources = Some(Only { negated: key == "NotResource", values: self.texts(value, &place) });
                }
                "Condition" => conditions = self.conditions(value, &place),
                other => self.defect(&place, format!("`{other}` is no element of a statement")),
            }
        }
        if effect.is_none() && self.defects.len() == before {
            self.defect(place, "the statement has no `Effect`");
        }
        if actions.is_none() && self.defects.len() == before {
            self.defect(place, "the statement has neither `Action` nor `NotAction`");
        }
        if self.defects.len() > before {
            return None;
        }
        Some(Statement {
            place: place.clone(),
            sid,
            effect: effect?,
            principals,
            actions: actions?,
            resources,
            conditions,
        })
    }

    fn principals(&mut self, value: &Resolved, place: &Place) -> Vec<Principal> {
        if let Resolved::Text(text) = value {
            if text == "*" {
                return vec![Principal::Everyone];
            }
            self.defect(place, format!("`{text}` is no principal; only `*` stands alone"));
            return Vec::new();
        }
        let Some(entries) = self.map(value, place, "a principal") else { return Vec::new() };
        let mut principals = Vec::new();
        for (kind, value) in entries {
            let place = place.at(kind);
            for text in self.texts(value, &place) {
                principals.push(match kind.as_str() {
                    "AWS" if text == "*" => Principal::Everyone,
                    "AWS" => Principal::Aws(text),
                    "Service" => Principal::Service(text),
                    "Federated" => Principal::Federated(text),
                    "CanonicalUser" => Principal::Canonical(text),
                    other => {
                        self.defect(&place, format!("`{other}` is no kind of principal"));
                        continue;
                    }
                });
            }
        }
        principals
    }

    fn conditions(&mut self, value: &Resolved, place: &Place) -> Vec<Condition> {
        let mut conditions = Vec::new();
        let Some(operators) = self.map(value, place, "a condition") else { return conditions };
        for (operator, keys) in operators {
            let place = place.at(operator);
            let Some((quantifier, parsed, if_exists)) = operator_of(operator) else {
                self.defect(&place, format!("`{operator}` is no condition operator"));
                continue;
            };
            let Some(keys) = self.map(keys, &place, "the keys of an operator") else { continue };
            for (key, values) in keys {
                let place = place.at(key);
                conditions.push(Condition {
                    quantifier,
                    operator: parsed.clone(),
                    if_exists,
                    key: key.clone(),
                    values: self.texts(values, &place),
                    place,
                });
            }
        }
        conditions
    }

    fn map<'a>(&mut self, value: &'a Resolved, place: &Place, what: &str) -> Option<&'a [(String, Resolved)]> {
        match value {
            Resolved::Map(entries) => Some(entries),
            Resolved::Unknown(why) => {
                self.defect(place, why.clone());
                None
            }
            _ => {
                self.defect(place, format!("{what} must be a mapping"));
                None
            }
        }
    }

    fn text(&mut self, value: &Resolved, place: &Place) -> Option<Text> {
        match value {
            Resolved::Text(text) => Some(text.clone()),
            Resolved::Unknown(why) => {
                self.defect(place, why.clone());
                None
            }
            _ => {
                self.defect(place, "a text must stand here");
                None
            }
        }
    }

    fn texts(&mut self, value: &Resolved, place: &Place) -> Vec<Text> {
        match value {
            Resolved::List(items) => {
                items.iter().enumerate().filter_map(|(at, item)| self.text(item, &place.at(at))).collect()
            }
            one => self.text(one, place).into_iter().collect(),
        }
    }
}

/// An operator's parts. Names are compared without case, as AWS does.
fn operator_of(name: &str) -> Option<(Option<Quantifier>, Operator, bool)> {
    let lower = name.to_ascii_lowercase();
    let (quantifier, rest) = match lower.split_once(':') {
        Some(("forallvalues", rest)) => (Some(Quantifier::All), rest),
        Some(("foranyvalue", rest)) => (Some(Quantifier::Any), rest),
        Some(_) => return None,
        None => (None, lower.as_str()),
    };
    let (rest, if_exists) = match rest.strip_suffix("ifexists") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let operator = match rest {
        "stringequals" => Operator::Equals { negated: false, any_case: false },
        "stringnotequals" => Operator::Equals { negated: true, any_case: false },
        "stringequalsignorecase" => Operator::Equals { negated: false, any_case: true },
        "stringnotequalsignorecase" => Operator::Equals { negated: true, any_case: true },
        "stringlike" => Operator::Like { negated: false },
        "stringnotlike" => Operator::Like { negated: true },
        "arnequals" | "arnlike" => Operator::Arn { negated: false },
        "arnnotequals" | "arnnotlike" => Operator::Arn { negated: true },
        "null" if !if_exists => Operator::Null,
        "bool" => Operator::Bool,
        "numericequals"
        | "numericnotequals"
        | "numericlessthan"
        | "numericlessthanequals"
        | "numericgreaterthan"
        | "numericgreaterthanequals"
        | "dateequals"
        | "datenotequals"
        | "datelessthan"
        | "datelessthanequals"
        | "dategreaterthan"
        | "dategreaterthanequals"
        | "binaryequals"
        | "ipaddress"
        | "notipaddress" => Operator::Other(rest.to_owned()),
        _ => return None,
    };
    Some((quantifier, operator, if_exists))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_have_parts() {
        assert_eq!(
            operator_of("ForAllValues:StringLikeIfExists"),
            Some((Some(Quantifier::All), Operator::Like { negated: false }, true))
        );
        assert_eq!(operator_of("Null"), Some((None, Operator::Null, false)));
        assert_eq!(operator_of("NullIfExists"), None);
        assert_eq!(operator_of("StringMatches"), None);
        assert_eq!(operator_of("ForSome:StringEquals"), None);
    }
}
