//! The JSON Schema of blueprints, which editors use: fresh, and taking what `tenantry` takes.

#[cfg(test)]
mod schema {
    use std::path::{Path, PathBuf};

    use serde_json::{Value, json};
    use tenantry::blueprint::json_schema;
    use tenantry::diagnostics::{Sink, SourceMap};
    use tenantry::emit::pretty;
    use tenantry::source::{Disk, World, read};

    fn root() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
    }

    /// A blueprint as JSON: what its scalars mean is what `tenantry` reads.
    fn as_json(text: &[u8]) -> Value {
        let mut findings = Sink::new();
        let tree = read("blueprint.yaml", text, &mut SourceMap::default(), &mut findings).unwrap();
        assert!(findings.is_empty(), "{findings:?}");
        tree.to_json()
    }

    fn blueprints() -> Vec<(String, Value)> {
        let mut paths = vec![root().join("tests/fixtures/everything.yaml")];
        paths.extend(root().join("blueprints").read_dir().unwrap().map(|entry| entry.unwrap().path()));
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
        paths.sort();
        let load = |path: PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, as_json(&Disk::new("/").read(&path).unwrap()))
        };
        paths.into_iter().map(load).collect()
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test writes the schema when it is asked to")]
    fn the_schema_is_up_to_date() {
        let path = root().join("schemas/blueprint.schema.json");
        let schema = pretty(&json_schema());
        if std::env::var("TENANTRY_WRITE").is_ok_and(|value| value == "1") {
            std::fs::write(&path, &schema).unwrap();
        }
        let written = Disk::new("/").read(&path).unwrap_or_default();
        assert!(
            written == schema,
            "schemas/blueprint.schema.json is not up to date; write it with TENANTRY_WRITE=1 cargo test --test schema"
        );
    }

    #[test]
    fn every_blueprint_is_valid() {
        let schema = json_schema();
        assert!(jsonschema::meta::is_valid(&schema));
        let validator = jsonschema::validator_for(&schema).unwrap();
        let blueprints = blueprints();
        assert!(blueprints.len() >= 4);
        for (name, blueprint) in blueprints {
            let errors: Vec<String> = validator
                .iter_errors(&blueprint)
                .map(|error| {
                    format!("{}: {}", error.instance_path(), error.to_string().chars().take(200).collect::<String>())
                })
                .collect();
            assert!(errors.is_empty(), "{name}: {errors:#?}");
        }
    }

    #[test]
    fn what_is_no_blueprint_is_not_valid() {
        let validator = jsonschema::validator_for(&json_schema()).unwrap();
        for (name, blueprint) in blueprints() {
            for change in [
                json!({"tenantry": 2}),
                json!({"unknown": 1}),
                json!({"tiers": {}}),
                json!({"cells": [{"cell": "a"}]}),
                json!({"tiers": [{"tier": "a", "isolation": "shared"}]}),
                json!({"tiers": [{"tier": "a", "isolation": "silo", "components": [{"tabel": "A"}]}]}),
            ] {
                let mut broken = blueprint.clone();
                broken.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
                assert!(!validator.is_valid(&broken), "{name} with {change}");
            }
        }
    }

    /// The example that `init` writes names the schema's file nowhere, and passes it.
    #[test]
    fn the_starter_is_valid() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blueprint.yaml");
        let init = std::process::Command::new(env!("CARGO_BIN_EXE_tenantry")).arg("init").arg(&path).output().unwrap();
        assert!(init.status.success());
        let blueprint = as_json(&Disk::new("/").read(Path::new(&path)).unwrap());
        assert!(jsonschema::validator_for(&json_schema()).unwrap().is_valid(&blueprint));
    }
}
