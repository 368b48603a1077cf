//! Names and tokens, which are functions of what is deployed: the same work has the same names in every run.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::cloud::Target;
use crate::assembly::Digest;

/// What our change sets' names begin with.
const PREFIX: &str = "tenantry-";

/// How many hexadecimal digits of a digest stand in names: 128 bits.
const DIGITS: usize = 32;

/// The digest of some parts, of which each is told apart from the next.
fn digest(parts: &[&str]) -> String {
    let mut text = String::new();
    for part in parts {
        text += &format!("{}:{part},", part.len());
    }
    let bytes = Sha256::digest(text.as_bytes());
    bytes.iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}

/// A map as one text, each key and value told apart.
fn flat(map: &BTreeMap<String, String>) -> String {
    map.iter().map(|(key, value)| format!("{}:{key}{}:{value}", key.len(), value.len())).collect()
}

/// The digest of what a stack is deployed with: where, template, parameters, tags.
#[must_use]
pub fn stack_version(
    target: &Target,
    name: &str,
    template: Digest,
    parameters: &BTreeMap<String, String>,
    tags: &BTreeMap<String, String>,
) -> String {
    let (template, parameters, tags) = (template.to_string(), flat(parameters), flat(tags));
    digest(&["stack", &target.account, &target.region, name, &template, &parameters, &tags])
}

/// The digest of what a stack set is.
#[must_use]
pub fn set_version(
    name: &str,
    template: Digest,
    parameters: &BTreeMap<String, String>,
    tags: &BTreeMap<String, String>,
) -> String {
    digest(&["set", name, &template.to_string(), &flat(parameters), &flat(tags)])
}

/// The name of the change set that deploys a version.
#[must_use]
pub fn change_set(version: &str) -> String {
    format!("{PREFIX}{version}")
}

/// The version that a change set deployed, by its ARN (`…:changeSet/NAME/ID`) or name; none if it is not one of ours.
#[must_use]
pub fn version_of(change_set: &str) -> Option<&str> {
    let name = match change_set.split_once(":changeSet/") {
        Some((_, rest)) => rest.split('/').next()?,
        None => change_set,
    };
    let version = name.strip_prefix(PREFIX)?;
    (version.len() == DIGITS && version.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(version)
}

/// What people read about a stack set, with its version.
#[must_use]
pub fn set_description(tier: &str, version: &str) -> String {
    format!("tenants of tier {tier}, {PREFIX}{version}")
}

/// The version that a stack set's description says.
#[must_use]
pub fn described_version(description: &str) -> Option<&str> {
    version_of(description.rsplit([' ', ',']).next()?)
}

/// The token of a call: the same for the same call of the same attempt at the same step of the same rollout.
#[must_use]
pub fn token(rollout: Digest, step: &str, attempt: u64, call: &str) -> String {
    format!("{PREFIX}{}", digest(&["token", &rollout.to_string(), step, &attempt.to_string(), call]))
}

/// The id of a stack set's operation, with the shape of a UUID.
#[must_use]
pub fn operation(rollout: Digest, step: &str, attempt: u64, call: &str) -> String {
    let digits = digest(&["operation", &rollout.to_string(), step, &attempt.to_string(), call]);
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    // Version 8 and variant 10 of RFC 9562: bits that their maker has chosen.
    format!("{}-{}-8{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// The key of a template in a bucket: the same bytes have the same place.
#[must_use]
pub fn template_key(sha256: Digest) -> String {
    format!("tenantry/{sha256}.template.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn versions_tell_everything_apart_that_is_deployed() {
        let target = |account: &str| Target { account: account.to_owned(), region: "eu-west-1".to_owned() };
        let (one, other) = (Digest::of(b"1"), Digest::of(b"2"));
        let base = stack_version(&target("1"), "a", one, &map(&[("A", "b")]), &map(&[]));
        assert_eq!(base.len(), DIGITS);
        for different in [
            stack_version(&target("2"), "a", one, &map(&[("A", "b")]), &map(&[])),
            stack_version(&target("1"), "b", one, &map(&[("A", "b")]), &map(&[])),
            stack_version(&target("1"), "a", other, &map(&[("A", "b")]), &map(&[])),
            stack_version(&target("1"), "a", one, &map(&[("Ab", "")]), &map(&[])),
            stack_version(&target("1"), "a", one, &map(&[]), &map(&[("A", "b")])),
        ] {
            assert_ne!(base, different);
        }
    }

    #[test]
    fn a_version_is_read_back_from_names_and_descriptions() {
        let version = "0123456789abcdef0123456789abcdef";
        let arn = format!("arn:aws:cloudformation:eu-west-1:1:changeSet/{}/5c0-1", change_set(version));
        assert_eq!(version_of(&arn), Some(version));
        assert_eq!(version_of(&change_set(version)), Some(version));
        assert_eq!(described_version(&set_description("silo", version)), Some(version));
        for strange in ["arn:aws:cloudformation:eu-west-1:1:changeSet/cdk-deploy/5", "tenantry-1", "", "tenantry"] {
            assert_eq!(version_of(strange), None, "{strange}");
        }
        assert_eq!(described_version("made by hand"), None);
    }

    #[test]
    fn operations_look_like_uuids() {
        let id = operation(Digest::of(b""), "instance/a", 1, "create");
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_ne!(id, operation(Digest::of(b""), "instance/a", 2, "create"));
    }
}
