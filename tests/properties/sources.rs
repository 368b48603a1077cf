//! However tenants are read, they are the same tenants.

use super::product::{Form, assert_same, differing, products};
use super::support::Run;

#[test]
fn every_form_of_the_same_tenants_gives_the_same_assembly() {
    for mut product in products() {
        // A cell of a table has no place for settings or entitlements.
        product.tenants.retain(|tenant| tenant.get("overrides").or(tenant.get("entitlements")).is_none());
        product.form = Form::Inline;
        let inline = product.assembled(Run::default());
        for form in [Form::Jsonl, Form::Csv] {
            product.form = form;
            assert_same(&inline.files, &product.assembled(Run::default()).files, &format!("{} {form:?}", product.name));
        }
    }
}

#[test]
fn tenants_that_do_not_fit_into_memory_are_the_same_tenants() {
    for mut product in products() {
        for form in [Form::Jsonl, Form::Csv] {
            product.form = form;
            if form == Form::Csv {
                product.tenants.retain(|tenant| tenant.get("overrides").or(tenant.get("entitlements")).is_none());
            }
            let fits = product.assembled(Run::default());
            for budget in [0, 1, 500] {
                let spilled = product.assembled(Run { budget, ..Run::default() });
                assert_same(&fits.files, &spilled.files, &format!("{} with {budget} bytes", product.name));
            }
        }
    }
}

/// The test of the test: another tenant is seen.
#[test]
fn another_tenant_makes_a_difference() {
    let mut product = super::product::Product::read("everything");
    let before = product.assembled(Run::default());
    product.tenants.pop();
    let after = product.assembled(Run::default());
    assert!(differing(&before.files, &after.files).contains(&"tenants.jsonl"));
}
