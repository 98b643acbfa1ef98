//! Finds the sign-in to IAM Identity Center that a user names, or that a profile depends on.

use super::chain::SourceChain;
use super::error::SourceError;
use super::kind::{Source, SourceId, SsoSession, SsoSource};
use super::resolve::SourceResolver;
use super::sso;

impl SourceResolver<'_> {
    /// Returns a role of IAM Identity Center as a source.
    ///
    /// # Errors
    /// There is no such session, or it is invalid.
    pub fn sso_role(
        &self,
        session: &str,
        account_id: &str,
        role_name: &str,
    ) -> Result<SourceChain, SourceError> {
        let source = SsoSource {
            account_id: account_id.to_owned(),
            role_name: role_name.to_owned(),
            session: self.sso_session(session)?,
        };
        Ok(SourceChain::without_hops(SourceId::SsoSession(session.to_owned()), Source::Sso(source)))
    }

    /// Returns the sign-in of an `[sso-session]` section.
    ///
    /// # Errors
    /// As [`SourceResolver::sso_role`].
    pub fn sso_session(&self, name: &str) -> Result<SsoSession, SourceError> {
        sso::named_session(self.config, name)
    }

    /// Returns the sign-in that a profile's credentials come from, directly or through its `source_profile`s.
    ///
    /// # Errors
    /// The profile has no sign-in, or is invalid.
    pub fn sso_session_of_profile(&self, name: &str) -> Result<SsoSession, SourceError> {
        let section = self.section(name, None)?;
        if ["sso_session", "sso_start_url"].iter().any(|key| section.get(key).is_some()) {
            return sso::session_of_profile(self.config, name, section);
        }
        match self.profile(name)?.source {
            Source::Sso(source) => Ok(source.session),
            _ => Err(SourceError::NoSignIn(name.to_owned())),
        }
    }
}
