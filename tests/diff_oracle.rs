//! What becomes of resources, as the CDK's own comparison of templates says it and as `tenantry diff` does: every property of
//! every type in the templates of all shipped blueprints, given, changed and taken away, one at a time. What the two do not
//! agree on stands here with the fact that decides it.

#[cfg(test)]
#[expect(dead_code, reason = "what other tests use")]
#[path = "support/mod.rs"]
mod support;

#[cfg(test)]
mod oracle {
    use std::collections::{BTreeMap, BTreeSet};
    use std::io::{Read as _, Write as _};
    use std::path::Path;
    use std::process::{Command, Stdio};

    use serde_json::{Value, json};
    use tenantry::cfn::schema::{Replacement, TypeFacts, find, names};
    use tenantry::diff::template::{Deployed, Types, compare};
    use tenantry::diff::{Action, PropertyChange, ResourceChange};
    use tenantry::source::{Disk, World as _};

    use super::support::{Run, assemble, text_of};

    const BLUEPRINTS: [&str; 5] = [
        "blueprints/full-silo.yaml",
        "blueprints/regulated-cases.yaml",
        "blueprints/serverless-saas.yaml",
        "blueprints/w.yaml",
        "tests/fixtures/everything.yaml",
    ];

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    /// The templates of a blueprint.
    fn templates(blueprint: &str) -> Vec<Value> {
        let out = tempfile::tempdir().unwrap();
        let world = Disk::new(root().join(blueprint).parent().unwrap());
        assemble(&text_of(blueprint), &world, out.path(), Run::default()).unwrap();
        let manifest: Value = read(&out.path().join("tenantry.json"));
        let paths =
            manifest["templates"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap().to_owned());
        paths.map(|path| read(&out.path().join(path))).collect()
    }

    fn read(path: &Path) -> Value {
        serde_json::from_slice(&Disk::new("/").read(path).unwrap()).unwrap()
    }

    /// What is done to a property.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    enum Edit {
        Given,
        Changed,
        Taken,
    }

    /// A pair of templates that differ in one place.
    struct Case {
        /// The type and the path in its properties, as schemas write it; empty where the resource comes or goes.
        kind: String,
        path: String,
        edit: Edit,
        id: String,
        old: Value,
        new: Value,
    }

    /// A step of a path: a name, or the index of a list's item.
    #[derive(Debug, Clone)]
    enum Step {
        Name(String),
        Index(usize),
    }

    fn is_call(value: &Value) -> bool {
        let only = value.as_object().filter(|entries| entries.len() == 1).and_then(|entries| entries.keys().next());
        only.is_some_and(|key| key == "Ref" || key.starts_with("Fn::"))
    }

    /// All places in a value, the value itself not among them.
    fn places(value: &Value, at: &[Step], found: &mut Vec<Vec<Step>>) {
        let mut visit = |step: Step, value: &Value| {
            let path = [at, &[step]].concat();
            found.push(path.clone());
            places(value, &path, found);
        };
        match value {
            _ if is_call(value) => {}
            Value::Object(entries) => {
                entries.iter().for_each(|(name, value)| visit(Step::Name(name.clone()), value));
            }
            Value::Array(items) => items.iter().enumerate().for_each(|(index, value)| visit(Step::Index(index), value)),
            _ => {}
        }
    }

    fn generic(path: &[Step]) -> String {
        let steps = path.iter().map(|step| match step {
            Step::Name(name) => name.replace('~', "~0").replace('/', "~1"),
            Step::Index(_) => "*".to_owned(),
        });
        steps.collect::<Vec<_>>().join("/")
    }

    fn at<'v>(value: &'v mut Value, path: &[Step]) -> &'v mut Value {
        path.iter().fold(value, |value, step| match step {
            Step::Name(name) => value.get_mut(name).unwrap(),
            Step::Index(index) => value.get_mut(index).unwrap(),
        })
    }

    fn other(value: &Value) -> Value {
        match value {
            Value::Bool(truth) => json!(!truth),
            Value::Number(number) => json!(number.as_f64().unwrap() + 1.0),
            Value::String(text) if text == "true" || text == "false" => json!((text != "true").to_string()),
            Value::String(text) if text.parse::<f64>().is_ok() => json!(format!("{text}1")),
            Value::String(text) => json!(format!("{text}x")),
            _ => json!("x"),
        }
    }

    fn refers(value: &Value, id: &str) -> bool {
        match value {
            Value::Object(entries) => entries.iter().any(|(key, value)| match (key.as_str(), value) {
                ("Ref", Value::String(name)) => name == id,
                ("Fn::GetAtt", Value::Array(parts)) => parts.first().and_then(Value::as_str) == Some(id),
                ("Fn::GetAtt", Value::String(text)) => text.split('.').next() == Some(id),
                ("Fn::Sub", Value::String(text)) => {
                    text.contains(&format!("${{{id}}}")) || text.contains(&format!("${{{id}."))
                }
                _ => refers(value, id),
            }),
            Value::Array(items) => items.iter().any(|item| refers(item, id)),
            _ => false,
        }
    }

    /// The template with a resource and what refers to it, and to that, and so on.
    fn slice(template: &Value, id: &str) -> Value {
        let resources = template["Resources"].as_object().unwrap();
        let mut kept = BTreeSet::from([id]);
        let mut last = 0;
        while kept.len() != last {
            last = kept.len();
            let more: Vec<&str> = resources
                .iter()
                .filter(|(_, resource)| kept.iter().any(|id| refers(&resource["Properties"], id)))
                .map(|(id, _)| id.as_str())
                .collect();
            kept.extend(more);
        }
        let mut sliced = template.clone();
        sliced.as_object_mut().unwrap().remove("Outputs");
        sliced["Resources"].as_object_mut().unwrap().retain(|id, _| kept.contains(id.as_str()));
        sliced
    }

    fn cases() -> Vec<Case> {
        let mut seen = BTreeSet::new();
        let mut cases = Vec::new();
        for template in BLUEPRINTS.into_iter().flat_map(templates) {
            for (id, resource) in template["Resources"].as_object().unwrap() {
                let kind = resource["Type"].as_str().unwrap().to_owned();
                let mut sliced = None;
                let mut push = |path: String, edit: Edit, make: &dyn Fn(&mut Value, &mut Value)| {
                    if seen.insert((kind.clone(), path.clone(), edit)) {
                        let old = sliced.get_or_insert_with(|| slice(&template, id)).clone();
                        let (mut old, mut new) = (old.clone(), old);
                        make(&mut old, &mut new);
                        cases.push(Case { kind: kind.clone(), path, edit, id: id.clone(), old, new });
                    }
                };
                let gone = |template: &mut Value| drop(template["Resources"].as_object_mut().unwrap().remove(id));
                push(String::new(), Edit::Given, &|old, _| gone(old));
                push(String::new(), Edit::Taken, &|_, new| gone(new));
                push(String::new(), Edit::Changed, &|_, new| {
                    new["Resources"][id]["Type"] = json!("AWS::CloudFormation::WaitConditionHandle");
                });
                let properties = resource.get("Properties").cloned().unwrap_or_else(|| json!({}));
                let mut found = Vec::new();
                places(&properties, &[], &mut found);
                for place in found {
                    push(generic(&place), Edit::Changed, &|_, new| {
                        let value = at(&mut new["Resources"][id]["Properties"], &place);
                        *value = other(value);
                    });
                    let (last, before) = place.split_last().unwrap();
                    push(generic(&place), Edit::Taken, &|_, new| {
                        let parent = at(&mut new["Resources"][id]["Properties"], before);
                        match last {
                            Step::Name(name) => drop(parent.as_object_mut().unwrap().remove(name)),
                            Step::Index(index) => drop(parent.as_array_mut().unwrap().remove(*index)),
                        }
                    });
                }
                let Some(facts) = find(&kind) else { continue };
                let read_only: BTreeSet<&str> = facts.read_only().collect();
                for name in facts.properties().filter(|name| !read_only.contains(name)) {
                    if properties.get(name).is_none() {
                        push(name.to_owned(), Edit::Given, &|_, new| {
                            if !new["Resources"][id]["Properties"].is_object() {
                                new["Resources"][id]["Properties"] = json!({});
                            }
                            new["Resources"][id]["Properties"][name] = json!("x");
                        });
                    }
                }
            }
        }
        cases
    }

    /// What the other comparison says to each pair; nothing if tests are to do without it.
    #[expect(clippy::disallowed_methods, reason = "somebody without Node can run the other tests")]
    fn ask(cases: &[Case]) -> Option<Vec<Option<BTreeMap<String, Action>>>> {
        if std::env::var("TENANTRY_SKIP_EXTERNAL").is_ok_and(|value| value == "1") {
            // Past the harness, which shows nothing of tests that pass; `./test` says it again.
            let line = "skipped: the CDK's comparison of templates was not asked for: tests/diff_oracle.rs\n";
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            std::fs::create_dir_all(root().join("target/tools")).unwrap();
            let list = root().join("target/tools/skipped.txt");
            let mut list = std::fs::OpenOptions::new().create(true).append(true).open(list).unwrap();
            list.write_all(line.as_bytes()).unwrap();
            return None;
        }
        let tools = "target/tools/node";
        assert!(
            root().join(tools).join("node_modules/@aws-cdk/cloudformation-diff/package.json").exists(),
            "{tools} has no comparison of templates: run tools/test-env.sh, or set TENANTRY_SKIP_EXTERNAL=1 to do without"
        );
        let mut node = Command::new("node")
            .args(["tests/external/diff.mjs", tools])
            .current_dir(root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("node: {error}"));
        let lines: String =
            cases.iter().map(|case| format!("{}\n", json!({"old": case.old, "new": case.new}))).collect();
        let mut input = node.stdin.take().unwrap();
        // Written beside reading: a full pipe in one direction must not stop the other.
        let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
        let mut output = String::new();
        node.stdout.take().unwrap().read_to_string(&mut output).unwrap();
        let written = writer.join().unwrap();
        assert!(node.wait().unwrap().success(), "the comparison failed; what it wrote stands above");
        written.unwrap();
        let answers: Vec<_> = output.lines().map(|line| answer(&serde_json::from_str(line).unwrap())).collect();
        assert_eq!(answers.len(), cases.len(), "an answer for each case");
        Some(answers)
    }

    fn answer(line: &Value) -> Option<BTreeMap<String, Action>> {
        let action = |impact: &Value| match impact.as_str().unwrap() {
            "WILL_CREATE" => Some(Action::Added),
            "WILL_UPDATE" => Some(Action::Updated),
            "MAY_REPLACE" => Some(Action::MayBeReplaced),
            "WILL_REPLACE" => Some(Action::Replaced),
            // Whether it is kept is another question.
            "WILL_DESTROY" | "WILL_ORPHAN" => Some(Action::Removed),
            "NO_CHANGE" => None,
            other => panic!("{other}"),
        };
        let changes = line.as_object()?.iter();
        Some(changes.filter_map(|(id, impact)| Some((id.clone(), action(impact)?))).collect())
    }

    fn ours(case: &Case, types: &mut Types) -> Vec<ResourceChange> {
        let parameters = BTreeMap::new();
        let deployed =
            |template| Deployed { template, parameters: &parameters, stack: "s", account: None, region: "eu-west-1" };
        compare(Some(&deployed(&case.old)), Some(&deployed(&case.new)), types)
    }

    /// The type, the property, what is done to it, what is said here, what is said there, and whether the schema says so too.
    type Differs = (&'static str, &'static str, Edit, Option<Action>, Option<Action>, fn(&TypeFacts) -> bool);

    /// Where the tables of the other comparison say something else than the schemas that AWS publishes.
    const DIFFERS: [Differs; 2] = [
        // A property that its tables do not have yet. No list of the schema names it, so a change stays in place.
        ("AWS::CloudWatch::Alarm", "ActionConfiguration", Edit::Given, Some(Action::Updated), None, |facts| {
            facts.properties().any(|name| name == "ActionConfiguration")
                && facts.replacement("ActionConfiguration") == Replacement::No
        }),
        // `conditionalCreateOnlyProperties` of the schema names it; its tables have no word about it.
        (
            "AWS::Lambda::Function",
            "DurableConfig",
            Edit::Given,
            Some(Action::MayBeReplaced),
            Some(Action::Updated),
            |facts| facts.conditional_create_only().any(|path| path == "DurableConfig"),
        ),
    ];

    /// Resource policies without their document, at which the other comparison fails. Nobody can deploy them.
    const FAILS: [(&str, &str); 3] = [
        ("AWS::S3::BucketPolicy", "PolicyDocument"),
        ("AWS::SNS::TopicPolicy", "PolicyDocument"),
        ("AWS::SQS::QueuePolicy", "PolicyDocument"),
    ];

    /// Whether what a property refers to stands inside of a text, and the schema says that another text replaces.
    fn is_inside(change: &PropertyChange, kind: &str) -> bool {
        let path = change.path.strip_prefix("Properties/").unwrap();
        change.new.as_ref().is_some_and(|value| value.get("Fn::Join").is_some())
            && find(kind).is_some_and(|facts| facts.create_only().any(|name| name == path))
    }

    #[test]
    fn what_becomes_of_resources_is_what_the_cdk_says() {
        let cases = cases();
        let Some(answers) = ask(&cases) else { return };
        let mut types = Types::default();
        let mut agreed: BTreeMap<Action, usize> = BTreeMap::new();
        let mut referring: BTreeMap<Action, usize> = BTreeMap::new();
        let (mut differed, mut failed, mut wrong) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for (case, theirs) in cases.iter().zip(&answers) {
            let what = format!("{} {} {:?}", case.kind, case.path, case.edit);
            let Some(theirs) = theirs else {
                assert_eq!(case.edit, Edit::Taken, "{what}");
                failed.insert((case.kind.as_str(), case.path.as_str()));
                continue;
            };
            let changes = ours(case, &mut types);
            let own: BTreeMap<&str, &ResourceChange> =
                changes.iter().map(|change| (change.logical_id.as_str(), change)).collect();
            let ids: BTreeSet<&str> = own.keys().copied().chain(theirs.keys().map(String::as_str)).collect();
            for id in ids {
                let (ours, theirs) = (own.get(id).map(|change| change.action), theirs.get(id).copied());
                if ours == theirs {
                    *agreed.entry(ours.unwrap()).or_default() += 1;
                    continue;
                }
                // The other comparison follows references that stand alone, from what is replaced for certain to what is replaced
                // by that. It says nothing of what is updated by it, nor of what follows from what may be replaced.
                let by_reference = own.get(id).filter(|change| change.properties.iter().all(|one| one.old == one.new));
                if let (Some(change), None) = (by_reference, theirs)
                    && change.properties.iter().all(|one| one.effect < Action::Replaced || is_inside(one, &change.kind))
                {
                    *referring.entry(change.action).or_default() += 1;
                    continue;
                }
                let known = DIFFERS.iter().find(|(kind, path, edit, one, other, _)| {
                    (*kind, *path, *edit, *one, *other) == (&*case.kind, &*case.path, case.edit, ours, theirs)
                });
                match known.filter(|_| id == case.id) {
                    Some((kind, path, .., says)) => {
                        assert!(says(&find(kind).unwrap()), "the schema says nothing like it: {what}");
                        differed.insert((*kind, *path));
                    }
                    None => wrong.push(format!("{what}: `{id}` is {ours:?} here and {theirs:?} there")),
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        // What is listed above is not listed in vain.
        assert_eq!(differed.len(), DIFFERS.len(), "{differed:?}");
        assert_eq!(failed, BTreeSet::from(FAILS));
        // All kinds of changes were asked for, often.
        let kinds: BTreeSet<&str> = cases.iter().map(|case| case.kind.as_str()).collect();
        assert!(kinds.len() >= 40 && cases.len() >= 1_500, "{} types, {} cases", kinds.len(), cases.len());
        let least = [
            (Action::Added, 40),
            (Action::Updated, 700),
            (Action::MayBeReplaced, 2),
            (Action::Replaced, 200),
            (Action::Removed, 40),
        ];
        for (action, least) in least {
            let count = agreed.get(&action).copied().unwrap_or_default();
            assert!(count >= least, "{action:?}: {count} of {agreed:?}");
        }
        assert!(referring.values().sum::<usize>() < agreed.values().sum::<usize>() / 4, "{referring:?}");
        println!("{} cases of {} types: agreed {agreed:?}, by reference {referring:?}", cases.len(), kinds.len());
    }

    /// Not only what the blueprints need: somebody may compare templates of his own.
    #[test]
    fn no_property_of_any_type_replaces_more_than_is_said() {
        let mut cases = Vec::new();
        for kind in names() {
            let facts = find(kind).unwrap();
            let read_only: BTreeSet<&str> = facts.read_only().collect();
            for name in facts.properties().filter(|name| !read_only.contains(name)) {
                let template =
                    |properties: Value| json!({"Resources": {"R": {"Type": kind, "Properties": properties}}});
                cases.push(Case {
                    kind: kind.to_owned(),
                    path: name.to_owned(),
                    edit: Edit::Given,
                    id: "R".to_owned(),
                    old: template(json!({})),
                    new: template(json!({name: "x"})),
                });
            }
        }
        let Some(answers) = ask(&cases) else { return };
        let mut types = Types::default();
        let mut agreed: BTreeMap<Action, usize> = BTreeMap::new();
        let (mut unknown, mut stricter, mut failed) = (0, 0, 0);
        for (case, theirs) in cases.iter().zip(&answers) {
            let what = format!("{} {}", case.kind, case.path);
            let changes = ours(case, &mut types);
            let [change] = changes.as_slice() else { panic!("{what}: {changes:?}") };
            let ours = change.action;
            let Some(theirs) = theirs else {
                // It takes whatever is called a policy for one, and fails without a document.
                assert!(case.kind.ends_with("Policy"), "{what}");
                failed += 1;
                continue;
            };
            match theirs.get("R") {
                Some(theirs) if *theirs == ours => *agreed.entry(ours).or_default() += 1,
                // Its tables do not have the type or the property.
                None => unknown += 1,
                Some(theirs) => {
                    assert!(*theirs < ours, "{what}: {ours:?} here, and {theirs:?} there");
                    // Its tables leave out what AWS says in these places.
                    let facts = find(&case.kind).unwrap();
                    let lists = ["createOnlyProperties", "conditionalCreateOnlyProperties", "mayReplace", "replaces"];
                    let listed = lists.into_iter().filter_map(|list| facts.schema().get(list)?.as_array()).flatten();
                    let is_listed = listed.filter_map(Value::as_str).any(|path| path == case.path);
                    let is_fixed_tag =
                        facts.tagging().is_some_and(|tagging| tagging.property == case.path && !tagging.updatable);
                    assert!(is_listed || is_fixed_tag, "{what}: {ours:?} here, and {theirs:?} there");
                    stricter += 1;
                }
            }
        }
        println!(
            "{} properties: agreed {agreed:?}, unknown there {unknown}, stricter here {stricter}, failed there {failed}",
            cases.len()
        );
        for (action, least) in [(Action::Updated, 7_000), (Action::MayBeReplaced, 70), (Action::Replaced, 4_000)] {
            assert!(agreed.get(&action).is_some_and(|count| *count >= least), "{agreed:?}");
        }
        // Younger tables on this side than on the other, and no more than that.
        assert!(unknown < cases.len() / 20 && stricter < 100 && failed < 100, "{unknown}, {stricter}, {failed}");
    }
}
