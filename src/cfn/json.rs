//! Properties whose shape the type's schema leaves open, such as policy documents.

use serde::Serialize;
use serde_json::Value;

use super::Expr;

/// A JSON value as the template will hold it, intrinsic functions included.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Json(Value);

impl Json {
    /// What a value is as JSON.
    ///
    /// A value that JSON cannot hold (an object whose keys are not text) becomes `null`, which the check against
    /// the type's schema reports; none of this crate's types are like that.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Self {
        Self(serde_json::to_value(value).unwrap_or(Value::Null))
    }

    /// The JSON value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The JSON value, taken out.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.0
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl<T> From<Expr<T>> for Json {
    fn from(expr: Expr<T>) -> Self {
        Self::of(&expr)
    }
}
