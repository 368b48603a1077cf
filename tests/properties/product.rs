//! A blueprint that can be taken apart and changed, and the assembly it becomes.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value as Json;
use serde_yaml::Value as Yaml;
use tempfile::TempDir;
use tenantry::assembly::{CDK_MANIFEST, MANIFEST, Outcome, TENANTS};
use tenantry::source::Memory;
use tenantry::synth::Options;

use super::support::{Run, assemble, files, text_of};

/// Files by their paths.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Where a product's tenants stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Inline,
    Jsonl,
    Csv,
}

/// A blueprint and its tenants.
#[derive(Debug, Clone)]
pub(crate) struct Product {
    pub(crate) name: &'static str,
    /// Everything but the tenants.
    pub(crate) tree: Yaml,
    pub(crate) tenants: Vec<Json>,
    pub(crate) form: Form,
}

/// The shipped blueprints, the longest list of tenants cut, and the one with everything.
pub(crate) fn products() -> Vec<Product> {
    ["serverless-saas", "regulated-cases", "full-silo", "everything"].into_iter().map(Product::read).collect()
}

impl Product {
    /// A blueprint, with its first forty tenants.
    pub(crate) fn read(name: &'static str) -> Self {
        let folder = if name == "everything" { "tests/fixtures" } else { "blueprints" };
        let mut tree: Yaml = serde_yaml::from_str(&text_of(&format!("{folder}/{name}.yaml"))).unwrap();
        let tenants = tree.as_mapping_mut().unwrap().remove("tenants").unwrap();
        let (tenants, form) = match tenants.get("from").and_then(Yaml::as_str) {
            Some(from) => {
                let lines = text_of(&format!("{folder}/{from}"));
                (lines.lines().take(40).map(|line| line.parse().unwrap()).collect(), Form::Jsonl)
            }
            None => (serde_json::from_value(serde_json::to_value(tenants).unwrap()).unwrap(), Form::Inline),
        };
        Self { name, tree, tenants, form }
    }

    /// The blueprint's text, and the file of its tenants.
    pub(crate) fn source(&self) -> (String, Memory) {
        let mut tree = self.tree.clone();
        let (tenants, world) = match self.form {
            Form::Inline => (serde_yaml::to_value(&self.tenants).unwrap(), Memory::default()),
            Form::Jsonl => {
                let lines: String = self.tenants.iter().map(|tenant| format!("{tenant}\n")).collect();
                (from("tenants.jsonl"), Memory::default().with("tenants.jsonl", lines))
            }
            Form::Csv => (from("tenants.csv"), Memory::default().with("tenants.csv", csv(&self.tenants))),
        };
        tree["tenants"] = tenants;
        (serde_yaml::to_string(&tree).unwrap(), world)
    }

    /// Makes the assembly.
    pub(crate) fn assemble(&self, out: &Path, run: Run<'_>) -> Result<Outcome, Vec<String>> {
        let (text, world) = self.source();
        assemble(&text, &world, out, run)
    }

    /// Makes the assembly in a folder that goes away with what is returned.
    pub(crate) fn assembled(&self, run: Run<'_>) -> Assembled {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("assembly");
        if let Err(found) = self.assemble(&out, run) {
            panic!("{}: {found:#?}", self.name);
        }
        let files = files(&out);
        Assembled { folder, files }
    }

    /// A tenant like another one, with an account of its own where that one has one.
    pub(crate) fn newcomer(&self, like: &Json, id: &str) -> Json {
        let mut tenant = like.clone();
        tenant["tenant"] = id.into();
        if tenant.get("account").is_some() {
            tenant["account"] = "999999999999".into();
        }
        tenant
    }

    /// For each tier the first of its tenants that has no overrides.
    pub(crate) fn typical_tenants(&self) -> Vec<&Json> {
        let mut typical: BTreeMap<&str, &Json> = BTreeMap::new();
        for tenant in self.tenants.iter().filter(|tenant| tenant.get("overrides").is_none()) {
            typical.entry(tenant["tier"].as_str().unwrap()).or_insert(tenant);
        }
        typical.into_values().collect()
    }

    /// The tiers, to be changed.
    pub(crate) fn tiers(&mut self) -> &mut Vec<Yaml> {
        self.tree["tiers"].as_sequence_mut().unwrap()
    }
}

fn from(file: &str) -> Yaml {
    serde_yaml::from_str(&format!("from: {file}")).unwrap()
}

fn csv(tenants: &[Json]) -> String {
    const COLUMNS: [&str; 9] =
        ["account", "tier", "tenant", "name", "state", "region", "residency", "compliance", "cost_center"];
    let mut text = COLUMNS.join(",") + "\n";
    for tenant in tenants {
        let known = tenant.as_object().unwrap().keys().all(|key| COLUMNS.contains(&key.as_str()));
        assert!(known, "a column is missing for {tenant}");
        let cells = COLUMNS.map(|column| match tenant.get(column) {
            None => String::new(),
            Some(Json::Array(items)) => items.iter().map(|item| item.as_str().unwrap()).collect::<Vec<_>>().join("; "),
            Some(value) => format!("\"{}\"", value.as_str().unwrap().replace('"', "\"\"")),
        });
        text += &(cells.join(",") + "\r\n");
    }
    text
}

/// An assembly on the disk and in memory.
pub(crate) struct Assembled {
    pub(crate) folder: TempDir,
    pub(crate) files: Files,
}

impl Assembled {
    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("assembly")
    }

    pub(crate) fn json(&self, path: &str) -> Json {
        serde_json::from_slice(self.files.get(path).unwrap_or_else(|| panic!("there is no {path}"))).unwrap()
    }

    pub(crate) fn manifest(&self) -> Json {
        self.json(MANIFEST)
    }

    /// The stacks of the CDK's manifest, by their names.
    pub(crate) fn cdk(&self) -> BTreeMap<String, Json> {
        serde_json::from_value(self.json(CDK_MANIFEST)["artifacts"].clone()).unwrap()
    }

    /// The tenants' lines, by their ids.
    pub(crate) fn records(&self) -> BTreeMap<String, Json> {
        let lines = std::str::from_utf8(&self.files[TENANTS]).unwrap().lines();
        let records = lines.map(|line| line.parse::<Json>().unwrap());
        records.map(|record| (record["tenant"].as_str().unwrap().to_owned(), record)).collect()
    }

    /// The templates of tiers, by their paths; the organization's is not among them.
    pub(crate) fn templates(&self) -> BTreeMap<&str, Json> {
        let paths = self.files.keys().filter(|path| path.starts_with("templates/"));
        paths.map(|path| (path.as_str(), self.json(path))).collect()
    }

    /// Every stack: of cells, then of tenants.
    pub(crate) fn stacks(&self) -> Vec<Json> {
        let manifest = self.manifest();
        let of_cells = manifest["cells"].as_array().unwrap().iter().map(|cell| cell["stacks"].clone());
        let of_tenants = self.records().into_values().map(|record| record["stacks"].clone());
        of_cells.chain(of_tenants).flat_map(|stacks| stacks.as_array().unwrap().clone()).collect()
    }
}

/// The parameters of a stack.
pub(crate) fn parameters(stack: &Json) -> BTreeMap<String, String> {
    serde_json::from_value(stack["parameters"].clone()).unwrap()
}

/// The paths at which two sets of files differ.
pub(crate) fn differing<'a>(one: &'a Files, other: &'a Files) -> Vec<&'a str> {
    let mut paths: Vec<&str> = one.keys().chain(other.keys()).map(String::as_str).collect();
    paths.sort_unstable();
    paths.dedup();
    paths.retain(|path| one.get(*path) != other.get(*path));
    paths
}

/// Asserts that two sets of files are the same, without printing them.
#[track_caller]
pub(crate) fn assert_same(one: &Files, other: &Files, what: &str) {
    assert_eq!(differing(one, other), [""; 0], "{what}");
}

/// Threads and whether every tenant has a template of its own.
pub(crate) fn run(threads: usize, expand: bool) -> Run<'static> {
    Run { options: Options { threads, expand, prove: false, ..Options::default() }, ..Run::default() }
}

/// The same list in another order.
pub(crate) fn shuffled<T: Clone>(items: &[T], seed: usize) -> Vec<T> {
    let mut left = items.to_vec();
    let mut shuffled = Vec::new();
    let mut state = seed;
    while !left.is_empty() {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        shuffled.push(left.swap_remove((state >> 8) % left.len()));
    }
    shuffled
}
