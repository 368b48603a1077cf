//! User pools.

use std::panic::Location;

use super::component;
use crate::dsl::bounds;
use crate::dsl::draft::Draft;
use crate::model::component::Mfa;

component! {
    /// A Cognito user pool with one app client.
    UserPool<>, "user_pool"
}

impl UserPool {
    /// A user pool.
    #[track_caller]
    pub fn new(name: impl Into<String>) -> Self {
        Self::with_draft(Draft::new(name, Location::caller(), Default::default()))
    }

    /// Sets when a second factor is asked for; [`Mfa::Optional`] by default.
    pub fn mfa(mut self, mfa: Mfa) -> Self {
        self.draft.body.mfa = mfa;
        self
    }

    /// Sets the shortest password, in characters; 12 by default.
    #[track_caller]
    pub fn password_length(mut self, characters: u32) -> Self {
        self.draft.body.password_length = self.draft.within(&bounds::PASSWORD_LENGTH, characters, Location::caller());
        self
    }
}
