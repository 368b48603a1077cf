//! Components: the parts of a product, as its author thinks of them.
//!
//! A component says nothing about CloudFormation; `render` turns it into resources. Every setting has a default
//! that is secure, and a setting that weakens one is a finding of `check`.

use std::collections::BTreeMap;

use super::{ComponentName, TenantKey};
use crate::diagnostics::Origin;

/// What another component, or the outside, may ask of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribute {
    /// The physical name.
    Name,
    /// The Amazon Resource Name.
    Arn,
    /// The identifier the service gave it.
    Id,
    /// The URL or endpoint.
    Url,
    /// A user pool's app client.
    ClientId,
}

impl Attribute {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Name, Self::Arn, Self::Id, Self::Url, Self::ClientId];

    /// The word a blueprint uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Arn => "arn",
            Self::Id => "id",
            Self::Url => "url",
            Self::ClientId => "client_id",
        }
    }

    /// The attribute of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attribute| attribute.as_str() == word)
    }
}

/// A component's attribute, asked for by another component.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The component.
    pub component: ComponentName,
    /// What is asked of it.
    pub attribute: Attribute,
}

/// One piece of a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Piece {
    /// Text as it is.
    Literal(String),
    /// An attribute of a component of the same tier.
    Reference(Reference),
}

/// Text that may name attributes of other components: `${Orders.name}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Text(pub Vec<Piece>);

impl Text {
    /// Text without references.
    #[must_use]
    pub fn literal(text: impl Into<String>) -> Self {
        Self(vec![Piece::Literal(text.into())])
    }

    /// The references in the text.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Reference(reference) => Some(reference),
            Piece::Literal(_) => None,
        })
    }
}

/// An attribute of a table's items.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyAttribute {
    /// The attribute's name.
    pub name: String,
    /// Whether it is a number; text otherwise.
    pub number: bool,
}

impl KeyAttribute {
    /// A text attribute.
    #[must_use]
    pub fn text(name: impl Into<String>) -> Self {
        Self { name: name.into(), number: false }
    }

    /// A number attribute.
    #[must_use]
    pub fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), number: true }
    }
}

impl From<&str> for KeyAttribute {
    fn from(name: &str) -> Self {
        Self::text(name)
    }
}

/// A second way to look a table up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Index {
    /// The index's name.
    pub name: String,
    /// The attribute looked up by.
    pub by: KeyAttribute,
}

/// A DynamoDB table, paid per request, encrypted, with point-in-time recovery and deletion protection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Table {
    /// The attribute that finds an item.
    pub partition_key: KeyAttribute,
    /// The attribute that orders items of one partition.
    pub sort_key: Option<KeyAttribute>,
    /// What keeps tenants apart where the table is pooled.
    pub tenant_key: Option<TenantKey>,
    /// Global secondary indexes.
    pub indexes: Vec<Index>,
    /// The attribute that holds an item's expiry, in seconds since 1970.
    pub time_to_live: Option<String>,
    /// Whether changes are streamed.
    pub stream: bool,
    /// The key the table is encrypted with; an AWS managed key when absent.
    pub encrypt_with: Option<ComponentName>,
    /// Point-in-time recovery.
    pub point_in_time_recovery: bool,
    /// Refuse to be deleted.
    pub deletion_protection: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            partition_key: KeyAttribute::text("id"),
            sort_key: None,
            tenant_key: None,
            indexes: Vec::new(),
            time_to_live: None,
            stream: false,
            encrypt_with: None,
            point_in_time_recovery: true,
            deletion_protection: true,
        }
    }
}

/// An S3 bucket: private, versioned, encrypted, TLS only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bucket {
    /// What keeps tenants apart where the bucket is pooled: the first segment of an object's key.
    pub tenant_key: Option<TenantKey>,
    /// Whether old versions of objects are kept.
    pub versioned: bool,
    /// Days after which old versions are deleted; kept for ever when absent.
    pub expire_old_versions_days: Option<u32>,
    /// Days an object cannot be deleted by anybody (S3 Object Lock, compliance mode).
    pub lock_days: Option<u32>,
    /// The key the bucket is encrypted with; an S3 managed key when absent.
    pub encrypt_with: Option<ComponentName>,
}

impl Default for Bucket {
    fn default() -> Self {
        Self { tenant_key: None, versioned: true, expire_old_versions_days: None, lock_days: None, encrypt_with: None }
    }
}

/// An SQS queue with a dead-letter queue, encrypted, TLS only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Queue {
    /// What says which tenant a message is for where the queue is pooled; also the message group, so that the
    /// queue serves tenants fairly.
    pub tenant_key: Option<TenantKey>,
    /// Seconds a message is hidden while it is worked on.
    pub visibility_timeout_seconds: u32,
    /// Days a message is kept.
    pub retention_days: u32,
    /// How often a message is tried before it goes to the dead-letter queue.
    pub max_receives: u32,
    /// The key messages are encrypted with; an SQS managed key when absent.
    pub encrypt_with: Option<ComponentName>,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            tenant_key: None,
            visibility_timeout_seconds: 90,
            retention_days: 14,
            max_receives: 5,
            encrypt_with: None,
        }
    }
}

/// Where a function's code comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The source text itself: at most 4 MiB, Node.js and Python only.
    Inline(String),
    /// An object that is already in S3.
    S3 {
        /// The bucket.
        bucket: String,
        /// The object's key.
        key: String,
    },
    /// A `.zip` file beside the blueprint; it becomes a part of the assembly, under its digest.
    Asset(String),
}

/// A Lambda function with a role and a log group of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Function {
    /// The runtime, such as `nodejs22.x`.
    pub runtime: String,
    /// The entry point, such as `index.handler`.
    pub handler: String,
    /// The code.
    pub code: Code,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Longest run, in seconds.
    pub timeout_seconds: u32,
    /// Environment variables.
    pub environment: BTreeMap<String, Text>,
    /// How many runs there may be at once; the account's limit when absent.
    pub reserved_concurrency: Option<u32>,
    /// Days logs are kept.
    pub log_retention_days: u32,
    /// Whether it runs on x86; on Arm otherwise.
    pub x86: bool,
    /// Queues whose messages it works on.
    pub consumes: Vec<ComponentName>,
    /// The network it runs in.
    pub network: Option<ComponentName>,
}

impl Default for Function {
    fn default() -> Self {
        Self {
            runtime: "nodejs22.x".to_owned(),
            handler: "index.handler".to_owned(),
            code: Code::Inline("exports.handler = async () => ({ statusCode: 204 });\n".to_owned()),
            memory_mib: 256,
            timeout_seconds: 15,
            environment: BTreeMap::new(),
            reserved_concurrency: None,
            log_retention_days: 30,
            x86: false,
            consumes: Vec::new(),
            network: None,
        }
    }
}

/// One way into an API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The HTTP method in capitals, or `ANY`.
    pub method: String,
    /// The path, beginning with `/`; `{name}` for a variable segment, `{name+}` for the rest.
    pub path: String,
    /// The function that answers.
    pub function: ComponentName,
}

impl Route {
    /// The methods.
    pub const METHODS: [&'static str; 8] = ["ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

    /// Whether the text is a path of a route.
    #[must_use]
    pub fn is_path(path: &str) -> bool {
        let plain = |text: &str| {
            !text.is_empty()
                && text.chars().all(|character| character.is_ascii_alphanumeric() || "-_.~".contains(character))
        };
        let Some(rest) = path.strip_prefix('/') else { return false };
        rest.is_empty()
            || rest.split('/').all(|segment| {
                match segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
                    Some(variable) => plain(variable.strip_suffix('+').unwrap_or(variable)),
                    None => plain(segment),
                }
            })
    }
}

/// An API Gateway HTTP API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpApi {
    /// The ways in.
    pub routes: Vec<Route>,
    /// The user pool whose tokens are asked for; open to everybody when absent.
    pub authorizer: Option<ComponentName>,
    /// Whether requests are logged.
    pub access_logs: bool,
    /// Requests per second, all callers together.
    pub rate: u32,
    /// Requests at once, all callers together.
    pub burst: u32,
}

impl Default for HttpApi {
    fn default() -> Self {
        Self { routes: Vec::new(), authorizer: None, access_logs: true, rate: 1_000, burst: 2_000 }
    }
}

/// How much of an API one tenant may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Throttle {
    /// Requests per second.
    pub rate: u32,
    /// Requests at once.
    pub burst: u32,
    /// Requests per day; no bound when absent.
    pub daily_quota: Option<u32>,
}

/// An API Gateway REST API: where it is pooled, each tenant has a usage plan and a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct RestApi {
    /// The ways in.
    pub routes: Vec<Route>,
    /// The user pool whose tokens are asked for.
    pub authorizer: Option<ComponentName>,
    /// Whether requests are logged. Off by default: API Gateway refuses it in an account without a logging role.
    pub access_logs: bool,
    /// How much one tenant may use.
    pub throttle: Option<Throttle>,
}

/// A KMS key that rotates, with an alias.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Days between rotations.
    pub rotation_days: u32,
    /// Days between the order to delete the key and its deletion.
    pub pending_window_days: u32,
}

impl Default for Key {
    fn default() -> Self {
        Self { rotation_days: 365, pending_window_days: 30 }
    }
}

/// An EventBridge event bus.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct EventBus {
    /// The field of an event's detail that says which tenant it is for, where the bus is pooled.
    pub tenant_key: Option<TenantKey>,
    /// Days events are kept for replay; not kept when absent.
    pub archive_days: Option<u32>,
}

/// When a second factor is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mfa {
    /// Never.
    Off,
    /// When the user has set one up.
    Optional,
    /// Always.
    Required,
}

/// A Cognito user pool with one app client.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserPool {
    /// When a second factor is asked for.
    pub mfa: Mfa,
    /// Shortest password, in characters.
    pub password_length: u32,
}

impl Default for UserPool {
    fn default() -> Self {
        Self { mfa: Mfa::Optional, password_length: 12 }
    }
}

/// An SNS topic, encrypted, TLS only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Topic {
    /// The message attribute that says which tenant a message is for, where the topic is pooled.
    pub tenant_key: Option<TenantKey>,
    /// The key messages are encrypted with; an AWS managed key when absent.
    pub encrypt_with: Option<ComponentName>,
    /// Whether publishing without TLS is denied.
    pub tls_only: bool,
}

impl Default for Topic {
    fn default() -> Self {
        Self { tenant_key: None, encrypt_with: None, tls_only: true }
    }
}

/// CloudWatch alarms over other components: errors of functions and APIs, messages in dead-letter queues,
/// throttled requests of tables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Alarms {
    /// The components that are watched.
    pub watch: Vec<ComponentName>,
    /// The topic that is told.
    pub notify: Option<ComponentName>,
}

/// A CloudWatch dashboard over other components.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Dashboard {
    /// The components that are shown.
    pub show: Vec<ComponentName>,
}

/// A VPC with isolated subnets and no way to the internet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    /// The address range: four numbers and a prefix length from 16 to 24.
    pub cidr: String,
    /// How many availability zones have a subnet.
    pub zones: u32,
    /// Services reached over interface endpoints, such as `kms` (each is billed by the hour).
    pub endpoints: Vec<String>,
    /// Whether flow logs are kept.
    pub flow_logs: bool,
}

impl Default for Network {
    fn default() -> Self {
        Self { cidr: "10.0.0.0/16".to_owned(), zones: 2, endpoints: Vec::new(), flow_logs: false }
    }
}

/// A value of a custom resource's properties.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property {
    /// Nothing.
    Null,
    /// A truth value.
    Truth(bool),
    /// A number, as it was written.
    Number(String),
    /// Text; `${Component.attribute}` is a reference.
    Text(Text),
    /// A list.
    List(Vec<Property>),
    /// A mapping, in the order it was written.
    Map(Vec<(String, Property)>),
}

/// Any resource type of CloudFormation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Custom {
    /// The resource type, such as `AWS::AppConfig::Application`.
    pub type_name: String,
    /// The properties as CloudFormation takes them.
    pub properties: Property,
    /// Why tenants are kept apart where the resource is pooled.
    pub shared_because: Option<String>,
}

/// What a component is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is documented at the type it holds")]
pub enum Body {
    Table(Table),
    Bucket(Bucket),
    Queue(Queue),
    Function(Function),
    HttpApi(HttpApi),
    RestApi(RestApi),
    Key(Key),
    EventBus(EventBus),
    UserPool(UserPool),
    Topic(Topic),
    Alarms(Alarms),
    Dashboard(Dashboard),
    Network(Network),
    Custom(Custom),
}

impl Body {
    /// The word a blueprint uses for this kind of component.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Table(_) => "table",
            Self::Bucket(_) => "bucket",
            Self::Queue(_) => "queue",
            Self::Function(_) => "function",
            Self::HttpApi(_) => "http_api",
            Self::RestApi(_) => "rest_api",
            Self::Key(_) => "key",
            Self::EventBus(_) => "event_bus",
            Self::UserPool(_) => "user_pool",
            Self::Topic(_) => "topic",
            Self::Alarms(_) => "alarms",
            Self::Dashboard(_) => "dashboard",
            Self::Network(_) => "network",
            Self::Custom(_) => "custom",
        }
    }

    /// What it is in a sentence, with an article.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Table(_) => "a table",
            Self::Bucket(_) => "a bucket",
            Self::Queue(_) => "a queue",
            Self::Function(_) => "a function",
            Self::HttpApi(_) => "an HTTP API",
            Self::RestApi(_) => "a REST API",
            Self::Key(_) => "a key",
            Self::EventBus(_) => "an event bus",
            Self::UserPool(_) => "a user pool",
            Self::Topic(_) => "a topic",
            Self::Alarms(_) => "a set of alarms",
            Self::Dashboard(_) => "a dashboard",
            Self::Network(_) => "a network",
            Self::Custom(_) => "a custom resource",
        }
    }

    /// What others may ask of this kind of component.
    #[must_use]
    pub fn attributes(&self) -> &'static [Attribute] {
        use Attribute::{Arn, ClientId, Id, Name, Url};
        match self {
            Self::Table(_) | Self::Bucket(_) | Self::Function(_) | Self::EventBus(_) | Self::Topic(_) => &[Name, Arn],
            Self::Queue(_) => &[Name, Arn, Url],
            Self::HttpApi(_) | Self::RestApi(_) => &[Id, Url],
            Self::Key(_) => &[Id, Arn],
            Self::UserPool(_) => &[Id, Arn, ClientId, Url],
            Self::Network(_) | Self::Custom(_) => &[Id],
            Self::Alarms(_) | Self::Dashboard(_) => &[],
        }
    }

    /// The tenant key, where the kind can have one and this one does.
    #[must_use]
    pub fn tenant_key(&self) -> Option<&TenantKey> {
        match self {
            Self::Table(table) => table.tenant_key.as_ref(),
            Self::Bucket(bucket) => bucket.tenant_key.as_ref(),
            Self::Queue(queue) => queue.tenant_key.as_ref(),
            Self::EventBus(bus) => bus.tenant_key.as_ref(),
            Self::Topic(topic) => topic.tenant_key.as_ref(),
            _ => None,
        }
    }

    /// The key the component is encrypted with, where it names one.
    #[must_use]
    pub fn encrypt_with(&self) -> Option<&ComponentName> {
        match self {
            Self::Table(table) => table.encrypt_with.as_ref(),
            Self::Bucket(bucket) => bucket.encrypt_with.as_ref(),
            Self::Queue(queue) => queue.encrypt_with.as_ref(),
            Self::Topic(topic) => topic.encrypt_with.as_ref(),
            _ => None,
        }
    }

    /// Every component this one names, and the kinds it may be; an empty list of kinds means any.
    #[must_use]
    pub fn mentions(&self) -> Vec<(&ComponentName, &'static [&'static str])> {
        let mut mentions: Vec<(&ComponentName, &'static [&'static str])> = Vec::new();
        mentions.extend(self.encrypt_with().map(|key| (key, ["key"].as_slice())));
        match self {
            Self::Function(function) => {
                mentions.extend(function.consumes.iter().map(|queue| (queue, ["queue"].as_slice())));
                mentions.extend(function.network.iter().map(|network| (network, ["network"].as_slice())));
            }
            Self::HttpApi(HttpApi { routes, authorizer, .. }) | Self::RestApi(RestApi { routes, authorizer, .. }) => {
                mentions.extend(routes.iter().map(|route| (&route.function, ["function"].as_slice())));
                mentions.extend(authorizer.iter().map(|pool| (pool, ["user_pool"].as_slice())));
            }
            Self::Alarms(alarms) => {
                mentions.extend(alarms.watch.iter().map(|watched| (watched, WATCHABLE)));
                mentions.extend(alarms.notify.iter().map(|topic| (topic, ["topic"].as_slice())));
            }
            Self::Dashboard(dashboard) => mentions.extend(dashboard.show.iter().map(|shown| (shown, WATCHABLE))),
            _ => {}
        }
        mentions
    }

    /// Every attribute of another component that this one asks for.
    #[must_use]
    pub fn references(&self) -> Vec<&Reference> {
        match self {
            Self::Function(function) => function.environment.values().flat_map(Text::references).collect(),
            Self::Custom(custom) => {
                let mut found = Vec::new();
                collect_references(&custom.properties, &mut found);
                found
            }
            _ => Vec::new(),
        }
    }
}

/// The kinds that have metrics worth an alarm or a widget.
pub const WATCHABLE: &[&str] = &["function", "queue", "table", "http_api", "rest_api"];

fn collect_references<'a>(property: &'a Property, found: &mut Vec<&'a Reference>) {
    match property {
        Property::Text(text) => found.extend(text.references()),
        Property::List(items) => items.iter().for_each(|item| collect_references(item, found)),
        Property::Map(entries) => entries.iter().for_each(|(_, value)| collect_references(value, found)),
        Property::Null | Property::Truth(_) | Property::Number(_) => {}
    }
}

/// A component of a tier.
#[derive(Debug, Clone)]
pub struct Component {
    /// Its name, unique in the tier.
    pub name: ComponentName,
    /// What it is.
    pub body: Body,
    /// The name it had before, so that its logical ids stay.
    pub renamed_from: Option<ComponentName>,
    /// Where it was written.
    pub origin: Origin,
}

impl Component {
    /// The name that logical ids are made of.
    #[must_use]
    pub fn identity(&self) -> &ComponentName {
        self.renamed_from.as_ref().unwrap_or(&self.name)
    }
}
