//! What all resource types have in common.

use serde::Serialize;

use super::Expr;
use super::expr::kind::Text;

/// The properties of a resource of one type. Serialized, they are the `Properties` of a template's resource.
pub trait Resource: Serialize {
    /// The type's name, such as `AWS::S3::Bucket`.
    const TYPE: &'static str;
}

/// A tag, as most types take it in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    key: Expr<Text>,
    value: Expr<Text>,
}

impl Tag {
    /// A tag with a key and a value.
    #[must_use]
    pub fn new(key: impl Into<Expr<Text>>, value: impl Into<Expr<Text>>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}
