//! The tests themselves, each in a process with an environment of its own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tenantry::deploy::aws::{Aws, Settings};
use tenantry::deploy::cloud::{
    Answer, ChangeSetRequest, Cloud, CloudError, CloudErrorKind as Kind, InstancesRequest, InstancesWork,
    StackSetRequest, Target, TemplateSource,
};
use tenantry::deploy::live::{Question, preview};

use crate::engine::{MOTO_ACCOUNT, REGION};

/// The largest template in a request.
const MOST: usize = 51_200;

fn aws() -> Aws {
    Aws::connect(&Settings::default()).unwrap()
}

fn at(account: &str, region: &str) -> Target {
    Target { account: account.to_owned(), region: region.to_owned() }
}

fn home() -> Target {
    at(MOTO_ACCOUNT, REGION)
}

#[expect(clippy::disallowed_methods, reason = "the test outside says it")]
fn member() -> String {
    std::env::var("TEST_MEMBER").unwrap()
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A template with a queue for each name.
fn template(queues: &[&str]) -> String {
    let resources: serde_json::Map<String, serde_json::Value> = queues
        .iter()
        .map(|name| {
            (
                (*name).to_owned(),
                serde_json::json!({ "Type": "AWS::SQS::Queue", "Properties": {
            "QueueName": { "Fn::Join": ["-", [{ "Ref": "Tenant" }, name.to_lowercase()]] } } }),
            )
        })
        .collect();
    serde_json::json!({ "Parameters": { "Tenant": { "Type": "String" } }, "Resources": resources }).to_string()
}

/// The error, shown in every way there is: the test outside looks for credentials in it.
fn error<T: std::fmt::Debug>(answer: Answer<T>) -> CloudError {
    let error = answer.unwrap_err();
    println!("{error}\n{error:?}\n{error:#?}");
    error
}

/// Makes a change set.
struct Change<'a> {
    stack: &'a str,
    name: &'a str,
    create: bool,
    template: TemplateSource<'a>,
}

impl Change<'_> {
    fn make(&self, aws: &Aws, target: &Target) -> Answer<String> {
        let (parameters, tags) = (map(&[("Tenant", "acme")]), map(&[("tenant", "acme")]));
        let token = format!("token-{}", self.name);
        let request = ChangeSetRequest {
            stack: self.stack,
            name: self.name,
            token: &token,
            create: self.create,
            template: self.template,
            parameters: &parameters,
            tags: &tags,
        };
        aws.create_change_set(target, &request)
    }

    fn deploy(&self, aws: &Aws, target: &Target) {
        self.make(aws, target).unwrap();
        aws.execute_change_set(target, self.stack, self.name, &format!("execute-{}", self.name)).unwrap();
    }
}

#[test]
#[ignore = "the test outside runs it"]
fn stacks_and_change_sets() {
    let (aws, target) = (aws(), home());
    assert_eq!(aws.caller().unwrap(), MOTO_ACCOUNT);
    assert_eq!(aws.stack(&target, "orders").unwrap(), None);
    assert_eq!(aws.change_set(&target, "orders", "one").unwrap(), None);
    let (first, second) = (template(&["Jobs"]), template(&["Jobs", "Mail"]));
    let one = Change { stack: "orders", name: "one", create: true, template: TemplateSource::Body(&first) };
    let id = one.make(&aws, &target).unwrap();
    let set = aws.change_set(&target, "orders", "one").unwrap().unwrap();
    assert_eq!((set.id, set.status.as_str(), set.execution.as_str()), (id.clone(), "CREATE_COMPLETE", "AVAILABLE"));
    let changes: Vec<_> =
        set.changes.iter().map(|c| (c.action.as_str(), c.logical_id.as_str(), c.kind.as_str())).collect();
    assert_eq!(changes, [("Add", "Jobs", "AWS::SQS::Queue")]);
    assert_eq!(aws.stack(&target, "orders").unwrap().unwrap().status, "REVIEW_IN_PROGRESS");

    aws.execute_change_set(&target, "orders", "one", "token-2").unwrap();
    let stack = aws.stack(&target, "orders").unwrap().unwrap();
    assert_eq!(stack.status, "CREATE_COMPLETE");
    assert!(stack.id.starts_with("arn:aws:cloudformation:eu-central-1:123456789012:stack/orders/"));
    assert_eq!((stack.tags, stack.parameters), (map(&[("tenant", "acme")]), map(&[("Tenant", "acme")])));
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&aws.template(&target, "orders").unwrap()).unwrap(),
        serde_json::from_str::<serde_json::Value>(&first).unwrap()
    );
    assert_eq!(aws.failures(&target, "orders", "token-2").unwrap(), [""; 0]);

    let same = Change { stack: "orders", name: "two", create: false, template: TemplateSource::Body(&first) };
    assert_eq!(error(same.make(&aws, &target)).kind, Kind::NothingToChange);
    let two = Change { stack: "orders", name: "three", create: false, template: TemplateSource::Body(&second) };
    two.make(&aws, &target).unwrap();
    aws.delete_change_set(&target, "orders", "three").unwrap();
    assert_eq!(aws.change_set(&target, "orders", "three").unwrap(), None);
    // The token of the one that was deleted is used up.
    Change { name: "again", ..two }.deploy(&aws, &target);
    assert_eq!(aws.stack(&target, "orders").unwrap().unwrap().status, "UPDATE_COMPLETE");
    assert_eq!(aws.stack(&at(MOTO_ACCOUNT, "eu-west-1"), "orders").unwrap(), None, "another region is another place");

    let missing = Change { stack: "nowhere", name: "four", create: false, template: TemplateSource::Body(&first) };
    assert_eq!(error(missing.make(&aws, &target)).kind, Kind::NotFound);
    aws.delete_stack(&target, "orders", "token-9").unwrap();
    assert_eq!(aws.stack(&target, "orders").unwrap(), None);
    assert_eq!(aws.stack(&target, &stack.id).unwrap(), None, "by its ARN a deleted stack is still told of");
    aws.delete_stack(&target, "orders", "token-9").unwrap();
}

#[test]
#[ignore = "the test outside runs it"]
fn large_templates_lie_in_a_bucket() {
    let (aws, target) = (aws(), home());
    let (text, key) = (template(&["Jobs"]), "tenantry/0123.template.json");
    assert_eq!(error(aws.put_template(&target, "templates", key, text.as_bytes())).kind, Kind::NotFound);
    sdk(async |config| {
        let s3 = aws_sdk_s3::Client::new(config);
        let place = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(REGION.into()).build();
        s3.create_bucket().bucket("templates").create_bucket_configuration(place).send().await.unwrap();
    });
    let address = aws.put_template(&target, "templates", key, text.as_bytes()).unwrap();
    assert_eq!(address, format!("https://templates.s3.{REGION}.amazonaws.com/{key}"));
    assert_eq!(aws.put_template(&target, "templates", key, text.as_bytes()).unwrap(), address);
    Change { stack: "orders", name: "one", create: true, template: TemplateSource::Url(&address) }
        .deploy(&aws, &target);
    assert_eq!(aws.stack(&target, "orders").unwrap().unwrap().status, "CREATE_COMPLETE");
}

/// Asks with the SDK what `Cloud` has no words for.
fn sdk(work: impl AsyncFnOnce(&aws_config::SdkConfig)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let http = aws_smithy_http_client::Builder::new().build_http();
        let config = aws_config::defaults(aws_config::BehaviorVersion::latest()).http_client(http).load().await;
        work(&config).await;
    });
}

fn set<'a>(
    description: &'a str,
    text: &'a str,
    none: &'a BTreeMap<String, String>,
    managed: bool,
) -> StackSetRequest<'a> {
    StackSetRequest {
        name: "silo",
        description,
        service_managed: managed,
        template: TemplateSource::Body(text),
        parameters: none,
        tags: none,
        token: "token-3",
    }
}

#[test]
#[ignore = "the test outside runs it"]
fn stack_sets_reach_member_accounts() {
    let (aws, target, member) = (aws(), home(), member());
    let (first, second) = (template(&["Jobs"]), template(&["Jobs", "Mail"]));
    let none = map(&[("Tenant", "nobody")]);
    assert_eq!(aws.stack_set(&target, "silo").unwrap(), None);
    aws.create_stack_set(&target, &set("version 1", &first, &none, false)).unwrap();
    let state = aws.stack_set(&target, "silo").unwrap().unwrap();
    assert_eq!((state.status.as_str(), state.description.as_str()), ("ACTIVE", "version 1"));
    // The same once more is the same; another of the name is not.
    aws.create_stack_set(&target, &set("version 1", &first, &none, false)).unwrap();
    assert_eq!(error(aws.create_stack_set(&target, &set("version 2", &first, &none, false))).kind, Kind::Invalid);

    let accounts = [member.clone()];
    let regions = ["eu-west-1".to_owned(), "eu-west-2".to_owned()];
    let request = |operation| InstancesRequest {
        set: "silo",
        unit: None,
        accounts: &accounts,
        regions: &regions,
        concurrency: 2,
        failures: 1,
        operation,
    };
    let values = map(&[("Tenant", "acme")]);
    let id = aws.change_instances(
        &target,
        &request("11111111-1111-1111-1111-111111111111"),
        &InstancesWork::Create(&values),
    );
    // Moto gives operations ids of its own; the test outside looks for the one that was asked for.
    let state = aws.operation(&target, "silo", &id.unwrap()).unwrap().unwrap();
    assert_eq!((state.status.as_str(), state.failed.len()), ("SUCCEEDED", 0));
    assert_eq!(aws.operation(&target, "silo", "22222222-1111-1111-1111-111111111111").unwrap(), None);
    let instances = aws.instances(&target, "silo", Some(&member)).unwrap();
    let places: Vec<Target> = instances.iter().map(|instance| instance.target.clone()).collect();
    assert_eq!(places, [at(&member, "eu-west-1"), at(&member, "eu-west-2")]);
    assert!(instances.iter().all(|instance| instance.status == "CURRENT"), "{instances:?}");
    assert_eq!(aws.instances(&target, "silo", Some("999999999999")).unwrap(), []);
    let place = at(&member, "eu-west-1");
    let role = Some("arn:{partition}:iam::{account}:role/deployer".to_owned());
    let there = Aws::connect(&Settings { role, ..Settings::default() }).unwrap();
    let names = there.stack_names(&place, "StackSet-silo-").unwrap();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(Cloud::stack(&there, &place, &names[0]).unwrap().unwrap().parameters, values);
    assert_eq!(there.stack_names(&place, "StackSet-other-").unwrap(), [""; 0]);

    let id = "33333333-1111-1111-1111-111111111111";
    let update = InstancesWork::Update(&set("version 2", &second, &none, false));
    aws.change_instances(&target, &request(id), &update).unwrap();
    assert_eq!(aws.stack_set(&target, "silo").unwrap().unwrap().description, "version 2");
    let id = "44444444-1111-1111-1111-111111111111";
    aws.change_instances(&target, &request(id), &InstancesWork::Delete).unwrap();
    assert_eq!(aws.instances(&target, "silo", None).unwrap(), []);
}

#[test]
#[ignore = "the test outside runs it"]
fn stack_sets_of_aws_reach_accounts_of_a_unit() {
    let (aws, target, member) = (aws(), home(), member());
    let root = root();
    let unit = aws.create_unit(&target, &root, "tenants", &map(&[])).unwrap();
    aws.move_account(&target, &member, &root, &unit).unwrap();
    let (text, none) = (template(&["Jobs"]), map(&[("Tenant", "nobody")]));
    aws.create_stack_set(&target, &set("version 1", &text, &none, true)).unwrap();
    let (accounts, regions) = ([member.clone()], ["eu-west-1".to_owned()]);
    let request = InstancesRequest {
        set: "silo",
        unit: Some(&unit),
        accounts: &accounts,
        regions: &regions,
        concurrency: 1,
        failures: 0,
        operation: "11111111-1111-1111-1111-111111111111",
    };
    aws.change_instances(&target, &request, &InstancesWork::Create(&map(&[("Tenant", "acme")]))).unwrap();
    let instances = aws.instances(&target, "silo", None).unwrap();
    assert_eq!(instances.len(), 1, "{instances:?}");
    assert_eq!(instances[0].target, at(&member, "eu-west-1"));
}

fn root() -> String {
    let mut root = String::new();
    sdk(async |config| {
        let roots = aws_sdk_organizations::Client::new(config).list_roots().send().await.unwrap();
        root = roots.roots()[0].id().unwrap().to_owned();
    });
    root
}

#[test]
#[ignore = "the test outside runs it"]
fn failed_instances_are_told() {
    let state = aws().operation(&home(), "silo", "o").unwrap().unwrap();
    assert_eq!(state.status, "FAILED");
    let failed: Vec<&str> = state.failed.iter().map(|(target, _)| target.account.as_str()).collect();
    assert_eq!(failed, ["111111111111", "222222222222"]);
    assert!(state.failed[1].1.contains("ExecutionRole"), "{state:?}");
}

#[test]
#[ignore = "the test outside runs it"]
fn the_organization() {
    let (aws, target, member) = (aws(), home(), member());
    let (root, tags) = (root(), map(&[("owner", "platform")]));
    let kind = "SERVICE_CONTROL_POLICY";
    assert_eq!(aws.units(&target, &root).unwrap(), []);
    let unit = aws.create_unit(&target, &root, "tenants", &tags).unwrap();
    assert_eq!(aws.create_unit(&target, &root, "tenants", &tags).unwrap(), unit, "one that is there is found");
    assert_eq!(aws.units(&target, &root).unwrap()[0].name, "tenants");

    assert_eq!(aws.policy(&target, kind, "regions").unwrap(), None);
    let document = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let id = aws.create_policy(&target, kind, "regions", "1", document, &tags).unwrap();
    assert_eq!(aws.create_policy(&target, kind, "regions", "1", document, &tags).unwrap(), id);
    assert_eq!(error(aws.create_policy(&target, kind, "regions", "2", document, &tags)).kind, Kind::Invalid);
    aws.update_policy(&target, &id, "2", document).unwrap();
    for _ in 0..2 {
        aws.attach_policy(&target, &id, &unit).unwrap();
        let policy = aws.policy(&target, kind, "regions").unwrap().unwrap();
        assert_eq!((policy.id, policy.description.as_str(), policy.targets), (id.clone(), "2", vec![unit.clone()]));
        assert_eq!(policy.content, document);
    }
    for _ in 0..2 {
        aws.detach_policy(&target, &id, &unit).unwrap();
        assert_eq!(aws.policy(&target, kind, "regions").unwrap().unwrap().targets, [""; 0]);
    }
    assert_eq!(aws.parent(&target, &member).unwrap(), root);
    aws.move_account(&target, &member, &root, &unit).unwrap();
    assert_eq!(aws.parent(&target, &member).unwrap(), unit);
    assert_eq!(error(aws.update_policy(&target, "p-nothere1", "", document)).kind, Kind::NotFound);
}

#[test]
#[ignore = "the test outside runs it"]
fn long_lists_are_read_to_their_end() {
    let (aws, target) = (aws(), home());
    let set = aws.change_set(&target, "orders", "c").unwrap().unwrap();
    let ids: Vec<&str> = set.changes.iter().map(|change| change.logical_id.as_str()).collect();
    assert_eq!(ids, ["R0", "R1", "R2"]);
    assert_eq!(set.changes[0].properties, ["KeySchema", "Tags"]);
    assert_eq!(set.changes[0].replacement.as_deref(), Some("Conditional"));
    let instances = aws.instances(&target, "silo", None).unwrap();
    assert_eq!(instances.len(), 3);
    assert_eq!((instances[2].status.as_str(), instances[2].detailed.as_deref()), ("OUTDATED", Some("RUNNING")));
    assert_eq!(aws.instances(&target, "silo", Some("111111111111")).unwrap().len(), 1);
    assert_eq!(aws.units(&target, "r-1").unwrap().len(), 3);
    let drifts = aws.drifted(&target, "orders").unwrap();
    assert_eq!((drifts.len(), drifts[0].properties.as_slice()), (3, ["/VisibilityTimeout".to_owned()].as_slice()));
}

#[test]
#[ignore = "the test outside runs it"]
fn drift_is_looked_for() {
    let (aws, target) = (aws(), home());
    let id = aws.detect_drift(&target, "orders").unwrap();
    let state = aws.drift(&target, &id).unwrap();
    assert_eq!((state.status.as_str(), state.drift.as_deref()), ("DETECTION_COMPLETE", Some("DRIFTED")));
}

#[test]
#[ignore = "the test outside runs it"]
fn why_a_stack_failed() {
    let (aws, target) = (aws(), home());
    let reasons = aws.failures(&target, "orders", "now").unwrap();
    assert_eq!(reasons, ["`Orders` (AWS::DynamoDB::Table): Subscriber limit exceeded: tables"]);
    // An engine that gives no tokens back: everything since the last operation began.
    assert_eq!(aws.failures(&target, "orders", "other").unwrap(), reasons);
}

#[test]
#[ignore = "the test outside runs it"]
fn alarms_that_ring() {
    let (aws, target) = (aws(), home());
    let names: Vec<String> = (0..120).map(|number| format!("alarm-{number:03}")).collect();
    assert_eq!(aws.ringing(&target, &names).unwrap(), ["alarm-003", "alarm-110"]);
    assert_eq!(aws.ringing(&target, &names[..3]).unwrap(), [""; 0]);
    assert_eq!(aws.ringing(&target, &[]).unwrap(), [""; 0]);
    let missing = error(aws.ringing(&target, &["nobody".to_owned()]));
    assert_eq!((missing.kind, missing.message.as_str()), (Kind::NotFound, "there is no alarm `nobody`"));
}

#[test]
#[ignore = "the test outside runs it"]
fn too_many_requests() {
    let (aws, target) = (aws(), home());
    assert_eq!(aws.stack(&target, "twice").unwrap(), None);
    let throttled = error(aws.stack(&target, "always"));
    assert_eq!((throttled.kind, throttled.code.as_str()), (Kind::Throttled, "Throttling"));
    assert_eq!(error(aws.parent(&target, "111111111111")).kind, Kind::Throttled);
}

#[test]
#[ignore = "the test outside runs it"]
fn the_number_of_attempts_is_the_users() {
    assert_eq!(error(aws().stack(&home(), "orders")).kind, Kind::Throttled);
}

#[test]
#[ignore = "the test outside runs it"]
fn errors_have_their_kinds() {
    let (aws, target) = (aws(), home());
    let text = template(&["Jobs"]);
    let change = Change { stack: "orders", name: "c", create: false, template: TemplateSource::Body(&text) };
    assert_eq!(error(change.make(&aws, &target)).kind, Kind::Busy);
    let denied = error(aws.execute_change_set(&target, "orders", "c", "t"));
    assert_eq!(denied.kind, Kind::Denied);
    assert_eq!(
        denied.to_string(),
        "`cloudformation:ExecuteChangeSet` failed with `AccessDenied`: User: x is not authorized to perform: \
         cloudformation:ExecuteChangeSet"
    );
    assert_eq!(aws.change_set(&target, "orders", "c").unwrap(), None);
    assert_eq!(error(aws.template(&target, "orders")).kind, Kind::Transient);
    assert_eq!(error(aws.delete_stack(&target, "orders", "reset")).kind, Kind::Transient);
    aws.delete_stack(&target, "orders", "known").unwrap();
    assert_eq!(error(aws.failures(&target, "orders", "t")).kind, Kind::Transient);
    assert_eq!(aws.stack_set(&target, "silo").unwrap(), None);
    let none = map(&[]);
    assert_eq!(error(aws.create_stack_set(&target, &set("1", &text, &none, false))).kind, Kind::Quota);
    let request = InstancesRequest {
        set: "silo",
        unit: None,
        accounts: &[],
        regions: &[],
        concurrency: 1,
        failures: 0,
        operation: "o",
    };
    assert_eq!(error(aws.change_instances(&target, &request, &InstancesWork::Create(&none))).kind, Kind::Busy);
    let update = InstancesWork::Update(&set("1", &text, &none, false));
    assert_eq!(aws.change_instances(&target, &request, &update).unwrap(), "o", "it has begun already");
    aws.attach_policy(&target, "p-1", "ou-1").unwrap();
    aws.detach_policy(&target, "p-1", "ou-1").unwrap();
    assert_eq!(error(aws.move_account(&target, "111111111111", "r-1", "ou-1")).kind, Kind::Busy);
    assert_eq!(error(aws.create_policy(&target, "SERVICE_CONTROL_POLICY", "p", "", "{}", &none)).kind, Kind::Quota);
    assert_eq!(error(aws.stack(&target, "orders")).kind, Kind::Credentials);
}

const ROLE: &str = "arn:{partition}:iam::{account}:role/tenantry-deploy";

fn with_role() -> Aws {
    Aws::connect(&Settings { role: Some(ROLE.to_owned()), ..Settings::default() }).unwrap()
}

#[test]
#[ignore = "the test outside runs it"]
fn a_role_for_each_account() {
    let (aws, member) = (with_role(), member());
    let target = at(&member, "eu-west-1");
    aws.check(&target).unwrap();
    let text = template(&["Jobs"]);
    Change { stack: "orders", name: "one", create: true, template: TemplateSource::Body(&text) }.deploy(&aws, &target);
    std::thread::scope(|scope| {
        for thread in 0..10 {
            let (aws, member) = (&aws, &member);
            scope.spawn(move || {
                for region in ["eu-west-1", "eu-west-2"].into_iter().cycle().take(10) {
                    let stack = aws.stack(&at(member, region), "orders").unwrap();
                    assert_eq!(stack.is_some(), region == "eu-west-1", "{thread}");
                }
            });
        }
    });
    assert_eq!(aws.stack(&target, "orders").unwrap().unwrap().id.split(':').nth(4), Some(member.as_str()));
}

#[test]
#[ignore = "the test outside runs it"]
fn no_role_and_another_account() {
    let denied = error(aws().stack(&at("111111111111", REGION), "orders"));
    assert_eq!(denied.kind, Kind::Denied);
    assert!(denied.message.contains("no role is given for account 111111111111"), "{denied}");
    for wrong in ["deploy", "arn:aws:iam::1:role/x", "arn:aws:iam::{account}:user/x", "arn:aws:iam::{acount}:role/x"] {
        let settings = Settings { role: Some(wrong.to_owned()), ..Settings::default() };
        assert_eq!(Aws::connect(&settings).err().map(|error| error.kind), Some(Kind::Invalid), "{wrong}");
    }
}

#[test]
#[ignore = "the test outside runs it"]
fn a_role_that_may_not_be_assumed() {
    let denied = error(with_role().stack(&at("111111111111", REGION), "orders"));
    assert_eq!((denied.kind, denied.operation, denied.code.as_str()), (Kind::Denied, "sts:AssumeRole", "AccessDenied"));
}

#[test]
#[ignore = "the test outside runs it"]
fn regions_that_are_not_enabled() {
    let aws = aws();
    aws.check(&home()).unwrap();
    aws.check(&at(MOTO_ACCOUNT, "eu-west-1")).unwrap();
    let disabled = error(aws.check(&at(MOTO_ACCOUNT, "ap-east-1")));
    assert_eq!(disabled.kind, Kind::Region);
    assert!(disabled.message.contains("`ap-east-1` is not enabled in account 123456789012"), "{disabled}");
}

#[test]
#[ignore = "the test outside runs it"]
fn no_credentials() {
    let began = Instant::now();
    let none = error(aws().caller());
    assert_eq!(none.kind, Kind::Credentials);
    assert!(none.message.contains("AWS_PROFILE"), "{none}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
#[ignore = "the test outside runs it"]
fn expired_credentials() {
    assert_eq!(error(aws().check(&home())).kind, Kind::Credentials);
}

#[test]
#[ignore = "the test outside runs it"]
fn no_region() {
    assert_eq!(error(aws().caller()).kind, Kind::Region);
}

#[test]
#[ignore = "the test outside runs it"]
fn a_profile_of_the_environment() {
    assert_eq!(aws().caller().unwrap(), MOTO_ACCOUNT);
}

fn fleet() -> Aws {
    Aws::connect(&Settings { profile: Some("fleet".to_owned()), ..Settings::default() }).unwrap()
}

#[test]
#[ignore = "the test outside runs it"]
fn a_profile_of_an_argument() {
    assert_eq!(fleet().stack(&home(), "orders").unwrap(), None);
}

#[test]
#[ignore = "the test outside runs it"]
fn a_process_that_fails_says_nothing() {
    assert_eq!(error(fleet().caller()).kind, Kind::Credentials);
}

#[test]
#[ignore = "the test outside runs it"]
fn every_service_has_an_endpoint_of_its_own() {
    let (aws, target) = (aws(), home());
    assert_eq!(aws.caller().unwrap(), MOTO_ACCOUNT);
    assert_eq!(aws.stack(&target, "orders").unwrap(), None);
    assert_eq!(aws.policy(&target, "SERVICE_CONTROL_POLICY", "regions").unwrap(), None);
    // Moto does not speak with CloudWatch's clients of today; it was asked.
    let answered = error(aws.ringing(&target, &["nobody".to_owned()]));
    assert_eq!(
        (answered.kind, answered.message.as_str()),
        (Kind::Transient, "an answer of status 404 that is not AWS's")
    );
    assert_eq!(error(aws.put_template(&target, "templates", "k", b"{}")).kind, Kind::NotFound);
}

#[test]
#[ignore = "the test outside runs it"]
fn nobody_answers() {
    let nobody = error(aws().caller());
    assert_eq!((nobody.kind, nobody.code.as_str()), (Kind::Transient, ""));
}

#[test]
#[ignore = "the test outside runs it"]
fn what_would_change() {
    let (aws, target) = (aws(), home());
    let (first, second) = (template(&["Jobs"]), template(&["Jobs", "Mail"]));
    let own = Change { stack: "orders", name: "one", create: true, template: TemplateSource::Body(&first) };
    own.deploy(&aws, &target);
    let question = |stack: &str, template: &str| Question {
        stack: stack.to_owned(),
        target: target.clone(),
        template: template.to_owned(),
        parameters: map(&[("Tenant", "acme")]),
        tags: map(&[("tenant", "acme")]),
        bucket: None,
        set: None,
    };
    let questions = [question("orders", &second), question("orders", &first), question("fresh", &second)];
    let replies = preview(&aws, &questions, MOST, "run1", &|_| {});
    let words: Vec<(bool, Vec<String>)> = replies
        .iter()
        .map(|reply| {
            assert_eq!(reply.left, None);
            let changes = reply.changes.clone().unwrap();
            (reply.exists, changes.iter().map(|change| format!("{} {}", change.action, change.logical_id)).collect())
        })
        .collect();
    let all = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    assert_eq!(words, [(true, all(&["Add Mail"])), (true, all(&[])), (false, all(&["Add Jobs", "Add Mail"]))]);
    // Everything is as it was.
    assert_eq!(aws.stack(&target, "fresh").unwrap(), None);
    assert_eq!(aws.stack(&target, "orders").unwrap().unwrap().status, "CREATE_COMPLETE");
    for question in &questions {
        assert_eq!(aws.change_set(&target, &question.stack, &question.name()).unwrap(), None);
    }
}
