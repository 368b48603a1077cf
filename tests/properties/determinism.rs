//! The same input gives the same bytes, whatever the order of its tenants and the number of threads.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::product::{Form, Product, assert_same, products, run, shuffled};
use super::support::{Run, assemble, files, text_of};

#[test]
fn the_same_input_gives_the_same_bytes() {
    for product in products() {
        for expand in [false, true] {
            let first = product.assembled(run(1, expand));
            assert_same(&first.files, &product.assembled(run(1, expand)).files, product.name);
            for threads in [2, 7] {
                let what = format!("{} on {threads} threads", product.name);
                assert_same(&first.files, &product.assembled(run(threads, expand)).files, &what);
            }
        }
    }
}

/// Comments, quotes and the layout of a blueprint mean nothing.
#[test]
fn a_blueprint_written_differently_gives_the_same_bytes() {
    let product = Product::read("serverless-saas");
    let folder = tempfile::tempdir().unwrap();
    let (_, world) = product.source();
    assemble(&text_of("blueprints/serverless-saas.yaml"), &world, folder.path(), Run::default()).unwrap();
    assert_same(&files(folder.path()), &product.assembled(Run::default()).files, product.name);
}

#[test]
fn the_order_of_tenants_means_nothing() {
    for mut product in products() {
        for expand in [false, true] {
            let first = product.assembled(run(1, expand));
            for (form, seed) in [(Form::Inline, 1), (Form::Inline, 2), (Form::Jsonl, 3), (Form::Jsonl, 4)] {
                product.form = form;
                product.tenants = shuffled(&product.tenants, seed);
                let what = format!("{} shuffled with {seed}", product.name);
                assert_same(&first.files, &product.assembled(run(2, expand)).files, &what);
            }
        }
    }
}

/// Many batches for many threads, out of order.
#[test]
fn two_thousand_tenants_give_the_same_bytes() {
    let text = text_of("blueprints/full-silo.yaml");
    let lines = text_of("blueprints/full-silo-tenants.jsonl");
    let lines: Vec<&str> = lines.split_inclusive('\n').collect();
    let made = |lines: Vec<&str>, threads| {
        let folder = tempfile::tempdir().unwrap();
        let world = tenantry::source::Memory::default().with("full-silo-tenants.jsonl", lines.concat());
        assemble(&text, &world, folder.path(), run(threads, false)).unwrap();
        files(folder.path())
    };
    let first = made(lines.clone(), 1);
    assert_same(&first, &made(lines.clone(), 2), "two threads");
    assert_same(&first, &made(shuffled(&lines, 9), 7), "seven threads, shuffled");
}

#[test]
fn a_second_run_touches_nothing() {
    for product in products() {
        for expand in [false, true] {
            let first = product.assembled(run(1, expand));
            let path = first.path();
            let before = marks(&path, &first.files.keys().map(PathBuf::from).collect::<Vec<_>>());
            let again = Run { ledger: Some(&path), ..run(2, expand) };
            let outcome = product.assemble(&path, again).unwrap();
            assert_eq!(outcome.changed, [], "{}", product.name);
            assert_eq!(outcome.unchanged, first.files.len());
            let after = marks(&path, &files(&path).keys().map(PathBuf::from).collect::<Vec<_>>());
            assert_eq!(before, after, "{}", product.name);
        }
    }
}

/// What changes when a file is replaced or written.
fn marks(root: &Path, paths: &[PathBuf]) -> Vec<(PathBuf, u64, i64, i64)> {
    let mark = |path: &PathBuf| {
        let metadata = root.join(path).metadata().unwrap();
        (path.clone(), metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
    };
    paths.iter().map(mark).collect()
}
