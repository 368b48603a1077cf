//! Which kind of expression a property takes, judged by its name and format: the schemas only say "string".

use serde_json::Value;

/// The kinds of `tenantry::cfn::expr::kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Arn,
    Name,
    Id,
    Url,
    Text,
    Int,
    Num,
    Bool,
}

/// Properties that name a resource of another type, and take nothing but its name.
const NAMES_OF_OTHERS: &[&str] = &[
    "BucketName",
    "ClusterName",
    "DBSubnetGroupName",
    "DeliveryStreamName",
    "LogGroupName",
    "RoleName",
    "SubnetGroupName",
    "TableName",
];

/// Properties that sound like an id and take an ARN, or either.
const IDS_OR_ARNS: &[&str] = &["SecretId", "WebACLId"];

/// What `Ref` gives, where it is not the primary identifier.
const REFERENCES: &[(&str, Option<Kind>)] = &[
    ("AWS::ApiGateway::Authorizer", Some(Kind::Id)),
    ("AWS::ApiGateway::Deployment", Some(Kind::Id)),
    ("AWS::ApiGateway::RequestValidator", Some(Kind::Id)),
    ("AWS::ApiGateway::Resource", Some(Kind::Id)),
    ("AWS::ApiGateway::Stage", Some(Kind::Name)),
    ("AWS::ApiGatewayV2::Authorizer", Some(Kind::Id)),
    ("AWS::ApiGatewayV2::Deployment", Some(Kind::Id)),
    ("AWS::ApiGatewayV2::Integration", Some(Kind::Id)),
    ("AWS::ApiGatewayV2::Route", Some(Kind::Id)),
    ("AWS::ApiGatewayV2::Stage", Some(Kind::Name)),
    ("AWS::AppConfig::ConfigurationProfile", Some(Kind::Id)),
    ("AWS::AppConfig::Environment", Some(Kind::Id)),
    ("AWS::Budgets::Budget", Some(Kind::Name)),
    ("AWS::Cognito::UserPoolClient", Some(Kind::Id)),
    ("AWS::Cognito::UserPoolGroup", Some(Kind::Name)),
    ("AWS::EC2::SecurityGroup", Some(Kind::Id)),
    ("AWS::ECS::Service", Some(Kind::Arn)),
    ("AWS::Events::Rule", Some(Kind::Name)),
    ("AWS::Logs::MetricFilter", Some(Kind::Name)),
    ("AWS::Logs::SubscriptionFilter", Some(Kind::Name)),
    ("AWS::SecretsManager::ResourcePolicy", None),
    ("AWS::SecretsManager::Secret", Some(Kind::Arn)),
];

impl Kind {
    pub(super) fn rust(self) -> &'static str {
        match self {
            Self::Arn => "Arn",
            Self::Name => "Name",
            Self::Id => "Id",
            Self::Url => "Url",
            Self::Text => "Text",
            Self::Int => "Int",
            Self::Num => "Num",
            Self::Bool => "Bool",
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Arn => "an ARN",
            Self::Name => "a name",
            Self::Id => "an id",
            Self::Url => "a URL",
            Self::Text => "text",
            Self::Int => "a whole number",
            Self::Num => "a number",
            Self::Bool => "`true` or `false`",
        }
    }
}

/// The kind of a text property. `owner` is the resource type, and `top` says that the property is the resource's own.
pub(super) fn of_text(owner: &str, property: &str, schema: &Value, top: bool) -> Kind {
    if let Some(formats) = formats(schema) {
        return match formats.as_slice() {
            [first, rest @ ..] if rest.iter().all(|other| other == first) => *first,
            // A key's ARN, id or alias: every kind of text will do.
            _ => Kind::Text,
        };
    }
    if schema.get("enum").is_some() || is_key_reference(property) || IDS_OR_ARNS.contains(&property) {
        return Kind::Text;
    }
    match by_name(owner, property, top) {
        // What can be set to a URL can often be set to something else, such as a subscription's endpoint to an ARN.
        Kind::Url => Kind::Text,
        kind => kind,
    }
}

/// The kind that a property's or an attribute's name tells.
pub(super) fn by_name(owner: &str, property: &str, top: bool) -> Kind {
    let resource = owner.rsplit("::").next().unwrap_or_default();
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| property.ends_with(suffix));
    // The ways in which names are written do not agree: `RoleArn`, `ARN`, `FunctionARN`.
    if ends(&["Arn", "Arns", "ARN", "ARNs"]) {
        Kind::Arn
    } else if (top && property == "Name")
        || property.strip_suffix("Name").is_some_and(|stem| top && !stem.is_empty() && resource.ends_with(stem))
        || NAMES_OF_OTHERS.contains(&property)
    {
        Kind::Name
    } else if ["DefaultNetworkAcl", "DefaultSecurityGroup"].contains(&property)
        || (ends(&["Id", "Ids", "ID", "IDs"]) && (top || property.len() > 2))
        || property.strip_suffix("Identifier").is_some_and(|stem| top && resource == stem)
    {
        Kind::Id
    } else if ends(&["Url", "URL", "Endpoint"]) && top {
        Kind::Url
    } else {
        Kind::Text
    }
}

/// What `Ref` to a resource gives; nothing where it is of no use or not known.
pub(super) fn of_reference(owner: &str, record: &Value) -> Option<Kind> {
    if let Some((_, kind)) = REFERENCES.iter().find(|(name, _)| *name == owner) {
        return *kind;
    }
    match record.get("primaryIdentifier")?.as_array()?.as_slice() {
        [Value::String(only)] => {
            let schema = record.get("properties").and_then(|properties| properties.get(only))?;
            Some(if schema.get("type")? == "string" { by_name(owner, only, true) } else { Kind::Text })
        }
        _ => None,
    }
}

/// Whether a property names a KMS key: by its id, its ARN or an alias, all alike.
fn is_key_reference(property: &str) -> bool {
    (property.contains("Kms") || property.contains("KMS")) && !property.ends_with("Arn") && !property.ends_with("ARN")
        || property == "TargetKeyId"
}

fn formats(schema: &Value) -> Option<Vec<Kind>> {
    let alternatives = ["anyOf", "oneOf"].iter().find_map(|keyword| schema.get(*keyword)?.as_array());
    let formats: Vec<&str> = match alternatives {
        Some(alternatives) => alternatives.iter().filter_map(|one| one.get("format")?.as_str()).collect(),
        None => schema.get("format").and_then(Value::as_str).into_iter().collect(),
    };
    let kinds: Vec<Kind> = formats
        .iter()
        .filter(|format| format.starts_with("AWS::"))
        .map(|format| match format.rsplit('.').next().unwrap_or_default() {
            "Arn" | "Arns" => Kind::Arn,
            "Id" | "Ids" | "HostedZoneId" => Kind::Id,
            "Name" | "Names" | "AliasName" => Kind::Name,
            _ => Kind::Text,
        })
        .collect();
    (!kinds.is_empty()).then_some(kinds)
}
