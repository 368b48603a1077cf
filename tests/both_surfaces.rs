//! Each shipped blueprint is written twice, in YAML and in Rust, and both become the same bytes.

#[cfg(test)]
#[path = "../examples/full_silo.rs"]
#[expect(dead_code, unreachable_pub, reason = "an example is a program, with a main function")]
mod full_silo;
#[cfg(test)]
#[path = "../examples/regulated_cases.rs"]
#[expect(dead_code, unreachable_pub, reason = "an example is a program, with a main function")]
mod regulated_cases;
#[cfg(test)]
#[path = "../examples/serverless_saas.rs"]
#[expect(dead_code, unreachable_pub, reason = "an example is a program, with a main function")]
mod serverless_saas;
#[cfg(test)]
mod support;
#[cfg(test)]
#[path = "../examples/workload.rs"]
#[expect(dead_code, unreachable_pub, reason = "an example is a program, with a main function")]
mod workload;

#[cfg(test)]
mod both_surfaces {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use tenantry::dsl::Blueprint;
    use tenantry::source::Disk;
    use tenantry::synth::Options;

    use super::support::{Run, assemble, assemble_model, files, text_of};
    use super::{full_silo, regulated_cases, serverless_saas, workload};

    type Written = fn() -> Blueprint;

    /// The shipped blueprints by their files, with what says the same in Rust.
    const SHIPPED: [(&str, Written); 4] = [
        ("full-silo", full_silo::blueprint),
        ("regulated-cases", regulated_cases::blueprint),
        ("serverless-saas", serverless_saas::blueprint),
        ("w", workload::blueprint),
    ];

    fn folder() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("blueprints")
    }

    /// The whole assembly of a blueprint in YAML, and that of one in Rust.
    fn both(yaml: &str, rust: Written, options: Options) -> [BTreeMap<String, Vec<u8>>; 2] {
        let world = Disk::new(folder());
        let scratch = tempfile::tempdir().unwrap();
        let (of_yaml, of_rust) = (scratch.path().join("yaml"), scratch.path().join("rust"));
        let run = Run { options, ..Run::default() };
        assemble(&text_of(&format!("blueprints/{yaml}.yaml")), &world, &of_yaml, run).unwrap();
        assemble_model(rust().lower(), &world, &of_rust, run).unwrap();
        [files(&of_yaml), files(&of_rust)]
    }

    /// Compares two assemblies: first which files there are, then the bytes of each.
    fn compare(blueprint: &str, options: Options) {
        let (_, rust) = SHIPPED.into_iter().find(|(yaml, _)| *yaml == blueprint).unwrap();
        let [of_yaml, of_rust] = both(blueprint, rust, options);
        let paths = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        for (path, expected) in &of_yaml {
            let Some(found) = of_rust.get(path) else { continue };
            if expected != found {
                let (expected, found) = (String::from_utf8_lossy(expected), String::from_utf8_lossy(found));
                let (line, (of_yaml, of_rust)) = expected
                    .lines()
                    .zip(found.lines())
                    .enumerate()
                    .find(|(_, (of_yaml, of_rust))| of_yaml != of_rust)
                    .unwrap_or((0, ("one is longer", "or ends otherwise")));
                panic!("{blueprint}/{path}:{}\n YAML: {of_yaml}\n Rust: {of_rust}", line + 1);
            }
        }
        assert_eq!(paths(&of_yaml), paths(&of_rust), "the files of {blueprint}");
    }

    #[test]
    fn full_silo_is_the_same() {
        compare("full-silo", Options::default());
    }

    #[test]
    fn regulated_cases_is_the_same() {
        compare("regulated-cases", Options::default());
    }

    #[test]
    fn serverless_saas_is_the_same() {
        compare("serverless-saas", Options::default());
    }

    #[test]
    fn workload_is_the_same() {
        compare("w", Options::default());
    }

    /// A blueprint that ships later is written in both as well.
    #[test]
    fn every_shipped_blueprint_is_compared() {
        let in_yaml: BTreeSet<String> = folder()
            .read_dir()
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str().unwrap().strip_suffix(".yaml").map(str::to_owned))
            .collect();
        assert_eq!(in_yaml, SHIPPED.iter().map(|(yaml, _)| (*yaml).to_owned()).collect());
    }
}
