//! `manifest.json`: the same stacks as a CDK cloud assembly, so that its command line can list, diff and deploy them.
//!
//! Written and read as a stream, one artifact a line. An artifact's id is its stack's name.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::StackRecord;

/// The version of the cloud assembly schema: old enough for every command line of version 2 in use, new enough to have all that is needed.
const VERSION: &str = "36.0.0";
/// How many stacks one stack may depend on directly.
pub const MAX_DEPENDENCIES: usize = 10;
/// How many stacks may stand in a row, each depending on the one before: the command line walks every way there is.
pub const MAX_DEPTH: u8 = 4;

/// A stack as the CDK's command line is to see it.
#[derive(Debug, Clone, Copy)]
pub struct CdkStack<'a> {
    /// The stack.
    pub record: &'a StackRecord<'a>,
    /// The name it is selected by, such as `tenants/acme`; the stack's name if there is none.
    pub display_name: Option<&'a str>,
    /// Whether CloudFormation refuses to delete it.
    pub termination_protection: bool,
    /// The ids of the artifacts that come before it, each written earlier.
    pub dependencies: &'a [&'a str],
}

/// Writes a cloud assembly's manifest.
#[derive(Debug)]
pub struct CdkWriter<W> {
    out: W,
    /// How many artifacts stand in a row up to this one, by the digest of its id. Ids themselves would be three times as large.
    depths: BTreeMap<u128, u8>,
    /// Whether there is an artifact already.
    begun: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact<'a, P> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<Environment<'a>>,
    properties: P,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    dependencies: &'a [&'a str],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stack<'a> {
    template_file: &'a str,
    stack_name: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: &'a BTreeMap<std::borrow::Cow<'a, str>, std::borrow::Cow<'a, str>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: &'a BTreeMap<std::borrow::Cow<'a, str>, std::borrow::Cow<'a, str>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    termination_protection: bool,
}

#[derive(Serialize)]
struct Assets<'a> {
    file: &'a str,
}

struct Environment<'a> {
    account: Option<&'a str>,
    region: &'a str,
}

impl fmt::Display for Environment<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "aws://{}/{}", self.account.unwrap_or("unknown-account"), self.region)
    }
}

impl Serialize for Environment<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<W: Write> CdkWriter<W> {
    /// Begins a manifest.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(mut out: W) -> io::Result<Self> {
        write!(out, "{{\"version\":\"{VERSION}\",\"artifacts\":{{")?;
        Ok(Self { out, depths: BTreeMap::new(), begun: false })
    }

    /// Adds a stack.
    ///
    /// # Errors
    /// If the name is taken, a dependency is not written yet, or there are too many in breadth or depth: the command
    /// line would lose a stack, refuse the manifest or hang. Otherwise those of the writer.
    pub fn stack(&mut self, stack: &CdkStack<'_>) -> io::Result<()> {
        self.any_stack(stack, true)
    }

    /// Adds a stack that no other depends on. Its name is not kept, so that a million of them take no memory: the
    /// caller sees to it that no other stack has it.
    ///
    /// # Errors
    /// As for [`CdkWriter::stack`], but for names that are taken by another leaf.
    pub fn leaf(&mut self, stack: &CdkStack<'_>) -> io::Result<()> {
        self.any_stack(stack, false)
    }

    fn any_stack(&mut self, stack: &CdkStack<'_>, kept: bool) -> io::Result<()> {
        let record = stack.record;
        let properties = Stack {
            template_file: &record.template,
            stack_name: &record.name,
            parameters: &record.parameters,
            tags: &record.tags,
            termination_protection: stack.termination_protection,
        };
        let environment = Environment { account: record.account.as_deref(), region: &record.region };
        self.artifact(
            &record.name,
            &Artifact {
                r#type: "aws:cloudformation:stack",
                environment: Some(environment),
                properties,
                display_name: stack.display_name,
                dependencies: stack.dependencies,
            },
            kept,
        )
    }

    /// Adds an asset manifest, for the stacks that depend on it to be published before them.
    ///
    /// # Errors
    /// If the id is taken; otherwise those of the writer.
    pub fn assets(&mut self, id: &str, file: &str) -> io::Result<()> {
        self.artifact(
            id,
            &Artifact {
                r#type: "cdk:asset-manifest",
                environment: None,
                properties: Assets { file },
                display_name: None,
                dependencies: &[],
            },
            true,
        )
    }

    fn artifact<P: Serialize>(&mut self, id: &str, artifact: &Artifact<'_, P>, kept: bool) -> io::Result<()> {
        if artifact.dependencies.len() > MAX_DEPENDENCIES {
            return Err(refuse(id, format!("depends on more than {MAX_DEPENDENCIES} others")));
        }
        let mut depth = 1;
        for dependency in artifact.dependencies {
            let Some(before) = self.depths.get(&key(dependency)) else {
                return Err(refuse(id, format!("depends on `{dependency}`, which does not come before it")));
            };
            depth = depth.max(before.saturating_add(1));
        }
        if depth > MAX_DEPTH {
            return Err(refuse(id, format!("ends a row of more than {MAX_DEPTH} that depend on each other")));
        }
        let taken =
            if kept { self.depths.insert(key(id), depth).is_some() } else { self.depths.contains_key(&key(id)) };
        if taken {
            return Err(refuse(id, "is there twice".to_owned()));
        }
        self.out.write_all(if self.begun { b",\n" } else { b"\n" })?;
        self.begun = true;
        serde_json::to_writer(&mut self.out, id)?;
        self.out.write_all(b":")?;
        serde_json::to_writer(&mut self.out, artifact)?;
        Ok(())
    }

    /// Ends the manifest.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(b"\n}}\n")?;
        Ok(self.out)
    }
}

fn refuse(id: &str, problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("the artifact `{id}` {problem}"))
}

fn key(id: &str) -> u128 {
    let digest: [u8; 32] = Sha256::digest(id.as_bytes()).into();
    digest.first_chunk().copied().map_or(0, u128::from_be_bytes)
}

/// What is read back of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CdkArtifact {
    /// Its type.
    pub r#type: String,
    /// Where it goes, as `aws://ACCOUNT/REGION`.
    pub environment: Option<String>,
    /// The template, if it is a stack.
    #[serde(default, rename = "properties", deserialize_with = "template_file")]
    pub template: Option<String>,
}

impl CdkArtifact {
    /// Whether it is a stack.
    #[must_use]
    pub fn is_stack(&self) -> bool {
        self.r#type == "aws:cloudformation:stack"
    }

    /// Whether it is a stack with the template and the place of a record.
    #[must_use]
    pub fn is(&self, record: &StackRecord<'_>) -> bool {
        let environment = Environment { account: record.account.as_deref(), region: &record.region };
        self.template.as_deref() == Some(&record.template)
            && self.environment.as_deref() == Some(&environment.to_string())
    }
}

fn template_file<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Properties {
        template_file: Option<String>,
    }
    Ok(Properties::deserialize(deserializer)?.template_file)
}

/// Reads a cloud assembly's manifest, artifact by artifact in the order of the file.
///
/// # Errors
/// Those of the reader, and if the text is not such a manifest.
pub fn read_artifacts(reader: impl Read, visit: &mut dyn FnMut(&str, CdkArtifact)) -> io::Result<()> {
    struct Top<'v>(&'v mut dyn FnMut(&str, CdkArtifact));
    struct Artifacts<'v>(&'v mut dyn FnMut(&str, CdkArtifact));

    impl<'de> Visitor<'de> for Top<'_> {
        type Value = ();

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a cloud assembly's manifest")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<String>()? {
                if key == "artifacts" {
                    map.next_value_seed(Artifacts(&mut *self.0))?;
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(())
        }
    }

    impl<'de> DeserializeSeed<'de> for Artifacts<'_> {
        type Value = ();

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            deserializer.deserialize_map(self)
        }
    }

    impl<'de> Visitor<'de> for Artifacts<'_> {
        type Value = ();

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("artifacts by id")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some((id, artifact)) = map.next_entry::<String, CdkArtifact>()? {
                (self.0)(&id, artifact);
            }
            Ok(())
        }
    }

    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    deserializer.deserialize_map(Top(visit))?;
    deserializer.end()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Digest;
    use super::super::sample::stack;
    use super::*;

    fn write(stacks: &[(&str, &[&str])]) -> io::Result<String> {
        let mut writer = CdkWriter::new(Vec::new())?;
        for (name, dependencies) in stacks {
            let record = stack((*name).to_owned(), "templates/a.json", Digest::of(b""), Some("acme"));
            writer.stack(&CdkStack {
                record: &record,
                display_name: None,
                termination_protection: false,
                dependencies,
            })?;
        }
        Ok(String::from_utf8(writer.finish()?).unwrap())
    }

    #[test]
    fn an_artifact_is_a_line() {
        let mut writer = CdkWriter::new(Vec::new()).unwrap();
        writer.assets("orders-assets", "assets.json").unwrap();
        let record = stack("orders-acme".to_owned(), "templates/a.json", Digest::of(b""), Some("acme"));
        writer
            .stack(&CdkStack {
                record: &record,
                display_name: Some("tenants/acme"),
                termination_protection: true,
                dependencies: &["orders-assets"],
            })
            .unwrap();
        let text = String::from_utf8(writer.finish().unwrap()).unwrap();
        insta::assert_snapshot!(text, @r#"
        {"version":"36.0.0","artifacts":{
        "orders-assets":{"type":"cdk:asset-manifest","properties":{"file":"assets.json"}},
        "orders-acme":{"type":"aws:cloudformation:stack","environment":"aws://unknown-account/eu-west-1","properties":{"templateFile":"templates/a.json","stackName":"orders-acme","parameters":{"TenantId":"acme"},"tags":{"product":"orders"},"terminationProtection":true},"displayName":"tenants/acme","dependencies":["orders-assets"]}
        }}
        "#);
        let mut read = Vec::new();
        read_artifacts(text.as_bytes(), &mut |id, artifact| read.push((id.to_owned(), artifact.is(&record)))).unwrap();
        assert_eq!(read, [("orders-assets".to_owned(), false), ("orders-acme".to_owned(), true)]);
    }

    #[test]
    fn no_artifacts_are_a_manifest_too() {
        assert_eq!(write(&[]).unwrap(), "{\"version\":\"36.0.0\",\"artifacts\":{\n}}\n");
    }

    #[test]
    fn what_the_command_line_cannot_take_is_refused() {
        let refused = |stacks: &[(&str, &[&str])]| write(stacks).unwrap_err().to_string();
        assert_eq!(refused(&[("a", &[]), ("a", &[])]), "the artifact `a` is there twice");
        let message = "the artifact `a` depends on `b`, which does not come before it";
        assert_eq!(refused(&[("a", &["b"]), ("b", &[])]), message);
        assert_eq!(refused(&[("a", &["b"; 11])]), "the artifact `a` depends on more than 10 others");
        let row: [(&str, &[&str]); 5] = [("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &["c"]), ("e", &["d"])];
        assert!(write(&row[..4]).is_ok());
        let message = "the artifact `e` ends a row of more than 4 that depend on each other";
        assert_eq!(refused(&row), message);
    }
}
