//! What CloudFormation says that it would do, asked with change sets that are never executed.
pub use super::cloud::*;
/// Ask.
pub trait Ask: Sync {
    /// A stack; nothing if there is none, or it was deleted.
    fn stack(&self, target: &Target, name: &str) -> Answer<Option<StackState>>;

    /// Makes a change set, and says its ARN.
    fn create_change_set(&self, target: &Target, request: &ChangeSetRequest<'_>) -> Answer<String>;

    /// A change set; nothing if there is none.
    fn change_set(&self, target: &Target, stack: &str, name: &str) -> Answer<Option<ChangeSetState>>;

    /// Deletes a change set.
    fn delete_change_set(&self, target: &Target, stack: &str, name: &str) -> Answer<()>;

    /// Puts a template into a bucket, if it is not there, and says its address.
    fn put_template(&self, target: &Target, bucket: &str, key: &str, body: &[u8]) -> Answer<String>;

    /// Deletes the stack that a change set of a new stack leaves behind.
    fn drop_shell(&self, target: &Target, stack: &str, token: &str) -> Answer<bool>;
}
