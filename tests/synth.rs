//! What is emitted for the shipped blueprints, byte for byte. A change of a snapshot is a change of what users
//! deploy: it is reviewed, and it has a line in the changelog.

#[cfg(test)]
mod support;

#[cfg(test)]
mod snapshots {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use tenantry::diagnostics::{Sink, SourceMap};
    use tenantry::prove::tenancy::Tenancy;
    use tenantry::source::Memory;

    use super::support::{Run, assemble, files, text_of};

    /// No snapshot is larger than this, so that it is read, …
    const CAP: usize = 20 * 1024;
    /// … but for these: templates of whole tiers, and the guardrails of a whole organization.
    const EXCUSED: [&str; 9] = [
        "full-silo/templates/tenant-tenant.template.json",
        "regulated-cases/org/organization.template.json",
        "regulated-cases/templates/regulated-cell.template.json",
        "serverless-saas/org/organization.template.json",
        "serverless-saas/templates/basic-cell.template.json",
        "serverless-saas/templates/platinum-tenant.template.json",
        "serverless-saas/templates/platinum-tenant.v-3f8757bfd79a.template.json",
        "serverless-saas/templates/premium-cell.template.json",
        "serverless-saas/templates/standard-cell.template.json",
    ];

    /// Compares everything that a blueprint becomes with `snapshots/synth/<blueprint>`.
    fn compare(blueprint: &str, world: &Memory) {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("assembly");
        let text = text_of(&format!("blueprints/{blueprint}.yaml"));
        assemble(&text, world, &out, Run::default()).unwrap();
        let emitted = files(&out);
        let mut large = BTreeSet::new();
        for (path, bytes) in &emitted {
            let text = std::str::from_utf8(bytes).unwrap();
            // Snapshots are compared without the white space at their ends.
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{blueprint}/{path} ends with one newline");
            if bytes.len() > CAP {
                large.insert(format!("{blueprint}/{path}"));
            }
            let path = Path::new(path);
            let mut settings = insta::Settings::clone_current();
            let of_folder = Path::new("../snapshots/synth").join(blueprint).join(path.parent().unwrap());
            settings.set_snapshot_path(of_folder);
            settings.set_prepend_module_to_snapshot(false);
            settings.remove_snapshot_suffix();
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!(path.file_name().unwrap().to_str().unwrap(), text));
        }
        let excused = EXCUSED.iter().filter(|path| path.starts_with(blueprint)).map(ToString::to_string).collect();
        assert_eq!(large, excused, "the snapshots over {CAP} bytes");
        declared(&emitted);
        forgotten(blueprint, &emitted.into_keys().map(|path| format!("{path}.snap")).collect());
    }

    /// What the declaration says is found to be right by the reader that people's own declarations go through.
    fn declared(emitted: &BTreeMap<String, Vec<u8>>) {
        let (mut sources, mut sink) = (SourceMap::default(), Sink::new());
        let bytes = &emitted["tenancy.json"];
        let declaration = Tenancy::parse(bytes, "tenancy.json", &mut sources, &mut sink);
        assert!(sink.is_empty(), "{:?}", sink.into_sorted());
        assert_eq!(declaration.unwrap().to_bytes().unwrap(), *bytes, "what is read is what was written");
    }

    /// A snapshot of a file that is no longer emitted would say something that is not so.
    fn forgotten(blueprint: &str, expected: &BTreeSet<String>) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/synth").join(blueprint);
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir().unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                    continue;
                }
                let path = entry.path().strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                assert!(path.ends_with(".new") || expected.contains(&path), "nothing emits snapshots/synth/{path}");
            }
        }
    }

    #[test]
    fn serverless_saas() {
        compare("serverless-saas", &Memory::default());
    }

    #[test]
    fn regulated_cases() {
        compare("regulated-cases", &Memory::default());
    }

    /// With the first three of its tenants: the other records say nothing new.
    #[test]
    fn full_silo() {
        let lines = text_of("blueprints/full-silo-tenants.jsonl");
        let three: String = lines.split_inclusive('\n').take(3).collect();
        compare("full-silo", &Memory::default().with("full-silo-tenants.jsonl", three));
    }
}
