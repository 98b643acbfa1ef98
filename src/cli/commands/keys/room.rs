//! Makes room for a new key, because AWS allows two per user.

use std::time::Duration;

use arl::internal::{AccessKey, Credentials, Iam, KeyName, LastUse, Rotation, StsError};

use crate::cli::commands::keys::aws::{iam_failed, is_gone};
use crate::cli::env::context::Context;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;
use crate::cli::ui::text::human_duration;

/// How much the clocks of AWS and of this host may differ.
const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

/// The facts that decide about the other keys of a user.
pub(crate) struct Room<'a> {
    pub(crate) name: &'a KeyName,
    pub(crate) iam: &'a Iam,
    pub(crate) signer: &'a Credentials,
    /// The ID of the stored key.
    pub(crate) current: &'a str,
    /// A rotation that was interrupted.
    pub(crate) begun: Option<&'a Rotation>,
    /// The key that the user wants deleted.
    pub(crate) replace: Option<&'a str>,
}

impl Room<'_> {
    /// Makes sure that the user has only one key, so that AWS allows another one.
    pub(crate) async fn make(&self, others: &[&AccessKey], output: &Output) -> Result<(), CliError> {
        let Self { name, iam, signer, current, begun, replace } = *self;
        if let Some(replace) = replace
            && !others.iter().any(|key| key.id == replace)
        {
            let what = match replace == current {
                true => "is the stored key; --replace is for the user's other key",
                false => "is not a key of this user",
            };
            return Err(CliError::usage(format!("--replace: `{replace}` {what}")));
        }
        for key in others {
            let is_lost = begun.is_some_and(|begun| is_of_rotation(key, begun));
            let last_use = iam.last_use(signer, Context::now(), &key.id).await;
            let is_lost = is_lost && matches!(last_use, Ok(None));
            if replace != Some(key.id.as_str()) && !is_lost {
                let mut lines = vec![describe(&key.id, key.is_active, last_use)];
                let own = iam.last_use(signer, Context::now(), current).await;
                lines.push(format!("{}; it is the stored key", describe(current, true, own)));
                let mut error = CliError::new("the user already has two keys, and AWS allows no third");
                for line in lines {
                    error = error.caused_by(line);
                }
                return Err(error.hint(format!(
                    "to delete the other one first: arl keys rotate {} --replace {}",
                    name, key.id
                )));
            }
            if is_lost {
                output.note(&format!(
                    "an interrupted rotation created the key {} but could not store it; arl deletes it",
                    key.id
                ));
            }
            match iam.delete(signer, Context::now(), &key.id).await {
                Err(error) if !is_gone(&error) => {
                    return Err(iam_failed(format!("could not delete the key {}", key.id), error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether this rotation may have created the key, and been interrupted before it stored the key.
fn is_of_rotation(key: &AccessKey, begun: &Rotation) -> bool {
    let latest = begun.started + CLOCK_SKEW;
    begun.new.is_none()
        && key.created.is_some_and(|created| created + CLOCK_SKEW >= begun.started && created <= latest)
}

/// Returns a description of an access key: its state and its last use.
fn describe(id: &str, is_active: bool, last_use: Result<Option<LastUse>, StsError>) -> String {
    let state = if is_active { "active" } else { "inactive" };
    let used = match last_use {
        Ok(Some(last)) => {
            let ago = Context::now().duration_since(last.time).unwrap_or_default();
            format!("last used {} ago for {}", human_duration(ago), last.service)
        }
        Ok(None) => "never used".to_owned(),
        Err(error) => format!("last use not known: {error}"),
    };
    format!("{id} is {state}, {used}")
}
