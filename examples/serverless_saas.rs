//! `blueprints/serverless-saas.yaml` in Rust: an order-management product in four tiers.
//!
//! | tier                | isolation | what tenants have to themselves                                  |
//! |---------------------|-----------|------------------------------------------------------------------|
//! | `basic`, `standard` | pool      | a usage plan; API, functions and tables serve all of a cell      |
//! | `premium`           | bridge    | the tables; API and functions are shared                         |
//! | `platinum`          | silo      | everything, in an account of their own                           |
//!
//! `cargo run --example serverless_saas -- synth`

use std::process::ExitCode;

use tenantry::prelude::*;

const PRODUCTS: &str = "exports.handler = async () => ({ statusCode: 200, body: '[]' });\n";
const ORDERS: &str = "def handler(event, context):\n    return {\"statusCode\": 200, \"body\": \"[]\"}\n";

fn main() -> ExitCode {
    tenantry::cli::main(blueprint())
}

/// The whole product.
pub fn blueprint() -> Blueprint {
    let mut saas = Blueprint::new("serverless-saas");
    saas.environment("prod").owner("saas-platform").cost_center("cc-4711");
    saas.organization("o-a1b2c3d4e5").organization_parent("r-ab12");
    saas.exempt(Exempt::BreakGlass, ["BreakGlassAdministrator"]);

    saas.cell(Cell::new("eu-1", "eu-west-1").account("210000000001").capacity(250));
    saas.cell(Cell::new("eu-2", "eu-central-1").account("210000000002").capacity(250));

    saas.guardrail(Guardrail::regions(["eu-west-1", "eu-central-1"]))
        .guardrail(Guardrail::services("serverless_only"))
        .guardrail(Guardrail::deny_leave_organization())
        .guardrail(Guardrail::deny_root())
        .guardrail(Guardrail::deny_iam_users())
        .guardrail(Guardrail::deny_public_sharing())
        .guardrail(Guardrail::protect_audit())
        .guardrail(Guardrail::protect_tags(["TenantId", "Tier", "Cell"]))
        .guardrail(Guardrail::data_perimeter("o-a1b2c3d4e5"))
        .guardrail(Guardrail::suspended());

    let basic = pooled("basic", |gateway| gateway.throttle_with_quota(10, 20, 10_000));
    let basic = saas.tier(entitled(basic, 5, false, "community"));
    let standard = pooled("standard", |gateway| gateway.throttle_with_quota(50, 100, 100_000));
    let standard = saas.tier(entitled(standard, 25, true, "mail"));
    let premium = saas.tier(entitled(premium(), 100, true, "phone"));
    let (platinum, order_service) = platinum();
    let platinum = saas.tier(entitled(platinum, 500, true, "phone"));

    saas.tenant("tenant-001", basic).name("Bakery Brown");
    saas.tenant("tenant-002", basic).name("Corner Coffee");
    saas.tenant("tenant-003", basic).name("Daily Dairy").state(State::Suspended);
    saas.tenant("tenant-010", standard).name("Elm Electronics").entitlement("seats", 40);
    saas.tenant("tenant-011", standard).name("Fine Furniture").region("eu-central-1");
    saas.tenant("tenant-020", premium).name("Global Gadgets");
    saas.tenant("tenant-021", premium).name("Harbour Homes").cost_center("cc-4720");
    saas.tenant("tenant-030", platinum).name("International Industries").account("220000000030");
    saas.tenant("tenant-031", platinum)
        .name("Juniper Jets")
        .account("220000000031")
        .override_component(order_service, |service| service.memory_mib(2048).timeout_seconds(60));
    saas
}

/// What tenants of a tier may use of the product: the application reads it from their records.
fn entitled<I: Isolation>(tier: Tier<I>, seats: u32, exports: bool, support: &str) -> Tier<I> {
    tier.entitlement("seats", seats).entitlement("exports", exports).entitlement("support", support)
}

/// Everything is shared, and the tenant's id leads every key. Two tiers differ in how much a tenant may call.
fn pooled(name: &str, throttled: impl FnOnce(RestApi<Pool>) -> RestApi<Pool>) -> Tier<Pool> {
    let mut tier = Tier::pool(name).placement(Strategy::Capacity);
    let users = tier.add(users());
    let products = tier.add(products().partition_by(TenantKey::attribute("tenantId")));
    let orders = tier.add(orders().partition_by(TenantKey::attribute("tenantId")));
    let product_service = tier.add(product_service().env("PRODUCTS", products.name()));
    let order_service = tier.add(order_service().env("ORDERS", orders.name()).env("PRODUCTS", products.name()));
    let gateway = tier.add(throttled(gateway(users, product_service, order_service)));
    tier.add(alarms(product_service, order_service, gateway));
    tier.add(overview(product_service, order_service, gateway).show(orders));
    tier.allow(product_service, Access::ReadWrite, products).allow(order_service, Access::ReadWrite, orders).allow(
        order_service,
        Access::Read,
        products,
    );
    tier
}

/// Each tenant has tables of its own. What is shared cannot name one tenant's table, so the functions get no names: their
/// code finds the tables through the tenant's own role, which is what `allow` gives access to.
fn premium() -> Tier<Bridge> {
    let mut tier = Tier::bridge("premium").placement(Strategy::Capacity);
    let users = tier.add(users().pooled());
    let products = tier.add(products().partition_by(TenantKey::attribute("tenantId")).siloed());
    let orders = tier.add(orders().partition_by(TenantKey::attribute("tenantId")).siloed());
    let product_service = tier.add(product_service().pooled());
    let order_service = tier.add(order_service().pooled());
    let gateway = tier.add(gateway(users, product_service, order_service).throttle(200, 400).pooled());
    tier.add(alarms(product_service, order_service, gateway).pooled());
    tier.add(overview(product_service, order_service, gateway).pooled());
    tier.allow(product_service, Access::ReadWrite, products).allow(order_service, Access::ReadWrite, orders).allow(
        order_service,
        Access::Read,
        products,
    );
    tier
}

/// Everything is each tenant's own. The order service comes back as well: one tenant has a larger one.
fn platinum() -> (Tier<Silo>, Handle<Function, Silo>) {
    let mut tier = Tier::silo("platinum").boundary(Boundary::Account);
    let users = tier.add(users());
    let products = tier.add(products().partition_by(TenantKey::attribute("tenantId")));
    let orders = tier.add(orders().partition_by(TenantKey::attribute("tenantId")));
    let product_service = tier.add(product_service().env("PRODUCTS", products.name()));
    let order_service =
        tier.add(order_service().env("ORDERS", orders.name()).env("PRODUCTS", products.name()).memory_mib(1024));
    let gateway = tier.add(gateway(users, product_service, order_service).throttle_with_quota(10, 20, 10_000));
    tier.add(alarms(product_service, order_service, gateway));
    tier.add(overview(product_service, order_service, gateway).show(orders));
    tier.allow(product_service, Access::ReadWrite, products).allow(order_service, Access::ReadWrite, orders).allow(
        order_service,
        Access::Read,
        products,
    );
    (tier, order_service)
}

// The components that all tiers have. Those that name others are generic over the sharing: a gateway of pooled functions is
// a pooled gateway, and the compiler refuses a gateway of both.

fn users() -> UserPool {
    UserPool::new("Users").mfa(Mfa::Optional)
}

fn products() -> Table {
    Table::new("Products").partition_key("productId").index("byCategory", "category")
}

fn orders() -> Table {
    Table::new("Orders").partition_key("orderId").stream(true)
}

fn product_service() -> Function {
    Function::new("ProductService", Code::inline(PRODUCTS)).memory_mib(512)
}

fn order_service() -> Function {
    Function::new("OrderService", Code::inline(ORDERS)).runtime("python3.13")
}

fn gateway<S: Sharing>(
    users: Handle<UserPool, S>,
    products: Handle<Function, S>,
    orders: Handle<Function, S>,
) -> RestApi<S> {
    RestApi::new("Gateway")
        .authorizer(users)
        .route("GET /products", products)
        .route("POST /products", products)
        .route("GET /products/{id}", products)
        .route("GET /orders", orders)
        .route("POST /orders", orders)
        .route("GET /orders/{id}", orders)
}

fn alarms<S: Sharing>(
    products: Handle<Function, S>,
    orders: Handle<Function, S>,
    gateway: Handle<RestApi, S>,
) -> Alarms<S> {
    Alarms::new("Alarms").watch(products).watch(orders).watch(gateway)
}

fn overview<S: Sharing>(
    products: Handle<Function, S>,
    orders: Handle<Function, S>,
    gateway: Handle<RestApi, S>,
) -> Dashboard<S> {
    Dashboard::new("Overview").show(gateway).show(products).show(orders)
}
