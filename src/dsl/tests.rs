//! The two surfaces say the same, and a mistake in Rust is found at its line.

use std::collections::BTreeSet;
use std::path::Path;

use super::component::watchable;
use super::*;
use crate::blueprint;
use crate::check::check;
use crate::diagnostics::{Origin, Sink, SourceMap};
use crate::facts::Facts;
use crate::model::component::WATCHABLE;
use crate::model::{self, ComponentName, Entitlement, Model, State, Strategy, Tenants};
use crate::prelude;
use crate::source::Memory;

const YAML: &str = r##"
tenantry: 1
blueprint: orders
environment: staging
owner: team-orders
cost_center: cc-1001
ids: { pattern: '^[a-z0-9]{4,12}$' }
organization:
  id: o-ab12cd34ef
  parent: r-ab12
  exempt: { deployment: [ci-deploy-*], audit: [audit-reader], break_glass: [break-glass] }
assets: { bucket: 'code-${AWS::AccountId}' }
cells:
  - cell: eu-1
    region: eu-west-1
    account: '222222222222'
    capacity: 500
    tiers: [basic, premium]
    geography: eu
    compliance: [hipaa]
    reserved_for: [acme]
  - { cell: eu-2, region: eu-central-1 }
guardrails:
  - regions: { only: [eu-west-1, eu-central-1], exempt: ['bedrock:Invoke*'] }
  - services: { preset: serverless_only, also: [ec2] }
  - instance-types: [t4g.*]
  - deny-leave-organization
  - deny-root
  - deny-iam-users
  - deny-public-sharing
  - protect-audit: { log_archives: [audit-*] }
  - protect-tags: { keys: [TenantId, Tier], required: [TenantId] }
  - legal-hold
  - data-perimeter: { organization: o-ab12cd34ef, trusted_accounts: ['333333333333'] }
  - suspended
tiers:
  - tier: enterprise
    isolation: silo
    boundary: vpc
    placement: dedicated
    guardrails: [{ services: { also: [dynamodb] } }]
    components:
      - key: Data
        rotation_days: 180
        pending_window_days: 7
      - network: Net
        cidr: 10.1.0.0/20
        zones: 3
        endpoints: [kms, sqs]
        flow_logs: true
      - table: Orders
        partition_key: pk
        sort_key: { name: at, type: number }
        indexes: [{ name: by-state, by: state }, { name: by-total, by: { name: total, type: number } }]
        time_to_live: expires
        stream: true
        encrypt_with: Data
        point_in_time_recovery: false
        deletion_protection: false
        renamed_from: Invoices
      - bucket: Files
        versioned: false
        expire_old_versions_days: 30
        lock_days: 10
        encrypt_with: Data
      - queue: Jobs
        visibility_timeout_seconds: 120
        retention_days: 4
        max_receives: 3
        encrypt_with: Data
      - topic: News
        encrypt_with: Data
        tls_only: false
      - event_bus: Events
        archive_days: 7
      - user_pool: Users
        mfa: required
        password_length: 16
      - function: Api
        code: { asset: dist/api.zip }
        runtime: python3.13
        handler: app.handler
        memory_mib: 512
        timeout_seconds: 20
        reserved_concurrency: 10
        log_retention_days: 90
        architecture: x86_64
        network: Net
        consumes: [Jobs]
        environment:
          TABLE: ${Orders.name}
          TABLE_ARN: ${Orders.arn}
          JOBS: ${Jobs.url}
          CLIENT: ${Users.client_id}
          STAGE: staging
          INBOX: s3://${Files.name}/incoming
      - function: Code
        code: { s3: { bucket: code, key: a.zip } }
      - http_api: Web
        routes: [{ on: 'GET /orders/{id}', call: Api }, { on: 'ANY /{rest+}', call: Api }]
        authorizer: Users
        access_logs: false
        rate: 50
        burst: 100
      - rest_api: Rest
        routes: [{ on: POST /orders, call: Api }]
        authorizer: Users
        access_logs: false
        throttle: { rate: 10, burst: 20, daily_quota: 1000 }
      - alarms: Watch
        watch: [Api, Jobs, Orders, Web, Rest]
        notify: News
      - dashboard: Board
        show: [Api, Web]
      - custom: Settings
        type: AWS::AppConfig::Application
        properties:
          Name: orders
          Tags: [{ Key: a, Value: 1 }, true, null]
          Description: for ${Orders.name}
          Table: ${Orders.arn}
          Other: { Ref: Orders }
          Where: !Sub '${Orders.Arn}/${TenantId}'
        shared_because: it holds defaults only
    allow:
      - { from: Api, access: read-write, to: Orders }
      - { from: Api, access: read, to: Files }
      - { from: Api, access: send, to: Jobs }
      - { from: Api, access: receive, to: Jobs }
      - { from: Api, access: invoke, to: Code }
      - { from: Api, access: use, to: Data }
  - tier: basic
    isolation: pool
    placement: capacity
    components:
      - { table: Orders, partition_by: tenant_id }
      - { table: Lines, partition_key: pk, partition_by: { prefix_of: pk } }
      - { bucket: Files, partition_by: prefix }
      - { queue: Jobs, partition_by: tenant_id }
      - { topic: News, partition_by: tenant_id }
      - { event_bus: Events, partition_by: tenant_id }
      - { topic: Pager }
      - { custom: Settings, type: 'AWS::AppConfig::Application', shared_because: defaults }
      - { function: Api, code: { inline: 'exports.handler = async () => 1' }, environment: { TABLE: '${Orders.name}' } }
      - { alarms: Watch, watch: [Api], notify: Pager }
    allow:
      - { from: Api, access: write, to: Orders }
  - tier: premium
    isolation: bridge
    siloed: [Orders, Worker]
    pooled: [Jobs, Api]
    components:
      - { table: Orders }
      - { queue: Jobs, partition_by: tenant_id }
      - { function: Api, code: { asset: api.zip }, environment: { JOBS: '${Jobs.url}' } }
      - { function: Worker, code: { asset: worker.zip }, environment: { JOBS: '${Jobs.url}', TABLE: '${Orders.name}' } }
    allow:
      - { from: Api, access: read-write, to: Orders }
      - { from: Worker, access: send, to: Jobs }
tenants:
  - tenant: acme
    tier: enterprise
    name: Acme Corporation
    state: suspended
    account: '111111111111'
    cell: eu-1
    residency: [eu-west-1]
    geography: eu
    compliance: [hipaa]
    owner: acme-team
    cost_center: cc-2
    overrides:
      Orders: { deletion_protection: true }
      Api: { memory_mib: 1024, environment: { STAGE: acme, CLIENT: null } }
      Code: { memory_mib: 256 }
  - { tenant: globex, tier: basic, region: eu-central-1, residency: [eu-west-1, eu-central-1] }
acknowledge:
  - { code: component/plaintext, reason: the data can be made again }
"##;

/// The same in Rust.
fn orders() -> Blueprint {
    use prelude::*;
    let mut orders = Blueprint::new("orders");
    orders
        .environment("staging")
        .owner("team-orders")
        .cost_center("cc-1001")
        .ids("^[a-z0-9]{4,12}$")
        .organization("o-ab12cd34ef")
        .organization_parent("r-ab12")
        .exempt(Exempt::Deployment, ["ci-deploy-*"])
        .exempt(Exempt::Audit, ["audit-reader"])
        .exempt(Exempt::BreakGlass, ["break-glass"])
        .asset_bucket("code-${AWS::AccountId}")
        .guardrail(Guardrail::regions(["eu-west-1", "eu-central-1"]).exempt(["bedrock:Invoke*"]))
        .guardrail(Guardrail::services("serverless_only").also(["ec2"]))
        .guardrail(Guardrail::instance_types(["t4g.*"]))
        .guardrail(Guardrail::deny_leave_organization())
        .guardrail(Guardrail::deny_root())
        .guardrail(Guardrail::deny_iam_users())
        .guardrail(Guardrail::deny_public_sharing())
        .guardrail(Guardrail::protect_audit().log_archives(["audit-*"]))
        .guardrail(Guardrail::protect_tags(["TenantId", "Tier"]).required(["TenantId"]))
        .guardrail(Guardrail::legal_hold())
        .guardrail(Guardrail::data_perimeter("o-ab12cd34ef").trusted_accounts(["333333333333"]))
        .guardrail(Guardrail::suspended())
        .acknowledge("component/plaintext", "the data can be made again");

    let mut tier = Tier::silo("enterprise").boundary(Boundary::Vpc).placement(Strategy::Dedicated);
    tier.guardrail(Guardrail::only_services(["dynamodb"]));
    let data = tier.add(Key::new("Data").rotation_days(180).pending_window_days(7));
    let net = tier.add(Network::new("Net").cidr("10.1.0.0/20").zones(3).endpoints(["kms", "sqs"]).flow_logs(true));
    let table = tier.add(
        Table::new("Orders")
            .partition_key("pk")
            .sort_key(KeyAttribute::number("at"))
            .index("by-state", "state")
            .index("by-total", KeyAttribute::number("total"))
            .time_to_live("expires")
            .stream(true)
            .encrypt_with(data)
            .point_in_time_recovery(false)
            .deletion_protection(false)
            .renamed_from("Invoices"),
    );
    let files =
        tier.add(Bucket::new("Files").versioned(false).expire_old_versions_days(30).lock_days(10).encrypt_with(data));
    let jobs = tier
        .add(Queue::new("Jobs").visibility_timeout_seconds(120).retention_days(4).max_receives(3).encrypt_with(data));
    let news = tier.add(Topic::new("News").encrypt_with(data).tls_only(false));
    tier.add(EventBus::new("Events").archive_days(7));
    let users = tier.add(UserPool::new("Users").mfa(Mfa::Required).password_length(16));
    let api = tier.add(
        Function::new("Api", Code::asset("dist/api.zip"))
            .runtime("python3.13")
            .handler("app.handler")
            .memory_mib(512)
            .timeout_seconds(20)
            .reserved_concurrency(10)
            .log_retention_days(90)
            .x86()
            .network(net)
            .consumes(jobs)
            .env("TABLE", table.name())
            .env_arn("TABLE_ARN", table.arn())
            .env_url("JOBS", jobs.url())
            .env_id("CLIENT", users.client_id())
            .env_text("STAGE", "staging")
            .env_phrase("INBOX", Phrase::text("s3://").then(files.name()).then_text("/incoming")),
    );
    let code = tier.add(Function::new("Code", Code::s3("code", "a.zip")));
    let web = tier.add(
        HttpApi::new("Web")
            .route("GET /orders/{id}", api)
            .route("ANY /{rest+}", api)
            .authorizer(users)
            .access_logs(false)
            .rate(50)
            .burst(100),
    );
    let rest = tier.add(
        RestApi::new("Rest")
            .route("POST /orders", api)
            .authorizer(users)
            .access_logs(false)
            .throttle_with_quota(10, 20, 1000),
    );
    tier.add(Alarms::new("Watch").watch(api).watch(jobs).watch(table).watch(web).watch(rest).notify(news));
    tier.add(Dashboard::new("Board").show(api).show(web));
    tier.add(
        Custom::new("Settings", "AWS::AppConfig::Application")
            .property("Name", "orders")
            .property("Tags", serde_json::json!([{ "Key": "a", "Value": 1 }, true, null]))
            .property_phrase("Description", Phrase::text("for ").then(table.name()))
            .property_of("Table", table.arn())
            .property("Other", serde_json::json!({ "Ref": "Orders" }))
            .property_sub("Where", "${Orders.Arn}/${TenantId}")
            .shared_because("it holds defaults only"),
    );
    tier.allow(api, Access::ReadWrite, table)
        .allow(api, Access::Read, files)
        .allow(api, Access::Send, jobs)
        .allow(api, Access::Receive, jobs)
        .allow(api, Access::Invoke, code)
        .allow(api, Access::Use, data);
    let enterprise = orders.tier(tier);

    let by_tenant = || TenantKey::attribute("tenant_id");
    let mut tier = Tier::pool("basic").placement(Strategy::Capacity);
    let pooled = tier.add(Table::new("Orders").partition_by(by_tenant()));
    tier.add(Table::new("Lines").partition_key("pk").partition_by(TenantKey::prefix_of("pk")));
    tier.add(Bucket::new("Files").partition_by(TenantKey::object_prefix()));
    tier.add(Queue::new("Jobs").partition_by(by_tenant()));
    tier.add(Topic::new("News").partition_by(by_tenant()));
    tier.add(EventBus::new("Events").partition_by(by_tenant()));
    let pager = tier.add(Topic::for_alarms("Pager"));
    tier.add(Custom::new("Settings", "AWS::AppConfig::Application").shared_because("defaults"));
    let pooled_api =
        tier.add(Function::new("Api", Code::inline("exports.handler = async () => 1")).env("TABLE", pooled.name()));
    tier.add(Alarms::new("Watch").watch(pooled_api).notify(pager));
    tier.allow(pooled_api, Access::Write, pooled);
    let basic = orders.tier(tier);

    let mut tier = Tier::bridge("premium");
    let own = tier.add(Table::new("Orders").siloed());
    let queue = tier.add(Queue::new("Jobs").partition_by(by_tenant()).pooled());
    let shared_api = tier.add(Function::new("Api", Code::asset("api.zip")).env_url("JOBS", queue.url()).pooled());
    let worker = tier.add(
        Function::new("Worker", Code::asset("worker.zip"))
            .env_url("JOBS", queue.url())
            .env("TABLE", own.name())
            .siloed(),
    );
    tier.allow(shared_api, Access::ReadWrite, own).allow(worker, Access::Send, queue);
    let premium = orders.tier(tier);

    orders
        .cell(
            Cell::new("eu-1", "eu-west-1")
                .account("222222222222")
                .capacity(500)
                .tiers([basic, premium])
                .geography("eu")
                .compliance(["hipaa"])
                .reserved_for(["acme"]),
        )
        .cell(Cell::new("eu-2", "eu-central-1"));
    orders
        .tenant("acme", enterprise)
        .name("Acme Corporation")
        .state(State::Suspended)
        .account("111111111111")
        .cell("eu-1")
        .residency(["eu-west-1"])
        .geography("eu")
        .compliance(["hipaa"])
        .owner("acme-team")
        .cost_center("cc-2")
        .override_component(table, |table| table.deletion_protection(true))
        .override_component(api, |api| api.memory_mib(1024).env_text("STAGE", "acme").without_env("CLIENT"))
        .override_component(code, |code| code.memory_mib(256));
    orders.tenant("globex", basic).region("eu-central-1").residency(["eu-west-1", "eu-central-1"]);
    orders
}

/// Forgets where everything was written.
fn placeless(mut model: Model) -> Model {
    model.origin = Origin::Derived;
    model.cells.iter_mut().for_each(|cell| cell.origin = Origin::Derived);
    model.guardrails.iter_mut().for_each(|(_, origin)| *origin = Origin::Derived);
    model.acknowledged.iter_mut().for_each(|acknowledged| acknowledged.origin = Origin::Derived);
    for tier in &mut model.tiers {
        tier.origin = Origin::Derived;
        tier.guardrails.iter_mut().for_each(|(_, origin)| *origin = Origin::Derived);
        tier.grants.iter_mut().for_each(|grant| grant.origin = Origin::Derived);
        tier.members.iter_mut().for_each(|member| member.component.origin = Origin::Derived);
    }
    match &mut model.tenants {
        Tenants::Inline(tenants) => tenants.iter_mut().for_each(|tenant| tenant.origin = Origin::Derived),
        Tenants::File { origin, .. } => *origin = Origin::Derived,
    }
    model
}

fn from_yaml(text: &str) -> Model {
    let mut sink = Sink::new();
    let tree = crate::source::read("orders.yaml", text.as_bytes(), &mut SourceMap::default(), &mut sink);
    let model = tree.and_then(|tree| blueprint::lower(&tree, &mut sink));
    assert!(sink.is_empty(), "{:#?}", sink.into_sorted());
    model.unwrap()
}

#[test]
fn both_surfaces_make_the_same_model() {
    let (model, findings) = orders().lower();
    assert!(findings.is_empty(), "{:#?}", findings.into_sorted());
    let rust = format!("{:#?}", placeless(model.unwrap()));
    let yaml = format!("{:#?}", placeless(from_yaml(YAML)));
    if let Some((rust, yaml)) = rust.lines().zip(yaml.lines()).find(|(rust, yaml)| rust != yaml) {
        panic!("Rust says {rust}, and YAML {yaml}");
    }
    assert_eq!(rust, yaml);
    assert!(!rust.contains("Rust {") && !yaml.contains("Text(\n            Span"), "an origin was forgotten");
}

#[test]
fn the_blueprint_above_uses_every_kind_of_component() {
    let (model, schema) = (from_yaml(YAML), blueprint::json_schema());
    let kinds = schema["properties"]["tiers"]["items"]["properties"]["components"]["items"]["anyOf"].as_array();
    let bodies = || model.tiers.iter().flat_map(|tier| &tier.members).map(|member| &member.component.body);
    for kind in kinds.unwrap() {
        assert!(bodies().any(|body| kind["properties"].get(body.kind()).is_some()), "{kind}");
    }
}

#[test]
fn types_know_what_the_checks_know() {
    let model = from_yaml(YAML);
    for member in model.tiers.iter().flat_map(|tier| &tier.members) {
        let (kind, body) = (member.component.body.kind(), &member.component.body);
        let mut typed = handle::attributes_of(kind);
        typed.sort();
        let mut known = body.attributes().to_vec();
        known.sort();
        assert_eq!(typed, known, "attributes of {kind}");
        assert_eq!(watchable().contains(&kind), WATCHABLE.contains(&kind), "whether {kind} is watched");
    }
}

#[test]
fn types_know_the_accesses_that_the_check_knows() {
    let mut model = from_yaml(YAML);
    let tier = &mut model.tiers[0];
    let from = ComponentName::new("Api").unwrap();
    tier.grants.clear();
    let mut unknown = BTreeSet::new();
    for component in tier.members.iter().map(|member| &member.component) {
        for access in model::Access::ALL {
            let question = format!("{} {}", component.name, access.as_str());
            if !access::accesses_of(component.body.kind()).contains(&access) {
                unknown.insert(question.clone());
            }
            let (from, to, origin) = (from.clone(), component.name.clone(), Origin::Path(question.into()));
            tier.grants.push(model::Grant { from, access, to, origin });
        }
    }
    let (world, facts, mut sink) = (Memory::default(), Facts::shipped().unwrap(), Sink::new());
    let spill = blueprint::Spill { folder: Path::new("."), budget: usize::MAX };
    check(model, &world, &facts, &spill, &mut sink).unwrap();
    let refused = sink.iter().filter(|finding| finding.code.name.starts_with("access/"));
    let refused: BTreeSet<String> = refused
        .map(|finding| match &finding.primary.origin {
            Origin::Path(question) => question.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(unknown, refused);
}

#[test]
fn numbers_have_the_bounds_they_have_in_yaml() {
    let schema = blueprint::json_schema();
    for bound in bounds::ALL {
        let mut path = bound.setting.split('/');
        let kind = path.next().unwrap();
        let properties = &schema["properties"];
        let record = if kind == "cell" {
            properties["cells"]["items"].clone()
        } else {
            let variants = &properties["tiers"]["items"]["properties"]["components"]["items"]["anyOf"];
            let variants = variants.as_array().unwrap();
            variants.iter().find(|variant| variant["required"][0] == kind).unwrap().clone()
        };
        let setting = path.fold(record, |record, key| record["properties"][key].clone());
        assert_eq!(setting["minimum"], bound.min, "{}", bound.setting);
        assert_eq!(setting["maximum"], bound.max, "{}", bound.setting);
    }
}

/// What is found, with the line of this file.
fn findings(blueprint: Blueprint) -> Vec<(&'static str, u32)> {
    let (model, sink) = blueprint.lower();
    assert_eq!(model.is_none(), sink.has_errors());
    let line = |origin: &Origin| match origin {
        Origin::Rust { line, .. } => *line,
        other => panic!("{other:?} is not in Rust"),
    };
    sink.into_sorted().iter().map(|finding| (finding.code.name, line(&finding.primary.origin))).collect()
}

fn small() -> Blueprint {
    let mut blueprint = Blueprint::new("small");
    blueprint.owner("a").cost_center("b").cell(Cell::new("eu-1", "eu-west-1"));
    blueprint
}

#[test]
fn what_is_missing_is_not_invented() {
    let here = line!() + 1;
    let blueprint = Blueprint::new("orders");
    assert_eq!(findings(blueprint), [("shape/missing-key", here); 4]);
}

#[test]
#[rustfmt::skip]
fn every_mistake_is_found_at_its_own_line() {
    let here = line!();
    let mut blueprint = Blueprint::new("Small");
    blueprint
        .owner("a")
        .cost_center("b")
        .ids("^.*$")
        .exempt(Exempt::Audit, ["*"])
        .cell(
            Cell::new("EU", "eu-west-1")
                .account("12")
                .capacity(100_000_001)
                .reserved_for(["Z"]),
        )
        .guardrail(Guardrail::regions(["europe"]));
    let mut tier = Tier::silo("Tier");
    let api = tier.add(
        Function::new("api", Code::inline("1"))
            .memory_mib(64)
            .env_text("A", "1")
            .env_text("A", "2"),
    );
    tier.add(
        HttpApi::new("Web")
            .route("FETCH /a", api)
            .route("GET a", api)
            .renamed_from("web"),
    );
    tier.add(Table::new("Orders"));
    tier.add(Table::new("Orders"));
    let tier = blueprint.tier(tier);
    blueprint
        .tenant("A", tier)
        .account("1")
        .cell("EU");
    let found = findings(blueprint);
    let found: Vec<(&str, u32)> = found.into_iter().map(|(code, line)| (code, line - here)).collect();
    assert_eq!(
        found,
        [
            ("id/name", 1),
            ("id/language", 5),
            ("guardrail/setting", 6),
            ("id/name", 8),
            ("id/account", 9),
            ("shape/out-of-range", 10),
            ("id/tenant", 11),
            ("guardrail/setting", 13),
            ("id/name", 14),
            ("id/name", 16),
            ("shape/out-of-range", 17),
            ("id/duplicate", 19),
            ("shape/unknown-value", 23),
            ("shape/unknown-value", 24),
            ("id/name", 25),
            ("id/duplicate", 28),
            ("id/tenant", 31),
            ("id/account", 32),
            ("id/name", 33),
        ]
    );
}

#[test]
fn a_handle_of_another_tier_is_found_even_if_the_names_are_the_same() {
    let mut blueprint = small();
    let mut one = Tier::silo("one");
    let table = one.add(Table::new("Orders"));
    let mut two = Tier::silo("two");
    two.add(Table::new("Orders"));
    let here = line!();
    let api = two.add(Function::new("Api", Code::inline("1")).env("TABLE", table.name()));
    two.allow(api, Access::Read, table);
    let (one, two) = (blueprint.tier(one), blueprint.tier(two));
    blueprint.tenant("acme", one).override_component(table, |table| table.stream(true));
    blueprint.tenant("globex", two).override_component(table, |table| table.stream(true));
    let found = findings(blueprint);
    assert_eq!(
        found,
        [
            ("reference/unknown-component", here + 1),
            ("reference/unknown-component", here + 2),
            ("override/unknown", here + 5),
        ]
    );
}

#[test]
fn tenants_come_from_one_place_and_from_tiers_of_their_blueprint() {
    let mut other = small();
    let stranger = other.tier(Tier::silo("other"));
    let mut blueprint = small();
    let tier = blueprint.tier(Tier::silo("mine"));
    let here = line!();
    blueprint.tenant("acme", tier);
    blueprint.tenant("globex", stranger);
    blueprint.tenants_from("tenants.jsonl");
    assert_eq!(findings(blueprint), [("shape/ambiguous", here + 1), ("tenant/unknown-tier", here + 2)]);
}

#[test]
fn a_tenant_cannot_have_to_be_where_its_data_may_not_be() {
    let mut blueprint = small();
    let tier = blueprint.tier(Tier::silo("mine"));
    blueprint.tenant("acme", tier).residency(["eu-west-1"]).region("eu-west-1");
    let here = line!() + 1;
    blueprint.tenant("globex", tier).residency(["eu-west-1"]).region("us-east-1");
    assert_eq!(findings(blueprint), [("placement/no-cell", here)]);
}

#[test]
fn an_override_keeps_the_name_and_what_was_said_before() {
    let mut blueprint = small();
    let mut tier = Tier::silo("mine");
    let table = tier.add(Table::new("Orders"));
    let tier = blueprint.tier(tier);
    blueprint
        .tenant("acme", tier)
        .override_component(table, |table| table.stream(true))
        .override_component(table, |table| table.time_to_live("expires"));
    let (model, _) = blueprint.clone().lower();
    let Tenants::Inline(tenants) = model.unwrap().tenants else { panic!("the tenants stand in the blueprint") };
    let Some(model::Body::Table(table_of_acme)) = tenants[0].overrides.values().next() else { panic!("a table") };
    assert!(table_of_acme.stream && table_of_acme.time_to_live.as_deref() == Some("expires"));

    let here = line!() + 1;
    blueprint.tenant("globex", tier).override_component(table, |_| Table::new("Other"));
    assert_eq!(findings(blueprint), [("shape/unknown-key", here)]);
}

#[test]
fn a_component_is_made_by_a_function_for_tiers_of_any_kind() {
    fn worker<S>(queue: Handle<Queue, S>) -> Function<S> {
        Function::new("Worker", Code::inline("1")).consumes(queue)
    }
    let mut silo = Tier::silo("silo");
    let jobs = silo.add(Queue::new("Jobs"));
    silo.add(worker(jobs));
    let mut pool = Tier::pool("pool");
    let jobs = pool.add(Queue::new("Jobs").partition_by(TenantKey::attribute("tenant_id")));
    pool.add(worker(jobs));
    let mut blueprint = small();
    blueprint.tier(silo);
    blueprint.tier(pool);
    assert_eq!(findings(blueprint), []);
}

#[test]
fn entitlements_are_checked_like_those_of_yaml() {
    let mut shop = Blueprint::new("shop");
    shop.owner("team").cost_center("cc-1").cell(Cell::new("eu-1", "eu-west-1").account("210000000001"));
    let tier = Tier::pool("basic").entitlement("seats", 5).entitlement("seats", 25).entitlement("support", "mail");
    let basic = shop.tier(tier);
    shop.tenant("acme", basic).entitlement("seats", 100).legal_hold(true);
    let (model, findings) = shop.clone().lower();
    assert!(findings.is_empty());
    let model = model.unwrap();
    let seats = model.tiers[0].entitlements.iter().next().unwrap();
    assert_eq!((seats.0.as_str(), &seats.1.value), ("seats", &Entitlement::Whole(25)));
    let Tenants::Inline(tenants) = &model.tenants else { panic!() };
    assert!(tenants[0].legal_hold);
    assert_eq!(tenants[0].entitlements.values().next().unwrap().value, Entitlement::Whole(100));

    shop.tenant("globex", basic).entitlement("Seats", true);
    let (_, findings) = shop.lower();
    let codes: Vec<&str> = findings.iter().map(|finding| finding.code.name).collect();
    assert_eq!(codes, ["id/name"]);
}

#[test]
fn placement_and_state_have_the_defaults_of_yaml() {
    let mut blueprint = small();
    let tier = blueprint.tier(Tier::silo("mine"));
    blueprint.tenant("acme", tier);
    let model = blueprint.lower().0.unwrap();
    assert_eq!((model.tiers[0].strategy, model.tiers[0].boundary), (Strategy::Hash, model::Boundary::Account));
    let Tenants::Inline(tenants) = model.tenants else { panic!("the tenants stand in the blueprint") };
    assert_eq!(tenants[0].state, State::Active);
}
