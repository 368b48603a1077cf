//! Where a function's code comes from.

use crate::model::component as model;

/// Where a function's code comes from. There is no default: a function without code is no function.
#[derive(Debug, Clone)]
#[must_use = "give it to `Function::new`"]
pub struct Code(pub(super) model::Code);

impl Code {
    /// The source text itself: at most 4 MiB, Node.js and Python only.
    pub fn inline(source: impl Into<String>) -> Self {
        Self(model::Code::Inline(source.into()))
    }

    /// A `.zip` file; it becomes a part of the assembly, under its digest.
    pub fn asset(path: impl Into<String>) -> Self {
        Self(model::Code::Asset(path.into()))
    }

    /// An object that is already in S3.
    pub fn s3(bucket: impl Into<String>, key: impl Into<String>) -> Self {
        Self(model::Code::S3 { bucket: bucket.into(), key: key.into() })
    }
}
