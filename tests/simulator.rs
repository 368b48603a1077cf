//! Our evaluator against the public simulator of IAM policies: the same answer to every request, apart from differences
//! that are listed here with their reasons. `tools/test-env.sh` installs it; without it these tests fail, unless
//! `TENANTRY_SKIP_EXTERNAL=1` is set.

#[cfg(test)]
#[path = "support/simulator.rs"]
mod simulator;

#[cfg(test)]
#[path = "support/iam_worlds.rs"]
mod iam_worlds;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::LazyLock;

    use serde_json::{Value, json};
    use tenantry::facts::Facts;
    use tenantry::prove::evaluate::{Caller, Case, Decision, Named, Reading, Values, evaluate};

    use super::iam_worlds::{ACCOUNT, FOREIGN, Lots, ROLE, SESSION, case, level, named, session_of, worlds};
    use super::simulator::{Answer, simulate};

    static FACTS: LazyLock<Facts> = LazyLock::new(|| Facts::shipped().unwrap());

    const OPERATORS: [&str; 26] = [
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringLike",
        "StringNotLike",
        "ArnEquals",
        "ArnLike",
        "ArnNotEquals",
        "ArnNotLike",
        "Bool",
        "Null",
        "NumericEquals",
        "NumericNotEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
        "DateEquals",
        "DateNotEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "DateGreaterThan",
        "IpAddress",
        "NotIpAddress",
        "BinaryEquals",
    ];

    fn ours(case: &Case) -> &'static str {
        match evaluate(case, Reading::Documented, &FACTS.resource_control().supported) {
            Decision::Allowed { .. } => "Allowed",
            Decision::ExplicitlyDenied { .. } => "ExplicitlyDenied",
            Decision::ImplicitlyDenied { .. } => "ImplicitlyDenied",
        }
    }

    fn adverse(case: &Case) -> bool {
        evaluate(case, Reading::Adverse, &FACTS.resource_control().supported).is_allowed()
    }

    fn ask(cases: &[Case]) -> Option<Vec<Answer>> {
        let cases: Vec<Value> = cases.iter().map(Case::to_json).collect();
        simulate(&cases)
    }

    #[test]
    fn both_say_the_same_of_requests_near_the_boundary() {
        let mut lots = Lots::new(20_261_121);
        let cases: Vec<Case> = worlds().iter().flat_map(|world| world.requests(&mut lots, 120)).collect();
        let Some(answers) = ask(&cases) else { return };
        let mut counts = BTreeMap::<&str, usize>::new();
        let mut wrong = Vec::new();
        for (case, answer) in cases.iter().zip(&answers) {
            assert_eq!(case.name, answer.name);
            *counts.entry(ours(case)).or_default() += 1;
            // What it allows the adverse reading must allow too.
            if ours(case) != answer.decision() || (answer.decision() == "Allowed" && !adverse(case)) {
                wrong.push(format!("ours {}; {answer}\n{}", ours(case), case.to_json()));
            }
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
        // A comparison in which everything is refused compares nothing.
        for (outcome, least) in [("Allowed", 100), ("ExplicitlyDenied", 30), ("ImplicitlyDenied", 100)] {
            assert!(counts.get(outcome).is_some_and(|count| *count >= least), "{counts:?}");
        }
    }

    /// One condition of a statement, asked with one value of its key.
    struct Cell {
        case: Case,
        operator: String,
        written: Value,
        given: Value,
    }

    fn cell(effect: &str, operator: &str, written: &Value, given: &Value) -> Cell {
        let name = format!("{effect} {operator} {written} on {given}");
        let mut case = case(&name, "s3:GetObject", "arn:aws:s3:::data/x");
        let mut statement = json!({ "Effect": effect, "Action": "*", "Resource": "*", "Condition": {} });
        statement["Condition"][operator] = json!({ "x:key": written });
        let open = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
        let statements = if effect == "Deny" { json!([open, statement]) } else { json!([statement]) };
        case.identity.push(named("p", statements));
        for (key, value) in [("Full", "a"), ("Empty", ""), ("True", "true")] {
            case.request.context.insert(format!("aws:PrincipalTag/{key}"), Values::One(value.to_owned()));
        }
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let values = match given {
            Value::Null => None,
            Value::Array(items) => Some(Values::Many(items.iter().map(text).collect())),
            one => Some(Values::One(text(one))),
        };
        case.request.context.extend(values.map(|values| ("x:key".to_owned(), values)));
        Cell { case, operator: operator.to_owned(), written: written.clone(), given: given.clone() }
    }

    /// Texts to write and values to give, for a kind of operator.
    fn texts_for(operator: &str) -> (Value, Value) {
        match operator {
            _ if operator.starts_with("String") => (
                json!([
                    "a*",
                    ["a", "b"],
                    "a${*}",
                    "?",
                    "${aws:PrincipalTag/Full}",
                    "${aws:PrincipalTag/Empty}",
                    ["${aws:PrincipalTag/None}", "a"],
                    "${aws:PrincipalTag/None, 'a'}",
                    "${aws:PrincipalTag/Empty, 'a'}"
                ]),
                json!([null, "", "a", "A", "ab", "a*", ["a", "c"], ["a"], []]),
            ),
            _ if operator.starts_with("Arn") => (
                json!([
                    "arn:aws:sns:*:1:a*",
                    "arn:aws:sns:e*1:a",
                    ["arn:aws:sns:*", "*"],
                    "arn:aws:sns:e:1:${aws:PrincipalTag/Full}"
                ]),
                json!([
                    null,
                    "",
                    "x",
                    "arn:aws:sns:e:1:a",
                    "arn:aws:sns:e:1:a:b",
                    ["arn:aws:sns:e:1:ab", "arn:aws:sns:e:2:ab"]
                ]),
            ),
            "Bool" | "Null" => (
                json!(["true", "FALSE", "${aws:PrincipalTag/True}"]),
                json!([null, "", "true", "False", ["true", "false"], []]),
            ),
            "IpAddress" | "NotIpAddress" => (
                json!(["10.0.0.0/8", "2001:db8::/32", ["10.1.1.1", "11.1.1.1/32"]]),
                json!([null, "10.1.1.1", "11.1.1.1", "2001:db8::1", ["10.1.1.1"]]),
            ),
            _ if operator.starts_with("Date") => (
                json!(["2026-01-01T00:00:00Z", "1000"]),
                json!([null, "2026-01-02T00:00:00Z", "2025-01-02T00:00:00Z", "2000"]),
            ),
            _ if operator.starts_with("Numeric") => (json!(["10"]), json!([null, "9.5", "10", "y", ["9", "11"]])),
            _ => (json!(["QmFy"]), json!([null, "QmFy", "QmFz"])),
        }
    }

    fn grid() -> Vec<Cell> {
        let mut cells = Vec::new();
        for operator in OPERATORS {
            let (written, given) = texts_for(operator);
            let forms = ["", "ForAllValues:", "ForAnyValue:"]
                .into_iter()
                .flat_map(|set| ["", "IfExists"].into_iter().map(move |end| format!("{set}{operator}{end}")));
            for form in forms.filter(|form| operator != "Null" || form == "Null") {
                for written in written.as_array().unwrap() {
                    for given in given.as_array().unwrap() {
                        cells.extend(["Allow", "Deny"].map(|effect| cell(effect, &form, written, given)));
                    }
                }
            }
        }
        cells
    }

    /// Where the simulator is known to differ on a condition, and why we do not follow it. The last says whether our
    /// adverse reading allows what it allows: the differences in which it must.
    fn known(cell: &Cell) -> Option<(&'static str, bool)> {
        let written = cell.written.to_string();
        let negated = cell.operator.contains("Not");
        let set = cell.operator.contains(":");
        let texts = |value: &Value| match value {
            Value::Array(items) => items.iter().map(|item| item.as_str().unwrap().to_owned()).collect(),
            Value::Null => Vec::new(),
            one => vec![one.as_str().unwrap().to_owned()],
        };
        let no_arn = |value: &Value| texts(value).iter().any(|text: &String| text.matches(':').count() < 5);
        if cell.given == json!([]) {
            // A null data set to the user guide, and in no request of AWS; the simulator takes it for a key.
            Some(("a set without members", false))
        } else if written.contains("${*}") && cell.operator.contains("Equals") {
            // To the user guide `${*}` is the same everywhere; the simulator compares it as written under `Equals`.
            Some(("an escaped wildcard under an operator without wildcards", false))
        } else if written.contains("Empty") {
            // An empty tag is a value. The simulator says so of `Null`, and of variables that it is missing.
            Some(("a variable with an empty value", true))
        } else if set && cell.given == json!("") {
            // "Resolves to a null data set, such as an empty string": the simulator compares the empty string.
            Some(("a set operator on an empty text", true))
        } else if written.contains("None}") && negated {
            // A text with a valueless variable fits nothing, so its negation holds; to the simulator nothing holds.
            Some(("a valueless variable in a negated operator", true))
        } else if (cell.operator.contains("NumericNot") && cell.given == json!("y"))
            || (cell.operator.contains("NotIp")
                && written.contains("\"10.1.1.1\"")
                && cell.given == json!("2001:db8::1"))
        {
            // The same of numbers and addresses; it is consistent for ranges only.
            Some(("a negated operator on what it cannot compare", true))
        } else if cell.operator.contains("Arn") && negated && (no_arn(&cell.written) || no_arn(&cell.given)) {
            // What does not match is true negated; to the simulator nothing is true of a text that is no ARN.
            Some(("a negated ARN operator on a text that is no ARN", true))
        } else {
            None
        }
    }

    #[test]
    fn both_say_the_same_of_every_operator() {
        let cells = grid();
        let cases: Vec<Case> = cells.iter().map(|cell| cell.case.clone()).collect();
        let Some(answers) = ask(&cases) else { return };
        let (mut wrong, mut seen, mut same) = (Vec::new(), BTreeMap::<&str, usize>::new(), 0);
        for (cell, answer) in cells.iter().zip(&answers) {
            let known = known(cell);
            let differs = ours(&cell.case) != answer.core;
            match known {
                Some((reason, _)) if differs => *seen.entry(reason).or_default() += 1,
                None if differs => {
                    wrong.push(format!("{}: ours {}, theirs {}", answer.name, ours(&cell.case), answer.core))
                }
                _ => same += 1,
            }
            // What it allows the adverse reading must allow too, so that no proof rests on our side of a dispute.
            let covered = known.is_none_or(|(_, covered)| covered);
            if covered && answer.core == "Allowed" && !adverse(&cell.case) {
                wrong.push(format!("{}: they allow it, and no reading of ours does", answer.name));
            }
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cells.len(), wrong.join("\n"));
        assert_eq!(seen.len(), 7, "a difference is gone; take it off the list: {seen:?}");
        assert!(same > 5_000, "{same} of {}", cells.len());
    }

    /// A case, and why the simulator differs on it, if it does.
    type Probe = (Case, Option<&'static str>);

    fn own(name: &str, action: &str, resource: &str, statements: Value) -> Case {
        let mut case = case(name, action, resource);
        case.identity.push(named("identity", statements));
        case
    }

    fn tagged(mut case: Case, value: &str) -> Case {
        case.request.context.insert("aws:PrincipalTag/T".to_owned(), Values::One(value.to_owned()));
        case
    }

    fn open() -> Value {
        json!({ "Effect": "Allow", "Action": "*", "Resource": "*" })
    }

    fn closed() -> Value {
        json!({ "Effect": "Allow", "Action": "ec2:*", "Resource": "*" })
    }

    /// What patterns of resources reach.
    fn resources() -> Vec<Probe> {
        let object = "arn:aws:s3:::data/t-1/x";
        let mine = "arn:aws:s3:::data/${aws:PrincipalTag/T}/*";
        let allow = |name: &str, asked: &str, pattern: &str| {
            let action = if asked.contains(":sqs:") { "sqs:SendMessage" } else { "s3:GetObject" };
            own(name, action, asked, json!({ "Effect": "Allow", "Action": "*", "Resource": pattern }))
        };
        let valueless =
            "it applies no statement with a valueless variable; the user guide says that nothing is left out";
        let refusal = json!([open(), { "Effect": "Deny", "Action": "*", "NotResource": mine }]);
        let rest = json!({ "Effect": "Allow", "Action": "*", "NotResource": mine });
        let mut probes = vec![
            (allow("own", object, mine), None),
            (tagged(allow("own, tagged", object, mine), "t-1"), None),
            (tagged(allow("own, twin", object, mine), "t-12"), None),
            (tagged(allow("own, star", object, mine), "*"), None),
            (allow("default", object, "arn:aws:s3:::data/${aws:PrincipalTag/T, 't-1'}/*"), None),
            (
                tagged(allow("empty tag", "arn:aws:s3:::data//x", mine), ""),
                Some("an empty tag is a value in AWS, and none in its variables"),
            ),
            (
                allow("star in a key", "arn:aws:s3:::data/*", "arn:aws:s3:::data/t-1/a*"),
                Some("it takes a `*` in a request for any resource, and AWS for a character of the key"),
            ),
            (own("refusal", "s3:GetObject", object, refusal), Some(valueless)),
            (own("rest", "s3:GetObject", object, rest), Some(valueless)),
            (allow("colons in a key", "arn:aws:s3:::data/a:b:z", "arn:aws:s3:::data/a*z"), None),
            (allow("escaped", "arn:aws:s3:::data/a", "arn:aws:s3:::data/${*}"), None),
        ];
        let queue = "arn:aws:sqs:eu-central-1:111111111111:app_t-1";
        let variable = "arn:aws:sqs:eu-central-1:111111111111:app_${aws:PrincipalTag/T}";
        let split = "it splits an ARN at the colon inside a variable, so that no queue and no topic fits";
        probes.push((tagged(allow("queue", queue, variable), "t-1"), Some(split)));
        let parts = "it compares part by part if there are six; in the user guide a `*` that ends a part may run on";
        for (pattern, reason) in [
            ("arn:aws:sqs:*", None),
            ("arn:*", None),
            ("arn:aws:sqs:*:*:*", None),
            ("arn:aws:s?s:*:*:app_*", None),
            ("arn:aws:sqs:*:app_t-1", Some(parts)),
            ("arn:aws:sqs:eu*1", Some(parts)),
            ("*t-1", Some(parts)),
            ("arn:aws:SQS:*:*:*", Some("it ignores case in the service's part; the user guide exempts no part")),
        ] {
            probes.push((allow(&format!("allow {pattern}"), queue, pattern), reason));
            let refusal = json!([open(), { "Effect": "Deny", "Action": "*", "Resource": pattern }]);
            probes.push((own(&format!("deny {pattern}"), "sqs:SendMessage", queue, refusal), reason));
        }
        probes
    }

    const TARGETS: [(&str, &str); 4] = [
        ("s3:GetObject", "arn:aws:s3:::data/x"),
        ("sqs:SendMessage", "arn:aws:sqs:eu-central-1:111111111111:q"),
        ("kms:Decrypt", "arn:aws:kms:eu-central-1:111111111111:key/0a"),
        ("sts:AssumeRole", "arn:aws:iam::111111111111:role/Tenant"),
    ];

    fn policy(effect: &str, element: &str, principal: &Value, action: &str) -> Named {
        let mut statement = json!({ "Effect": effect, "Action": action });
        statement[element] = principal.clone();
        if !action.starts_with("sts:") {
            statement["Resource"] = json!("*");
        }
        named("resource", statement)
    }

    /// How the resource's policy acts together with the caller's.
    fn grantees() -> Vec<Probe> {
        let root = format!("arn:aws:iam::{ACCOUNT}:root");
        let principals = [
            json!({ "AWS": ROLE }),
            json!({ "AWS": SESSION }),
            json!({ "AWS": root }),
            json!({ "AWS": ACCOUNT }),
            json!("*"),
            json!({ "AWS": "*" }),
        ];
        let added =
            "a grant to the session is added to it, says the user guide; it lets the session's policy cut every grant";
        let mut probes = Vec::new();
        for (principal, (action, resource)) in principals.iter().flat_map(|one| TARGETS.map(|target| (one, target))) {
            let direct = principal.to_string().contains('*') || principal.to_string().contains("assumed-role");
            for layer in ["none", "identity", "boundary", "session", "foreign", "foreign identity"] {
                let mut case = case(&format!("{principal} {action} {layer}"), action, resource);
                case.resource = Some(policy("Allow", "Principal", principal, action));
                match layer {
                    "identity" => case.identity.push(named("identity", open())),
                    "boundary" => case.boundaries.push(named("boundary", closed())),
                    "session" => case.session = Some(named("session", closed())),
                    "foreign" => case.request.principal = session_of(FOREIGN),
                    "foreign identity" => {
                        case.request.principal = session_of(FOREIGN);
                        case.identity.push(named("identity", open()));
                    }
                    _ => {}
                }
                probes.push((case, (direct && layer == "session").then_some(added)));
            }
        }
        let whole =
            "the user guide asks for account, role and session under `NotPrincipal`; it is content with one of them";
        for (listed, reason) in [
            (json!([root, ROLE, SESSION]), None),
            (json!(["arn:aws:iam::111111111111:role/Other"]), None),
            (json!([ROLE]), Some(whole)),
            (json!([root]), Some(whole)),
        ] {
            let mut case = own(&format!("all but {listed}"), "s3:GetObject", "arn:aws:s3:::data/x", open());
            case.resource = Some(policy("Deny", "NotPrincipal", &json!({ "AWS": listed }), "s3:*"));
            probes.push((case, reason));
        }
        probes
    }

    /// What binds whom.
    fn callers() -> Vec<Probe> {
        let (action, resource) = TARGETS[0];
        let with = |name: &str, caller: Caller| {
            let mut case = case(name, action, resource);
            case.request.principal = caller;
            case
        };
        let root = || Caller::Root { account: ACCOUNT.to_owned() };
        let mut bound = with("root user under an SCP", root());
        bound.scps = vec![level("root", &[closed()])];
        let linked = "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
        let linked = Caller::Role { arn: linked.to_owned(), session_arn: None, account: ACCOUNT.to_owned() };
        let mut free = with("service-linked role under an SCP", linked);
        free.identity.push(named("identity", open()));
        free.scps = vec![level("root", &[closed()])];
        let provider = "arn:aws:iam::111111111111:oidc-provider/issuer.example";
        let mut federated = case("web identity", "sts:AssumeRoleWithWebIdentity", TARGETS[3].1);
        federated.request.principal = Caller::Federated { provider: provider.to_owned() };
        federated.resource =
            Some(policy("Allow", "Principal", &json!({ "Federated": provider }), "sts:AssumeRoleWithWebIdentity"));
        let mut probes = vec![
            (with("root user", root()), Some("it gives the root user no permissions of its own")),
            (bound, None),
            (free, Some("it binds service-linked roles; which policies bind a caller is its caller's business")),
            (federated, None),
        ];
        let reach = "it applies resource control policies to every service; AWS has a list";
        for (action, resource, reason) in [
            ("sns:Publish", "arn:aws:sns:eu-central-1:111111111111:t", Some(reach)),
            ("lambda:InvokeFunction", "arn:aws:lambda:eu-central-1:111111111111:function:f", Some(reach)),
            ("kms:RetireGrant", TARGETS[2].1, Some("it applies resource control policies to `kms:RetireGrant`")),
            ("kms:Decrypt", TARGETS[2].1, None),
            ("s3:GetObject", TARGETS[0].1, None),
            ("sqs:SendMessage", TARGETS[1].1, None),
            ("sts:AssumeRole", TARGETS[3].1, None),
            ("dynamodb:GetItem", "arn:aws:dynamodb:eu-central-1:111111111111:table/t", None),
            ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-central-1:111111111111:secret:s-a", None),
        ] {
            let mut case = own(&format!("RCP and {action}"), action, resource, open());
            case.resource = Some(policy("Allow", "Principal", &json!({ "AWS": ROLE }), action));
            case.rcps = vec![level(
                "root",
                &[json!({ "Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*" })],
            )];
            probes.push((case, reason));
        }
        probes
    }

    #[test]
    fn both_say_the_same_of_constructs_or_the_difference_is_listed() {
        let probes: Vec<Probe> = [resources(), grantees(), callers()].concat();
        let cases: Vec<Case> = probes.iter().map(|(case, _)| case.clone()).collect();
        let Some(answers) = ask(&cases) else { return };
        let mut wrong = Vec::new();
        for ((case, reason), answer) in probes.iter().zip(&answers) {
            let differs = ours(case) != answer.core;
            if differs != reason.is_some() {
                wrong.push(format!(
                    "{}: ours {}, theirs {}, expected difference: {reason:?}",
                    case.name,
                    ours(case),
                    answer.core
                ));
            }
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), probes.len(), wrong.join("\n"));
    }

    #[test]
    fn the_public_call_drops_encryption_contexts() {
        let (action, key) = TARGETS[2];
        let mut asked = tagged(case("context", action, key), "t-1");
        let condition = json!({ "StringEquals": { "kms:EncryptionContext:tenant": "${aws:PrincipalTag/T}" } });
        let statement = json!({ "Effect": "Allow", "Principal": { "AWS": ROLE }, "Action": action, "Resource": "*",
            "Condition": condition });
        asked.resource = Some(named("key", statement));
        asked.request.context.insert("kms:EncryptionContext:tenant".to_owned(), Values::One("t-1".to_owned()));
        let Some(answers) = ask(&[asked.clone()]) else { return };
        assert_eq!((ours(&asked), answers[0].core.as_str()), ("Allowed", "Allowed"));
        assert_eq!(
            answers[0].public, "ImplicitlyDenied",
            "the simulator has learned it; `Answer::decision` needs its core no more"
        );
        assert_eq!(answers[0].ignored, ["kms:EncryptionContext:tenant"]);
    }
}
