//! The check of a resource's properties against its type's schema, by the `jsonschema` crate.
//!
//! The crate compiles what [`cut`] leaves of the schema, once for each shape of properties. CloudFormation's own
//! keywords are told to it ([`keywords`](super::keywords)), its findings are put into words in
//! [`words`](super::words). What `AWS::NoValue` stands for counts as absent. `format` is not checked.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use jsonschema::{Draft, Registry};
use serde_json::{Value, json};

use super::cut::cut;
use super::{TypeFacts, keywords, words};

/// One violation of a resource type's schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaIssue {
    /// Where, as a JSON pointer into the properties; empty for the properties as a whole.
    pub pointer: String,
    /// What is wrong, as one sentence.
    pub message: String,
}

/// There is no resource type of this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownType {
    /// The name.
    pub name: String,
    /// Types with a similar name, the most alike first.
    pub nearest: Vec<&'static str>,
}

impl fmt::Display for UnknownType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` is not a resource type", self.name)?;
        match self.nearest.first() {
            Some(near) => write!(formatter, ", did you mean `{near}`"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for UnknownType {}

/// Checks properties, and keeps the types that it has opened and the schemas that it has compiled.
#[derive(Default)]
pub struct Validator {
    types: BTreeMap<String, TypeFacts>,
    /// By the text of the schema.
    compiled: BTreeMap<String, Option<jsonschema::Validator>>,
}

impl fmt::Debug for Validator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Validator").field("types", &self.types.keys()).finish_non_exhaustive()
    }
}

impl Validator {
    /// A validator that has opened nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All violations of the type's schema, sorted by their place.
    ///
    /// Custom resources (`Custom::…`) are checked as `AWS::CloudFormation::CustomResource`.
    ///
    /// # Errors
    ///
    /// There is no such type.
    pub fn check(&mut self, type_name: &str, properties: &Value) -> Result<Vec<SchemaIssue>, UnknownType> {
        let type_name =
            if type_name.starts_with("Custom::") { "AWS::CloudFormation::CustomResource" } else { type_name };
        if self.facts(type_name).is_none() {
            return Err(UnknownType { name: type_name.to_owned(), nearest: super::nearest(type_name) });
        }
        let Some(facts) = self.types.get(type_name) else { return Ok(Vec::new()) };
        if super::cut::is_intrinsic(properties) {
            return Ok(Vec::new());
        }
        if !properties.is_object() {
            let message = format!("the properties are {}, not an object", words::article(properties));
            return Ok(vec![SchemaIssue { pointer: String::new(), message }]);
        }
        let properties = without_no_value(properties);
        let schema = cut(facts.schema(), &properties);
        let validator = self.compiled.entry(schema.to_string()).or_insert_with(|| compile(&schema));
        let mut issues = match validator {
            Some(validator) => words::issues(&schema, &properties, validator.iter_errors(&properties)),
            // A test compiles every keyword and pattern that there is.
            None => Vec::new(),
        };
        for path in facts.read_only() {
            // Some schemas list what must be given as read-only too.
            if !facts.required().chain(facts.create_only()).any(|other| other == path) {
                for pointer in places(path, &properties) {
                    let message = format!("`{path}` is set by the service and cannot be given");
                    issues.push(SchemaIssue { pointer, message });
                }
            }
        }
        issues.sort_unstable();
        issues.dedup();
        Ok(issues)
    }

    /// The facts about a type, opened once.
    pub fn facts(&mut self, type_name: &str) -> Option<&TypeFacts> {
        if !self.types.contains_key(type_name) {
            self.types.insert(type_name.to_owned(), super::find(type_name)?);
        }
        self.types.get(type_name)
    }
}

/// The address of the schema in the registry that it is compiled from.
const ADDRESS: &str = "urn:tenantry:type";

/// Compiles a schema. It is reached by a reference, because what is compiled directly is checked against the schema
/// of schemas first, and the facts need no such check at every start.
pub(super) fn compile(schema: &Value) -> Option<jsonschema::Validator> {
    let registry = Registry::new().draft(Draft::Draft7).add(ADDRESS, schema).ok()?.prepare().ok()?;
    let options = jsonschema::options().with_draft(Draft::Draft7).with_registry(&registry);
    let options = keywords::register(options.should_validate_formats(false));
    options.build(&json!({ "$ref": ADDRESS })).ok()
}

/// The properties without members that are `AWS::NoValue`. In a list it stays, so that places keep their numbers.
fn without_no_value(properties: &Value) -> Cow<'_, Value> {
    fn holds_any(value: &Value) -> bool {
        match value {
            Value::Object(members) => members.values().any(|value| words::is_no_value(value) || holds_any(value)),
            Value::Array(items) => items.iter().any(holds_any),
            _ => false,
        }
    }
    fn strip(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.retain(|_, value| !words::is_no_value(value));
                members.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    if !holds_any(properties) {
        return Cow::Borrowed(properties);
    }
    let mut stripped = properties.clone();
    strip(&mut stripped);
    Cow::Owned(stripped)
}

/// The pointers to the values at a path of the facts: `Origins/*/Id`.
fn places(path: &str, properties: &Value) -> Vec<String> {
    let mut found = vec![(String::new(), properties)];
    for step in path.split('/') {
        let mut next = Vec::new();
        for (pointer, value) in found {
            if step == "*" {
                let items = value.as_array().into_iter().flatten().enumerate();
                next.extend(items.map(|(index, item)| (format!("{pointer}/{index}"), item)));
            } else if let Some(inner) = value.get(step) {
                next.push((format!("{pointer}/{step}"), inner));
            }
        }
        found = next;
    }
    found.into_iter().map(|(pointer, _)| pointer).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::super::cut::pointed_at;
    use super::*;

    fn found(type_name: &str, properties: &Value) -> Vec<String> {
        let issues = Validator::new().check(type_name, properties).unwrap();
        issues.into_iter().map(|issue| format!("{}: {}", issue.pointer, issue.message)).collect()
    }

    fn table(extra: Value) -> Value {
        let mut table = json!({
            "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
        });
        table.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        table
    }

    #[test]
    fn a_correct_table_has_no_issues() {
        assert_eq!(found("AWS::DynamoDB::Table", &table(json!({}))), Vec::<String>::new());
    }

    #[test]
    fn every_mistake_is_reported_with_its_place() {
        let table = table(json!({
            "BillingMode": "PAY_PER_REQUES",
            "DeletionProtectionEnabled": "yes",
            "TabelName": "orders",
            "Arn": "arn:aws:dynamodb:eu-central-1:111122223333:table/orders",
            "SSESpecification": { "KMSMasterKeyId": "k", "SSEEnabled": true },
            "KeySchema": [{ "AttributeName": "pk", "KeyType": "RANGE" }],
        }));
        assert_eq!(
            found("AWS::DynamoDB::Table", &table),
            [
                "/Arn: `Arn` is set by the service and cannot be given",
                "/BillingMode: `PAY_PER_REQUES` is not one of `PAY_PER_REQUEST`, `PROVISIONED`, did you mean `PAY_PER_REQUEST`",
                "/DeletionProtectionEnabled: expected `true` or `false`, found the text `yes`",
                "/KeySchema/0/KeyType: `RANGE` is not `HASH`",
                "/SSESpecification: `KMSMasterKeyId` is given without `SSEType`",
                "/TabelName: `TabelName` is not a property here, did you mean `TableName`",
            ]
        );
    }

    #[test]
    fn what_is_missing_is_reported_at_the_object() {
        assert_eq!(found("AWS::Lambda::Function", &json!({})), [": `Code` is missing", ": `Role` is missing"]);
        assert_eq!(
            found("AWS::EC2::Subnet", &json!({ "VpcId": "vpc-1" })),
            [": one of `CidrBlock`, `Ipv4IpamPoolId`, `Ipv6IpamPoolId`, `Ipv6CidrBlock` must be given"]
        );
    }

    #[test]
    fn intrinsic_functions_are_admitted_wherever_a_value_is() {
        let function = json!({
            "Code": { "Fn::Transform": { "Name": "x" } },
            "Role": { "Fn::GetAtt": ["Role", "Arn"] },
            "MemorySize": { "Fn::FindInMap": ["a", "b", "c"] },
            "Layers": { "Fn::Split": [",", { "Ref": "Layers" }] },
            "VpcConfig": { "SubnetIds": [{ "Ref": "SubnetA" }, { "Fn::ImportValue": "b" }], "SecurityGroupIds": [] },
            "Environment": { "Variables": { "TABLE": { "Fn::GetStackOutput": { "StackName": "s", "OutputName": "o" } } } },
            "KmsKeyArn": { "Fn::Sub": "arn:${AWS::Partition}:kms" },
            "TracingConfig": { "Ref": "AWS::NoValue" },
        });
        assert_eq!(found("AWS::Lambda::Function", &function), Vec::<String>::new());
    }

    #[test]
    fn no_value_is_no_value() {
        let function = json!({ "Code": { "ZipFile": "x" }, "Role": { "Ref": "AWS::NoValue" } });
        assert_eq!(found("AWS::Lambda::Function", &function), [": `Role` is missing"]);
    }

    #[test]
    fn what_excludes_each_other_is_reported_once() {
        let subnet =
            json!({ "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24", "AvailabilityZone": "a", "AvailabilityZoneId": "b" });
        assert_eq!(
            found("AWS::EC2::Subnet", &subnet),
            [": `AvailabilityZone` and `AvailabilityZoneId` may not be given together"]
        );
    }

    #[test]
    fn an_unknown_type_comes_with_its_neighbours() {
        let unknown = Validator::new().check("AWS::S3::Buckett", &json!({})).unwrap_err();
        assert_eq!(unknown.to_string(), "`AWS::S3::Buckett` is not a resource type, did you mean `AWS::S3::Bucket`");
    }

    #[test]
    fn a_custom_resource_needs_only_its_token() {
        assert_eq!(found("Custom::Seed", &json!({ "Table": "orders" })), [": `ServiceToken` is missing"]);
    }

    #[test]
    fn an_intrinsic_function_among_literals_is_admitted_too() {
        let function = |layers: Value| json!({ "Code": { "ZipFile": "x" }, "Role": { "Ref": "Role" }, "Tags": layers });
        let tags = json!([
            { "Key": "a", "Value": { "Ref": "A" } },
            { "Ref": "AWS::NoValue" },
            { "Fn::If": ["c", { "Key": "b" }, { "Ref": "AWS::NoValue" }] },
            { "Key": 1, "Value": "b" },
        ]);
        assert_eq!(
            found("AWS::Lambda::Function", &function(tags)),
            ["/Tags/3/Key: expected text, found the number `1`"]
        );
    }

    #[test]
    fn own_keywords_are_checked() {
        let names =
            json!([{ "AttributeName": "pk", "AttributeType": "S" }, { "AttributeName": "pk", "AttributeType": "N" }]);
        assert_eq!(
            found("AWS::DynamoDB::Table", &table(json!({ "AttributeDefinitions": names }))),
            ["/AttributeDefinitions: `AttributeName` `pk` is given twice"]
        );
        let alarm = json!({ "ComparisonOperator": "GreaterThanThreshold", "Threshold": 1, "ThresholdMetricId": "a" });
        assert_eq!(
            found("AWS::CloudWatch::Alarm", &alarm),
            [
                ": `Threshold` and `ThresholdMetricId` may not be given together",
                ": one of `Metrics`, `MetricName`, `EvaluationCriteria` must be given",
            ]
        );
    }

    #[test]
    fn what_may_be_absent_excludes_nothing() {
        let subnet = json!({
            "VpcId": "vpc-1",
            "CidrBlock": "10.0.0.0/24",
            "AvailabilityZone": { "Fn::If": ["named", "a", { "Ref": "AWS::NoValue" }] },
            "AvailabilityZoneId": { "Fn::If": ["named", { "Ref": "AWS::NoValue" }, "b"] },
        });
        assert_eq!(found("AWS::EC2::Subnet", &subnet), Vec::<String>::new());
    }

    #[test]
    fn a_shape_is_compiled_once() {
        let mut validator = Validator::new();
        for name in ["a", "b", "c"] {
            let queue = json!({ "QueueName": name, "Tags": [{ "Key": "k", "Value": name }] });
            assert_eq!(validator.check("AWS::SQS::Queue", &queue), Ok(Vec::new()));
        }
        assert_eq!(validator.compiled.len(), 1);
    }

    /// A value that fits a schema more or less: every property is there, with something of the right type.
    fn example(root: &Map<String, Value>, schema: &Value, depth: u32) -> Value {
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            return example(root, pointed_at(root, target).unwrap(), depth + 1);
        }
        if let Some(first) = schema.get("enum").and_then(|allowed| allowed.get(0)) {
            return first.clone();
        }
        let name = match schema.get("type") {
            Some(Value::Array(names)) => names[0].as_str().unwrap(),
            Some(Value::String(name)) => name,
            _ if schema.get("properties").is_some() => "object",
            _ => "string",
        };
        match name {
            "string" => {
                let length = schema.get("minLength").and_then(Value::as_u64).unwrap_or(3);
                json!("a".repeat(usize::try_from(length).unwrap().min(3000)))
            }
            "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
            "boolean" => json!(true),
            "array" if depth < 6 => json!([example(root, schema.get("items").unwrap_or(&json!({})), depth + 1)]),
            "array" => json!([]),
            _ => {
                let mut members = Map::new();
                for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                    if depth < 6 {
                        members.insert(name.clone(), example(root, property, depth + 1));
                    }
                }
                Value::Object(members)
            }
        }
    }

    /// The same value with one thing changed at each place.
    fn spoilt(value: &Value) -> Vec<Value> {
        let mut out = Vec::new();
        match value {
            Value::Object(members) => {
                for (name, inner) in members {
                    let mut less = members.clone();
                    less.shift_remove(name);
                    out.push(Value::Object(less));
                    for worse in spoilt(inner) {
                        let mut changed = members.clone();
                        changed.insert(name.clone(), worse);
                        out.push(Value::Object(changed));
                    }
                }
                let mut more = members.clone();
                more.insert("NobodyKnowsThis".to_owned(), json!(1));
                out.push(Value::Object(more));
            }
            Value::Array(items) => {
                out.push(json!(7));
                for (index, inner) in items.iter().enumerate() {
                    for worse in spoilt(inner) {
                        let mut changed = items.clone();
                        changed[index] = worse;
                        out.push(Value::Array(changed));
                    }
                }
            }
            _ => out.extend([json!([[]]), json!("ab/c:1"), json!(-1)]),
        }
        out
    }

    /// The cut schema comes to the verdict of the whole one, and every keyword compiles.
    #[test]
    fn a_cut_schema_decides_as_the_whole_one() {
        // The crate reads these differently, or not at all.
        let special =
            ["requiredXor", "requiredOr", "dependentExcluded", "uniqueKeys", "enumCaseInsensitive", "prefixItems"];
        let (mut compared, mut types) = (0, 0);
        for name in crate::cfn::schema::names().step_by(12) {
            let facts = crate::cfn::schema::find(name).unwrap();
            let text = serde_json::to_string(facts.schema()).unwrap();
            if special.iter().any(|keyword| text.contains(&format!("\"{keyword}\":"))) || text.len() > 6_000 {
                continue;
            }
            let schema = Value::Object(facts.schema().clone());
            let whole = jsonschema::options().with_draft(Draft::Draft201909).should_validate_formats(false);
            let whole = whole.build(&schema).unwrap();
            types += 1;
            let first = example(facts.schema(), &schema, 0);
            let mut all = spoilt(&first);
            all.push(first);
            for value in all.iter().step_by(1 + all.len() / 12) {
                let cut = cut(facts.schema(), value);
                let mine = compile(&cut).unwrap();
                let [mine, theirs] = [&mine, &whole].map(|validator| -> Vec<String> {
                    // An object without members of its own takes text here, on purpose.
                    let errors = validator.iter_errors(value).map(|error| error.to_string());
                    errors.filter(|error| !error.ends_with("is not of type \"object\"")).collect()
                });
                assert_eq!(mine.is_empty(), theirs.is_empty(), "{name} {value}\n{cut}\n{mine:?}\n{theirs:?}");
                compared += 1;
            }
        }
        assert!(types > 60 && compared > 400, "{types} types, {compared} values");
    }
}
