//! The templates that blueprints become, evaluated as a tenant's and a cell's stacks deploy them.

#[cfg(test)]
mod support;

#[cfg(test)]
mod emitted {
    use std::collections::BTreeMap;

    use tenantry::diagnostics::{Sink, SourceMap};
    use tenantry::prove::policy;
    use tenantry::prove::template::{Resolved, Setting, Stack, Template, instantiate};
    use tenantry::prove::text::{CharSet, Symbol, Symbols, Text};
    use tenantry::source::Memory;

    use super::support::{Run, assemble, files, text_of};

    fn symbol(symbols: &mut Symbols, name: &str, sample: &str, alphabet: CharSet, length: (usize, usize)) -> Text {
        let symbol = Symbol { name: name.to_owned(), alphabet, length, family: None, sample: sample.to_owned() };
        symbols.intern(symbol).unwrap().to_string()
    }

    /// A stack of its own account, with the parameters that templates are emitted with.
    fn setting(symbols: &mut Symbols, stack: &str, tenant: bool) -> Setting {
        let lower = CharSet::of(|character| character.is_ascii_lowercase() || character.is_ascii_digit(), false);
        let dashed = lower.with('-');
        let mut parameters = BTreeMap::from([
            ("Cell".to_owned(), symbol(symbols, "cell", "eu-1", dashed, (1, 16))),
            ("CellDigest".to_owned(), symbol(symbols, "digest of the cell", "bbbbbbbbbbbb", lower, (12, 12))),
        ]);
        if tenant {
            parameters.extend([
                ("TenantId".to_owned(), symbol(symbols, "tenant", "acme", dashed, (2, 31))),
                ("TenantLabel".to_owned(), symbol(symbols, "label", "acme", dashed, (1, 12))),
                ("TenantDigest".to_owned(), symbol(symbols, "digest", "aaaaaaaaaaaa", lower, (12, 12))),
            ]);
        }
        Setting {
            parameters,
            partition: "aws".to_owned(),
            region: symbol(symbols, "region", "eu-west-1", dashed, (6, 25)),
            account: symbol(symbols, "account", "111111111111", CharSet::digits(), (12, 12)),
            stack_name: stack.to_owned(),
            stacks: BTreeMap::new(),
        }
    }

    fn templates(blueprint: &str, world: &Memory) -> BTreeMap<String, Template> {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("assembly");
        assemble(&text_of(&format!("blueprints/{blueprint}.yaml")), world, &out, Run::default()).unwrap();
        let mut read = BTreeMap::new();
        for (path, bytes) in files(&out) {
            let Some(name) = path.strip_prefix("templates/").and_then(|path| path.strip_suffix(".template.json"))
            else {
                continue;
            };
            let mut sink = Sink::new();
            let template = Template::read(&path, &bytes, &mut SourceMap::default(), &mut sink);
            assert!(sink.is_empty(), "{sink:?}");
            read.insert(name.to_owned(), template.unwrap());
        }
        assert!(!read.is_empty());
        read
    }

    /// Evaluates every template, cells first, so that tenants' stacks read their outputs.
    fn stacks(blueprint: &str, world: &Memory) -> (BTreeMap<String, Stack>, Symbols) {
        let templates = templates(blueprint, world);
        let (mut stacks, mut symbols): (BTreeMap<String, Stack>, _) = (BTreeMap::new(), Symbols::default());
        let (tenants, cells): (Vec<_>, Vec<_>) = templates.iter().partition(|(name, _)| name.contains("-tenant"));
        for (tenant, group) in [(false, cells), (true, tenants)] {
            for (name, template) in group {
                let mut setting = setting(&mut symbols, name, tenant);
                let cell = format!("{}-cell", name.split("-tenant").next().unwrap());
                if stacks.contains_key(&cell) {
                    setting.stacks.insert("CellStack".to_owned(), cell);
                }
                let stack = instantiate(template, &setting, name, &|key| stacks.get(key), &mut symbols);
                stacks.insert(name.clone(), stack);
            }
        }
        (stacks, symbols)
    }

    /// Nothing is in the way, everything has a name, and every policy can be read.
    fn known(blueprint: &str, world: &Memory) -> (BTreeMap<String, Stack>, Symbols) {
        let (stacks, symbols) = stacks(blueprint, world);
        for (name, stack) in &stacks {
            assert!(stack.obstacles.is_empty(), "{name}: {:?}", stack.obstacles);
            assert!(stack.unknowns.is_empty(), "{name}: {:?}", stack.unknowns);
            assert!(!stack.resources.is_empty() && stack.resources.iter().all(|it| it.may_be_absent.is_none()));
            for resource in &stack.resources {
                assert!(
                    stack.reference(&resource.logical_id).is_some(),
                    "{name}: {} of {}",
                    resource.logical_id,
                    resource.kind
                );
                documents(&resource.properties, &resource.place);
            }
        }
        (stacks, symbols)
    }

    fn documents(value: &Resolved, place: &policy::Place) {
        match value {
            Resolved::Map(entries) => {
                for (key, value) in entries {
                    let place = place.at(key);
                    if matches!(key.as_str(), "PolicyDocument" | "AssumeRolePolicyDocument" | "KeyPolicy") {
                        let (document, defects) = policy::read(value, &place);
                        assert!(defects.is_empty() && !document.statements.is_empty(), "{place}: {defects:?}");
                    }
                    documents(value, &place);
                }
            }
            Resolved::List(items) => items.iter().enumerate().for_each(|(at, item)| documents(item, &place.at(at))),
            _ => {}
        }
    }

    #[test]
    fn serverless_saas() {
        let (stacks, symbols) = known("serverless-saas", &Memory::default());
        let arns: Vec<String> = stacks["premium-tenant"]
            .resources
            .iter()
            .filter(|resource| resource.kind == "AWS::IAM::Role")
            .map(|role| symbols.show(&stacks["premium-tenant"].arn(&role.logical_id).unwrap()))
            .collect();
        assert!(
            arns.iter().any(|arn| arn.starts_with("arn:aws:iam::⟨account⟩:role/serverless-saas/premium/⟨tenant⟩/")),
            "{arns:?}"
        );
    }

    #[test]
    fn regulated_cases() {
        let (stacks, symbols) = known("regulated-cases", &Memory::default());
        let tenant = &stacks["regulated-tenant"];
        let trusted: Vec<String> = tenant
            .resources
            .iter()
            .filter_map(|it| {
                it.properties
                    .get("AssumeRolePolicyDocument")?
                    .get("Statement")?
                    .items()
                    .first()?
                    .get("Principal")?
                    .get("AWS")
            })
            .map(|arn| symbols.show(arn.text().unwrap()))
            .collect();
        assert!(!trusted.is_empty());
        for arn in trusted {
            assert!(arn.starts_with("arn:aws:iam::⟨account⟩:role/"), "read from the cell's stack: {arn}");
        }
    }

    #[test]
    fn full_silo() {
        let lines = text_of("blueprints/full-silo-tenants.jsonl");
        let three: String = lines.split_inclusive('\n').take(3).collect();
        known("full-silo", &Memory::default().with("full-silo-tenants.jsonl", three));
    }

    #[test]
    fn what_is_measured() {
        let lines = text_of("blueprints/w-tenants.jsonl");
        let three: String = lines.split_inclusive('\n').take(3).collect();
        known("w", &Memory::default().with("w-tenants.jsonl", three));
    }
}
