//! The clients and settings of a sign-in.

use std::time::SystemTime;

use super::token_store::TokenStore;
use crate::source::SsoSession;
use crate::sts::IdentityCenter;

/// The clients and settings of a sign-in.
#[derive(Clone, Copy)]
pub struct SignIn<'a> {
    /// The services.
    pub center: &'a IdentityCenter,
    /// The token files.
    pub store: &'a TokenStore,
    /// Where the user signs in.
    pub session: &'a SsoSession,
    /// Returns the current time.
    pub clock: &'a dyn Fn() -> SystemTime,
    /// Called once the user has signed in, before the token file is written. It removes what is cached for
    /// the earlier sign-in, which may be another user's.
    pub on_signed_in: &'a dyn Fn(),
}
