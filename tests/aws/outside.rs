//! What stands around each test: an engine, a proxy that knows what was asked, and an environment.

use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::engine::{Engine, MOTO_ACCOUNT, REGION, SECRET, elements};
use crate::http::Answer;
use crate::patience;
use crate::proxy::{Call, Fault, Proxy, Rule, in_cbor};

/// One moto for all tests, one after the other. It ends with this process.
static MOTO: OnceLock<Option<Mutex<Engine>>> = OnceLock::new();

/// A test's surroundings.
struct Around {
    engine: MutexGuard<'static, Engine>,
    proxy: Proxy,
}

impl Around {
    fn new() -> Option<Self> {
        let engine = MOTO.get_or_init(|| Engine::moto().map(Mutex::new)).as_ref()?;
        let engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
        engine.reset();
        let proxy = Proxy::before(&engine);
        Some(Self { engine, proxy })
    }

    /// The program that is this test, with what AWS's tools read.
    fn command(&self) -> Command {
        self.engine.client_by(std::env::current_exe().unwrap(), self.proxy.port())
    }

    /// Runs the test of this name inside.
    fn run(&self, test: &str) {
        self.run_with(test, self.command());
    }

    fn run_with(&self, test: &str, mut command: Command) {
        command.args([&format!("inside::{test}"), "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        let output = patience::output(&mut command);
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains("1 passed"), "{text}\nthe engine: {}", self.engine.said());
        for secret in self.secrets() {
            assert!(!text.contains(&secret), "a credential is shown:\n{text}");
        }
    }

    /// Everything that nobody may see: what the environment has, what roles were given, and every signature.
    fn secrets(&self) -> Vec<String> {
        let mut all = vec![SECRET.to_owned()];
        for call in self.proxy.calls() {
            if let Some(answer) = &call.engine {
                let text = answer.text();
                all.extend(elements(&text, "SecretAccessKey").into_iter().chain(elements(&text, "SessionToken")));
            }
            let signed = call.request.headers.get("authorization").cloned().unwrap_or_default();
            all.extend(signed.rsplit_once("Signature=").map(|(_, signature)| signature.to_owned()));
        }
        all
    }

    fn calls(&self, operation: &str) -> Vec<Call> {
        self.proxy.calls().into_iter().filter(|call| call.operation == operation).collect()
    }

    /// An organization with an account in it; its id.
    fn member(&self) -> String {
        let ask = |operation: &str, body: &serde_json::Value| {
            self.engine.ask_json("organizations", &format!("AWSOrganizationsV20161128.{operation}"), body)
        };
        ask("CreateOrganization", &json!({ "FeatureSet": "ALL" }));
        let account = ask("CreateAccount", &json!({ "AccountName": "acme", "Email": "acme@example.com" }));
        account["CreateAccountStatus"]["AccountId"].as_str().unwrap().to_owned()
    }

    /// A role in an account that the caller may assume.
    fn role(&self, account: &str, name: &str) {
        // Twelve digits are taken by moto for the account only as part of a key that a role was given.
        let assumed = self.engine.ask(
            "sts",
            "AssumeRole",
            &[("RoleArn", &format!("arn:aws:iam::{account}:role/any")), ("RoleSessionName", "test")],
        );
        let key = crate::engine::element(&assumed.text(), "AccessKeyId").unwrap();
        let trust = json!({ "Version": "2012-10-17", "Statement": [] }).to_string();
        let fields = [("RoleName", name), ("AssumeRolePolicyDocument", trust.as_str())];
        assert_eq!(self.engine.ask_as(&key, REGION, "iam", "CreateRole", &fields).status, 200);
    }
}

/// An answer of CloudFormation, with what stands in its result.
fn always(inner: &'static str) -> Fault {
    Fault::instead(move |call| call.result(inner))
}

#[test]
fn stacks_and_change_sets() {
    let Some(around) = Around::new() else { return };
    around.run("stacks_and_change_sets");
    let made = around.calls("CreateChangeSet");
    assert_eq!(made[0].field("Capabilities.member.1"), "CAPABILITY_NAMED_IAM");
    assert_eq!(made[0].field("Capabilities.member.2"), "");
    assert_eq!((made[0].field("ClientToken"), made[0].field("ChangeSetType")), ("token-one", "CREATE"));
    assert_eq!(around.calls("ExecuteChangeSet")[0].field("ClientRequestToken"), "token-2");
    assert_eq!(around.calls("DeleteStack")[0].field("ClientRequestToken"), "token-9");
    let agent = &made[0].request.headers["user-agent"];
    assert!(agent.contains(concat!("app/tenantry-", env!("CARGO_PKG_VERSION"))), "{agent}");
}

#[test]
fn large_templates_lie_in_a_bucket() {
    let Some(around) = Around::new() else { return };
    around.run("large_templates_lie_in_a_bucket");
    let puts = around.proxy.calls().into_iter().filter(|call| call.request.method == "PUT");
    // Into no bucket, the bucket, and the template once.
    let paths: Vec<String> = puts.map(|call| call.request.path).collect();
    assert_eq!(paths.len(), 3, "{paths:?}");
    assert!(paths[2].starts_with("/templates/tenantry/"), "{paths:?}");
}

#[test]
fn stack_sets_reach_member_accounts() {
    let Some(around) = Around::new() else { return };
    let member = around.member();
    // Moto makes two sets of one name.
    for nth in [2, 3] {
        let there = Fault::Error(409, "NameAlreadyExistsException", "The specified name is already in use.");
        around.proxy.add(Rule::on("CreateStackSet", there).nth(nth));
    }
    let mut command = around.command();
    command.env("TEST_MEMBER", &member);
    around.run_with("stack_sets_reach_member_accounts", command);
    let made = around.calls("CreateStackInstances");
    assert_eq!(made[0].field("OperationId"), "11111111-1111-1111-1111-111111111111");
    assert_eq!(made[0].field("OperationPreferences.MaxConcurrentCount"), "2");
    assert_eq!(made[0].field("OperationPreferences.FailureToleranceCount"), "1");
    assert_eq!(made[0].field("OperationPreferences.ConcurrencyMode"), "STRICT_FAILURE_TOLERANCE");
    assert_eq!(made[0].field("ParameterOverrides.member.1.ParameterKey"), "Tenant");
    assert_eq!(around.calls("CreateStackSet")[0].field("ManagedExecution.Active"), "true");
}

#[test]
fn stack_sets_of_aws_reach_accounts_of_a_unit() {
    let Some(around) = Around::new() else { return };
    let member = around.member();
    let mut command = around.command();
    command.env("TEST_MEMBER", &member);
    around.run_with("stack_sets_of_aws_reach_accounts_of_a_unit", command);
    let made = around.calls("CreateStackInstances");
    assert_eq!(made[0].field("DeploymentTargets.AccountFilterType"), "INTERSECTION");
    assert_eq!(made[0].field("DeploymentTargets.Accounts.member.1"), member);
    assert_eq!(made[0].field("Accounts.member.1"), "");
    let set = &around.calls("CreateStackSet")[0];
    assert_eq!((set.field("PermissionModel"), set.field("AutoDeployment.Enabled")), ("SERVICE_MANAGED", "false"));
}

#[test]
fn failed_instances_are_told() {
    let Some(around) = Around::new() else { return };
    around.proxy.add(Rule::on(
        "DescribeStackSetOperation",
        always("<StackSetOperation><OperationId>o</OperationId><Status>FAILED</Status></StackSetOperation>"),
    ));
    around.proxy.add(Rule::on(
        "ListStackSetOperationResults",
        Fault::instead(|call| {
            let (account, reason, next) = match call.field("NextToken") {
                "" => (
                    "222222222222",
                    "Account 222222222222 should have 'AWSCloudFormationStackSetExecutionRole'",
                    "<NextToken>2</NextToken>",
                ),
                _ => ("111111111111", "ResourceLogicalId:Orders, ResourceType:AWS::DynamoDB::Table", ""),
            };
            call.result(&format!(
                "<Summaries><member><Account>{account}</Account><Region>eu-west-1</Region><Status>FAILED</Status>\
                 <StatusReason>{reason}</StatusReason></member><member><Account>333333333333</Account>\
                 <Region>eu-west-1</Region><Status>SUCCEEDED</Status></member></Summaries>{next}"
            ))
        }),
    ));
    around.run("failed_instances_are_told");
}

#[test]
fn the_organization() {
    let Some(around) = Around::new() else { return };
    let member = around.member();
    // Moto makes two units of one name.
    let there = Fault::Error(400, "DuplicateOrganizationalUnitException", "An OU with the same name already exists.");
    around.proxy.add(Rule::on("CreateOrganizationalUnit", there).nth(2));
    let mut command = around.command();
    command.env("TEST_MEMBER", &member);
    around.run_with("the_organization", command);
}

#[test]
fn long_lists_are_read_to_their_end() {
    let Some(around) = Around::new() else { return };
    let pages = |element: &'static str| {
        Rule::on(
            element,
            Fault::instead(|call| {
                let page: usize = call.field("NextToken").parse().unwrap_or(0);
                let next = if page < 2 { format!("<NextToken>{}</NextToken>", page + 1) } else { String::new() };
                call.result(&match call.operation.as_str() {
                    "DescribeChangeSet" => format!(
                        "<ChangeSetName>c</ChangeSetName><ChangeSetId>arn:c</ChangeSetId><Status>CREATE_COMPLETE</Status>\
                         <ExecutionStatus>AVAILABLE</ExecutionStatus><Changes><member><Type>Resource</Type><ResourceChange>\
                         <Action>Modify</Action><LogicalResourceId>R{page}</LogicalResourceId>\
                         <ResourceType>AWS::DynamoDB::Table</ResourceType><Replacement>Conditional</Replacement>\
                         <Scope><member>Properties</member><member>Tags</member></Scope><Details><member><Target>\
                         <Attribute>Properties</Attribute><Name>KeySchema</Name>\
                         <RequiresRecreation>Always</RequiresRecreation></Target><Evaluation>Static</Evaluation></member>\
                         <member><Target><Attribute>Tags</Attribute><RequiresRecreation>Never</RequiresRecreation></Target>\
                         </member></Details></ResourceChange></member></Changes>{next}"
                    ),
                    "ListStackInstances" => format!(
                        "<Summaries><member><Account>11111111111{page}</Account><Region>eu-west-1</Region>\
                         <Status>OUTDATED</Status><StatusReason>it is being made</StatusReason><StackInstanceStatus>\
                         <DetailedStatus>RUNNING</DetailedStatus></StackInstanceStatus></member></Summaries>{next}"
                    ),
                    _ => format!(
                        "<StackResourceDrifts><member><LogicalResourceId>R{page}</LogicalResourceId>\
                         <ResourceType>AWS::SQS::Queue</ResourceType>\
                         <StackResourceDriftStatus>MODIFIED</StackResourceDriftStatus><PropertyDifferences>\
                         <member><PropertyPath>/VisibilityTimeout</PropertyPath><ExpectedValue>30</ExpectedValue>\
                         <ActualValue>60</ActualValue><DifferenceType>NOT_EQUAL</DifferenceType></member>\
                         </PropertyDifferences><StackId>arn:s</StackId><Timestamp>2026-01-01T00:00:00Z</Timestamp></member>\
                         </StackResourceDrifts>{next}"
                    ),
                })
            }),
        )
    };
    for operation in ["DescribeChangeSet", "ListStackInstances", "DescribeStackResourceDrifts"] {
        around.proxy.add(pages(operation));
    }
    around.proxy.add(Rule::on(
        "ListOrganizationalUnitsForParent",
        Fault::instead(|call| {
            let page: usize = call.field("NextToken").parse().unwrap_or(0);
            let mut body =
                json!({ "OrganizationalUnits": [{ "Id": format!("ou-{page}"), "Name": format!("u{page}") }] });
            if page < 2 {
                body["NextToken"] = json!((page + 1).to_string());
            }
            Answer::new(200, "application/x-amz-json-1.1", body.to_string())
        }),
    ));
    around.run("long_lists_are_read_to_their_end");
    let asked = around.calls("DescribeStackResourceDrifts");
    assert_eq!(asked[0].field("StackResourceDriftStatusFilters.member.1"), "MODIFIED");
}

#[test]
fn drift_is_looked_for() {
    let Some(around) = Around::new() else { return };
    let id = "<StackDriftDetectionId>b78ac9b0-dec1-11e7-a451-503a3example</StackDriftDetectionId>";
    around.proxy.add(Rule::on("DetectStackDrift", always(id)));
    around.proxy.add(Rule::on(
        "DescribeStackDriftDetectionStatus",
        Fault::instead(move |call| {
            call.result(&format!(
                "<StackId>arn:s</StackId>{id}<StackDriftStatus>DRIFTED</StackDriftStatus>\
                 <Timestamp>2017-12-11T22:22:04.747Z</Timestamp><DetectionStatus>DETECTION_COMPLETE</DetectionStatus>\
                 <DriftedStackResourceCount>1</DriftedStackResourceCount>"
            ))
        }),
    ));
    around.run("drift_is_looked_for");
}

#[test]
fn why_a_stack_failed() {
    let Some(around) = Around::new() else { return };
    around.proxy.add(Rule::on(
        "DescribeStackEvents",
        Fault::instead(|call| {
            let event = |name: &str, kind: &str, status: &str, reason: &str, token: &str| {
                let stack = "arn:aws:cloudformation:eu-central-1:123456789012:stack/orders/1";
                let physical = if kind == "AWS::CloudFormation::Stack" { stack } else { "x" };
                format!(
                    "<member><Timestamp>2026-01-01T00:00:00Z</Timestamp><EventId>e</EventId><StackId>{stack}</StackId>\
                     <StackName>orders</StackName><LogicalResourceId>{name}</LogicalResourceId>\
                     <PhysicalResourceId>{physical}</PhysicalResourceId><ResourceType>{kind}</ResourceType>\
                     <ResourceStatus>{status}</ResourceStatus><ResourceStatusReason>{reason}</ResourceStatusReason>\
                     <ClientRequestToken>{token}</ClientRequestToken></member>"
                )
            };
            let stack = "AWS::CloudFormation::Stack";
            let (one, two) = ("AWS::SQS::Queue", "AWS::DynamoDB::Table");
            // The newest first, as AWS lists them.
            let inner = if call.field("NextToken").is_empty() {
                event("orders", stack, "UPDATE_ROLLBACK_COMPLETE", "", "now")
                    + &event("Jobs", one, "CREATE_FAILED", "Resource creation cancelled", "now")
                    + "</StackEvents><NextToken>2</NextToken><StackEvents>"
            } else {
                event("Orders", two, "CREATE_FAILED", "Subscriber limit exceeded: tables", "now")
                    + &event("orders", stack, "UPDATE_IN_PROGRESS", "User Initiated", "now")
                    + &event("Old", one, "CREATE_FAILED", "long ago", "before")
            };
            call.result(&format!("<StackEvents>{inner}</StackEvents>"))
        }),
    ));
    around.run("why_a_stack_failed");
}

/// CloudWatch as the SDK speaks with it, which moto does not: the alarms of the names in the request, two pages of them.
/// <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>
fn cloudwatch(call: &Call) -> Answer {
    assert_eq!(call.request.path, "/service/GraniteServiceVersion20100801/operation/DescribeAlarms");
    let body = String::from_utf8_lossy(&call.request.body).into_owned();
    let names: Vec<&str> = body.split("alarm-").skip(1).filter_map(|rest| rest.get(..3)).collect();
    let (first, second) = names.split_at(names.len() / 2);
    let second_page = body.contains("NextToken");
    let alarms: Vec<serde_json::Value> = if second_page { second } else { first }
        .iter()
        .map(|number| {
            let state = if ["003", "110"].contains(number) { "ALARM" } else { "INSUFFICIENT_DATA" };
            json!({ "AlarmName": format!("alarm-{number}"), "StateValue": state })
        })
        .collect();
    let (metric, composite) = alarms.split_at(alarms.len() / 2);
    let mut answer = json!({ "MetricAlarms": metric, "CompositeAlarms": composite });
    if !second_page {
        answer["NextToken"] = json!("2");
    }
    in_cbor(&answer)
}

#[test]
fn alarms_that_ring() {
    let Some(around) = Around::new() else { return };
    around.proxy.add(Rule::on(
        "*",
        Fault::rewrite(|call, answer| if call.request.path.contains("/service/") { cloudwatch(call) } else { answer }),
    ));
    around.run("alarms_that_ring");
    let asked = around.proxy.calls().into_iter().filter(|call| call.service == "monitoring").count();
    assert_eq!(asked, 2 * 2 + 2 + 2, "a hundred names a request, two pages each");
}

#[test]
fn too_many_requests() {
    let Some(around) = Around::new() else { return };
    around.proxy.add(Rule::on("DescribeStacks", Fault::Throttle).about("twice").first(2));
    around.proxy.add(Rule::on("DescribeStacks", Fault::Throttle).about("always"));
    around.proxy.add(Rule::on("ListParents", Fault::Throttle));
    around.run("too_many_requests");
    // AWS's own number of attempts.
    assert_eq!(around.calls("DescribeStacks").len(), 6);
    assert_eq!(around.calls("ListParents").len(), 3);
}

#[test]
fn the_number_of_attempts_is_the_users() {
    let Some(around) = Around::new() else { return };
    around.proxy.add(Rule::on("DescribeStacks", Fault::Throttle));
    let mut command = around.command();
    command.env("AWS_MAX_ATTEMPTS", "1");
    around.run_with("the_number_of_attempts_is_the_users", command);
    assert_eq!(around.calls("DescribeStacks").len(), 1);
}

#[test]
fn errors_have_their_kinds() {
    let Some(around) = Around::new() else { return };
    let error = |operation: &str, status, code, message| {
        around.proxy.add(Rule::on(operation, Fault::Error(status, code, message)));
    };
    let busy = "Stack:arn:aws:cloudformation:x is in UPDATE_IN_PROGRESS state and can not be updated.";
    error("CreateChangeSet", 400, "ValidationError", busy);
    error(
        "ExecuteChangeSet",
        403,
        "AccessDenied",
        "User: x is not authorized to perform: cloudformation:ExecuteChangeSet",
    );
    error("DescribeChangeSet", 404, "ChangeSetNotFound", "ChangeSet [c] does not exist");
    error("GetTemplate", 500, "InternalFailure", "");
    error("DescribeStackSet", 404, "StackSetNotFoundException", "StackSet s not found");
    error(
        "CreateStackInstances",
        409,
        "OperationInProgressException",
        "Another Operation on StackSet s is in progress",
    );
    error("UpdateStackSet", 409, "OperationIdAlreadyExistsException", "o");
    error("CreateStackSet", 400, "LimitExceededException", "You have exceeded the number of stack sets");
    error("AttachPolicy", 400, "DuplicatePolicyAttachmentException", "it is attached");
    error("DetachPolicy", 400, "PolicyNotAttachedException", "it is not");
    error("MoveAccount", 400, "ConcurrentModificationException", "try again");
    error("CreatePolicy", 400, "ConstraintViolationException", "You have exceeded the number of policies");
    around.proxy.add(Rule::on("DeleteStack", Fault::Reset).about("reset"));
    error("DeleteStack", 400, "TokenAlreadyExistsException", "A client request token already exists");
    around
        .proxy
        .add(Rule::on("DescribeStackEvents", Fault::instead(|_| Answer::new(502, "text/html", "<html>no</html>"))));
    around.proxy.add(Rule::on("ListRoots", Fault::Reset));
    let signed = "The request signature we calculated does not match. The Canonical String for this request should have been \
                  'POST x-amz-security-token:NotASecret/ButLookedForInEveryOutput+001'";
    error("DescribeStacks", 403, "SignatureDoesNotMatch", signed);
    around.run("errors_have_their_kinds");
}

#[test]
fn a_role_for_each_account() {
    let Some(around) = Around::new() else { return };
    let member = around.member();
    around.role(&member, "tenantry-deploy");
    around.role(MOTO_ACCOUNT, "tenantry-deploy");
    let mut command = around.command();
    command.env("TEST_MEMBER", &member);
    around.run_with("a_role_for_each_account", command);
    let assumed = around.calls("AssumeRole");
    assert_eq!(assumed.len(), 1, "once for a hundred calls in two regions");
    assert_eq!(assumed[0].field("RoleArn"), format!("arn:aws:iam::{member}:role/tenantry-deploy"));
    assert_eq!(assumed[0].field("RoleSessionName"), "tenantry");
    let looked: Vec<Call> = around.calls("DescribeStacks");
    assert!(looked.len() > 100 && looked.iter().all(|call| call.account == member));
}

#[test]
fn no_role_and_another_account() {
    let Some(around) = Around::new() else { return };
    around.run("no_role_and_another_account");
    assert_eq!(around.calls("DescribeStacks").len(), 0);
}

#[test]
fn a_role_that_may_not_be_assumed() {
    let Some(around) = Around::new() else { return };
    let denied = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: sts:AssumeRole";
    around.proxy.add(Rule::on("AssumeRole", Fault::Error(403, "AccessDenied", denied)));
    around.run("a_role_that_may_not_be_assumed");
}

#[test]
fn regions_that_are_not_enabled() {
    let Some(around) = Around::new() else { return };
    around.proxy.add(Rule::on(
        "GetCallerIdentity",
        Fault::rewrite(|call, answer| match call.region.as_str() {
            "ap-east-1" => {
                call.error(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
            }
            _ => answer,
        }),
    ));
    around.run("regions_that_are_not_enabled");
}

#[test]
fn no_credentials() {
    let Some(around) = Around::new() else { return };
    let mut command = around.command();
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let began = Instant::now();
    around.run_with("no_credentials", command);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(around.proxy.count(), 0);
}

#[test]
fn expired_credentials() {
    let Some(around) = Around::new() else { return };
    let expired = "The security token included in the request is expired";
    around.proxy.add(Rule::on("*", Fault::Error(403, "ExpiredToken", expired)));
    around.run("expired_credentials");
}

#[test]
fn no_region() {
    let Some(around) = Around::new() else { return };
    let mut command = around.command();
    command.env_remove("AWS_REGION").env_remove("AWS_DEFAULT_REGION");
    around.run_with("no_region", command);
    assert_eq!(around.proxy.count(), 0);
}

/// Files of profiles, as `aws configure` writes them.
#[expect(clippy::disallowed_methods, reason = "a test writes what users have")]
fn profiles(folder: &std::path::Path, config: &str, credentials: &str, command: &mut Command) {
    let (config_file, credentials_file) = (folder.join("config"), folder.join("credentials"));
    std::fs::write(&config_file, config).unwrap();
    std::fs::write(&credentials_file, credentials).unwrap();
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"] {
        command.env_remove(name);
    }
    command.env("AWS_CONFIG_FILE", config_file).env("AWS_SHARED_CREDENTIALS_FILE", credentials_file);
}

#[test]
fn a_profile_of_the_environment() {
    let Some(around) = Around::new() else { return };
    let (folder, mut command) = (tempfile::tempdir().unwrap(), around.command());
    let config =
        format!("[profile fleet]\nregion = eu-west-3\nendpoint_url = http://127.0.0.1:{}\n", around.proxy.port());
    let credentials = format!("[fleet]\naws_access_key_id = AKIAFLEET00000000001\naws_secret_access_key = {SECRET}\n");
    profiles(folder.path(), &config, &credentials, &mut command);
    command.env("AWS_PROFILE", "fleet");
    around.run_with("a_profile_of_the_environment", command);
    assert_eq!(around.calls("GetCallerIdentity")[0].region, "eu-west-3");
}

#[test]
fn a_profile_of_an_argument_with_a_process_and_endpoints_of_services() {
    let Some(around) = Around::new() else { return };
    let (folder, mut command) = (tempfile::tempdir().unwrap(), around.command());
    let port = around.proxy.port();
    let answer = json!({ "Version": 1, "AccessKeyId": "AKIAFLEET00000000002", "SecretAccessKey": SECRET });
    let config = format!(
        "[profile fleet]\nregion = eu-west-3\nservices = here\nendpoint_url = http://127.0.0.1:1\n\
         credential_process = echo '{answer}'\n[services here]\nsts =\n  endpoint_url = http://127.0.0.1:{port}\n\
         cloudformation =\n  endpoint_url = http://127.0.0.1:{port}\n"
    );
    profiles(folder.path(), &config, "", &mut command);
    around.run_with("a_profile_of_an_argument", command);
    assert_eq!(around.calls("DescribeStacks").len(), 1);
}

#[test]
fn a_process_that_fails_says_nothing() {
    let Some(around) = Around::new() else { return };
    let (folder, mut command) = (tempfile::tempdir().unwrap(), around.command());
    let config =
        format!("[profile fleet]\nregion = eu-west-3\ncredential_process = sh -c 'echo {SECRET} >&2; exit 1'\n");
    profiles(folder.path(), &config, "", &mut command);
    around.run_with("a_process_that_fails_says_nothing", command);
}

#[test]
fn every_service_has_an_endpoint_of_its_own() {
    let Some(around) = Around::new() else { return };
    around.member();
    let mut command = around.command();
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    for service in ["STS", "CLOUDFORMATION", "ORGANIZATIONS", "S3", "CLOUDWATCH"] {
        // A name, not an address: buckets have to stand in the path then.
        command.env(format!("AWS_ENDPOINT_URL_{service}"), format!("http://localhost:{}", around.proxy.port()));
    }
    around.run_with("every_service_has_an_endpoint_of_its_own", command);
}

#[test]
fn nobody_answers() {
    let Some(around) = Around::new() else { return };
    let mut command = around.command();
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    around.run_with("nobody_answers", command);
}

#[test]
fn what_would_change() {
    let Some(around) = Around::new() else { return };
    around.run("what_would_change");
    assert_eq!(around.calls("ExecuteChangeSet").len(), 1, "that of the test itself");
    let deleted: Vec<String> = around.calls("DeleteStack").iter().map(|call| call.stack().to_owned()).collect();
    assert_eq!(deleted, ["fresh"]);
}

/// A tenant of a pool, whose one stack goes to moto's account.
const BLUEPRINT: &str = "
tenantry: 1
blueprint: orders
owner: platform-team
cost_center: cc-100
cells:
  - { cell: eu-1, region: eu-west-1, account: '123456789012' }
tiers:
  - tier: basic
    isolation: pool
    components: [{ table: Orders, partition_by: tenant_id }]
tenants:
  - { tenant: globex, tier: basic }
";

/// What the program says, with its exit code; nothing of it is a credential.
fn program(around: &Around, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = around.engine.client_by(env!("CARGO_BIN_EXE_tenantry"), around.proxy.port());
    let output = patience::output(command.env_remove("AWS_REGION").env_remove("AWS_DEFAULT_REGION").args(arguments));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    for secret in around.secrets() {
        assert!(!out.contains(&secret) && !err.contains(&secret), "{out}{err}");
    }
    (output.status.code(), out.into_owned(), err.into_owned())
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a user writes a blueprint")]
fn a_preview_asks_cloudformation_and_changes_nothing() {
    let Some(around) = Around::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (file, assembly) = (folder.path().join("blueprint.yaml"), folder.path().join("assembly"));
    std::fs::write(&file, BLUEPRINT).unwrap();
    let (file, assembly) = (file.to_str().unwrap(), assembly.to_str().unwrap());
    let (code, _, err) = program(&around, &["synth", file, "--out", assembly, "--no-prove"]);
    assert_eq!(code, Some(0), "{err}");

    for source in [["--blueprint", file], ["--assembly", assembly]] {
        let (code, out, err) =
            program(&around, &[&["preview", "globex", "--live", "-o", "json"][..], &source].concat());
        assert_eq!(code, Some(0), "{out}{err}");
        let preview: serde_json::Value = serde_json::from_str(&out).unwrap();
        let live = preview["live"].as_array().unwrap();
        let names: Vec<&serde_json::Value> = preview["stacks"].as_array().unwrap().iter().map(|s| &s["name"]).collect();
        assert_eq!(live.iter().map(|stack| &stack["name"]).collect::<Vec<_>>(), names);
        assert_eq!((&live[0]["exists"], &live[0]["problem"]), (&json!(false), &serde_json::Value::Null));
        let kinds = live[0]["changes"].as_array().unwrap();
        assert!(
            kinds.iter().any(|change| change["type"] == "AWS::DynamoDB::Table" && change["action"] == "Add"),
            "{out}"
        );
    }
    assert_eq!(around.calls("ExecuteChangeSet").len(), 0);
    assert_eq!(around.calls("CreateChangeSet").len(), around.calls("DeleteChangeSet").len());
    let left = around.engine.ask_as("AKIAMOTOEXAMPLE00001", "eu-west-1", "cloudformation", "DescribeStacks", &[]);
    assert_eq!((left.status, elements(&left.text(), "StackName")), (200, Vec::new()), "{}", left.text());

    let denied = "User: x is not authorized to perform: cloudformation:CreateChangeSet";
    around.proxy.add(Rule::on("CreateChangeSet", Fault::Error(403, "AccessDenied", denied)));
    let (code, out, _) = program(&around, &["preview", "globex", "--live", "--assembly", assembly]);
    assert_eq!(code, Some(2), "{out}");
    assert!(out.contains("`cloudformation:CreateChangeSet` failed with `AccessDenied`"), "{out}");
}

/// A tenant with an account of its own, whose queue keeps messages for so many days.
fn in_its_account(account: &str, days: u32) -> String {
    format!(
        "
tenantry: 1
blueprint: orders
owner: platform-team
cost_center: cc-100
cells:
  - {{ cell: eu-1, region: {REGION}, account: '{MOTO_ACCOUNT}' }}
tiers:
  - tier: platinum
    isolation: silo
    boundary: account
    components: [{{ queue: Jobs, partition_by: tenant_id, retention_days: {days} }}]
tenants:
  - {{ tenant: acme, tier: platinum, account: '{account}' }}
"
    )
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a user writes a blueprint")]
fn a_preview_asks_the_stack_that_a_stack_set_has_made() {
    let Some(around) = Around::new() else { return };
    let member = around.member();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (file, assembly, settings, rollout) =
        (path("b.yaml"), path("assembly"), path("settings.yaml"), path("rollout.json"));
    std::fs::write(&file, in_its_account(&member, 4)).unwrap();
    let text = format!(
        "percentages: [100]
canaries: {{ per_tier: 0 }}
limits: {{ tenants: 100, tier: 100 }}
gate: {{ bake_minutes: 0, watch: none }}
stack_sets: {{ shards: 2, permissions: self-managed }}
management: {{ account: '{MOTO_ACCOUNT}', region: {REGION} }}
"
    );
    std::fs::write(&settings, text).unwrap();
    let role = "arn:{partition}:iam::{account}:role/deployer";
    let fine = |arguments: &[&str]| {
        let (code, out, err) = program(&around, arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {out}{err}\nthe engine: {}", around.engine.said());
        out
    };
    let live = |more: &[&str]| {
        let asked = ["preview", "acme", "--live", "--role", role, "--blueprint", &file, "--against", &assembly];
        fine(&[&asked[..], more].concat())
    };
    fine(&["synth", &file, "--out", &assembly, "--no-prove"]);
    fine(&["rollout", &assembly, "--settings", &settings, "-o", &rollout]);
    fine(&["deploy", &rollout, "--assembly", &assembly, "--role", role, "--first-wait", "20"]);
    assert_eq!(around.calls("CreateStackInstances").len(), 1);
    assert_eq!(around.calls("CreateChangeSet").len(), 0, "a stack set has made it, and no change set");

    // As it is, and as it is to be.
    let out = live(&["-o", "json"]);
    let preview: serde_json::Value = serde_json::from_str(&out).unwrap();
    let stack = &preview["live"][0];
    assert_eq!((&stack["exists"], &stack["problem"]), (&json!(true), &serde_json::Value::Null), "{stack}");
    assert_eq!(stack["changes"], json!([]), "{stack}");
    let name = preview["stacks"][0]["name"].as_str().unwrap();
    let instance = stack["instance"].as_str().unwrap().to_owned();
    assert_eq!(stack["name"], name);
    assert!(instance.starts_with("StackSet-orders-platinum-"), "{instance}");
    std::fs::write(&file, in_its_account(&member, 9)).unwrap();
    let preview: serde_json::Value = serde_json::from_str(&live(&["-o", "json"])).unwrap();
    let changes = preview["live"][0]["changes"].as_array().unwrap();
    assert!(
        changes.iter().any(|change| change["type"] == "AWS::SQS::Queue" && change["action"] == "Modify"),
        "{changes:?}"
    );
    let html = path("acme.html");
    live(&["--html", &html]);
    let said = format!("asked of `{instance}`, which a stack set has made");
    let page = std::fs::read_to_string(&html).unwrap();
    assert!(page.contains(&instance) && page.contains("which a stack set has made"), "the page says {said}");
    let out = live(&[]);
    assert!(out.contains(&said), "{out}");

    // The set's tags, and not the tenant's; nothing is left, nor executed, nor made.
    let asked = around.calls("CreateChangeSet");
    assert_eq!(asked.len(), 4);
    for call in &asked {
        assert_eq!((call.stack(), call.field("ChangeSetType")), (instance.as_str(), "UPDATE"));
        let keys: Vec<&str> = (1..=3).map(|number| call.field(&format!("Tags.member.{number}.Key"))).collect();
        assert_eq!(keys, ["Environment", "Tier", ""]);
    }
    // Moto refuses to make one that would change nothing.
    let made = asked.iter().filter(|call| call.engine.as_ref().is_some_and(|answer| answer.status == 200)).count();
    assert_eq!((made, around.calls("DeleteChangeSet").len()), (3, 3));
    assert_eq!((around.calls("ExecuteChangeSet").len(), around.calls("DeleteStack").len()), (0, 0));
    let assembly_now = ["status", "--assembly", &assembly, "--role", role, "--exit-code"];
    fine(&assembly_now);

    // If CloudFormation does not want to, that is the answer.
    let refused = "the stack is managed by a stack set";
    around.proxy.add(Rule::on("CreateChangeSet", Fault::Error(400, "ValidationError", refused)).about("StackSet-"));
    let (code, out, _) =
        program(&around, &["preview", "acme", "--live", "--role", role, "--assembly", &assembly, "-o", "json"]);
    assert_eq!(code, Some(2), "{out}");
    let preview: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(preview["live"][0]["problem"].as_str().unwrap().ends_with(refused), "{out}");
    assert_eq!(preview["live"][0]["instance"], instance.as_str());
}
