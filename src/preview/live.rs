//! What CloudFormation says that it would do: change sets that were made, read and deleted, never executed.

use serde::Serialize;

/// What CloudFormation says about one stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveStack {
    /// The stack's name, as the assembly has it.
    pub name: String,
    /// The name of the stack that was asked, where that is another one: a stack set has made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Whether the stack is there already.
    pub exists: bool,
    /// Why nothing is known, if it could not be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What it would do, in the order that it says; empty if nothing.
    pub changes: Vec<LiveChange>,
}

/// What CloudFormation says that it would do to one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveChange {
    /// The logical id.
    pub logical_id: String,
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// `Add`, `Modify`, `Remove`, `Import`, `Dynamic`.
    pub action: String,
    /// `True`, `False`, `Conditional`; none where it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
    /// The properties it names.
    pub properties: Vec<String>,
}

impl LiveStack {
    /// What to say beside the changes, if the stack is one of a stack set's.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        self.instance.as_ref().map(|name| format!("asked of `{name}`, which a stack set has made"))
    }
}

impl LiveChange {
    /// What happens, in words: `replaced`, `may be replaced`, `updated`, `added`.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match (self.action.as_str(), self.replacement.as_deref()) {
            ("Add", _) => "added",
            ("Remove", _) => "removed",
            ("Import", _) => "imported",
            ("Modify", Some("True")) => "replaced",
            ("Modify", Some("Conditional")) => "may be replaced",
            ("Modify", _) => "updated",
            // CloudFormation cannot say before it runs.
            _ => "undecided",
        }
    }
}
