//! Templates with their intrinsics evaluated symbolically.

use super::text::Text;

/// A value of a template after its intrinsics were evaluated. Truth values and numbers are texts, as CloudFormation
/// hands them on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// A scalar.
    Text(Text),
    /// A list.
    List(Vec<Self>),
    /// A mapping, in source order.
    Map(Vec<(String, Self)>),
    /// What cannot be known, and why: a part of a sentence.
    Unknown(String),
}
