//! Names of what is deployed: readable, bounded and injective.
//!
//! Buckets, roles, queues and stacks have alphabets without a character that no tenant id holds, so an id alone
//! cannot be told from the text beside it: `a` and `b-c` run together as `a-b-c`, and so do `a-b` and `c`. Their
//! names therefore carry a readable part, which may be cut, and a digest of fixed length, which makes two names
//! of two tenants different. The lengths are fixed, so that a name fits for every id of the language.

use sha2::{Digest, Sha256};

use super::{BlueprintName, CellName, Model, TenantId, TierName};

/// Characters of the readable part of a tenant's names.
pub const LABEL_LENGTH: usize = 12;
/// Characters of a tenant's or cell's digest: 60 bits.
pub const DIGEST_LENGTH: usize = 12;
/// Characters of the digest that tells components with similar names apart: 30 bits.
const STEM_DIGEST_LENGTH: usize = 6;

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Sixty bits of the SHA-256 of the parts, each part ended by a byte that no part holds.
#[must_use]
pub fn fingerprint(parts: &[&str]) -> u64 {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    let digest = hasher.finalize();
    digest.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte)) >> 4
}

/// The last `length` base-32 characters of sixty bits, in the alphabet `a-z2-7`.
#[must_use]
pub fn base32(bits: u64, length: usize) -> String {
    (0..length)
        .rev()
        .map(|position| {
            let index = (bits >> (5 * position)) & 31;
            usize::try_from(index).ok().and_then(|index| BASE32.get(index)).map_or('a', |byte| char::from(*byte))
        })
        .collect()
}

/// What tells a tenant's names from those of all others: of the same cell, of other cells (during a move both
/// exist) and of other environments.
#[must_use]
pub fn tenant_fingerprint(model: &Model, cell: &CellName, tenant: &TenantId) -> u64 {
    fingerprint(&["tenant", model.name.as_str(), &model.environment, cell.as_str(), tenant.as_str()])
}

/// What tells a cell's names from those of all others.
#[must_use]
pub fn cell_fingerprint(model: &Model, cell: &CellName) -> u64 {
    fingerprint(&["cell", model.name.as_str(), &model.environment, cell.as_str()])
}

/// The readable part of a tenant's names: the beginning of its id, in lower case, at most [`LABEL_LENGTH`]
/// characters of `a-z0-9-`, with a letter or digit at both ends.
#[must_use]
pub fn label(tenant: &TenantId) -> String {
    let mut label: String = tenant
        .as_str()
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' })
        .skip_while(|character| *character == '-')
        .take(LABEL_LENGTH)
        .collect();
    label.truncate(label.trim_end_matches('-').len());
    if label.is_empty() { "x".to_owned() } else { label }
}

/// The part of a resource's name that is the same for every tenant and cell: a readable beginning, cut to fit, and
/// a digest of the uncut parts. At most `limit` characters, of which the tenant's or cell's part has its own.
#[must_use]
pub fn stem(blueprint: &BlueprintName, tier: &TierName, component: &str, limit: usize) -> String {
    let digest = base32(fingerprint(&["stem", blueprint.as_str(), tier.as_str(), component]), STEM_DIGEST_LENGTH);
    // `-label-digest`, or `-cell-digest` with a cell of up to 16 characters.
    let room = limit.saturating_sub(STEM_DIGEST_LENGTH + 1 + (16 + 1) + (DIGEST_LENGTH + 1));
    let mut readable = format!("{blueprint}-{tier}-{component}");
    if readable.len() > room {
        // The component says most about a resource; the blueprint's name is the same on all of them.
        readable = format!("{tier}-{component}");
    }
    readable.truncate(room);
    format!("{}-{digest}", readable.trim_end_matches('-'))
}

/// The name of a tenant's own stack, of the label and digest in all of the tenant's names.
#[must_use]
pub fn tenant_stack(model: &Model, tier: &TierName, label: &str, digest: &str) -> String {
    format!("{}-{tier}-{label}-{digest}", model.name)
}

/// The name of the stack that a cell's tenants of one tier share.
#[must_use]
pub fn cell_stack(model: &Model, tier: &TierName, cell: &CellName) -> String {
    let bits = fingerprint(&["cell-stack", model.name.as_str(), &model.environment, tier.as_str(), cell.as_str()]);
    format!("{}-{tier}-{cell}-{}", model.name, base32(bits, DIGEST_LENGTH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::IdLanguage;

    #[test]
    fn labels_are_readable_and_bounded() {
        let id = |text: &str| IdLanguage::new("^[a-z0-9.-]{1,40}$").unwrap().parse(text).unwrap();
        assert_eq!(label(&id("acme")), "acme");
        assert_eq!(label(&id("a-very-long-tenant-name")), "a-very-long");
        assert_eq!(label(&id("--x.y-")), "x-y");
        assert_eq!(label(&id("---")), "x");
    }

    #[test]
    fn stems_fit_and_tell_components_apart() {
        let blueprint = BlueprintName::new("a-twenty-letter-name").unwrap();
        let tier = TierName::new("a-sixteen-letter").unwrap();
        let stem_of = |component: &str| stem(&blueprint, &tier, component, 63);
        assert!(stem_of(&"x".repeat(47)).len() + 1 + 16 + 1 + DIGEST_LENGTH <= 63);
        assert_ne!(stem_of(&"x".repeat(46)), stem_of(&"x".repeat(47)));
        let short = BlueprintName::new("shop").unwrap();
        assert_ne!(
            stem(&short, &TierName::new("a-b").unwrap(), "c", 64),
            stem(&short, &TierName::new("a").unwrap(), "b-c", 64)
        );
    }

    #[test]
    fn base32_has_a_fixed_length() {
        assert_eq!(base32(0, 12), "aaaaaaaaaaaa");
        assert_eq!(base32(u64::MAX >> 4, 12), "777777777777");
    }
}
