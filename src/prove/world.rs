//! What is deployed, as far as two tenants are concerned: an instance of each shared template, one more for another cell,
//! and two of each tenant's template, tenant A's and tenant B's. Whatever is shown for A and B holds for all tenants,
//! because nothing is known of the two but that their ids differ.

use std::collections::BTreeMap;

use super::policy::{Defect, Document, Effect, Only, Place, Principal, Statement, read};
use super::proof::Obstacle;
use super::template::{Resolved, Resource, Setting, Stack, Template, instantiate};
use super::tenancy::{Accounts, Deployed, Meaning, Scope, Tenancy};
use super::text::{CharSet, Symbol, Symbols, Text};
use super::unread;
use crate::model::IdLanguage;

/// Whose stack an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Shared by tenants, A and B among them.
    Shared,
    /// The same template in another cell.
    OtherCell,
    /// Tenant A's own, in whose name requests are made.
    Asker,
    /// Tenant B's own.
    Owner,
}

/// A policy document as it is shipped.
#[derive(Debug, Clone)]
pub struct Shipped {
    /// What people call it.
    pub name: String,
    /// Its statements.
    pub document: Document,
    /// The value it was read from.
    pub value: Resolved,
}

/// A role or user of a stack.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its logical id.
    pub logical_id: String,
    /// Where it stands.
    pub place: Place,
    /// Its ARN.
    pub arn: Text,
    /// Who may assume it; none of a user.
    pub trust: Option<Shipped>,
    /// Its policies.
    pub identity: Vec<Shipped>,
    /// Its boundary.
    pub boundary: Option<Vec<Shipped>>,
    /// Why a boundary that it has is not known. A boundary only takes away, so what is proved without it holds with it.
    pub unknown_boundary: Option<Obstacle>,
    /// Its own tags, which its sessions have too.
    pub tags: BTreeMap<String, Text>,
}

/// A template, deployed.
#[derive(Debug, Clone)]
pub struct Instance {
    /// What people call it.
    pub name: String,
    /// Which of [`Tenancy::templates`] it is of.
    pub deployed: usize,
    /// Whose it is.
    pub side: Side,
    /// Its resources.
    pub stack: Stack,
    /// Its roles and users.
    pub roles: Vec<Role>,
    /// Policies of its resources, by logical id.
    pub policies: BTreeMap<String, Vec<Shipped>>,
}

/// Everything that a proof looks at.
#[derive(Debug)]
pub struct World {
    /// What is known of symbols.
    pub symbols: Symbols,
    /// The instances.
    pub instances: Vec<Instance>,
    /// Tenant A's id.
    pub asker: char,
    /// Tenant B's id.
    pub owner: char,
    /// The language of ids.
    pub ids: IdLanguage,
    /// The ids' characters.
    pub id_alphabet: CharSet,
    /// The ids' shortest and longest length.
    pub id_length: (usize, usize),
    /// The organization's policies of each deployed template: service control, resource control.
    pub guardrails: Vec<(Vec<Shipped>, Vec<Shipped>)>,
    /// What instances of each template are called.
    stems: Vec<String>,
    /// What cannot be known.
    pub obstacles: Vec<Obstacle>,
    /// What was taken for granted.
    pub assumptions: Vec<String>,
}

/// The family of tenants' ids: no two are equal.
const IDS: &str = "the ids of tenants";

impl World {
    /// Deploys the templates of a declaration.
    #[must_use]
    pub fn deploy(
        tenancy: &Tenancy,
        ids: &IdLanguage,
        templates: &BTreeMap<String, Template>,
        guardrails: &BTreeMap<String, serde_json::Value>,
    ) -> Self {
        let alphabet = CharSet::of(|character| ids.allows(character), false);
        let length = (ids.min_length(), ids.max_length());
        let mut symbols = Symbols::default();
        // What a session's tag may hold beyond ASCII no trust policy can keep out; no tenant's id has it, so it may stand
        // in the asker's.
        let wide = CharSet::of(|character| ids.allows(character), true);
        let asker = intern(&mut symbols, "tenant A", wide, length, Some(IDS), sample_id(ids, "acme"));
        let owner = intern(&mut symbols, "tenant B", alphabet, length, Some(IDS), sample_id(ids, "globex"));
        let mut world = Self {
            symbols,
            instances: Vec::new(),
            asker,
            owner,
            ids: ids.clone(),
            id_alphabet: alphabet,
            id_length: length,
            guardrails: Vec::new(),
            stems: Vec::new(),
            obstacles: Vec::new(),
            assumptions: Vec::new(),
        };
        world.read_guardrails(tenancy, guardrails);
        world.stems = stems(tenancy);
        // Shared stacks first: those of tenants read their outputs.
        let mut order: Vec<(usize, &Deployed)> = tenancy.templates.iter().enumerate().collect();
        order.sort_by_key(|(_, deployed)| deployed.scope);
        for (at, deployed) in order {
            let Some(template) = templates.get(&deployed.template) else {
                world.obstacles.push(Obstacle {
                    place: None,
                    reason: format!("the template `{}` is declared and was not read", deployed.template),
                    help: "name the file from the folder of the declaration".to_owned(),
                });
                continue;
            };
            let sides: &[Side] = match deployed.scope {
                Scope::Shared => &[Side::Shared, Side::OtherCell],
                Scope::Tenant => &[Side::Asker, Side::Owner],
            };
            for side in sides {
                world.instantiate(at, deployed, template, *side);
            }
        }
        world.instances.sort_by_key(|instance| (instance.deployed, instance.side));
        world
    }

    fn instantiate(&mut self, at: usize, deployed: &Deployed, template: &Template, side: Side) {
        let stem = self.stems.get(at).cloned().unwrap_or_default();
        let (name, who) = match side {
            Side::Shared => (stem.clone(), "the cell"),
            Side::OtherCell => (format!("{stem} of another cell"), "another cell"),
            Side::Asker => (format!("tenant A's {stem}"), "tenant A"),
            Side::Owner => (format!("tenant B's {stem}"), "tenant B"),
        };
        let account = match (side, deployed.accounts) {
            (Side::Asker, Accounts::Own) => self.account("tenant A's account", "111111111111"),
            (Side::Owner, Accounts::Own) => self.account("tenant B's account", "222222222222"),
            _ => self.account("the cell's account", "210000000001"),
        };
        // Another cell may be in another region, or in the same.
        let region = match side {
            Side::OtherCell => self.region("another cell's region", "eu-central-1", None),
            _ => self.region("region", "eu-west-1", Some("regions")),
        };
        let stack_name = intern(
            &mut self.symbols,
            &format!("the stack name of {name}"),
            CharSet::of(|c| c.is_ascii_alphanumeric() || c == '-', false),
            (1, 128),
            Some("the names of stacks"),
            format!("stack-{}", name.replace([' ', '\''], "-")),
        );
        let mut setting = Setting {
            partition: "aws".to_owned(),
            region: region.to_string(),
            account: account.to_string(),
            stack_name: stack_name.to_string(),
            ..Setting::default()
        };
        for (parameter, meaning) in &deployed.parameters {
            let text = match meaning {
                Meaning::Tenant => match side {
                    Side::Asker => self.asker.to_string(),
                    Side::Owner => self.owner.to_string(),
                    Side::Shared | Side::OtherCell => continue,
                },
                Meaning::TenantDigest { length } | Meaning::CellDigest { length } => {
                    // A tenant's stack is told the digest of its cell.
                    let who = match (meaning, side) {
                        (Meaning::CellDigest { .. }, Side::Asker | Side::Owner) => "the cell",
                        _ => who,
                    };
                    let sample = digest_sample(who, *length);
                    let name = format!("the {parameter} of {who}");
                    let family = format!("digests `{parameter}`");
                    let letters = template.characters_of(parameter).and(CharSet::names());
                    intern(&mut self.symbols, &name, letters, (*length, *length), Some(&family), sample).to_string()
                }
                // The template's own declaration says what it may hold.
                Meaning::TenantText => continue,
                Meaning::Stack { template } => {
                    setting.stacks.insert(parameter.clone(), template.clone());
                    let name = format!("the {parameter} of {stem}");
                    let letters = CharSet::of(|c| c.is_ascii_alphanumeric() || c == '-', false);
                    intern(&mut self.symbols, &name, letters, (1, 128), None, "cell-stack".to_owned()).to_string()
                }
                Meaning::Is { text } => text.clone(),
            };
            setting.parameters.insert(parameter.clone(), text);
        }
        let others: BTreeMap<&str, &Stack> = self
            .instances
            .iter()
            .filter(|instance| instance.side == Side::Shared)
            .map(|instance| (instance.stack.file.as_str(), &instance.stack))
            .collect();
        let stack = instantiate(template, &setting, &name, &|key| others.get(key).copied(), &mut self.symbols);
        // Each obstacle is in both instances of a template; once is enough.
        if matches!(side, Side::Shared | Side::Owner) {
            self.obstacles.extend(stack.obstacles.iter().cloned());
        }
        let mut reader = Reader { stack: &stack, defects: Vec::new(), obstacles: Vec::new(), assumptions: Vec::new() };
        let policies = reader.policies();
        let roles = reader.roles();
        if matches!(side, Side::Shared | Side::Owner) {
            let Reader { defects, obstacles, assumptions, .. } = reader;
            self.assumptions.extend(assumptions);
            let mut found: Vec<Obstacle> =
                defects.into_iter().map(|defect| explained(obstacle(defect), &stack)).collect();
            found.extend(obstacles.into_iter().map(|obstacle| explained(obstacle, &stack)));
            found.extend(unread::values(&stack, &found));
            found.extend(unread::documents(&stack, &is_read));
            self.obstacles.extend(found);
        }
        self.instances.push(Instance { name, deployed: at, side, stack, roles, policies });
    }

    fn account(&mut self, name: &str, sample: &str) -> char {
        intern(&mut self.symbols, name, CharSet::digits(), (12, 12), Some("accounts"), sample.to_owned())
    }

    fn region(&mut self, name: &str, sample: &str, family: Option<&str>) -> char {
        let letters = CharSet::of(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-', false);
        intern(&mut self.symbols, name, letters, (9, 20), family, sample.to_owned())
    }

    /// A region that is not the one of the other stacks.
    pub(super) fn other_region(&mut self) -> char {
        self.region("another region", "us-east-2", Some("regions"))
    }

    /// An account that belongs to none of the tenants.
    pub fn foreign_account(&mut self) -> char {
        self.account("somebody else's account", "999999999999")
    }

    fn read_guardrails<'a>(&mut self, tenancy: &'a Tenancy, files: &BTreeMap<String, serde_json::Value>) {
        // Templates share guardrails; each file is read once.
        let mut known: BTreeMap<&'a str, Option<Shipped>> = BTreeMap::new();
        for deployed in &tenancy.templates {
            let mut of = |names: &'a [String]| -> Vec<Shipped> {
                let read = |name: &'a String| {
                    known.entry(name.as_str()).or_insert_with(|| self.guardrail(name, files)).clone()
                };
                names.iter().filter_map(read).collect()
            };
            let (scps, rcps) = (of(&deployed.guardrails.scp), of(&deployed.guardrails.rcp));
            self.guardrails.push((scps, rcps));
        }
    }

    fn guardrail(&mut self, name: &str, files: &BTreeMap<String, serde_json::Value>) -> Option<Shipped> {
        let Some(value) = files.get(name) else {
            self.obstacles.push(Obstacle {
                place: None,
                reason: format!("the guardrail `{name}` is declared and was not read"),
                help: "name the file from the folder of the declaration".to_owned(),
            });
            return None;
        };
        let value = Resolved::of_json(value);
        let (document, defects) = read(&value, &Place { file: name.to_owned(), pointer: String::new() });
        self.obstacles.extend(defects.into_iter().map(obstacle));
        Some(Shipped { name: name.to_owned(), document, value })
    }
}

/// Names for templates: the file without folder and extension, or all of it where two would have one name.
fn stems(tenancy: &Tenancy) -> Vec<String> {
    let short = |file: &str| {
        let name = file.rsplit('/').next().unwrap_or(file);
        let endings = [".template.json", ".template.yaml", ".template.yml", ".json", ".yaml", ".yml", ".template"];
        endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name).to_owned()
    };
    let all: Vec<String> = tenancy.templates.iter().map(|deployed| short(&deployed.template)).collect();
    let files = tenancy.templates.iter().map(|deployed| &deployed.template);
    all.iter()
        .zip(files)
        .map(|(stem, file)| {
            let alone = all.iter().filter(|other| *other == stem).count() == 1;
            if alone { stem.clone() } else { file.clone() }
        })
        .collect()
}

/// Adds a symbol. There are far more characters for symbols than any template has names; should they run out, the
/// replacement character makes everything that uses it unequal to nothing, and `may` stays `may`.
pub(super) fn intern(
    symbols: &mut Symbols,
    name: &str,
    alphabet: CharSet,
    length: (usize, usize),
    family: Option<&str>,
    sample: String,
) -> char {
    let family = family.map(str::to_owned);
    symbols.intern(Symbol { name: name.to_owned(), alphabet, length, family, sample }).unwrap_or('\u{fffd}')
}

/// An id of the language that reads like a name, if one can be made.
pub(super) fn sample_id(ids: &IdLanguage, wish: &str) -> String {
    let allowed: String = wish.chars().filter(|character| ids.allows(*character)).collect();
    let fill = ('a'..='z').chain('0'..='9').chain('A'..='Z').find(|character| ids.allows(*character)).unwrap_or('x');
    let mut sample: String = allowed.chars().take(ids.max_length()).collect();
    while sample.chars().count() < ids.min_length() {
        sample.push(fill);
    }
    if ids.contains(&sample) { sample } else { std::iter::repeat_n(fill, ids.min_length().max(1)).collect() }
}

fn digest_sample(who: &str, length: usize) -> String {
    let letter = match who {
        "tenant A" => 'q',
        "tenant B" => 'r',
        "another cell" => 't',
        _ => 's',
    };
    std::iter::repeat_n(letter, length).collect()
}

fn obstacle(defect: Defect) -> Obstacle {
    Obstacle {
        reason: format!("a policy cannot be read: {}", defect.what),
        help: "write it out, or leave it to a template that is deployed on its own".to_owned(),
        place: Some(defect.place),
    }
}

/// What is said where the unknown value begins says better what to do about it.
fn explained(obstacle: Obstacle, stack: &Stack) -> Obstacle {
    let Some(place) = &obstacle.place else { return obstacle };
    let there = |unknown: &&Obstacle| {
        unknown.place.as_ref().is_some_and(|inner| {
            inner.file == place.file
                && (unread::within(&inner.pointer, &place.pointer) || unread::within(&place.pointer, &inner.pointer))
        })
    };
    match stack.unknowns.iter().find(there) {
        Some(unknown) if obstacle.reason.contains(&unknown.reason) => {
            Obstacle { help: unknown.help.clone(), place: unknown.place.clone(), ..obstacle }
        }
        Some(unknown) => Obstacle {
            reason: format!("{}: {}", obstacle.reason, unknown.reason),
            help: unknown.help.clone(),
            place: unknown.place.clone(),
        },
        None => obstacle,
    }
}

/// Whether the policy at a path of properties is one that is read here.
fn is_read(kind: &str, path: &str) -> bool {
    let path = path.trim_start_matches('/');
    kind.starts_with("AWS::IAM::") && kind != "AWS::IAM::GroupPolicy"
        || OWN.iter().any(|(owner, property)| *owner == kind && path == *property)
        || ATTACHED.iter().any(|(owner, _, property, _)| *owner == kind && path == *property)
        || (kind == "AWS::Events::EventBusPolicy" && path == "Statement")
}

/// Finds the policies of a stack.
struct Reader<'a> {
    stack: &'a Stack,
    defects: Vec<Defect>,
    obstacles: Vec<Obstacle>,
    assumptions: Vec<String>,
}

/// Types whose documents are policies of other resources: type, the property with the resource, that with the document,
/// and the types that the resource may have.
const ATTACHED: &[(&str, &str, &str, &[&str])] = &[
    ("AWS::S3::BucketPolicy", "Bucket", "PolicyDocument", &["AWS::S3::Bucket"]),
    ("AWS::SQS::QueuePolicy", "Queues", "PolicyDocument", &["AWS::SQS::Queue"]),
    ("AWS::SNS::TopicPolicy", "Topics", "PolicyDocument", &["AWS::SNS::Topic"]),
    ("AWS::SecretsManager::ResourcePolicy", "SecretId", "ResourcePolicy", &["AWS::SecretsManager::Secret"]),
    ("AWS::Kinesis::ResourcePolicy", "ResourceArn", "ResourcePolicy", &["AWS::Kinesis::Stream"]),
    ("AWS::Logs::ResourcePolicy", "ResourceArn", "PolicyDocument", &["AWS::Logs::LogGroup"]),
    ("AWS::SQS::QueueInlinePolicy", "Queue", "PolicyDocument", &["AWS::SQS::Queue"]),
    ("AWS::SNS::TopicInlinePolicy", "TopicArn", "PolicyDocument", &["AWS::SNS::Topic"]),
];

/// Types of roles and users.
const IDENTITIES: &[&str] = &["AWS::IAM::Role", "AWS::IAM::User"];

/// Properties that hold a resource's own policy.
const OWN: &[(&str, &str)] = &[
    ("AWS::KMS::Key", "KeyPolicy"),
    ("AWS::KMS::ReplicaKey", "KeyPolicy"),
    ("AWS::DynamoDB::Table", "ResourcePolicy/PolicyDocument"),
    ("AWS::DynamoDB::Table", "StreamSpecification/ResourcePolicy/PolicyDocument"),
    ("AWS::ECR::Repository", "RepositoryPolicyText"),
    ("AWS::Events::EventBus", "Policy"),
    ("AWS::ApiGateway::RestApi", "Policy"),
    ("AWS::EFS::FileSystem", "FileSystemPolicy"),
    ("AWS::OpenSearchService::Domain", "AccessPolicies"),
    ("AWS::Backup::BackupVault", "AccessPolicy"),
];

/// Types that grant in ways that no policy document shows, and what to do about them.
const PATHS: &[(&str, &str)] = &[
    ("AWS::S3::AccessPoint", "an access point has a policy of its own, beside the bucket's"),
    ("AWS::S3::AccessGrant", "an access grant opens a prefix to principals that no bucket policy names"),
    ("AWS::S3::MultiRegionAccessPoint", "a multi-region access point has a policy of its own"),
    ("AWS::RAM::ResourceShare", "a resource share grants beside all policies"),
    ("AWS::IAM::Group", "a group's policies reach users who are not in the template"),
    ("AWS::IAM::GroupPolicy", "a group's policies reach users who are not in the template"),
    ("AWS::IAM::UserToGroupAddition", "a group's policies reach users who are not in the template"),
    ("AWS::LakeFormation::PrincipalPermissions", "Lake Formation grants beside all policies"),
    ("AWS::LakeFormation::Permissions", "Lake Formation grants beside all policies"),
    ("AWS::SSO::Assignment", "what people sign in with is not in the template"),
    ("AWS::SSO::PermissionSet", "what people sign in with is not in the template"),
    ("AWS::EKS::PodIdentityAssociation", "who may use the role is said in a cluster"),
    ("AWS::DAX::Cluster", "a DAX cluster answers for whole tables, whatever the leading key"),
];

impl Reader<'_> {
    /// Something keeps what stands at a place from being known.
    fn blocked(&mut self, place: Place, reason: String, help: &str) {
        self.obstacles.push(Obstacle { place: Some(place), reason, help: help.to_owned() });
    }

    fn place(&self, logical_id: &str, property: &str) -> Place {
        let base = Place { file: self.stack.file.clone(), pointer: String::new() };
        property.split('/').fold(base.at("Resources").at(logical_id).at("Properties"), |place, step| place.at(step))
    }

    /// An item of a property, or the property if it is no list.
    fn item(&self, logical_id: &str, property: &str, properties: &Resolved, at: usize) -> Place {
        let place = self.place(logical_id, property);
        if matches!(properties.get(property), Some(Resolved::List(_))) { place.at(at) } else { place }
    }

    fn document(&mut self, name: &str, value: &Resolved, place: &Place) -> Shipped {
        // AWS::SNS::TopicPolicy and others also take the document as JSON in a string.
        let parsed = match value {
            Resolved::Text(text) => serde_json::from_str(text).ok().map(|value| Resolved::of_json(&value)),
            _ => None,
        };
        let value = parsed.unwrap_or_else(|| value.clone());
        let (document, defects) = read(&value, place);
        self.defects.extend(defects);
        Shipped { name: name.to_owned(), document, value }
    }

    /// The logical id of the resource of one of the types that a text names: by reference, name or ARN. Resources of
    /// other types may have the same name: a function and its role.
    fn named(&self, text: &str, kinds: &[&str]) -> Option<String> {
        self.stack
            .resources
            .iter()
            .filter(|resource| kinds.contains(&resource.kind.as_str()))
            .map(|resource| &resource.logical_id)
            .find(|id| {
                self.stack.reference(id).as_deref() == Some(text)
                    || self.stack.arn(id).as_deref() == Some(text)
                    || self.stack.physical_name(id).as_deref() == Some(text)
            })
            .cloned()
    }

    fn policies(&mut self) -> BTreeMap<String, Vec<Shipped>> {
        let mut found: BTreeMap<String, Vec<Shipped>> = BTreeMap::new();
        let stack = self.stack;
        for resource in &stack.resources {
            let (id, kind) = (&resource.logical_id, resource.kind.as_str());
            for (_, property) in OWN.iter().filter(|(owner, _)| *owner == kind) {
                let value = property.split('/').try_fold(&resource.properties, |value, step| value.get(step));
                if let Some(value) = value {
                    let place = self.place(id, property);
                    let shipped = self.document(&format!("the policy of {id}"), value, &place);
                    found.entry(id.clone()).or_default().push(shipped);
                }
            }
            for (_, target, property, kinds) in ATTACHED.iter().filter(|(policy, ..)| *policy == kind) {
                let Some(value) = resource.properties.get(property) else { continue };
                let place = self.place(id, property);
                let mut shipped = self.document(id, value, &place);
                if resource.may_be_absent.is_some() {
                    // It may not be there to refuse anything.
                    shipped.document.statements.retain(|statement| statement.effect == Effect::Allow);
                }
                let Some(targets) = resource.properties.get(target) else {
                    // A policy of the whole account: of its log groups, its keys.
                    if shipped.document.statements.iter().any(|one| one.effect == Effect::Allow) {
                        self.blocked(
                            self.place(id, property),
                            format!("`{id}` grants on everything of the account, and says not on what"),
                            &format!("name the resource in `{target}`, or leave it to a template of its own"),
                        );
                    }
                    continue;
                };
                for named in targets.items() {
                    let owner = named.text().and_then(|text| self.named(text, kinds));
                    match owner {
                        Some(owner) => found.entry(owner).or_default().push(shipped.clone()),
                        None if shipped.document.statements.iter().all(|one| one.effect == Effect::Deny) => {}
                        None => self.elsewhere(id, target),
                    }
                }
            }
            match kind {
                "AWS::KMS::Key" | "AWS::KMS::ReplicaKey" if resource.properties.get("KeyPolicy").is_none() => {
                    found.entry(id.clone()).or_default().extend(self.default_key_policy(resource));
                }
                "AWS::Lambda::Permission" => match self.permission(id, &resource.properties) {
                    Some((owner, shipped)) => found.entry(owner).or_default().push(shipped),
                    None => self.blocked(
                        self.place(id, "FunctionName"),
                        format!("`{id}` lets somebody call a function that is not in the template"),
                        "put the permission beside its function, and name that with `Ref` or `Fn::GetAtt`",
                    ),
                },
                "AWS::Events::EventBusPolicy" => {
                    let bus = resource.properties.get("EventBusName").and_then(Resolved::text);
                    let owner = bus.and_then(|bus| self.named(bus, &["AWS::Events::EventBus"]));
                    if owner.is_none() || resource.properties.get("Statement").is_none() {
                        self.blocked(
                            resource.place.clone(),
                            format!(
                                "`{id}` grants on a bus that is not in the template, or in a form that is not read"
                            ),
                            "put the policy beside its bus, as `EventBusName` and `Statement`",
                        );
                    }
                    if let (Some(owner), Some(value)) = (owner, resource.properties.get("Statement")) {
                        let place = self.place(id, "Statement");
                        let value = Resolved::Map(vec![
                            ("Version".to_owned(), Resolved::Text("2012-10-17".to_owned())),
                            ("Statement".to_owned(), value.clone()),
                        ]);
                        let mut shipped = self.document(id, &value, &place);
                        for statement in &mut shipped.document.statements {
                            statement.place = place.clone();
                        }
                        found.entry(owner).or_default().push(shipped);
                    }
                }
                _ => {}
            }
            for (_, why) in PATHS.iter().filter(|(path, _)| *path == kind) {
                self.blocked(
                    resource.place.clone(),
                    format!("`{id}` is outside of what is proved: {why}"),
                    "grant through identity and resource policies instead",
                );
            }
            self.acl(id, kind, &resource.properties);
        }
        found
    }

    /// A policy is about a resource that cannot be found.
    fn elsewhere(&mut self, id: &str, property: &str) {
        self.blocked(
            self.place(id, property),
            format!("`{id}` grants on something that is not in the template"),
            "put the policy beside its resource",
        );
    }

    /// What KMS gives to a key whose template gives it none: the account decides.
    /// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>
    fn default_key_policy(&mut self, resource: &Resource) -> Option<Shipped> {
        let root = format!("arn:{}:iam::{}:root", self.stack.partition, self.stack.account);
        let value = Resolved::of_json(&serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "Enable IAM User Permissions",
                "Effect": "Allow",
                "Principal": { "AWS": root },
                "Action": "kms:*",
                "Resource": "*",
            }],
        }));
        let mut shipped =
            self.document(&format!("the policy that {} has by default", resource.logical_id), &value, &resource.place);
        for statement in &mut shipped.document.statements {
            statement.place = resource.place.clone();
        }
        Some(shipped)
    }

    /// Grants beside policies: ACLs of buckets, and function URLs without a signature.
    fn acl(&mut self, id: &str, kind: &str, properties: &Resolved) {
        let text = |property: &str| properties.get(property).and_then(Resolved::text);
        if kind == "AWS::S3::Bucket" {
            let ownership = properties
                .get("OwnershipControls")
                .and_then(|controls| controls.get("Rules"))
                .and_then(|rules| rules.items().first())
                .and_then(|rule| rule.get("ObjectOwnership"))
                .and_then(Resolved::text);
            // `BucketOwnerEnforced` is what new buckets get since April 2023.
            let acls = ownership.is_some_and(|ownership| ownership != "BucketOwnerEnforced")
                || text("AccessControl").is_some_and(|acl| acl != "Private");
            if acls {
                let at = if ownership.is_some() { "OwnershipControls" } else { "AccessControl" };
                self.blocked(
                    self.place(id, at),
                    format!("`{id}` allows access control lists, which grant beside all policies"),
                    "set `ObjectOwnership: BucketOwnerEnforced`",
                );
            }
        }
        if kind == "AWS::Lambda::Url" && text("AuthType") != Some("AWS_IAM") {
            self.blocked(
                self.place(id, "AuthType"),
                format!("`{id}` lets everybody call the function"),
                "set `AuthType: AWS_IAM`, or put an API with an authorizer in front",
            );
        }
    }

    /// A function's permission, as the statement that it becomes.
    fn permission(&mut self, id: &str, properties: &Resolved) -> Option<(String, Shipped)> {
        let text = |property: &str| properties.get(property).and_then(Resolved::text);
        let named = text("FunctionName")?;
        // A version or an alias is named behind the function's ARN.
        let whole = named.match_indices(':').nth(6).map_or(named, |(end, _)| named.get(..end).unwrap_or(named));
        let owner = self.named(whole, &["AWS::Lambda::Function"])?;
        let place = self.place(id, "Principal");
        let principal = text("Principal")?.to_owned();
        let (kind, principal) = if principal == "*" {
            (Resolved::Text("*".to_owned()), Principal::Everyone)
        } else if principal.contains(".amazonaws.com") {
            let value = Resolved::Map(vec![("Service".to_owned(), Resolved::Text(principal.clone()))]);
            (value, Principal::Service(principal))
        } else {
            let value = Resolved::Map(vec![("AWS".to_owned(), Resolved::Text(principal.clone()))]);
            (value, Principal::Aws(principal))
        };
        let mut conditions: Vec<(String, Resolved)> = Vec::new();
        for (property, operator, key) in [
            ("SourceArn", "ArnLike", "AWS:SourceArn"),
            ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
            ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
            ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
            ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
        ] {
            let Some(value) = properties.get(property) else { continue };
            let entry = (key.to_owned(), value.clone());
            match conditions.iter_mut().find(|(known, _)| known == operator) {
                Some((_, Resolved::Map(keys))) => keys.push(entry),
                _ => conditions.push((operator.to_owned(), Resolved::Map(vec![entry]))),
            }
        }
        let arn = if whole == named { self.stack.arn(&owner)? } else { named.to_owned() };
        let action = text("Action").unwrap_or("lambda:InvokeFunction").to_owned();
        let mut statement = vec![
            ("Effect".to_owned(), Resolved::Text("Allow".to_owned())),
            ("Principal".to_owned(), kind),
            ("Action".to_owned(), Resolved::Text(action)),
            ("Resource".to_owned(), Resolved::Text(arn)),
        ];
        if !conditions.is_empty() {
            statement.push(("Condition".to_owned(), Resolved::Map(conditions)));
        }
        let value = Resolved::Map(vec![
            ("Version".to_owned(), Resolved::Text("2012-10-17".to_owned())),
            ("Statement".to_owned(), Resolved::List(vec![Resolved::Map(statement)])),
        ]);
        let mut shipped = self.document(id, &value, &place);
        let whole = Place { file: self.stack.file.clone(), pointer: String::new() }.at("Resources").at(id);
        for statement in &mut shipped.document.statements {
            statement.place = whole.clone();
            statement.principals = Some(Only { negated: false, values: vec![principal.clone()] });
        }
        Some((owner, shipped))
    }

    fn roles(&mut self) -> Vec<Role> {
        let stack = self.stack;
        let mut roles = Vec::new();
        for resource in &stack.resources {
            let (id, properties) = (&resource.logical_id, &resource.properties);
            if !IDENTITIES.contains(&resource.kind.as_str()) {
                continue;
            }
            let Some(arn) = stack.arn(id) else {
                self.blocked(resource.place.clone(), format!("the ARN of `{id}` cannot be known"), "give it a name");
                continue;
            };
            let trust = properties.get("AssumeRolePolicyDocument").map(|value| {
                let place = self.place(id, "AssumeRolePolicyDocument");
                self.document(&format!("the trust policy of {id}"), value, &place)
            });
            let mut identity = Vec::new();
            for (at, policy) in properties.get("Policies").map(Resolved::items).unwrap_or_default().iter().enumerate() {
                let Some(value) = policy.get("PolicyDocument") else {
                    self.blocked(
                        self.item(id, "Policies", properties, at),
                        format!("a policy of `{id}` cannot be read"),
                        "write `PolicyName` and `PolicyDocument`",
                    );
                    continue;
                };
                let place = self.place(id, &format!("Policies/{at}/PolicyDocument"));
                let name = policy.get("PolicyName").and_then(Resolved::text).unwrap_or("inline").to_owned();
                let shipped = self.document(&format!("{id}: {name}"), value, &place);
                identity.push(shipped);
            }
            for (at, managed) in
                properties.get("ManagedPolicyArns").map(Resolved::items).unwrap_or_default().iter().enumerate()
            {
                let place = self.item(id, "ManagedPolicyArns", properties, at);
                let shipped = self.managed(managed, &place);
                identity.extend(shipped);
            }
            let before = self.obstacles.len();
            let boundary = properties.get("PermissionsBoundary").and_then(|value| {
                let place = self.place(id, "PermissionsBoundary");
                Some(vec![self.managed(value, &place)?])
            });
            let unknown_boundary = self.obstacles.drain(before..).next().map(|obstacle| Obstacle {
                reason: format!("what the boundary of `{id}` leaves is not known: {}", obstacle.reason),
                help: "make the boundary a managed policy of the template".to_owned(),
                ..obstacle
            });
            if unknown_boundary.is_some() {
                let file = &stack.file;
                self.assumptions
                    .push(format!("the boundary of `{id}` of {file} was not read, and nothing rests on it"));
            }
            if properties.get("Groups").is_some_and(|groups| !groups.items().is_empty()) {
                self.blocked(
                    self.place(id, "Groups"),
                    format!("`{id}` is in a group, whose policies are not its own"),
                    "give a role what it needs instead",
                );
            }
            roles.push(Role {
                logical_id: id.clone(),
                place: resource.place.clone(),
                arn,
                trust,
                identity,
                boundary,
                unknown_boundary,
                tags: resource.tags(),
            });
        }
        for resource in &stack.resources {
            let kind = resource.kind.as_str();
            if !matches!(
                kind,
                "AWS::IAM::Policy" | "AWS::IAM::RolePolicy" | "AWS::IAM::UserPolicy" | "AWS::IAM::ManagedPolicy"
            ) {
                continue;
            }
            let (id, properties) = (&resource.logical_id, &resource.properties);
            let place = self.place(id, "PolicyDocument");
            let Some(value) = properties.get("PolicyDocument") else {
                self.blocked(
                    resource.place.clone(),
                    format!("the policy of `{id}` cannot be read"),
                    "write a `PolicyDocument`",
                );
                continue;
            };
            let mut shipped = self.document(id, value, &place);
            if resource.may_be_absent.is_some() {
                shipped.document.statements.retain(|statement| statement.effect == Effect::Allow);
            }
            if properties.get("Groups").is_some_and(|groups| !groups.items().is_empty()) {
                self.blocked(
                    self.place(id, "Groups"),
                    format!("`{id}` gives rights to a group, whose users are not in the template"),
                    "give them to roles instead",
                );
            }
            for property in ["Roles", "RoleName", "Users", "UserName"] {
                for named in properties.get(property).map(Resolved::items).unwrap_or_default() {
                    let owner = named.text().and_then(|text| self.named(text, IDENTITIES));
                    match owner.and_then(|owner| roles.iter_mut().find(|role| role.logical_id == owner)) {
                        Some(role) => role.identity.push(shipped.clone()),
                        None => self.blocked(
                            self.place(id, property),
                            format!("`{id}` gives rights to somebody who is not in the template"),
                            "put the policy beside its role",
                        ),
                    }
                }
            }
        }
        roles
    }

    /// A managed policy by its ARN: one of the template, or none that is known.
    fn managed(&mut self, value: &Resolved, place: &Place) -> Option<Shipped> {
        let text = value.text();
        if let Some(id) = text.and_then(|text| self.named(text, &["AWS::IAM::ManagedPolicy"]))
            && let Some(resource) = self.stack.resource(&id)
        {
            let document = resource.properties.get("PolicyDocument")?.clone();
            // Its own loop attaches it too if it lists its roles; attached twice says no more than once.
            let place = self.place(&id, "PolicyDocument");
            return Some(self.document(&id, &document, &place));
        }
        if let Some(known) = text.and_then(super::actions::managed_policy) {
            let mut shipped = self.document(text.unwrap_or_default(), &Resolved::of_json(known), place);
            for statement in &mut shipped.document.statements {
                statement.place = place.clone();
            }
            return Some(shipped);
        }
        self.blocked(
            place.clone(),
            match text {
                Some(text) => format!("what the managed policy `{text}` grants is not in the template"),
                None => "what a managed policy grants is not in the template".to_owned(),
            },
            "write its statements into the role, as far as they are needed",
        );
        None
    }
}

impl Role {
    /// Whether somebody may hand session tags to it, as far as its trust policy shows at a glance.
    #[must_use]
    pub fn takes_tags(&self, means: &dyn Fn(&Statement, &str) -> bool) -> bool {
        self.trust.as_ref().is_some_and(|trust| {
            trust
                .document
                .statements
                .iter()
                .any(|statement| statement.effect == Effect::Allow && means(statement, "sts:TagSession"))
        })
    }

    /// Whether only Lambda functions run with it.
    #[must_use]
    pub fn is_for_functions(&self) -> bool {
        let Some(trust) = &self.trust else { return false };
        let allowing = trust.document.statements.iter().filter(|statement| statement.effect == Effect::Allow);
        let mut any = false;
        for statement in allowing {
            any = true;
            let lambda = Principal::Service("lambda.amazonaws.com".to_owned());
            match &statement.principals {
                Some(Only { negated: false, values }) if values.iter().all(|value| *value == lambda) => {}
                _ => return false,
            }
        }
        any
    }
}
