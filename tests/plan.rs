//! Plans of the shipped blueprints: what holds of every plan, and what each kind of change becomes.

#[cfg(test)]
#[expect(dead_code, reason = "what other tests use")]
mod support;

#[cfg(test)]
mod plan {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::{Path, PathBuf};

    use tenantry::assembly::Assembly;
    use tenantry::cfn::schema;
    use tenantry::diagnostics::{Sink, SourceMap};
    use tenantry::plan::catalogue::Catalogue;
    use tenantry::plan::document::{Act, Carry, DowntimeClass, Fate, Gone, How, Kind, Share};
    use tenantry::plan::invariants::problems;
    use tenantry::plan::{PLAN_SCHEMA, Plan, Request, Seen, markdown, plan, text};
    use tenantry::source::Disk;

    use super::support::{Run, assemble, text_of};

    const SHIPPED: [&str; 4] = ["full-silo", "regulated-cases", "serverless-saas", "w"];

    /// Assemblies of one blueprint and of edits of it.
    struct Fleet {
        folder: tempfile::TempDir,
        blueprint: &'static str,
        made: usize,
    }

    impl Fleet {
        fn new(blueprint: &'static str) -> Self {
            Self { folder: tempfile::tempdir().unwrap(), blueprint, made: 0 }
        }

        /// The assembly of the blueprint with texts replaced, each of which has to be there.
        fn made(&mut self, edits: &[(&str, &str)]) -> PathBuf {
            let mut blueprint = text_of(&format!("blueprints/{}.yaml", self.blueprint));
            for (old, new) in edits {
                assert!(blueprint.contains(old), "{old}");
                blueprint = blueprint.replacen(old, new, 1);
            }
            self.made += 1;
            let out = self.folder.path().join(self.made.to_string());
            let world = Disk::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("blueprints"));
            assemble(&blueprint, &world, &out, Run::default()).unwrap();
            out
        }
    }

    fn seen(root: &Path, tenant: &str) -> Option<Seen> {
        let assembly = Assembly::open(root).unwrap();
        let (mut sources, mut sink) = (SourceMap::default(), Sink::new());
        let seen = Seen::find(&assembly, tenant, &mut Vec::new(), &mut sources, &mut sink).unwrap();
        assert!(sink.is_empty(), "{sink:?}");
        seen
    }

    /// The plan, and what was found, after everything that holds of every plan was looked at.
    fn made(from: Option<&Seen>, to: Option<&Seen>, request: &Request) -> (Plan, Vec<String>) {
        let catalogue = Catalogue::shipped().unwrap();
        let mut sink = Sink::new();
        let made = plan(from, to, request, &catalogue, &mut sink).unwrap();
        assert_eq!(problems(&made), Vec::<String>::new(), "{}", text(&made));
        everything_is_accounted_for(from.into_iter().chain(to.filter(|_| !request.erase)), &made);
        let schema: serde_json::Value = serde_json::from_str(PLAN_SCHEMA).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let value = serde_json::to_value(&made).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let (text, page) = (text(&made), markdown(&made));
        for step in &made.steps {
            assert!(text.contains(&format!("  {}  ", step.id)) && page.contains(&format!("**{}**", step.id)));
        }
        assert!(text.lines().all(|line| line.chars().count() < 200), "{text}");
        (made, sink.iter().map(|finding| format!("{}: {}", finding.code.name, finding.message)).collect())
    }

    /// Every resource of every stack is a store, or something says why it keeps nothing.
    fn everything_is_accounted_for<'a>(sides: impl Iterator<Item = &'a Seen>, plan: &Plan) {
        let told: BTreeSet<(&str, &str)> = plan
            .stores
            .iter()
            .map(|store| (store.stack.as_str(), store.logical_id.as_str()))
            .chain(plan.empty.iter().map(|empty| (empty.stack.as_str(), empty.logical_id.as_str())))
            .collect();
        for stack in sides.flat_map(|seen| seen.own.iter().chain(&seen.shared)) {
            for (id, kind) in stack.template.resources() {
                assert!(told.contains(&(stack.record.name.as_ref(), id)), "{id} ({kind}) is not told");
            }
        }
        assert!(plan.empty.iter().all(|empty| !empty.why.is_empty()));
    }

    fn tenants(root: &Path) -> Vec<String> {
        Assembly::open(root).unwrap().tenants().unwrap().map(|tenant| tenant.unwrap().tenant.into_owned()).collect()
    }

    #[test]
    fn every_tenant_of_every_shipped_blueprint_can_come_go_and_be_erased() {
        for blueprint in SHIPPED {
            let root = Fleet::new(blueprint);
            let mut root = root;
            let assembly = root.made(&[]);
            for tenant in tenants(&assembly).into_iter().take(12) {
                let here = seen(&assembly, &tenant).unwrap();
                let (comes, found) = made(None, Some(&here), &Request::default());
                assert_eq!((comes.kind, found), (Kind::Onboard, Vec::new()), "{tenant}");
                assert!(comes.point_of_no_return.is_none());
                let (stays, found) = made(Some(&here), Some(&here), &Request::default());
                assert_eq!((stays.kind, found, stays.steps.len()), (Kind::Nothing, Vec::new(), 0), "{tenant}");
                let (goes, found) = made(Some(&here), None, &Request::default());
                assert_eq!((goes.kind, found), (Kind::Offboard, Vec::new()), "{tenant}");
                assert!(goes.point_of_no_return.is_none());
                let request = Request { erase: true, locks_ended: true, ..Request::default() };
                let (erased, found) = made(Some(&here), None, &request);
                assert_eq!(erased.kind, Kind::Erase);
                let held = blueprint == "regulated-cases" && tenant == "firm00000001";
                assert_eq!(found.iter().any(|one| one.starts_with("plan/legal-hold")), held, "{tenant}: {found:?}");
                assert!(erased.stores.iter().all(|store| store.carry == Carry::Erased));
                assert!(erased.stores.iter().any(|store| store.share == Share::Own), "{tenant}");
                assert!(erased.point_of_no_return.is_some() && !erased.beyond.is_empty());
            }
        }
    }

    /// From each tier to each other, there and back: nothing is lost on the way.
    #[test]
    fn moves_between_all_tiers_save_every_store_first() {
        let mut fleet = Fleet::new("serverless-saas");
        let line = "  - { tenant: tenant-001, tier: basic, name: Bakery Brown }\n";
        let account = "account: '220000000099'";
        let mut places = BTreeMap::new();
        for tier in ["basic", "standard", "premium", "platinum"] {
            let account = if tier == "platinum" { format!(", {account}") } else { String::new() };
            let edit = format!("  - {{ tenant: tenant-001, tier: {tier}, name: Bakery Brown{account} }}\n");
            places.insert(tier, seen(&fleet.made(&[(line, &edit)]), "tenant-001").unwrap());
        }
        for (one, from) in &places {
            for (other, to) in places.iter().filter(|(other, _)| *other != one) {
                let (moved, found) = made(Some(from), Some(to), &Request::default());
                assert_eq!((moved.kind, found), (Kind::MoveTier, Vec::new()), "{one} to {other}");
                assert_eq!(moved.downtime.class, DowntimeClass::ReadOnly);
                let copied: Vec<&str> = moved
                    .stores
                    .iter()
                    .filter(|store| store.carry == Carry::Copied)
                    .map(|store| store.component.as_str())
                    .collect();
                assert_eq!(BTreeSet::from_iter(copied), BTreeSet::from(["Orders", "Products"]), "{one} to {other}");
                let seats = moved.entitlements.iter().find(|amount| amount.name == "seats").unwrap();
                assert_ne!(seats.old, seats.new);
                assert_eq!(
                    moved
                        .stores
                        .iter()
                        .filter(|store| store.carry == Carry::Recreated && store.kind == "AWS::Cognito::UserPool")
                        .count(),
                    1
                );
                let rates = moved.quotas.iter().any(|amount| amount.name.contains("requests per second"));
                assert!(rates, "{one} to {other}: {:?}", moved.quotas);
            }
        }
        // The same key of the same items, so that they can be put as they are.
        let (moved, _) = made(Some(&places["basic"]), Some(&places["premium"]), &Request::default());
        let orders =
            moved.stores.iter().find(|store| store.component == "Orders" && store.carry == Carry::Copied).unwrap();
        assert_eq!(orders.share, Share::Keyed { key: "tenant-001".to_owned() });
        assert_eq!((orders.how, orders.gone.clone()), (How::DeleteByKey, Gone::AtOnce));
        let stream = orders.residues.iter().find(|residue| residue.what.contains("stream")).unwrap();
        assert_eq!(stream.gone, Gone::Within { hours: 24 });
        assert!(!orders.residues.iter().any(|residue| residue.what.contains("system backup")), "the table stays");
        let new = moved.stores.iter().find(|store| Some(&store.id) == orders.becomes.as_ref()).unwrap();
        assert_eq!(new.share, Share::Own);
        assert!(new.name.as_ref().unwrap().starts_with("serverless-saas-premium-orders-"), "{new:?}");
        let (back, _) = made(Some(&places["premium"]), Some(&places["basic"]), &Request::default());
        let orders =
            back.stores.iter().find(|store| store.component == "Orders" && store.carry == Carry::Copied).unwrap();
        assert_eq!(orders.how, How::DeleteResource);
        assert!(
            orders.residues.iter().any(
                |residue| residue.what.contains("system backup") && residue.gone == Gone::Within { hours: 35 * 24 }
            )
        );
        assert!(back.resources.iter().any(|one| one.fate == Fate::LeftBehind && one.kind == "AWS::DynamoDB::Table"));
    }

    #[test]
    fn a_move_to_another_cell_copies_and_a_promise_about_regions_stops_it() {
        let mut fleet = Fleet::new("serverless-saas");
        let line = "  - { tenant: tenant-020, tier: premium, name: Global Gadgets }\n";
        let at = |cell: &str, more: &str| {
            format!("  - {{ tenant: tenant-020, tier: premium, name: Global Gadgets, cell: {cell}{more} }}\n")
        };
        let one = seen(&fleet.made(&[(line, &at("eu-1", ""))]), "tenant-020").unwrap();
        let two = seen(&fleet.made(&[(line, &at("eu-2", ""))]), "tenant-020").unwrap();
        let (moved, found) = made(Some(&one), Some(&two), &Request::default());
        assert_eq!((moved.kind, found), (Kind::MoveCell, Vec::new()));
        assert!(moved.entitlements.is_empty() && moved.guardrails.is_empty());
        let gone: Vec<&str> = moved
            .steps
            .iter()
            .filter_map(|step| match &step.action {
                Act::DeleteStack { region, .. } => Some(region.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(gone, ["eu-west-1"]);
        let bound = seen(&fleet.made(&[(line, &at("eu-1", ", residency: [eu-west-1]"))]), "tenant-020").unwrap();
        let (_, found) = made(Some(&bound), Some(&two), &Request::default());
        assert_eq!(
            found,
            ["plan/residency: tenant `tenant-020` would go to `eu-central-1`, where its data may not be"]
        );
    }

    #[test]
    fn suspension_stops_everything_and_takes_nothing_away() {
        for blueprint in ["serverless-saas", "full-silo"] {
            let mut fleet = Fleet::new(blueprint);
            let (tenant, edit) = match blueprint {
                "serverless-saas" => ("tenant-001", ("name: Bakery Brown }", "name: Bakery Brown, state: suspended }")),
                _ => continue,
            };
            let served = seen(&fleet.made(&[]), tenant).unwrap();
            let stopped = seen(&fleet.made(&[edit]), tenant).unwrap();
            let (suspended, found) = made(Some(&served), Some(&stopped), &Request::default());
            assert_eq!((suspended.kind, found), (Kind::Suspend, Vec::new()));
            assert_eq!(suspended.downtime.class, DowntimeClass::Full);
            assert!(suspended.point_of_no_return.is_none());
            assert!(suspended.stores.iter().all(|store| store.carry == Carry::Kept));
            let (resumed, _) = made(Some(&stopped), Some(&served), &Request::default());
            assert_eq!((resumed.kind, resumed.downtime.class), (Kind::Resume, DowntimeClass::None));
        }
    }

    #[test]
    fn holds_and_locks_refuse_an_erasure_and_a_move_under_hold_erases_nothing() {
        let mut fleet = Fleet::new("regulated-cases");
        let root = fleet.made(&[]);
        let erase = Request { erase: true, ..Request::default() };
        let (_, found) = made(Some(&seen(&root, "firm00000001").unwrap()), None, &erase);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|one| one.starts_with("plan/legal-hold: ")));
        assert!(found.iter().any(|one| one.contains("3650 days")), "{found:?}");
        // Without a hold the lock is in the way alone, and then nothing.
        let court = seen(&root, "court0000002").unwrap();
        let (_, found) = made(Some(&court), None, &erase);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("2555 days"));
        let (erased, found) = made(Some(&court), None, &Request { locks_ended: true, ..erase });
        assert!(found.is_empty(), "{found:?}");
        let key = erased.stores.iter().find(|store| store.how == How::CryptoShred).unwrap();
        assert_eq!(key.gone, Gone::Within { hours: 30 * 24 });
        let cases = erased.stores.iter().find(|store| store.component == "Cases").unwrap();
        assert_eq!(cases.encrypted_with.as_ref(), Some(&key.id));
        let queue = erased.stores.iter().find(|store| store.kind == "AWS::SQS::Queue").unwrap();
        assert_eq!((queue.how, queue.gone.clone()), (How::Expires, Gone::Within { hours: 14 * 24 }));
        let archive = erased.stores.iter().find(|store| store.kind == "AWS::Events::Archive").unwrap();
        assert_eq!(archive.gone, Gone::Within { hours: 365 * 24 });

        let line = "tenant: court0000002, tier: regulated,";
        let held = |cell: &str| format!("tenant: court0000002, legal_hold: true, cell: {cell}, tier: regulated,");
        let one = seen(&fleet.made(&[(line, &held("de-1"))]), "court0000002").unwrap();
        let two = seen(&fleet.made(&[(line, &held("ie-1"))]), "court0000002").unwrap();
        let (moved, found) = made(Some(&one), Some(&two), &Request::default());
        assert_eq!((moved.kind, found), (Kind::MoveCell, Vec::new()));
        assert!(moved.point_of_no_return.is_none());
        assert!(moved.stores.iter().any(|store| store.carry == Carry::Copied));
    }

    #[test]
    fn what_has_no_place_or_is_replaced_or_is_not_known_is_an_error() {
        let mut fleet = Fleet::new("regulated-cases");
        let old = seen(&fleet.made(&[]), "insurer00001").unwrap();
        let keys =
            ("partition_key: caseId\n        sort_key: version", "partition_key: caseId\n        sort_key: revision");
        let new = seen(&fleet.made(&[keys]), "insurer00001").unwrap();
        let (_, found) = made(Some(&old), Some(&new), &Request::default());
        assert_eq!(found, ["plan/replaces-store: the new template replaces `Cases`, and its items do not come along"]);

        let unknown = ("type: AWS::AppConfig::Application", "type: AWS::HealthLake::FHIRDatastore");
        let properties = (
            "Name: !Sub 'cases-${TenantId}'\n          Description: settings of one tenant",
            "DatastoreTypeVersion: R4",
        );
        let strange = seen(&fleet.made(&[unknown, properties]), "insurer00001").unwrap();
        let catalogue = Catalogue::shipped().unwrap();
        let mut sink = Sink::new();
        let request = Request { erase: true, locks_ended: true, ..Request::default() };
        let _ = plan(Some(&strange), None, &request, &catalogue, &mut sink);
        let found: Vec<String> = sink.iter().map(|one| format!("{}: {}", one.code.name, one.message)).collect();
        assert_eq!(
            found,
            ["plan/unknown-store: it is not known how `AWS::HealthLake::FHIRDatastore` keeps tenants' data"]
        );
        let own = r#"{"date": "2026-11-21", "stores": {"AWS::HealthLake::FHIRDatastore": {"source": "own", "keeps": "records",
            "carry": {"how": "left", "why": "x"}, "erase": {"own": "delete it", "shared": "x", "sharedHow": "expires"}}}}"#;
        let mut sink = Sink::new();
        let erased = plan(Some(&strange), None, &request, &Catalogue::with(own).unwrap(), &mut sink).unwrap();
        assert!(sink.is_empty(), "{sink:?}");
        assert!(erased.stores.iter().any(|store| store.kind == "AWS::HealthLake::FHIRDatastore"));
    }

    #[test]
    fn what_is_only_declared_to_be_the_platforms_is_to_be_looked_at() {
        let mut fleet = Fleet::new("serverless-saas");
        let shared = (
            "      - user_pool: Users\n",
            "      - custom: Rates\n        type: AWS::DynamoDB::Table\n        shared_because: the same rates for everybody\n        \
             properties:\n          KeySchema: [{ AttributeName: id, KeyType: HASH }]\n          \
             AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]\n          BillingMode: PAY_PER_REQUEST\n      \
             - user_pool: Users\n",
        );
        let pooled = ("pooled: [", "pooled: [Rates, ");
        let old = seen(&fleet.made(&[shared, pooled]), "tenant-001").unwrap();
        let (plan, found) = made(Some(&old), None, &Request { erase: true, ..Request::default() });
        assert!(found.is_empty(), "{found:?}");
        let trusted: Vec<_> = plan.empty.iter().filter(|empty| empty.on_trust).collect();
        assert_eq!(trusted.len(), 1, "{trusted:?}");
        assert_eq!(trusted[0].why, "declared as the platform's: the same rates for everybody");
        let told = tenantry::plan::text(&plan);
        let line = format!("look at `{}` (AWS::DynamoDB::Table, in", trusted[0].logical_id);
        assert!(told.contains(&line), "{told}");
    }

    /// Runs `tenantry plan`.
    fn command(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .arg("plan")
            .args(arguments)
            .current_dir(folder)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn read(path: &Path) -> String {
        String::from_utf8(tenantry::source::World::read(&Disk::new("/"), path).unwrap()).unwrap()
    }

    fn write(path: &Path, text: &str) {
        std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), text.as_bytes()).unwrap();
    }

    #[test]
    fn a_plan_for_nobody_names_who_is_meant() {
        let mut fleet = Fleet::new("serverless-saas");
        fleet.made(&[]);
        let (code, out, said) = command(fleet.folder.path(), &["tenant-20", "--from", "1", "--to", "1"]);
        assert_eq!((code, out.as_str()), (1, ""));
        assert_eq!(
            said,
            "error[plan/unknown-tenant]: there is no tenant `tenant-20`\n--> 1\n = help: did you mean `tenant-020`?\n \
             = help: name a tenant as `tenants.jsonl` of the assembly has it\n = note: run `tenantry explain \
             plan/unknown-tenant`\n\n1 error\n"
        );
        let (code, out, _) = command(fleet.folder.path(), &["tenant-020", "--from", "1", "--to", "1"]);
        assert_eq!(code, 0);
        assert!(out.contains("tenant-020"), "{out}");
    }

    /// A log group that tenants share: lines about one of them end with all lines, or never.
    #[test]
    fn what_is_shared_and_never_ends_refuses_an_erasure() {
        let mut fleet = Fleet::new("serverless-saas");
        let place = "    entitlements: { seats: 5, exports: false, support: community }\n";
        let with = |retention: &str| {
            format!(
                "    components:\n      - custom: Audit\n        type: AWS::Logs::LogGroup\n        shared_because: lines about requests\n        properties: {{ LogGroupClass: STANDARD{retention} }}\n{place}"
            )
        };
        for retention in ["", ", RetentionInDays: 365"] {
            let root = fleet.made(&[(place, &with(retention))]);
            // Whoever knows better says whose the lines are: not the platform's.
            let (path, manifest) = (root.join("tenancy.json"), root.join("tenantry.json"));
            let tenancy = read(&path);
            let mut edited: serde_json::Value = serde_json::from_str(&tenancy).unwrap();
            let owners = edited["templates"]
                .as_array_mut()
                .unwrap()
                .iter_mut()
                .filter_map(|one| one.get_mut("owners")?.as_object_mut());
            let mut audits: Vec<_> = owners.flatten().filter(|(id, _)| id.starts_with("AuditCustom")).collect();
            assert_eq!(audits.len(), 1);
            assert_eq!(*audits[0].1, serde_json::json!({"platform": {"reason": "lines about requests"}}));
            *audits[0].1 = serde_json::json!({"application": {"reason": "lines name the tenant"}});
            let edited = serde_json::to_string_pretty(&edited).unwrap();
            let digest = |text: &str| tenantry::assembly::Digest::of(text.as_bytes()).to_string();
            let text = read(&manifest).replace(&digest(&tenancy), &digest(&edited));
            write(&path, &edited);
            write(&manifest, &text);
        }
        let (code, out, said) = command(fleet.folder.path(), &["tenant-001", "--from", "1", "--erase"]);
        assert_eq!((code, out.as_str()), (1, ""), "{said}");
        let [finding, end] = said.split("\n\n").collect::<Vec<_>>()[..] else { panic!("{said}") };
        let lines: Vec<&str> = finding.lines().collect();
        assert!(
            lines[0].starts_with("error[plan/no-expiry]: ") && lines[0].contains(" of `Audit` never end: "),
            "{said}"
        );
        assert!(lines[1].starts_with("--> serverless-saas-basic-eu-1-") && lines[1].contains("#AuditCustom"), "{said}");
        assert_eq!(lines[2], " = help: set how long they are kept, deploy that, and make the plan again");
        assert_eq!(end, "1 error\n");
        let (code, out, said) = command(fleet.folder.path(), &["tenant-001", "--from", "2", "--erase"]);
        assert_eq!(code, 0, "{said}");
        assert!(out.contains("Audit"), "{out}");
        // Whoever only leaves takes nothing away, and may.
        let (code, _, said) = command(fleet.folder.path(), &["tenant-001", "--from", "1", "--to", "1"]);
        assert_eq!(code, 0, "{said}");
    }

    #[test]
    fn what_the_other_tier_has_no_place_for_is_let_go_by_name_only() {
        let mut fleet = Fleet::new("serverless-saas");
        let notes = (
            "    siloed: [Products, Orders]\n",
            "    components:\n      - table: Notes\n        partition_key: noteId\n    siloed: [Products, Orders, Notes]\n",
        );
        let line = "  - { tenant: tenant-020, tier: premium,";
        fleet.made(&[notes]);
        fleet.made(&[notes, (line, "  - { tenant: tenant-020, tier: basic,")]);
        let asked = ["tenant-020", "--from", "1", "--to", "2"];
        let (code, out, said) = command(fleet.folder.path(), &asked);
        assert_eq!((code, out.as_str()), (1, ""), "{said}");
        let [finding, end] = said.split("\n\n").collect::<Vec<_>>()[..] else { panic!("{said}") };
        let lines: Vec<&str> = finding.lines().collect();
        assert!(
            lines[0].starts_with("error[plan/no-home]: tier `basic` has no place for ")
                && lines[0].ends_with(" of `Notes`"),
            "{said}"
        );
        assert!(
            lines[1].starts_with("--> serverless-saas-premium-tenant-020-") && lines[1].contains("#NotesTable"),
            "{said}"
        );
        assert_eq!(
            lines[2],
            " = help: give the tier a component `Notes` of the same kind, or say that its data may go: `--let-go Notes`"
        );
        assert_eq!(end, "1 error\n");
        let (code, out, said) = command(fleet.folder.path(), &[&asked[..], &["--let-go", "Notes"]].concat());
        assert_eq!(code, 0, "{said}");
        assert!(out.contains("Notes"), "{out}");
    }

    #[test]
    fn the_catalogue_is_about_types_that_exist_and_each_entry_has_a_source() {
        let catalogue = Catalogue::shipped().unwrap();
        for (kind, source) in catalogue
            .stores
            .iter()
            .map(|(kind, facts)| (kind, &facts.source))
            .chain(catalogue.none.iter().map(|(kind, facts)| (kind, &facts.source)))
        {
            assert!(catalogue.sources.contains_key(source), "{kind} has no source");
            assert!(schema::is_known(kind), "{kind} is no type");
        }
        for source in catalogue.sources.values() {
            assert!(source.source.starts_with("https://docs.aws.amazon.com/") && source.date.len() == 10);
        }
        assert!(catalogue.none.keys().all(|kind| !catalogue.stores.contains_key(kind)));
        // What the schemas mark as holding data is never said to hold none.
        for kind in catalogue.none.keys() {
            assert!(!schema::find(kind).unwrap().is_stateful(), "{kind} is stateful");
        }
        let missing: Vec<&str> = schema::names()
            .filter(|kind| schema::find(kind).unwrap().is_stateful() && !catalogue.stores.contains_key(*kind))
            .collect();
        // Those are errors in a plan; the list must not grow in silence.
        assert!(missing.len() <= 60, "{}: {missing:?}", missing.len());
    }

    #[test]
    fn a_tenant_that_is_not_there_is_not_seen_and_an_edited_template_is_a_finding() {
        let mut fleet = Fleet::new("serverless-saas");
        let root = fleet.made(&[]);
        assert!(seen(&root, "tenant-999").is_none());
        let template = root.join("templates/premium-tenant.template.json");
        let text = Disk::new("/");
        let bytes = tenantry::source::World::read(&text, &template).unwrap();
        let mut file = std::fs::OpenOptions::new().write(true).open(&template).unwrap();
        let edited = String::from_utf8(bytes).unwrap().replace("Retain", "Delete");
        file.set_len(0).unwrap();
        std::io::Write::write_all(&mut file, edited.as_bytes()).unwrap();
        let assembly = Assembly::open(&root).unwrap();
        let (mut sources, mut sink) = (SourceMap::default(), Sink::new());
        let found = Seen::find(&assembly, "tenant-020", &mut Vec::new(), &mut sources, &mut sink).unwrap();
        assert!(found.is_none());
        assert_eq!(sink.iter().map(|one| one.code.name).collect::<Vec<_>>(), ["verify/digest"]);
    }
}
