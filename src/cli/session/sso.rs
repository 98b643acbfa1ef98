//! Gets credentials from IAM Identity Center, and signs the user in first if needed.

use std::time::Duration;

use arl::internal::{
    Credentials, IdentityCenter, LeaderLock, LoginError, RoleCall, SignIn, Source, SsoSource, SsoToken,
    TokenStore, role_credentials,
};

use crate::cli::env::context::Context;
use crate::cli::plan::sign_in_hints;
use crate::cli::session::on_demand::{OnDemand, OnMissingSignIn};
use crate::cli::session::runner::{SessionRunner, send_heartbeat};
use crate::cli::session::sign_in::SIGN_IN_TIMEOUT;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::prompt;

impl SessionRunner<'_> {
    /// Signs in before locks are taken, if the token cannot be renewed and no session is cached. All
    /// processes that waited for the sign-in then have the same cache key.
    pub(crate) async fn ensure_signed_in(&mut self) -> Result<(), CliError> {
        let Source::Sso(sso) = &self.plan.chain.source else { return Ok(()) };
        if (0..=self.plan.hops.len()).any(|hops| self.cache.lookup(&self.plan, hops).is_some()) {
            return Ok(());
        }
        let (_, store) = self.center_and_store()?;
        let now = Context::now();
        let error = match store.read(&sso.session) {
            Ok(None) => LoginError::NotSignedIn,
            Ok(Some(token)) if token.expires_within(Duration::ZERO, now) && token.renewal(now).is_none() => {
                LoginError::Expired
            }
            // Other errors are reported when the token is used.
            _ => return Ok(()),
        };
        self.sign_in(sso, &error, &mut []).await?;
        self.plan.identify_source(self.context);
        Ok(())
    }

    pub(crate) async fn sso_credentials(
        &self,
        sso: &SsoSource,
        locks: &mut [Option<LeaderLock>],
    ) -> Result<Credentials, CliError> {
        let (center, store) = self.center_and_store()?;
        let call = RoleCall {
            center: &center,
            store: &store,
            margin: self.cache.token_margin(),
            clock: &Context::now,
            warn: &|text| self.output.warn_once(text),
        };
        self.output.trace(|| {
            let SsoSource { account_id, role_name, session } = sso;
            format!(
                "asking IAM Identity Center for {account_id}/{role_name}, signed in as `{}`",
                session.label()
            )
        });
        match role_credentials(call, sso).await {
            Err(error) if error.needs_sign_in() => {
                self.sign_in(sso, &error, locks).await?;
                self.has_signed_in.set(true);
                role_credentials(call, sso).await.map_err(|error| self.sso_failed(&error, sso))
            }
            result => result.map_err(|error| self.sso_failed(&error, sso)),
        }
    }

    /// Caches the sessions of this run under the keys of the new sign-in too, for later runs. Until now
    /// the plan has had the cache keys of the old sign-in, because other processes wait for those.
    pub(crate) fn cache_for_new_sign_in(&mut self) {
        let found: Vec<_> =
            (0..=self.plan.hops.len()).map(|hops| self.cache.lookup(&self.plan, hops)).collect();
        self.plan.identify_source(self.context);
        for (hops, credentials) in found.iter().enumerate() {
            if let Some(credentials) = credentials {
                self.cache.store(&self.plan, hops, credentials, Context::now(), self.output);
            }
        }
    }

    /// Signs the user in, or returns the error of a call that needs it.
    async fn sign_in(
        &self,
        sso: &SsoSource,
        error: &LoginError,
        locks: &mut [Option<LeaderLock>],
    ) -> Result<SsoToken, CliError> {
        let session = &sso.session;
        let on_missing = OnMissingSignIn::find(self.cache.consumer(), self.user_prompt)?;
        if on_missing == OnMissingSignIn::Fail {
            return Err(self.sso_failed(error, sso).status(ExitStatus::UserNeeded));
        }
        let (center, store) = self.center_and_store()?;
        let sign_in =
            SignIn { center: &center, store: &store, session, clock: &Context::now, on_signed_in: &|| {} };
        send_heartbeat(locks, SIGN_IN_TIMEOUT + prompt::LIMIT);
        let on_demand = OnDemand {
            sign_in,
            on_missing,
            started: self.cache.started(),
            context: self.context,
            output: self.output,
            failed: &|| self.sso_failed(error, sso),
        };
        on_demand.run().await
    }

    fn sso_failed(&self, error: &LoginError, sso: &SsoSource) -> CliError {
        let Some(settings) = &self.plan.identity_center else { return CliError::new(error.to_string()) };
        sign_in_hints::identity_center_failed(error, &self.plan.chain, sso, settings)
    }

    fn center_and_store(&self) -> Result<(IdentityCenter, TokenStore), CliError> {
        let Some(settings) = &self.plan.identity_center else {
            return Err(CliError::new("there are no settings for IAM Identity Center"));
        };
        let Some(home) = self.context.home() else {
            return Err(CliError::new("there is no home directory to read the token of a sign-in from"));
        };
        Ok((IdentityCenter::beside(&self.sts, settings.clone()), TokenStore::new(home)))
    }
}
