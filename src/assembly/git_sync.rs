//! Deployment files, which CloudFormation's Git sync reads from a repository: a stack's template, parameters and tags.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/git-sync-concepts-terms.html>, read 2026-11-21.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use super::StackRecord;

/// The folder of an assembly that deployment files are in.
pub const GIT_SYNC: &str = "git-sync";

/// The path of a stack's deployment file in its assembly.
#[must_use]
pub fn deployment_path(stack: &StackRecord<'_>) -> String {
    format!("{GIT_SYNC}/{}.yaml", stack.name)
}

/// A stack's deployment file, as YAML. Templates are named from the root of the repository: `root` is the path of the assembly
/// there, empty if it is the root itself.
#[must_use]
pub fn deployment_file(stack: &StackRecord<'_>, root: &str) -> String {
    let mut text = String::with_capacity(1_024);
    let separator = if root.is_empty() { "" } else { "/" };
    let template = quoted(&format!("{root}{separator}{}", stack.template));
    text.push_str("template-file-path: ");
    text.push_str(&template);
    text.push('\n');
    map(&mut text, "parameters", &stack.parameters);
    map(&mut text, "tags", &stack.tags);
    text
}

/// A mapping from texts to texts; nothing if it is empty.
fn map(text: &mut String, name: &str, values: &BTreeMap<Cow<'_, str>, Cow<'_, str>>) {
    if values.is_empty() {
        return;
    }
    text.push_str(name);
    text.push_str(":\n");
    for (key, value) in values {
        text.push_str("  ");
        text.push_str(&quoted(key));
        text.push_str(": ");
        text.push_str(&quoted(value));
        text.push('\n');
    }
}

/// A text that every reader of YAML takes for this text and for no number, date or truth value.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            // Not printable in YAML 1.2, or a break of a line in 1.1.
            '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                // Writing into a String does not fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(character));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::assembly::Digest;

    fn stack(values: BTreeMap<String, String>) -> StackRecord<'static> {
        let values: BTreeMap<Cow<'_, str>, Cow<'_, str>> =
            values.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        StackRecord {
            name: "silo-acme".into(),
            template: "templates/silo.template.json".into(),
            sha256: Digest::of(b""),
            account: None,
            region: "eu-central-1".into(),
            parameters: values.clone(),
            tags: values,
            depends_on: Vec::new(),
        }
    }

    #[test]
    fn a_file_names_its_template_from_the_root_of_the_repository() {
        let none = stack(BTreeMap::new());
        assert_eq!(deployment_path(&none), "git-sync/silo-acme.yaml");
        assert_eq!(deployment_file(&none, ""), "template-file-path: \"templates/silo.template.json\"\n");
        assert_eq!(
            deployment_file(&stack(BTreeMap::from([("Id".to_owned(), "007".to_owned())])), "deploy/prod"),
            "template-file-path: \"deploy/prod/templates/silo.template.json\"\n\
             parameters:\n  \"Id\": \"007\"\ntags:\n  \"Id\": \"007\"\n"
        );
    }

    proptest! {
        #[test]
        fn another_reader_of_yaml_finds_the_same_texts(
            values in proptest::collection::btree_map(any::<String>(), any::<String>(), 0..4),
        ) {
            let text = deployment_file(&stack(values.clone()), "a");
            let read: BTreeMap<String, serde_yaml::Value> = serde_yaml::from_str(&text).unwrap();
            for part in ["parameters", "tags"] {
                let found: BTreeMap<String, String> =
                    read.get(part).map_or_else(BTreeMap::new, |value| serde_yaml::from_value(value.clone()).unwrap());
                prop_assert_eq!(&found, &values);
            }
        }
    }
}
