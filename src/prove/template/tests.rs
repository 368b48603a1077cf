//! Every function, what is refused, and what resources are called.

use super::*;
use crate::diagnostics::{Origin, Sink, SourceMap};
use crate::prove::text::{CharSet, Symbol};

fn read(text: &str) -> (Template, SourceMap) {
    let (mut sources, mut sink) = (SourceMap::default(), Sink::new());
    let template = Template::read("t.template.json", text.as_bytes(), &mut sources, &mut sink);
    assert!(sink.is_empty(), "{sink:?}");
    (template.unwrap(), sources)
}

fn digits(symbols: &mut Symbols, name: &str) -> Text {
    let symbol = Symbol {
        name: name.to_owned(),
        alphabet: CharSet::digits(),
        length: (12, 12),
        family: Some("account".to_owned()),
        sample: "123456789012".to_owned(),
    };
    symbols.intern(symbol).unwrap().to_string()
}

fn setting(symbols: &mut Symbols) -> Setting {
    Setting {
        parameters: BTreeMap::from([
            ("TenantId".to_owned(), digits(symbols, "tenant A")),
            ("Stage".to_owned(), "prod".to_owned()),
            ("Names".to_owned(), "a, b,c".to_owned()),
        ]),
        partition: "aws".to_owned(),
        region: "eu-west-1".to_owned(),
        account: digits(symbols, "account"),
        stack_name: "shop".to_owned(),
        stacks: BTreeMap::new(),
    }
}

const PARAMETERS: &str = r#""Parameters": {
  "TenantId": {"Type": "String"}, "Stage": {"Type": "String"}, "Names": {"Type": "CommaDelimitedList"},
  "Free": {"Type": "String", "AllowedPattern": "^[a-z]{1,8}$"}, "FreeList": {"Type": "List<String>"},
  "CellStack": {"Type": "String"}}"#;

/// A template with one bucket, whose `X` property is the value; and more sections.
fn with(value: &str, more: &str) -> String {
    format!(
        r#"{{{PARAMETERS}, {more} "Resources": {{
          "Bucket": {{"Type": "AWS::S3::Bucket", "Properties": {{"BucketName": "b"}}}},
          "Orders": {{"Type": "AWS::DynamoDB::Table"}},
          "It": {{"Type": "Custom::It", "Properties": {{"X": {value}}}}}}}}}"#
    )
}

/// What a value becomes, symbols shown, and what is said about it.
fn evaluated(value: &str, more: &str) -> (Option<Resolved>, Stack, Symbols) {
    let (template, _) = read(&with(value, more));
    let mut symbols = Symbols::default();
    let setting = setting(&mut symbols);
    let stack = instantiate(&template, &setting, "cell", &|_| None, &mut symbols);
    let it = stack.resource("It").unwrap().properties.get("X").cloned();
    (it, stack, symbols)
}

fn text(value: &str) -> String {
    let (it, stack, symbols) = evaluated(value, "");
    assert!(stack.obstacles.is_empty() && stack.unknowns.is_empty(), "{value}: {:?}", stack.unknowns);
    match it {
        Some(Resolved::Text(text)) => symbols.show(&text),
        other => panic!("{value} becomes {other:?}"),
    }
}

fn unknown(value: &str, more: &str) -> (String, String) {
    let (it, stack, _) = evaluated(value, more);
    let Some(Resolved::Unknown(why)) = it else { panic!("{value} becomes {it:?}") };
    let [unknown] = stack.unknowns.as_slice() else { panic!("{value}: {:?}", stack.unknowns) };
    assert_eq!(unknown.reason, why);
    assert!(!unknown.help.is_empty());
    (why, unknown.place.clone().unwrap().pointer)
}

#[test]
fn references() {
    assert_eq!(text(r#"{"Ref": "TenantId"}"#), "⟨tenant A⟩");
    assert_eq!(text(r#"{"Ref": "Free"}"#), "⟨Free of cell⟩");
    assert_eq!(text(r#"{"Ref": "Bucket"}"#), "b");
    assert_eq!(text(r#"{"Ref": "Orders"}"#), "shop-Orders-⟨generated suffix of Orders in cell⟩");
    assert_eq!(text(r#"{"Ref": "AWS::Partition"}"#), "aws");
    assert_eq!(text(r#"{"Ref": "AWS::Region"}"#), "eu-west-1");
    assert_eq!(text(r#"{"Ref": "AWS::AccountId"}"#), "⟨account⟩");
    assert_eq!(text(r#"{"Ref": "AWS::StackName"}"#), "shop");
    assert_eq!(text(r#"{"Ref": "AWS::URLSuffix"}"#), "amazonaws.com");
    assert_eq!(
        text(r#"{"Ref": "AWS::StackId"}"#),
        "arn:aws:cloudformation:eu-west-1:⟨account⟩:stack/shop/⟨id of the stack of cell⟩"
    );
    assert_eq!(text("true"), "true");
    assert_eq!(text("12"), "12");
    let (none, stack, _) = evaluated(r#"{"Ref": "AWS::NoValue"}"#, "");
    assert!(none.is_none() && stack.unknowns.is_empty());
    let (list, ..) = evaluated(r#"["a", {"Ref": "AWS::NoValue"}, {"Ref": "Names"}]"#, "");
    let abc = ["a", "b", "c"].map(|letter| Resolved::Text(letter.to_owned())).to_vec();
    assert_eq!(list, Some(Resolved::List(vec![Resolved::Text("a".to_owned()), Resolved::List(abc)])));
}

#[test]
fn attributes() {
    assert_eq!(text(r#"{"Fn::GetAtt": ["Bucket", "Arn"]}"#), "arn:aws:s3:::b");
    assert_eq!(text(r#"{"Fn::GetAtt": "Bucket.Arn"}"#), "arn:aws:s3:::b");
    assert_eq!(text(r#"{"Fn::GetAtt": ["Bucket", {"Ref": "Stage"}]}"#), "⟨prod of Bucket in cell⟩");
    assert_eq!(text(r#"{"Fn::GetAtt": ["Bucket", "WebsiteURL"]}"#), "⟨WebsiteURL of Bucket in cell⟩");
    assert_eq!(text(r#"{"Fn::Sub": "${Orders.StreamArn}"}"#), "⟨StreamArn of Orders in cell⟩");
}

#[test]
fn texts_are_put_together() {
    assert_eq!(
        text(r#"{"Fn::Sub": "x-${TenantId}-${AWS::Region}/${Bucket.Arn}"}"#),
        "x-⟨tenant A⟩-eu-west-1/arn:aws:s3:::b"
    );
    assert_eq!(
        text(r#"{"Fn::Sub": "${!aws:PrincipalTag/TenantId}/${Stage}/$/${"}"#),
        "${aws:PrincipalTag/TenantId}/prod/$/${"
    );
    assert_eq!(text(r#"{"Fn::Sub": ["${Own}/${Stage}", {"Own": {"Ref": "TenantId"}, "Stage": "s"}]}"#), "⟨tenant A⟩/s");
    assert_eq!(text(r#"{"Fn::Join": ["", ["a", {"Ref": "TenantId"}, 1]]}"#), "a⟨tenant A⟩1");
    assert_eq!(text(r#"{"Fn::Join": ["+", {"Ref": "Names"}]}"#), "a+b+c");
    assert_eq!(text(r#"{"Fn::Select": ["1", {"Ref": "Names"}]}"#), "b");
    assert_eq!(text(r#"{"Fn::Select": [0, ["x", "y"]]}"#), "x");
    assert_eq!(
        text(r#"{"Fn::Select": [4, {"Fn::Split": [":", {"Fn::Sub": "arn:aws:sqs::${TenantId}:q"}]}]}"#),
        "⟨tenant A⟩"
    );
    assert_eq!(text(r#"{"Fn::Length": {"Ref": "Names"}}"#), "3");
    assert_eq!(text(r#"{"Fn::Base64": "x"}"#), "⟨Fn::Base64 at /Resources/It/Properties/X/Fn::Base64 of cell⟩");
    assert!(text(r#"{"Fn::ToJsonString": {"a": 1}}"#).starts_with("⟨Fn::ToJsonString at"));
    assert!(text(r#"{"Fn::Select": [1, {"Fn::GetAZs": ""}]}"#).starts_with("⟨Fn::Select at"));
    assert!(text(r#"{"Fn::Select": [1, {"Fn::Cidr": ["10.0.0.0/16", 4, 8]}]}"#).starts_with("⟨Fn::Select at"));
    assert_eq!(text(r#""a{{resolve:ssm:/x}}b{{resolve:""#), "a⟨{{resolve:ssm:/x}} in cell⟩b{{resolve:");
    assert_eq!(text(r#"{"Fn::Sub": "{{resolve:ssm:/${Stage}}}"}"#), "⟨{{resolve:ssm:/prod}} in cell⟩");
}

const CHOICES: &str = r#""Mappings": {"M": {"eu-west-1": {"x": "here", "l": ["1", "2"]}}},
  "Conditions": {
    "Prod": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
    "NotProd": {"Fn::Not": [{"Condition": "Prod"}]},
    "Both": {"Fn::And": [{"Condition": "Prod"}, {"Condition": "Open"}]},
    "Never": {"Fn::And": [{"Condition": "NotProd"}, {"Condition": "Open"}]},
    "Either": {"Fn::Or": [{"Condition": "Open"}, {"Condition": "Prod"}]},
    "Open": {"Fn::Equals": [{"Ref": "Free"}, "x"]},
    "Impossible": {"Fn::Equals": [{"Ref": "Free"}, "X"]},
    "Circle": {"Fn::Not": [{"Condition": "Circle"}]}
  },"#;

#[test]
fn choices() {
    let value = |value: &str| {
        let (it, stack, symbols) = evaluated(value, CHOICES);
        assert!(stack.unknowns.is_empty(), "{value}: {:?}", stack.unknowns);
        it.map(|it| symbols.show(it.text().unwrap()))
    };
    let choice = |condition: &str| value(&format!(r#"{{"Fn::If": ["{condition}", "yes", "no"]}}"#)).unwrap();
    for (condition, expected) in
        [("Prod", "yes"), ("NotProd", "no"), ("Never", "no"), ("Either", "yes"), ("Impossible", "no")]
    {
        assert_eq!(choice(condition), expected, "{condition}");
    }
    assert_eq!(value(r#"{"Fn::If": ["Open", {"Ref": "Stage"}, "prod"]}"#).unwrap(), "prod");
    assert_eq!(value(r#"{"Fn::If": ["Prod", {"Ref": "AWS::NoValue"}, "x"]}"#), None);
    assert_eq!(value(r#"{"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "x"]}"#).unwrap(), "here");
    assert_eq!(value(r#"{"Fn::FindInMap": ["M", "z", "x", {"DefaultValue": "d"}]}"#).unwrap(), "d");
    for condition in ["Open", "Both", "Circle", "Nowhere"] {
        let (why, pointer) = unknown(&format!(r#"{{"Fn::If": ["{condition}", "yes", "no"]}}"#), CHOICES);
        assert!(why.contains(condition), "{why}");
        assert_eq!(pointer, "/Resources/It/Properties/X/Fn::If");
    }
    let (why, _) = unknown(r#"{"Fn::If": ["Open", "yes", "no"]}"#, CHOICES);
    assert!(why.ends_with("because `⟨Free of cell⟩` may or may not equal `x`"), "{why}");
}

#[test]
fn what_cannot_be_known_says_so_where_it_stands() {
    for (value, why, pointer) in [
        (r#"{"Ref": "Gone"}"#, "`Ref` names `Gone`, which the template does not have or make", "/Ref"),
        (r#"{"Ref": "FreeList"}"#, "the parameter `FreeList` is a list that nothing is said about", "/Ref"),
        (r#"{"Ref": ["x"]}"#, "the arguments of `Ref` are not what it takes", "/Ref"),
        (r#"{"Fn::GetAtt": "Bucket"}"#, "the arguments of `Fn::GetAtt` are not", "/Fn::GetAtt"),
        (r#"{"Fn::GetAtt": "Gone.Arn"}"#, "`Fn::GetAtt` names `Gone`", "/Fn::GetAtt"),
        (r#"{"Fn::Sub": "${Gone}"}"#, "`${Gone}` names nothing", "/Fn::Sub"),
        (r#"{"Fn::Sub": "${aws:username}"}"#, "`${aws:username}` names nothing", "/Fn::Sub"),
        (r#"{"Fn::Sub": "${Names}"}"#, "`${Names}` is no text", "/Fn::Sub"),
        (r#"{"Fn::Sub": 1}"#, "the arguments of `Fn::Sub`", "/Fn::Sub"),
        (r#"{"Fn::Join": ["", "x"]}"#, "a list must stand here", "/Fn::Join/1"),
        (r#"{"Fn::Join": ["", [["x"]]]}"#, "an item of the list is no text", "/Fn::Join/1"),
        (r#"{"Fn::Join": ["", [{"Ref": "Gone"}]]}"#, "`Ref` names `Gone`", "/Fn::Join/1/0/Ref"),
        (r#"{"Fn::Select": [7, ["x"]]}"#, "item 7 is selected of a list that has 1", "/Fn::Select"),
        (r#"{"Fn::Select": [{"Ref": "Free"}, ["x"]]}"#, "which item is selected is not known", "/Fn::Select"),
        (r#"{"Fn::Split": ["a", {"Ref": "Free"}]}"#, "where the text is split depends on", "/Fn::Split"),
        (r#"{"Fn::FindInMap": ["M", {"Ref": "Free"}, "x"]}"#, "which entry of the mapping is meant", "/Fn::FindInMap"),
        (r#"{"Fn::FindInMap": ["M", "z", "x"]}"#, "there is no `z`, `x` in the mapping `M`", "/Fn::FindInMap"),
        (r#"{"Fn::ImportValue": "shop:Arn"}"#, "no stack that is known exports `shop:Arn`", "/Fn::ImportValue"),
        (
            r#"{"Fn::GetStackOutput": {"StackName": {"Ref": "CellStack"}, "OutputName": "X"}}"#,
            "nothing is known about the stack `⟨CellStack of cell⟩`",
            "/Fn::GetStackOutput",
        ),
        (r#"{"Fn::Transform": {"Name": "M"}}"#, "a macro makes what stands here", "/Fn::Transform"),
        (r#"{"Fn::Transform": {"Name": "M"}, "a": 1}"#, "`Fn::Transform` stands beside other keys", ""),
        (r#"{"Fn::ForEach::L": ["x", ["a"], {}]}"#, "the function `Fn::ForEach::L` is not known", "/Fn::ForEach::L"),
        (r#"{"Fn::Magic": 1}"#, "the function `Fn::Magic` is not known", "/Fn::Magic"),
        ("null", "nothing stands here", ""),
        ("\"a\u{f0000}\"", "the text holds a character for private use", ""),
        ("{\"a\u{f0000}\": 1}", "a key holds a character for private use", ""),
        ("{\"Fn::Sub\": \"\u{f0001}\"}", "the text holds a character for private use", "/Fn::Sub"),
    ] {
        let (said, stands) = unknown(value, CHOICES);
        assert!(said.starts_with(why), "{value}: {said}");
        assert_eq!(stands, format!("/Resources/It/Properties/X{pointer}"), "{value}");
    }
}

/// The obstacles of a template, as pointer and reason.
fn obstacles(text: &str) -> (Vec<(String, String)>, Stack) {
    let (template, _) = read(text);
    let mut symbols = Symbols::default();
    let setting = setting(&mut symbols);
    let stack = instantiate(&template, &setting, "cell", &|_| None, &mut symbols);
    let list = stack.obstacles.iter().map(|it| (it.place.clone().unwrap().pointer, it.reason.clone())).collect();
    (list, stack)
}

#[test]
fn what_keeps_a_template_from_being_known_is_an_obstacle() {
    for (text, pointer, why) in [
        (r#"{"Resources": {}, "Transform": "AWS::Serverless-2016-10-31"}"#, "/Transform", "the template is one of SAM"),
        (r#"{"Resources": {}, "Transform": ["AWS::LanguageExtensions", "M"]}"#, "/Transform", "the macro `M` rewrites"),
        (r#"{"Resources": {}, "Transform": {"Name": "AWS::Include"}}"#, "/Transform", "the macro `AWS::Include`"),
        ("{\"a\": 1}", "", "the template has no `Resources`"),
        ("[1]", "", "the template has no `Resources`"),
        (r#"{"Resources": {"A": {}}}"#, "/Resources/A", "the resource `A` has no `Type`"),
        (r#"{"Resources": {"A": 1}}"#, "/Resources/A", "the resource `A` has no `Type`"),
        (r#"{"Resources": {"Fn::ForEach::A": []}}"#, "/Resources/Fn::ForEach::A", "`Fn::ForEach::A` makes resources"),
        (r#"{"Resources": {"A": {"Type": "O::S::T::MODULE"}}}"#, "/Resources/A", "the resource `A` of the type"),
        (r#"{"Resources": {"A": {"Type": "AWS::CloudFormation::Stack"}}}"#, "/Resources/A", "the resource `A` of the"),
        (
            r#"{"Resources": {"A/B": {"Type": "AWS::SQS::Queue", "Condition": "C"}}}"#,
            "/Resources/A~1B/Condition",
            "whether the resource `A/B` exists cannot be decided: there is no condition `C`",
        ),
    ] {
        let (found, _) = obstacles(text);
        let [(stands, said)] = found.as_slice() else { panic!("{text}: {found:?}") };
        assert_eq!(stands, pointer, "{text}");
        assert!(said.starts_with(why), "{text}: {said}");
    }
}

#[test]
fn resources_come_and_go_with_their_conditions() {
    let (found, stack) = obstacles(
        r#"{"Parameters": {"Stage": {"Type": "String"}, "Free": {"Type": "String"}},
            "Conditions": {"Dev": {"Fn::Equals": [{"Ref": "Stage"}, "dev"]}, "Open": {"Fn::Equals": [{"Ref": "Free"}, ""]}},
            "Resources": {
              "Gone": {"Type": "AWS::SQS::Queue", "Condition": "Dev"},
              "Maybe": {"Type": "AWS::SQS::Queue", "Condition": "Open"},
              "There": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Gone"}, {"Ref": "Maybe"}]}}},
            "Outputs": {"Gone": {"Value": "x", "Condition": "Dev"}, "Maybe": {"Value": "x", "Condition": "Open"}}}"#,
    );
    assert_eq!(found.len(), 1);
    let ids: Vec<_> = stack.resources.iter().map(|it| (it.logical_id.as_str(), it.may_be_absent.is_some())).collect();
    assert_eq!(ids, [("Maybe", true), ("There", false)]);
    let queues = stack.resource("There").unwrap().properties.get("Queues").unwrap().items();
    assert!(matches!(&queues[0], Resolved::Unknown(why) if why.starts_with("`Gone` does not exist")));
    assert!(matches!(&queues[1], Resolved::Text(_)));
    assert_eq!(stack.outputs.len(), 1);
    assert!(matches!(&stack.outputs["Maybe"], Resolved::Unknown(_)));
}

#[test]
fn names_that_lead_back_to_themselves_are_unknown() {
    let (_, stack) = obstacles(
        r#"{"Resources": {"A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "B"}}},
                          "B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Ref": "A"}}}}}"#,
    );
    assert!(matches!(stack.resource("A").unwrap().properties.get("QueueName"), Some(Resolved::Unknown(_))));
    assert_eq!((stack.arn("A"), stack.reference("B")), (None, None));
    assert!(!stack.unknowns.is_empty());
}

#[test]
fn other_stacks_are_read() {
    let mut symbols = Symbols::default();
    let (cell, _) = read(
        r#"{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}},
            "Outputs": {"Arn": {"Value": {"Fn::GetAtt": "Q.Arn"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}:Arn"}}},
                        "Bad": {"Value": {"Ref": "Gone"}}}}"#,
    );
    let of_cell = Setting { stack_name: "cell-1".to_owned(), ..setting(&mut symbols) };
    let cell = instantiate(&cell, &of_cell, "cell", &|_| None, &mut symbols);
    let (tenant, _) = read(&format!(
        r#"{{{PARAMETERS}, "Resources": {{"N": {{"Type": "AWS::CloudFormation::Stack"}},
            "It": {{"Type": "Custom::It", "Properties": {{
              "Output": {{"Fn::GetStackOutput": {{"StackName": {{"Ref": "CellStack"}}, "OutputName": "Arn"}}}},
              "Named": {{"Fn::GetStackOutput": {{"StackName": "cell-1", "OutputName": "Arn", "Region": "eu-west-1"}}}},
              "Import": {{"Fn::ImportValue": {{"Fn::Sub": "${{CellStack}}:Arn"}}}},
              "Nested": {{"Fn::GetAtt": "N.Outputs.Arn"}},
              "Missing": {{"Fn::GetStackOutput": {{"StackName": {{"Ref": "CellStack"}}, "OutputName": "Nope"}}}},
              "Far": {{"Fn::GetStackOutput": {{"StackName": "cell-1", "OutputName": "Arn", "Region": "eu-west-3"}}}},
              "Bad": {{"Fn::GetStackOutput": {{"StackName": {{"Ref": "CellStack"}}, "OutputName": "Bad"}}}}
            }}}}}}}}"#
    ));
    let mut of_tenant = setting(&mut symbols);
    of_tenant.stacks = ["CellStack", "cell-1", "N"].map(|name| (name.to_owned(), "c".to_owned())).into();
    let others = |key: &str| (key == "c").then_some(&cell);
    let stack = instantiate(&tenant, &of_tenant, "tenant A's stack", &others, &mut symbols);
    assert!(stack.obstacles.is_empty(), "{:?}", stack.obstacles);
    let it = &stack.resource("It").unwrap().properties;
    let arn = "arn:aws:sqs:eu-west-1:⟨account⟩:cell-1-Q-⟨generated suffix of Q in cell⟩";
    for key in ["Output", "Named", "Import", "Nested"] {
        assert_eq!(it.get(key).unwrap().text().map(|text| symbols.show(text)).as_deref(), Some(arn), "{key}");
    }
    for (key, why) in
        [("Missing", "`cell` has no output `Nope`"), ("Far", "the stack `cell` is not"), ("Bad", "the output `Bad`")]
    {
        assert!(
            matches!(it.get(key), Some(Resolved::Unknown(said)) if said.starts_with(why)),
            "{key}: {:?}",
            it.get(key)
        );
    }
}

/// The ARN, what `Ref` returns, and what belongs to the resource `R`.
fn identity(kind: &str, properties: &str) -> (Option<String>, Option<String>, Vec<String>) {
    let (template, _) = read(&format!(r#"{{"Resources": {{"R": {{"Type": "{kind}", "Properties": {properties}}}}}}}"#));
    let mut symbols = Symbols::default();
    let setting = setting(&mut symbols);
    let stack = instantiate(&template, &setting, "i", &|_| None, &mut symbols);
    assert!(stack.unknowns.is_empty(), "{:?}", stack.unknowns);
    let show = |text: Text| symbols.show(&text);
    let owned = stack.owned_arns("R").into_iter().map(|(text, any)| show(text) + if any { "…" } else { "" });
    (stack.arn("R").map(show), stack.reference("R").map(show), owned.collect())
}

#[test]
fn resources_have_names() {
    let here = "eu-west-1:⟨account⟩";
    for (kind, properties, arn, reference) in [
        ("AWS::DynamoDB::Table", r#"{"TableName": "t"}"#, format!("dynamodb:{here}:table/t"), "t"),
        (
            "AWS::SQS::Queue",
            r#"{"QueueName": "q"}"#,
            format!("sqs:{here}:q"),
            "https://sqs.eu-west-1.amazonaws.com/⟨account⟩/q",
        ),
        (
            "AWS::SQS::Queue",
            r#"{"FifoQueue": true}"#,
            format!("sqs:{here}:shop-R-⟨generated suffix of R in i⟩.fifo"),
            "https://sqs.eu-west-1.amazonaws.com/⟨account⟩/shop-R-⟨generated suffix of R in i⟩.fifo",
        ),
        ("AWS::IAM::Role", r#"{"RoleName": "r"}"#, "iam::⟨account⟩:role/r".to_owned(), "r"),
        ("AWS::IAM::Role", r#"{"RoleName": "r", "Path": "/a/b/"}"#, "iam::⟨account⟩:role/a/b/r".to_owned(), "r"),
        (
            "AWS::SecretsManager::Secret",
            r#"{"Name": "s"}"#,
            format!("secretsmanager:{here}:secret:s-⟨suffix of R in i⟩"),
            "ARN",
        ),
        ("AWS::SSM::Parameter", r#"{"Name": "/a/b"}"#, format!("ssm:{here}:parameter/a/b"), "/a/b"),
        ("AWS::SSM::Parameter", r#"{"Name": "a"}"#, format!("ssm:{here}:parameter/a"), "a"),
        ("AWS::KMS::Key", "{}", format!("kms:{here}:key/⟨id of R in i⟩"), "⟨id of R in i⟩"),
        (
            "AWS::Cognito::UserPool",
            "{}",
            format!("cognito-idp:{here}:userpool/eu-west-1_⟨id of R in i⟩"),
            "eu-west-1_⟨id of R in i⟩",
        ),
        ("AWS::Events::Rule", r#"{"Name": "r"}"#, format!("events:{here}:rule/r"), "r"),
        ("AWS::Events::Rule", r#"{"Name": "r", "EventBusName": "default"}"#, format!("events:{here}:rule/r"), "r"),
        ("AWS::Events::Rule", r#"{"Name": "r", "EventBusName": "b"}"#, format!("events:{here}:rule/b/r"), "b|r"),
        (
            "AWS::Events::Rule",
            r#"{"Name": "r", "EventBusName": "arn:aws:events:x:1:event-bus/b"}"#,
            format!("events:{here}:rule/b/r"),
            "b|r",
        ),
        (
            "AWS::Lambda::Alias",
            r#"{"Name": "live", "FunctionName": "f"}"#,
            format!("lambda:{here}:function:f:live"),
            "ARN",
        ),
        (
            "AWS::Lambda::Version",
            r#"{"FunctionName": "arn:aws:lambda:x:1:function:f"}"#,
            "lambda:x:1:function:f:⟨id of R in i⟩".to_owned(),
            "ARN",
        ),
        (
            "AWS::S3::Bucket",
            "{}",
            "s3:::shop-r-⟨generated suffix of R in i⟩".to_owned(),
            "shop-r-⟨generated suffix of R in i⟩",
        ),
        (
            "AWS::ApiGateway::RestApi",
            "{}",
            "apigateway:eu-west-1::/restapis/⟨id of R in i⟩".to_owned(),
            "⟨id of R in i⟩",
        ),
        ("AWS::Glue::Database", r#"{"DatabaseInput": {"Name": "d"}}"#, format!("glue:{here}:database/d"), "d"),
        ("AWS::Scheduler::Schedule", r#"{"Name": "s"}"#, format!("scheduler:{here}:schedule/default/s"), "s"),
    ] {
        let (found, referred, _) = identity(kind, properties);
        let arn = format!("arn:aws:{arn}");
        assert_eq!(found.as_deref(), Some(arn.as_str()), "{kind} {properties}");
        let reference = if reference == "ARN" { arn.as_str() } else { reference };
        assert_eq!(referred.as_deref(), Some(reference), "{kind} {properties}");
    }
    let table = format!("arn:aws:dynamodb:{here}:table/t");
    let parts =
        ["", "/index/…", "/stream/…", "/backup/…", "/export/…", "/import/…"].map(|part| format!("{table}{part}"));
    assert_eq!(identity("AWS::DynamoDB::Table", r#"{"TableName": "t"}"#).2, parts);
    assert_eq!(identity("AWS::S3::Bucket", r#"{"BucketName": "b"}"#).2, ["arn:aws:s3:::b", "arn:aws:s3:::b/…"]);
    let group = format!("arn:aws:logs:{here}:log-group:/g");
    assert_eq!(identity("AWS::Logs::LogGroup", r#"{"LogGroupName": "/g"}"#).2, [group.clone(), group + ":…"]);
    let (none, referred, owned) = identity("AWS::Made::Up", "{}");
    assert_eq!((none, referred.as_deref(), owned.len()), (None, Some("⟨reference to R in i⟩"), 0));
    assert_eq!(service("AWS::DynamoDB::Table"), Some("dynamodb"));
    assert_eq!(iam_types("AWS::S3::Bucket"), ["bucket", "object"]);
    assert!(service("AWS::Made::Up").is_none() && iam_types("AWS::Made::Up").is_empty());
}

#[test]
fn names_that_do_not_fit_are_cut_by_somebody_else() {
    let long = format!(r#"{{"Resources": {{"{}": {{"Type": "AWS::IAM::Role"}}}}}}"#, "R".repeat(60));
    let (_, stack) = obstacles(&long);
    let name = stack.reference(&"R".repeat(60)).unwrap();
    assert_eq!(name.chars().count(), 1);
}

#[test]
fn two_instances_share_no_names() {
    let (template, _) =
        read(r#"{"Resources": {"R": {"Type": "AWS::IAM::Role"}, "P": {"Type": "AWS::Cognito::UserPool"}}}"#);
    let mut symbols = Symbols::default();
    let setting = setting(&mut symbols);
    let one = instantiate(&template, &setting, "tenant A's stack", &|_| None, &mut symbols);
    let other = instantiate(&template, &setting, "tenant B's stack", &|_| None, &mut symbols);
    for id in ["R", "P"] {
        let (one, other) = (one.arn(id).unwrap(), other.arn(id).unwrap());
        assert_ne!(one, other);
        assert_ne!(symbols.fill(&one, &|_| None), symbols.fill(&other, &|_| None));
        let truth = condition::equal(&Resolved::Text(one), &Resolved::Text(other), &symbols);
        assert_eq!(truth, Some(false), "made-up names of one type differ");
    }
}

#[test]
fn short_tags_are_long_forms() {
    let (template, sources) = read(
        "Parameters:\n  TenantId: {Type: String}\nConditions:\n  C: !Not [!Equals [!Ref TenantId, x]]\nResources:\n  B:\n    \
         Type: AWS::S3::Bucket\n    Properties:\n      BucketName: !Sub 'b-${TenantId}'\n  It:\n    Type: Custom::It\n    \
         Properties:\n      Arn: !GetAtt B.Arn\n      Join: !Join ['-', [!Ref B, !Select [0, !Split ['-', a-b]]]]\n      \
         If: !If [C, !Ref 'AWS::Region', z]\n      Account: 012345678901\n      Policy: {Version: 2012-10-17}\n      Length: !Length [1, 2]\n",
    );
    let mut symbols = Symbols::default();
    let setting = setting(&mut symbols);
    let stack = instantiate(&template, &setting, "i", &|_| None, &mut symbols);
    assert!(stack.unknowns.is_empty() && stack.obstacles.is_empty(), "{:?}", stack.unknowns);
    let it = &stack.resource("It").unwrap().properties;
    let show = |key: &str| symbols.show(it.get(key).unwrap().text().unwrap());
    assert_eq!(show("Arn"), "arn:aws:s3:::b-⟨tenant A⟩");
    assert_eq!(show("Join"), "b-⟨tenant A⟩-a");
    assert_eq!(
        (show("If").as_str(), show("Account").as_str(), show("Length").as_str()),
        ("eu-west-1", "012345678901", "2")
    );
    assert_eq!(it.get("Policy").unwrap().get("Version").unwrap().text(), Some("2012-10-17"));
    assert_eq!(line(&template, &sources, "/Resources/B/Properties/BucketName"), 9);
    assert_eq!(line(&template, &sources, "/Resources/It/Properties/Join/Fn::Join/1/0"), 14);
}

fn line(template: &Template, sources: &SourceMap, pointer: &str) -> usize {
    sources.locate(&template.locate(pointer)).unwrap().1.unwrap()
}

#[test]
fn places_have_lines() {
    let text = "{\n \"Resources\": {\n  \"A/B\": {\n   \"Type\": \"Custom::X\",\n   \"Properties\": {\"L\": [1,\n {\"k\": 2}]}\n  }\n }\n}\n";
    let mut sources = SourceMap::default();
    sources.add("another", "x");
    let template = Template::read("t.json", text.as_bytes(), &mut sources, &mut Sink::new()).unwrap();
    for (pointer, expected) in [
        ("", 1),
        ("/Resources", 2),
        ("/Resources/A~1B", 3),
        ("/Resources/A~1B/Properties/L/1/k", 6),
        ("/Resources/Gone/x", 2),
    ] {
        assert_eq!(line(&template, &sources, pointer), expected, "{pointer}");
    }
    let Origin::Text(span) = template.locate("/Resources/A~1B/Type") else { panic!() };
    let file = sources.get(span.file).unwrap();
    assert_eq!((file.name.as_str(), &file.text[span.start..span.end]), ("t.json", "\"Custom::X\""));
    assert_eq!(template.resources().collect::<Vec<_>>(), [("A/B", "Custom::X")]);
}

#[test]
fn what_is_no_template_is_a_finding() {
    for (text, code) in [
        (&b"{\"a\": 1, \"a\": 2}"[..], "yaml/duplicate-key"),
        (b"{\"a\": }}", "yaml/syntax"),
        (b"\xff", "yaml/encoding"),
        (b"", "yaml/empty"),
        (b"a: !Nope x\n", "yaml/tag"),
    ] {
        let mut sink = Sink::new();
        assert!(Template::read("t", text, &mut SourceMap::default(), &mut sink).is_none());
        assert_eq!(sink.into_sorted()[0].code.name, code);
    }
}
