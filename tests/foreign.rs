//! Templates that somebody else wrote, with the CDK, with SAM or by hand: what `tenantry prove` says to them, word for
//! word, and to everything in them that cannot be decided. `TENANTRY_WRITE=1` writes what is expected anew, to be read.

#[cfg(test)]
#[path = "support/simulator.rs"]
mod simulator;

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test reads the repository it stands in")]
mod foreign {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use serde_json::Value;
    use tempfile::TempDir;

    use super::simulator;

    fn folder(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/foreign").join(name)
    }

    fn prove(at: &Path, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        let output = command.arg("prove").args(arguments).current_dir(at).env("NO_COLOR", "1").output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// What is said, without the numbers that change with the catalogue of actions.
    fn said(at: &Path) -> String {
        let (code, stdout, stderr) = prove(at, &["--tenancy", "tenancy.yaml"]);
        let result = stdout.split(':').next().unwrap_or_default().trim();
        let mut said = String::new();
        for line in stderr.lines() {
            said.push_str(line.trim_end());
            said.push('\n');
        }
        format!("{said}exit code {code}: {result}\n")
    }

    fn expect(file: &Path, said: &str) {
        if std::env::var("TENANTRY_WRITE").is_ok_and(|value| value == "1") {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, said).unwrap();
        }
        let expected = fs::read_to_string(file).unwrap_or_else(|_| panic!("{} is missing", file.display()));
        assert_eq!(said, expected, "{}", file.display());
    }

    const WHOLE: [(&str, i32); 7] =
        [("hand-safe", 0), ("hand-leaking", 3), ("cdk", 3), ("sam", 3), ("silo", 0), ("cognito", 3), ("reference", 3)];

    #[test]
    fn templates_of_others_are_proved_or_refuted() {
        for (name, code) in WHOLE {
            let said = said(&folder(name));
            assert!(said.contains(&format!("exit code {code}: ")), "{name}: {said}");
            expect(&folder(name).join("expected.txt"), &said);
        }
    }

    /// The file, what stands there, and what is to stand there instead; at the end, if nothing is named.
    type Change = (&'static str, &'static str, &'static str);

    /// A copy of the safe template with something else in it.
    fn changed(changes: &[Change]) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        for file in ["template.yaml", "tenancy.yaml"] {
            fs::copy(folder("hand-safe").join(file), copy.path().join(file)).unwrap();
        }
        for (file, from, to) in changes {
            let path = copy.path().join(file);
            let text = fs::read_to_string(&path).unwrap_or_default();
            assert!(text.contains(from), "`{from}` is not in {file}");
            let text = if from.is_empty() { format!("{text}{to}") } else { text.replacen(from, to, 1) };
            fs::write(&path, text).unwrap();
        }
        copy
    }

    const T: &str = "template.yaml";
    const D: &str = "tenancy.yaml";
    const OWN_ITEMS: &str = "              - Sid: OwnItems\n                Effect: Allow\n";
    const OF_ROLE: &str = "      Policies:\n        - PolicyName: data\n";
    const SERVICE: &str = "  Service:\n    Type: AWS::Lambda::Function\n";

    /// A name, what is changed, and the exit code. None of them may pass in silence.
    #[rustfmt::skip]
    const BAD: &[(&str, &[Change], i32)] = &[
        ("macro", &[(T, "Parameters:\n", "Transform: Company::Tagging\n\nParameters:\n")], 3),
        ("sam-unprocessed", &[(T, "Parameters:\n", "Transform: AWS::Serverless-2016-10-31\n\nParameters:\n")], 3),
        ("fn-transform", &[(T, OWN_ITEMS, "              - Fn::Transform: { Name: Company::Statements }\n              - Sid: OwnItems\n                Effect: Allow\n")], 3),
        ("for-each", &[(T, "  ServiceLogs:\n", "  \"Fn::ForEach::Queues\":\n    - Name\n    - [A, B]\n    - \"Queue${Name}\": { Type: \"AWS::SQS::Queue\" }\n  ServiceLogs:\n")], 3),
        ("condition-of-a-resource", &[(T, "  TenantRole:\n    Type: AWS::IAM::Role\n", "  TenantRole:\n    Type: AWS::IAM::Role\n    Condition: IsProd\n")], 3),
        ("condition-of-a-resource-decided", &[(T, "  TenantRole:\n    Type: AWS::IAM::Role\n", "  TenantRole:\n    Type: AWS::IAM::Role\n    Condition: IsProd\n"), (D, "    owners:\n", "    parameters: { Stage: { is: { text: prod } } }\n    owners:\n")], 0),
        ("condition-of-a-statement", &[(T, OWN_ITEMS, "              - !If [IsProd, { Effect: Deny, Action: \"s3:*\", Resource: \"*\" }, !Ref AWS::NoValue]\n              - Sid: OwnItems\n                Effect: Allow\n")], 3),
        ("unknown-intrinsic", &[(T, "                Resource: !GetAtt Orders.Arn\n", "                Resource: { \"Fn::Lookup\": orders }\n")], 3),
        ("not-principal", &[(T, "            Principal: { AWS: !GetAtt ServiceRole.Arn }\n", "            NotPrincipal: { AWS: !GetAtt ServiceRole.Arn }\n")], 3),
        ("import-value", &[(T, "                Resource: !GetAtt Orders.Arn\n", "                Resource: !ImportValue shared-orders-arn\n")], 3),
        ("managed-policy", &[(T, OF_ROLE, "      ManagedPolicyArns: [\"arn:aws:iam::aws:policy/SecurityAudit\"]\n      Policies:\n        - PolicyName: data\n")], 3),
        ("managed-policies", &[(T, OF_ROLE, "      ManagedPolicyArns: !If [IsProd, [\"arn:aws:iam::aws:policy/SecurityAudit\"], []]\n      Policies:\n        - PolicyName: data\n")], 3),
        ("boundary", &[(T, OF_ROLE, "      PermissionsBoundary: arn:aws:iam::111122223333:policy/boundary\n      Policies:\n        - PolicyName: data\n")], 0),
        ("boundary-of-a-leak", &[(T, OF_ROLE, "      PermissionsBoundary: arn:aws:iam::111122223333:policy/boundary\n      Policies:\n        - PolicyName: data\n"), (T, "/${!aws:PrincipalTag/TenantId}/*", "/*")], 3),
        ("not-principal-of-a-refusal", &[(T, SERVICE, "  Doors:\n    Type: AWS::S3::BucketPolicy\n    Properties:\n      Bucket: !Ref Attachments\n      PolicyDocument:\n        Statement:\n          - { Sid: OnlyTenants, Effect: Deny, NotPrincipal: { AWS: !GetAtt TenantRole.Arn }, Action: \"s3:*\", Resource: !Sub \"${Attachments.Arn}/*\" }\n\n  Service:\n    Type: AWS::Lambda::Function\n"), (T, "              - Sid: Log\n", "              - { Sid: ReadAll, Effect: Allow, Action: \"s3:GetObject\", Resource: \"*\" }\n              - Sid: Log\n")], 3),
        ("policies", &[(T, "      Policies:\n        - PolicyName: data\n          PolicyDocument:\n", "      Policies:\n        - !If [IsProd, { PolicyName: more, PolicyDocument: { Statement: [] } }, { PolicyName: less, PolicyDocument: { Statement: [] } }]\n        - PolicyName: data\n          PolicyDocument:\n")], 3),
        ("tags-of-a-role", &[(T, OF_ROLE, "      Tags: !If [IsProd, [{ Key: TenantId, Value: all }], []]\n      Policies:\n        - PolicyName: data\n")], 3),
        ("dynamic-reference", &[(T, "                Resource: !Sub \"${Attachments.Arn}/${!aws:PrincipalTag/TenantId}/*\"\n", "                Resource: \"{{resolve:ssm:/attachments/arn}}/*\"\n")], 3),
        ("get-att", &[(T, "                Resource: !GetAtt Orders.Arn\n", "                Resource: !GetAtt Order.Arn\n")], 3),
        ("access-point", &[(T, "  ServiceLogs:\n", "  Door:\n    Type: AWS::S3::AccessPoint\n    Properties: { Bucket: !Ref Attachments }\n\n  ServiceLogs:\n")], 3),
        ("acl", &[(T, "Rules: [{ ObjectOwnership: BucketOwnerEnforced }]", "Rules: [{ ObjectOwnership: ObjectWriter }]")], 3),
        ("acl-unknown", &[(T, "Rules: [{ ObjectOwnership: BucketOwnerEnforced }]", "Rules: !If [IsProd, [{ ObjectOwnership: BucketOwnerEnforced }], [{ ObjectOwnership: ObjectWriter }]]")], 3),
        ("function-url", &[(T, SERVICE, "  Open:\n    Type: AWS::Lambda::Url\n    Properties: { TargetFunctionArn: !Ref Service, AuthType: NONE }\n\n  Service:\n    Type: AWS::Lambda::Function\n")], 3),
        ("group", &[(T, SERVICE, "  Staff:\n    Type: AWS::IAM::Group\n\n  Service:\n    Type: AWS::Lambda::Function\n")], 3),
        ("policy-of-a-group", &[(T, SERVICE, "  ForStaff:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      Groups: [staff]\n      PolicyDocument: { Statement: [{ Effect: Allow, Action: \"s3:GetObject\", Resource: \"*\" }] }\n\n  Service:\n    Type: AWS::Lambda::Function\n")], 3),
        ("nested-stack", &[(T, SERVICE, "  More:\n    Type: AWS::CloudFormation::Stack\n    Properties: { TemplateURL: \"https://example.com/more.yaml\" }\n\n  Service:\n    Type: AWS::Lambda::Function\n")], 3),
        ("undeclared", &[(D, "      Attachments: { objectKey: { pattern: \"${tenant}/*\" } }\n", "")], 3),
        ("undeclared-kind", &[(T, SERVICE, "  Series:\n    Type: AWS::Timestream::Table\n    Properties: { DatabaseName: metrics }\n\n  Service:\n    Type: AWS::Lambda::Function\n")], 3),
        ("custom-resource", &[(T, SERVICE, "  Seed:\n    Type: Custom::Seed\n    Properties: { ServiceToken: !GetAtt Service.Arn }\n\n  Service:\n    Type: AWS::Lambda::Function\n")], 3),
        ("custom-resource-declared", &[(T, SERVICE, "  Seed:\n    Type: Custom::Seed\n    Properties: { ServiceToken: !GetAtt Service.Arn }\n\n  Service:\n    Type: AWS::Lambda::Function\n"), (D, "    roles:\n", "      Seed: { platform: { reason: writes the list of countries } }\n    roles:\n")], 0),
        ("policy-elsewhere", &[(T, SERVICE, "  Schema:\n    Type: AWS::Glue::ResourcePolicy\n    Properties:\n      PolicyDocument: { Statement: [{ Effect: Allow, Principal: \"*\", Action: \"glue:*\", Resource: \"*\" }] }\n\n  Service:\n    Type: AWS::Lambda::Function\n")], 3),
        ("logs-of-the-account", &[(T, SERVICE, "  Delivery:\n    Type: AWS::Logs::ResourcePolicy\n    Properties:\n      PolicyName: delivery\n      PolicyDocument: '{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"es.amazonaws.com\"},\"Action\":\"logs:PutLogEvents\",\"Resource\":\"*\"}]}'\n\n  Service:\n    Type: AWS::Lambda::Function\n")], 3),
        ("permission-elsewhere", &[(T, SERVICE, "  Call:\n    Type: AWS::Lambda::Permission\n    Properties: { FunctionName: other, Action: \"lambda:InvokeFunction\", Principal: \"*\" }\n\n  Service:\n    Type: AWS::Lambda::Function\n")], 3),
        ("bus-elsewhere", &[(T, SERVICE, "  Send:\n    Type: AWS::Events::EventBusPolicy\n    Properties: { StatementId: send, Action: \"events:PutEvents\", Principal: \"*\" }\n\n  Service:\n    Type: AWS::Lambda::Function\n")], 3),
        ("key-without-policy", &[(T, SERVICE, "  Key:\n    Type: AWS::KMS::Key\n\n  Service:\n    Type: AWS::Lambda::Function\n"), (T, "              - Sid: OwnObjects\n", "              - { Sid: AnyKey, Effect: Allow, Action: \"kms:Decrypt\", Resource: \"*\" }\n              - Sid: OwnObjects\n"), (D, "    roles:\n", "      Key: { encryptionContext: { key: tenant, pattern: \"${tenant}\" } }\n    roles:\n")], 3),
        ("role-that-is-not-there", &[(D, "    roles:\n", "    roles:\n      ReportRole: { platform: { reason: makes reports } }\n")], 3),
        ("owner-that-is-not-there", &[(D, "      Orders: {", "      Order: {")], 3),
        ("through-nobody", &[(D, "through: [ServiceRole]", "through: [ServiceRole, WorkerRole]")], 3),
        ("parameter-that-is-not-there", &[(D, "    owners:\n", "    parameters: { Tenant: { is: { text: acme } } }\n    owners:\n")], 3),
        ("minted-by-nobody", &[(D, "mintedBy: [ServiceRole]", "mintedBy: [ApiRole]"), (D, "      ServiceRole:", "      ApiRole: { platform: { reason: opens sessions } }\n      ServiceRole:")], 3),
        ("guardrail-not-json", &[(D, "    owners:\n", "    guardrails: { scp: [guard.json] }\n    owners:\n"), ("guard.json", "", "{ \"Version\": \"2012-10-17\", \"Statement\": [ }\n")], 1),
        ("guardrail-no-policy", &[(D, "    owners:\n", "    guardrails: { scp: [guard.json] }\n    owners:\n"), ("guard.json", "", "[]\n")], 3),
        ("guardrail-absent", &[(D, "    owners:\n", "    guardrails: { scp: [guard.json] }\n    owners:\n")], 1),
        ("template-absent", &[(D, "template: template.yaml", "template: other.yaml")], 1),
        ("no-templates", &[(D, "templates:\n", "templates: []\nunused:\n")], 1),
        ("no-resources", &[(T, "Resources:\n", "Things:\n")], 3),
        ("not-a-policy", &[(T, OWN_ITEMS, "              - Sid: OwnItems\n                Efect: Allow\n")], 3),
        ("logs-of-every-region", &[(T, "                Resource: !Sub ${ServiceLogs.Arn}:*\n", "                Resource: \"*\"\n")], 3),
        ("misspelt", &[(T, "Action: [dynamodb:GetItem, dynamodb:PutItem, dynamodb:Query]", "Action: [dynamodb:GetItem, dynamodb:PutItems, dynamodb:Query]"), (T, "\"aws:RequestTag/TenantId\": \"?*\"", "\"aws:RequestTags/TenantId\": \"?*\"")], 0),
        ("key-never-carried", &[(T, "              - Sid: OwnObjects\n                Effect: Allow\n", "              - Sid: OwnObjects\n                Effect: Allow\n                Condition: { StringEquals: { \"dynamodb:LeadingKeys\": \"${aws:PrincipalTag/TenantId}\" } }\n")], 1),
    ];

    #[test]
    fn nothing_that_is_not_understood_is_skipped_in_silence() {
        let mut wrong = Vec::new();
        for (name, changes, code) in BAD {
            let copy = changed(changes);
            let said = said(copy.path());
            if !said.contains(&format!("exit code {code}: ")) {
                wrong.push(format!("{name} should end with {code}\n{said}"));
            }
            if said.contains("panicked") {
                wrong.push(format!("{name} panicked\n{said}"));
            }
            if wrong.is_empty() || std::env::var("TENANTRY_WRITE").is_ok_and(|value| value == "1") {
                expect(&folder("bad").join(format!("{name}.txt")), &said);
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn what_is_found_is_there_in_every_format() {
        let at = folder("hand-leaking");
        for (format, holds) in [
            ("github", "::error file=template.yaml,line=86"),
            ("json", "\"isolation/refuted\""),
            ("sarif", "\"startLine\": 86"),
            ("junit", "isolation/refuted"),
        ] {
            let (code, stdout, stderr) = prove(&at, &["--tenancy", "tenancy.yaml", "--format", format]);
            // Annotations are for people who read a log.
            let (found, other) = if format == "github" { (&stderr, "") } else { (&stdout, stderr.as_str()) };
            assert_eq!((code, other), (3, ""), "{format}");
            assert!(found.contains(holds), "{format}: {found}");
            if format != "github" && format != "junit" {
                serde_json::from_str::<Value>(&stdout).unwrap_or_else(|error| panic!("{format}: {error}\n{stdout}"));
            }
        }
    }

    /// The declaration and the template named on the command line, from another folder.
    fn evidence(name: &str, at: &Path, into: &Path) -> [Vec<u8>; 3] {
        let files = ["isolation.json", "report.md", "report.html"].map(|file| into.join(file));
        let [record, page, html] = files.each_ref().map(|file| file.to_str().unwrap());
        let declaration = at.join("tenancy.yaml");
        let arguments =
            ["--tenancy", declaration.to_str().unwrap(), "--evidence", record, "--report", page, "--report", html];
        let (code, _, stderr) = prove(into, &arguments);
        assert!(code == 0 || code == 3, "{name}: {stderr}");
        files.map(|file| fs::read(file).unwrap())
    }

    #[test]
    fn evidence_is_the_same_wherever_it_is_made() {
        for (name, code) in WHOLE {
            let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let copy = second.path().join("a/copy/of");
            fs::create_dir_all(&copy).unwrap();
            for file in fs::read_dir(folder(name)).unwrap() {
                let file = file.unwrap();
                fs::copy(file.path(), copy.join(file.file_name())).unwrap();
            }
            let made = evidence(name, &folder(name), first.path());
            assert_eq!(made, evidence(name, &copy, second.path()), "{name}");
            let record: Value = serde_json::from_slice(&made[0]).unwrap();
            assert_eq!(record["result"] == "proved", code == 0, "{name}");
            let inputs = record["inputs"].as_array().unwrap();
            assert!(inputs.iter().all(|input| !input["path"].as_str().unwrap().starts_with('/')), "{name}");
        }
    }

    #[test]
    fn the_public_simulator_allows_every_counterexample() {
        let mut cases = Vec::new();
        for name in ["hand-leaking", "cdk", "sam", "reference"] {
            let into = tempfile::tempdir().unwrap();
            let cases_in = into.path().join("cases");
            prove(&folder(name), &["--tenancy", "tenancy.yaml", "--counterexamples", cases_in.to_str().unwrap()]);
            let before = cases.len();
            for file in fs::read_dir(&cases_in).unwrap() {
                let text = fs::read_to_string(file.unwrap().path()).unwrap();
                cases.push(serde_json::from_str::<Value>(&text).unwrap());
            }
            assert!(cases.len() > before, "{name} has no counterexample");
        }
        let Some(answers) = simulator::simulate(&cases) else { return };
        let denied: Vec<String> =
            answers.iter().filter(|answer| answer.decision() != "Allowed").map(ToString::to_string).collect();
        assert!(denied.is_empty(), "{}", denied.join("\n"));
    }
}
