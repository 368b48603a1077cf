//! What tenant B owns, and what the ownership rests on.

use std::collections::{BTreeMap, BTreeSet};

use super::actions::{Class, class, on};
use super::automaton::{Part, Shape};
use super::proof::{Claim, Obstacle};
use super::question::Known;
use super::template::{Resource, iam_types, service};
use super::tenancy::{Actor, Deployed, Owner, Scope, Tenancy};
use super::text::{CharSet, Text};
use super::unread::{self, Unknown};
use super::world::{Side, World};
use crate::cfn::catalogue::{Action, Catalogue};

/// A resource that is asked for.
#[derive(Debug, Clone)]
pub struct Target {
    /// A name for evidence: `basic-cell/OrdersTable42d78c4e`.
    pub id: String,
    /// The instance that it is in.
    pub instance: usize,
    /// Its logical id.
    pub logical_id: String,
    /// What is asked of it.
    pub parts: Vec<Slice>,
    /// Its account.
    pub account: Text,
    /// Its region.
    pub region: Text,
    /// Its tags.
    pub tags: BTreeMap<String, Text>,
}

/// One thing that may not be done to a resource.
#[derive(Debug, Clone)]
pub struct Slice {
    /// A name for evidence: `item`, `whole`, `control`.
    pub name: &'static str,
    /// Which claim it belongs to.
    pub claim: Claim,
    /// What it is in plain words: "items of tenant B in `Orders`".
    pub words: String,
    /// The actions.
    pub actions: Vec<Action>,
    /// The ARNs.
    pub shapes: Vec<Shape>,
    /// What is known of the request's keys because of what is asked for.
    pub keys: Vec<(String, Known)>,
    /// Whether identity policies are not enough.
    pub resource_decides: bool,
    /// Roles of the same stack that are allowed to, by logical id.
    pub exempt: Vec<String>,
    /// What would have stopped a request: for the story of a counterexample.
    pub guard: &'static str,
}

/// What would have stopped somebody from what only code keeps apart.
pub(super) const THROUGH: &str = "only the roles that the declaration names should reach it";

/// Types that policies can name.
fn has_actions(kind: &str) -> bool {
    service(kind).is_some()
}

/// Everything that is asked for.
#[must_use]
pub fn targets(world: &mut World, tenancy: &Tenancy) -> Vec<Target> {
    let mut found = Vec::new();
    let mut obstacles = Vec::new();
    let other_region = world.other_region();
    let mut notes: Vec<String> = Vec::new();
    // What can be done to a type is looked up once, not once a resource.
    let kinds: BTreeSet<&str> = world
        .instances
        .iter()
        .flat_map(|instance| &instance.stack.resources)
        .map(|resource| resource.kind.as_str())
        .collect();
    let known: Doable = kinds
        .into_iter()
        .map(|kind| {
            let actions = service(kind).map(|service| on(service, iam_types(kind))).unwrap_or_default();
            (kind.to_owned(), actions.into_iter().map(|action| (action, class(action))).collect())
        })
        .collect();
    for (at, instance) in world.instances.iter().enumerate() {
        if instance.side == Side::Asker {
            continue;
        }
        let Some(deployed) = tenancy.templates.get(instance.deployed) else { continue };
        let maker = Maker { world, deployed, at, side: instance.side, known: &known };
        found.push(maker.stack());
        for resource in &instance.stack.resources {
            let is_the_same = instance.side == Side::OtherCell && maker.is_the_same(&resource.logical_id);
            match maker.target(resource, &mut notes) {
                Ok(Some(target)) if is_the_same => found.extend(target.elsewhere(&instance.stack.region, other_region)),
                Ok(Some(target)) => found.push(target),
                Ok(None) => {}
                Err(obstacle) if instance.side != Side::OtherCell => obstacles.push(obstacle),
                Err(_) => {}
            }
        }
    }
    found.extend(accounts(world));
    world.obstacles.extend(obstacles);
    world.assumptions.extend(notes);
    found
}

/// The accounts themselves: whoever makes or changes a principal in one can have all that is in it.
fn accounts(world: &World) -> Vec<Target> {
    let mut found: Vec<Target> = Vec::new();
    let types = ["role", "user", "group", "policy", "instance-profile", "oidc-provider", "saml-provider"];
    let mut actions = on("iam", &types);
    // It makes roles for services alone, with policies that AWS writes.
    actions.retain(|action| class(*action) == Class::Control && action.name() != "CreateServiceLinkedRole");
    for (at, instance) in world.instances.iter().enumerate() {
        // What tenant A may do in an account of its own harms nobody else.
        let own = instance.side == Side::Asker
            && world
                .instances
                .iter()
                .all(|other| other.side == Side::Asker || other.stack.account != instance.stack.account);
        if own || found.iter().any(|known| known.account == instance.stack.account) {
            continue;
        }
        let of_whom = if instance.side == Side::Owner { " of tenant B" } else { "" };
        found.push(Target {
            id: format!("{}/account", instance.name),
            instance: at,
            logical_id: String::new(),
            parts: vec![Slice {
                name: "principals",
                claim: Claim::Control,
                words: format!("the roles, users and policies of the account{of_whom}"),
                actions: actions.clone(),
                shapes: vec![Shape::starting(&format!("arn:aws:iam::{}:", instance.stack.account))],
                keys: Vec::new(),
                resource_decides: false,
                exempt: Vec::new(),
                guard: "no role of the product may make or change principals, or pass roles on",
            }],
            account: instance.stack.account.clone(),
            region: instance.stack.region.clone(),
            tags: BTreeMap::new(),
        });
    }
    found
}

/// The actions on types of resources, and what they reach.
type Doable = BTreeMap<String, Vec<(Action, Class)>>;

struct Maker<'a> {
    known: &'a Doable,
    world: &'a World,
    deployed: &'a Deployed,
    at: usize,
    side: Side,
}

impl Maker<'_> {
    fn name(&self) -> &str {
        self.world.instances.get(self.at).map_or("", |instance| instance.name.as_str())
    }

    fn account(&self) -> Text {
        self.world.instances.get(self.at).map(|instance| instance.stack.account.clone()).unwrap_or_default()
    }

    fn region(&self) -> Text {
        self.world.instances.get(self.at).map(|instance| instance.stack.region.clone()).unwrap_or_default()
    }

    fn shapes(&self, logical_id: &str) -> Vec<Shape> {
        let Some(instance) = self.world.instances.get(self.at) else { return Vec::new() };
        instance
            .stack
            .owned_arns(logical_id)
            .iter()
            .map(|(text, any)| if *any { Shape::starting(text) } else { Shape::text(text) })
            .collect()
    }

    /// Whether the resource of another cell has the very name of this cell's. A second stack could not make it in the same
    /// account and region.
    fn is_the_same(&self, logical_id: &str) -> bool {
        let Some(own) = self.world.instances.get(self.at) else { return false };
        let of = |side| {
            let mut instances = self.world.instances.iter();
            let instance = instances.find(|one| one.deployed == own.deployed && one.side == side)?;
            let mut arns = instance.stack.owned_arns(logical_id);
            let region = instance.stack.region.as_str();
            arns.iter_mut().for_each(|(arn, _)| *arn = arn.replace(region, "the region"));
            Some(arns).filter(|arns| !arns.is_empty())
        };
        matches!((of(Side::Shared), of(Side::OtherCell)), (Some(one), Some(other)) if one == other)
    }

    /// The stack itself.
    fn stack(&self) -> Target {
        let Some(instance) = self.world.instances.get(self.at) else { return Target::none() };
        let arn = format!(
            "arn:aws:cloudformation:{}:{}:stack/{}/",
            instance.stack.region, instance.stack.account, instance.stack.stack_name
        );
        let owned = self.deployed.scope == Scope::Tenant;
        let actions = on("cloudformation", &["stack"])
            .into_iter()
            .filter(|action| owned || class(*action) == Class::Control)
            .collect();
        Target {
            id: format!("{}/stack", self.name()),
            instance: self.at,
            logical_id: String::new(),
            parts: vec![Slice {
                name: "control",
                claim: Claim::Control,
                words: format!("the stack {}", self.name()),
                actions,
                shapes: vec![Shape::starting(&arn)],
                keys: Vec::new(),
                resource_decides: false,
                exempt: Vec::new(),
                guard: "no role of the product may work on stacks",
            }],
            account: self.account(),
            region: self.region(),
            tags: BTreeMap::new(),
        }
    }

    fn target(&self, resource: &Resource, notes: &mut Vec<String>) -> Result<Option<Target>, Obstacle> {
        let (id, kind) = (resource.logical_id.as_str(), resource.kind.as_str());
        let parts = if kind == "AWS::IAM::Role" {
            self.role(id)
        } else {
            let owner = match (self.deployed.owners.get(id), self.side) {
                (Some(owner), _) => owner,
                (None, Side::Owner) => &Owner::Tenant,
                (None, _) => {
                    return if !has_actions(kind) && !holds_data(kind) {
                        if unread::unknown_type(kind).is_some() {
                            notes.push(unread::assumption(self.deployed, id, kind));
                        }
                        Ok(None)
                    } else if holds_data(kind) {
                        Err(Obstacle {
                            place: Some(resource.place.clone()),
                            reason: format!("nobody said whose the data in `{id}` is"),
                            help: declare(id, kind),
                        })
                    } else {
                        Ok(Some(self.finish(resource, self.platform(id, kind))))
                    };
                }
            };
            let wrong = |what: &str| Obstacle {
                place: Some(resource.place.clone()),
                reason: format!("`{id}` is declared as {what}, which a resource of type {kind} cannot be"),
                help: "declare another owner".to_owned(),
            };
            match owner {
                Owner::Application { .. } | Owner::Tenant if unread::unknown_type(kind) == Some(Unknown::Matters) => {
                    return Err(Obstacle {
                        place: Some(resource.place.clone()),
                        reason: format!(
                            "how policies name `{id}` is not known, because nothing is known of the type {kind}"
                        ),
                        help: format!(
                            "if no tenant's data is in it, declare it: `{id}: {{ platform: {{ reason: … }} }}`"
                        ),
                    });
                }
                Owner::Application { .. } | Owner::Platform { .. } | Owner::Tenant if !has_actions(kind) => {
                    if unread::unknown_type(kind).is_some() {
                        notes.push(unread::assumption(self.deployed, id, kind));
                    }
                    return Ok(None);
                }
                Owner::Tenant if self.side == Side::Owner => self.everything(id, kind),
                Owner::Tenant => {
                    return Err(Obstacle {
                        place: Some(resource.place.clone()),
                        reason: format!("`{id}` is declared as one tenant's, and is in a stack that tenants share"),
                        help: "declare by which key its data belongs to tenants".to_owned(),
                    });
                }
                Owner::PartitionKey { pattern } if is_table(kind) => self.table(id, kind, pattern),
                Owner::PartitionKey { .. } => return Err(wrong("a table")),
                Owner::ObjectKey { pattern } if kind == "AWS::S3::Bucket" => self.bucket(id, kind, pattern),
                Owner::ObjectKey { .. } => return Err(wrong("a bucket")),
                Owner::EncryptionContext { key, pattern } if is_key(kind) => self.key(id, kind, Some((key, pattern))),
                Owner::EncryptionContext { .. } => return Err(wrong("a key")),
                Owner::Services { reason } if is_key(kind) => {
                    notes.push(format!(
                        "services that use the key `{id}` for somebody check that somebody's access to the data: {reason}"
                    ));
                    self.key(id, kind, None)
                }
                Owner::Services { .. } => return Err(wrong("a key")),
                Owner::Application { through, .. } => self.application(id, kind, through),
                Owner::Platform { .. } => self.platform(id, kind),
            }
        };
        if !parts.is_empty() && parts.iter().any(|part| !part.actions.is_empty() && part.shapes.is_empty()) {
            return Err(Obstacle {
                place: Some(resource.place.clone()),
                reason: format!("how policies name `{id}` cannot be known"),
                help: "give it a name, or leave it out of the template".to_owned(),
            });
        }
        Ok(Some(self.finish(resource, parts)))
    }

    fn finish(&self, resource: &Resource, mut parts: Vec<Slice>) -> Target {
        if self.side == Side::OtherCell {
            parts.iter_mut().for_each(|part| part.words.push_str(" of another cell"));
        }
        Target {
            id: format!("{}/{}", self.name(), resource.logical_id),
            instance: self.at,
            logical_id: resource.logical_id.clone(),
            parts,
            account: self.account(),
            region: self.region(),
            tags: resource.tags(),
        }
    }

    /// The actions on the type, of the classes.
    fn actions(&self, kind: &str, classes: &[Class]) -> Vec<Action> {
        let known = self.known.get(kind).map(Vec::as_slice).unwrap_or_default();
        known.iter().filter(|(_, class)| classes.contains(class)).map(|(action, _)| *action).collect()
    }

    /// What the owner's own resource is, whatever is done to it.
    fn everything(&self, id: &str, kind: &str) -> Vec<Slice> {
        let all = [Class::Keyed, Class::Data, Class::Metadata, Class::Control];
        vec![Slice {
            name: "own",
            claim: Claim::Data,
            words: format!("`{id}` of tenant B"),
            actions: self.actions(kind, &all),
            shapes: self.shapes(id),
            keys: Vec::new(),
            resource_decides: is_key(kind),
            exempt: Vec::new(),
            guard: "the role's policy should name its own tenant's resources, and no others",
        }]
    }

    fn control(&self, id: &str, kind: &str) -> Slice {
        Slice {
            name: "control",
            claim: Claim::Control,
            words: format!("the settings of `{id}`"),
            actions: self.actions(kind, &[Class::Control]),
            shapes: self.shapes(id),
            keys: Vec::new(),
            resource_decides: is_key(kind),
            exempt: Vec::new(),
            guard: "no role of the product may change what it works on",
        }
    }

    fn whole(&self, id: &str, kind: &str, words: String, classes: &[Class]) -> Slice {
        Slice {
            name: "whole",
            claim: Claim::Data,
            words,
            actions: self.actions(kind, classes),
            shapes: self.shapes(id),
            keys: Vec::new(),
            resource_decides: is_key(kind),
            exempt: Vec::new(),
            guard: "only actions that name the tenant's part should be granted",
        }
    }

    fn table(&self, id: &str, kind: &str, pattern: &str) -> Vec<Slice> {
        let keyed = self.actions(kind, &[Class::Keyed]);
        let item = Slice {
            name: "item",
            claim: Claim::Data,
            words: format!("items of tenant B in `{id}`"),
            actions: keyed.clone(),
            shapes: self.shapes(id),
            keys: vec![("dynamodb:leadingkeys".to_owned(), Known::Including(vec![self.owned(pattern)]))],
            resource_decides: false,
            exempt: Vec::new(),
            guard: "the role's policy should compare `dynamodb:LeadingKeys` with the tenant of the session",
        };
        let keyless = Slice {
            name: "keyless",
            words: format!("all items of `{id}`, by a request that names no key"),
            keys: vec![("dynamodb:leadingkeys".to_owned(), Known::Absent)],
            guard: "a `Null` condition should refuse requests without `dynamodb:LeadingKeys`",
            ..item.clone()
        };
        let mut whole = self.whole(id, kind, format!("all items of `{id}`"), &[Class::Data]);
        whole.keys.push(("dynamodb:leadingkeys".to_owned(), Known::Absent));
        vec![item, keyless, whole, self.control(id, kind)]
    }

    fn bucket(&self, id: &str, kind: &str, pattern: &str) -> Vec<Slice> {
        let Some(instance) = self.world.instances.get(self.at) else { return Vec::new() };
        let arn = instance.stack.arn(id).unwrap_or_default();
        let mut object = Shape::text(&format!("{arn}/"));
        object.0.extend(self.owned(pattern).0);
        let objects = Slice {
            name: "object",
            claim: Claim::Data,
            words: format!("objects of tenant B in `{id}`"),
            actions: on("s3", &["object"]),
            shapes: vec![object],
            keys: Vec::new(),
            resource_decides: false,
            exempt: Vec::new(),
            guard: "the role's policy should name objects under the tenant's prefix only",
        };
        let listing = Slice {
            name: "list",
            words: format!("the names of tenant B's objects in `{id}`"),
            actions: self.actions(kind, &[Class::Keyed]),
            shapes: vec![Shape::text(&arn)],
            keys: vec![("s3:prefix".to_owned(), Known::Among { optional: true, shapes: self.prefixes(pattern) })],
            guard: "listing should need `s3:prefix` to be the tenant's own prefix",
            ..objects.clone()
        };
        let mut control = self.control(id, kind);
        control.shapes = vec![Shape::text(&arn)];
        control.actions.retain(|action| action.resource_types().all(|used| used.resource_type.name() != "object"));
        vec![objects, listing, control]
    }

    fn key(&self, id: &str, kind: &str, context: Option<(&str, &str)>) -> Vec<Slice> {
        let mut used = self.whole(id, kind, format!("what `{id}` encrypts"), &[Class::Keyed]);
        match context {
            Some((key, pattern)) => {
                used.words = format!("what `{id}` encrypts for tenant B");
                let shapes = vec![self.owned(pattern)];
                // What was encrypted in a context is decrypted in no other.
                used.keys.push((
                    format!("kms:encryptioncontext:{}", key.to_ascii_lowercase()),
                    Known::Among { optional: false, shapes },
                ));
                used.guard = "the role's policy should compare the encryption context with the tenant of the session";
            }
            None => used.guard = "the role's policy should allow the key through services only: `kms:ViaService`",
        }
        // A request through a service is the service's: it checks access to the data itself.
        used.keys.push(("kms:viaservice".to_owned(), Known::Absent));
        used.name = "use";
        let other = self.whole(id, kind, format!("other uses of `{id}`"), &[Class::Data]);
        vec![used, other, self.control(id, kind)]
    }

    fn application(&self, id: &str, kind: &str, through: &[String]) -> Vec<Slice> {
        let mut whole = self.whole(id, kind, format!("what tenants keep in `{id}`"), &[Class::Keyed, Class::Data]);
        whole.exempt = through.to_vec();
        whole.guard = THROUGH;
        vec![whole, self.control(id, kind)]
    }

    fn platform(&self, id: &str, kind: &str) -> Vec<Slice> {
        vec![self.control(id, kind)]
    }

    fn role(&self, id: &str) -> Vec<Slice> {
        let declared = self.deployed.roles.get(id);
        let (words, exempt, name) = match (declared, self.side) {
            (Some(Actor::Session { minted_by, .. }), _) => {
                (format!("a session in the name of tenant B in role `{id}`"), minted_by.clone(), "mint")
            }
            (_, Side::Owner) => (format!("a session in role `{id}` of tenant B"), Vec::new(), "assume"),
            _ => (format!("a session in role `{id}`"), Vec::new(), "assume"),
        };
        let sts = Catalogue::shipped().service("sts");
        let assume = ["AssumeRole", "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"];
        let actions = assume.iter().filter_map(|name| sts?.action(name)).collect();
        let mut control = self.control(id, "AWS::IAM::Role");
        if self.side == Side::Owner {
            control.actions = self.actions("AWS::IAM::Role", &[Class::Data, Class::Metadata, Class::Control]);
        }
        vec![
            Slice {
                name,
                claim: Claim::Mint,
                words,
                actions,
                shapes: self.shapes(id),
                keys: Vec::new(),
                resource_decides: true,
                exempt,
                guard: "the role's trust policy should name who may assume it, for which tenant",
            },
            control,
        ]
    }

    /// The strings that a pattern of the declaration gives to tenant B.
    fn owned(&self, pattern: &str) -> Shape {
        let mut shape = Shape::default();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once("${tenant}") {
            self.push(before, &mut shape);
            shape.0.push(Part::Char(self.world.owner));
            rest = after;
        }
        self.push(rest, &mut shape);
        shape
    }

    fn push(&self, text: &str, shape: &mut Shape) {
        for character in text.chars() {
            shape.0.push(match character {
                '*' => Part::Many(CharSet::ALL),
                other => Part::Char(other),
            });
        }
    }

    /// The prefixes that show an object of tenant B when they are listed: those of its name, and those that it begins.
    fn prefixes(&self, pattern: &str) -> Vec<Shape> {
        let whole = self.owned(pattern);
        let fixed: Vec<Part> = whole.0.iter().copied().take_while(|part| matches!(part, Part::Char(_))).collect();
        let mut shapes: Vec<Shape> =
            (0..=fixed.len()).map(|end| Shape(fixed.iter().copied().take(end).collect())).collect();
        // A beginning of the id that is not all of it.
        if let Some(at) = fixed.iter().position(|part| *part == Part::Char(self.world.owner)) {
            let mut beginning: Vec<Part> = fixed.iter().copied().take(at).collect();
            beginning.push(Part::One(self.world.id_alphabet));
            beginning.push(Part::Many(self.world.id_alphabet));
            shapes.push(Shape(beginning));
        }
        shapes.push(whole);
        shapes
    }
}

impl Target {
    /// The resource of the same name in another region, as far as regions tell them apart.
    fn elsewhere(mut self, region: &str, other: char) -> Option<Self> {
        let mut own = region.chars();
        let own = own.next().filter(|_| own.next().is_none())?;
        for part in &mut self.parts {
            part.shapes.retain(|shape| shape.0.contains(&Part::Char(own)));
            for piece in part.shapes.iter_mut().flat_map(|shape| &mut shape.0) {
                if *piece == Part::Char(own) {
                    *piece = Part::Char(other);
                }
            }
        }
        self.parts.retain(|part| !part.shapes.is_empty());
        self.region = other.to_string();
        (!self.parts.is_empty()).then_some(self)
    }

    fn none() -> Self {
        Self {
            id: String::new(),
            instance: 0,
            logical_id: String::new(),
            parts: Vec::new(),
            account: Text::new(),
            region: Text::new(),
            tags: BTreeMap::new(),
        }
    }
}

/// What to write for a resource whose owner nobody said.
fn declare(id: &str, kind: &str) -> String {
    let owner = match kind {
        _ if is_table(kind) => "partitionKey: { pattern: \"${tenant}\" }",
        "AWS::S3::Bucket" => "objectKey: { pattern: \"${tenant}/*\" }",
        _ if is_key(kind) => "encryptionContext: { key: tenant, pattern: \"${tenant}\" }",
        _ if has_actions(kind) => "application: { reason: …, through: […] }",
        _ => {
            return format!(
                "if no tenant's data is in it, add it to `owners`: `{id}: {{ platform: {{ reason: … }} }}`"
            );
        }
    };
    format!("add it to `owners`, such as `{id}: {{ {owner} }}`; or `{id}: {{ platform: {{ reason: … }} }}`")
}

fn is_table(kind: &str) -> bool {
    matches!(kind, "AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable")
}

fn is_key(kind: &str) -> bool {
    matches!(kind, "AWS::KMS::Key" | "AWS::KMS::ReplicaKey")
}

/// Whether resources of the type hold data, messages, secrets, logs or code, or may, for all that is known: in a shared
/// stack somebody must say whose those are. What the schema of resource types marks, and what one could rebuild and still
/// must not show.
fn holds_data(kind: &str) -> bool {
    const MORE: &[&str] = &[
        "AWS::SQS::Queue",
        "AWS::SNS::Topic",
        "AWS::KMS::Key",
        "AWS::KMS::ReplicaKey",
        "AWS::Kinesis::Stream",
        "AWS::KinesisFirehose::DeliveryStream",
        "AWS::SecretsManager::Secret",
        "AWS::SSM::Parameter",
        "AWS::Logs::LogGroup",
        "AWS::Lambda::Function",
        "AWS::Events::EventBus",
        "AWS::Events::Archive",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::StepFunctions::StateMachine",
    ];
    let stateful = crate::cfn::schema::find(kind).is_some_and(|facts| facts.is_stateful());
    stateful || MORE.contains(&kind) || unread::unknown_type(kind) == Some(Unknown::Matters)
}
