//! The credentials that sign the calls of a rotation: the key itself, or an MFA session of it.

use arl::internal::{Credentials, SerialNumber, Sts};
use tokio::sync::Mutex;

use crate::cli::env::context::Context;
use crate::cli::plan::refusal::Refusal;
use crate::cli::session::mfa::{MfaCodes, UserPrompt};
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;
use crate::cli::ui::text::last_four;

/// The user's MFA device, and the sessions that arl got with its codes.
pub(crate) struct MfaSessions<'a> {
    pub(crate) serial: &'a SerialNumber,
    /// Shared by all sessions, because a code works once.
    codes: Mutex<MfaCodes<'a>>,
    sessions: Mutex<Vec<(String, Credentials)>>,
}

impl<'a> MfaSessions<'a> {
    /// Starts without a session. The codes come from `process`, else from the user.
    pub(crate) fn new(serial: &'a SerialNumber, process: Option<&'a str>) -> Self {
        let purpose = "the rotation of a key".to_owned();
        let codes = MfaCodes::new(serial, purpose, process, UserPrompt::Allowed);
        Self { serial, codes: Mutex::new(codes), sessions: Mutex::default() }
    }

    /// Returns a session of the key. The first call for a key takes one code.
    pub(crate) async fn session(
        &self,
        keys: &Credentials,
        sts: &Sts,
        output: &Output,
    ) -> Result<Credentials, CliError> {
        let mut sessions = self.sessions.lock().await;
        if let Some((_, session)) = sessions.iter().find(|(id, _)| id == keys.access_key_id()) {
            return Ok(session.clone());
        }
        let mut codes = self.codes.lock().await;
        loop {
            let code = codes.next(output).await?;
            match sts.session_token(keys, self.serial, &code, Context::now()).await {
                Ok(session) => {
                    sessions.push((keys.access_key_id().to_owned(), session.clone()));
                    return Ok(session);
                }
                Err(error) if codes.can_retry() && Refusal::of(&error) == Some(Refusal::InvalidMfaCode) => {
                    output.note("STS refused this code; a code works only once, so wait for the next one");
                }
                Err(error) => {
                    let id = last_four(keys.access_key_id());
                    return Err(
                        CliError::new(format!("could not get an MFA session of key …{id}")).caused_by(error)
                    );
                }
            }
        }
    }
}
