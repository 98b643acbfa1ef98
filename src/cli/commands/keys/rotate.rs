//! `arl keys rotate`: replaces a key by a new one of the same user.
//!
//! At every moment a key that AWS accepts is in the keychain. Before each step that cannot be taken back, the
//! keychain holds what the next `rotate` needs to go on.

use std::time::Duration;

use arl::internal::{AccessKey, Credentials, Iam, KeyName, Rotation, StsError};

use crate::cli::commands::keys::aws::Aws;
use crate::cli::commands::keys::keychain::{Keychain, keychain_failed, parse_name, record};
use crate::cli::commands::keys::profile;
use crate::cli::env::context::Context;
use crate::cli::session::runtime::runtime;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;
use crate::cli::ui::text::{human_duration, last_four};

/// How long AWS may take until it knows a new key everywhere.
const NEW_KEY_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause after a refusal, and after a success.
const NEW_KEY_PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(300));
/// How many calls in a row must succeed: the machines behind the endpoint learn of a key one by one.
const NEW_KEY_SUCCESSES: usize = 3;
/// How often a call with the new key is tried again, a second apart.
const RETIRE_ATTEMPTS: usize = 20;
/// How much the clocks of AWS and of this machine may differ.
const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct RotateArgs {
    /// The name of the key
    name: String,
    /// Deactivate the old key, but do not delete it
    #[arg(long)]
    keep_old: bool,
    /// Delete this other key of the user first: AWS allows two
    #[arg(long, value_name = "KEY_ID")]
    replace: Option<String>,
}

pub(crate) fn run(args: &RotateArgs, output: &Output) -> Result<(), CliError> {
    let name = parse_name(&args.name)?;
    let context = Context::read()?;
    let config = context.shared_config()?;
    let section = profile::users(&config, &name).first().and_then(|profile| config.profile(profile));
    // Without a profile the partition is that of the user.
    let partition = record(&name).and_then(|record| record.arn.split(':').nth(1)?.parse().ok());
    let aws = Aws::for_partition(partition, &context, &config, section, output)?;
    runtime()?.block_on(async {
        let keychain = Keychain::open(Some(&name)).await?;
        let _lock = keychain.lock(&name)?;
        let keys = Keys { name: &name, keychain: &keychain, aws: &aws, output };
        keys.rotate(args).await
    })
}

/// The key that is rotated, and what knows about it.
struct Keys<'a> {
    name: &'a KeyName,
    keychain: &'a Keychain,
    aws: &'a Aws,
    output: &'a Output,
}

impl Keys<'_> {
    async fn rotate(&self, args: &RotateArgs) -> Result<(), CliError> {
        let store = &self.keychain.store;
        let current = store.get(self.name).await.map_err(|error| self.store_failed(error))?;
        let begun = store.rotation(self.name).await.map_err(|error| self.store_failed(error))?;
        let (current, begun) = match (current, begun) {
            (None, None) => {
                return Err(CliError::new(format!("{} holds no key `{}`", store.name(), self.name))
                    .hint("`arl keys list` shows what is stored"));
            }
            // The store lost the old key when it took the new one.
            (None, Some(Rotation { old_id, new: Some(new), .. })) => {
                return self.finish(&old_id, &new, None, args).await;
            }
            (None, Some(_)) => {
                return Err(CliError::new(format!("the key `{}` is gone from {}", self.name, store.name()))
                    .hint(format!("to store a key of the same user: arl keys add {}", self.name)));
            }
            (Some(current), begun) => (current, begun),
        };
        match begun {
            Some(Rotation { old_id, new: Some(new), .. })
                if new.access_key_id() == current.access_key_id() =>
            {
                self.output.note("a rotation that had begun goes on: the new key is stored already");
                self.retire(&old_id, &new, args.keep_old).await
            }
            Some(Rotation { old_id, new: Some(new), .. }) if old_id == current.access_key_id() => {
                self.output.note("a rotation that had begun goes on: the new key exists already");
                self.finish(&old_id, &new, Some(&current), args).await
            }
            Some(begun) if begun.old_id == current.access_key_id() => {
                self.begin(current, Some(begun), args).await
            }
            // Another key has been stored since, so this rotation is over.
            Some(_) | None => self.begin(current, None, args).await,
        }
    }

    /// Creates the new key, after making room for it.
    async fn begin(
        &self,
        current: Credentials,
        begun: Option<Rotation>,
        args: &RotateArgs,
    ) -> Result<(), CliError> {
        let caller = self.aws.caller(&current).await?;
        let iam = self.aws.iam(&caller.arn);
        let id = current.access_key_id();
        let listed = iam.access_keys(&current, Context::now()).await;
        let listed = listed.map_err(|error| iam_failed("could not list the user's keys", error))?;
        if !listed.iter().any(|key| key.id == id) {
            return Err(CliError::new(format!("IAM does not list the key …{} itself", last_four(id)))
                .hint("is the endpoint that of the same account? See AWS_ENDPOINT_URL_IAM"));
        }
        let others: Vec<&AccessKey> = listed.iter().filter(|key| key.id != id).collect();
        self.make_room(&iam, &current, &others, begun.as_ref(), args.replace.as_deref()).await?;
        let rotation = Rotation { old_id: id.to_owned(), started: Context::now(), new: None };
        let store = &self.keychain.store;
        store.put_rotation(self.name, &rotation).await.map_err(|error| self.store_failed(error))?;
        let new = match iam.create_access_key(&current, Context::now()).await {
            Ok(new) => new,
            Err(error) => {
                let is_certain = matches!(error, StsError::Refused { .. }) && !error.is_transient();
                let cli_error = iam_failed("could not create a new key", error);
                if is_certain {
                    self.forget(&rotation).await;
                    return Err(cli_error);
                }
                return Err(cli_error.hint(format!(
                    "whether AWS has created it is not known; this finds out and goes on: arl keys rotate {}",
                    self.name
                )));
            }
        };
        let new_id = new.access_key_id().to_owned();
        self.output.note(&format!("AWS has created the key {new_id}"));
        let rotation = Rotation { new: Some(new.clone()), ..rotation };
        if let Err(error) = store.put_rotation(self.name, &rotation).await {
            let cli_error = self.store_failed(error);
            return Err(self.take_back(&iam, &current, &new_id, &rotation, cli_error).await);
        }
        self.finish(id, &new, Some(&current), args).await
    }

    /// Makes sure that the user has one key only: AWS allows two.
    async fn make_room(
        &self,
        iam: &Iam,
        current: &Credentials,
        others: &[&AccessKey],
        begun: Option<&Rotation>,
        replace: Option<&str>,
    ) -> Result<(), CliError> {
        if let Some(replace) = replace
            && !others.iter().any(|key| key.id == replace)
        {
            let what = match replace == current.access_key_id() {
                true => "is the key that is stored; --replace is for the user's other key",
                false => "is no key of this user",
            };
            return Err(CliError::usage(format!("--replace: `{replace}` {what}")));
        }
        for key in others {
            let is_lost = begun.is_some_and(|begun| is_of_rotation(key, begun));
            let last_use = iam.last_use(current, Context::now(), &key.id).await;
            let is_lost = is_lost && matches!(last_use, Ok(None));
            if replace != Some(key.id.as_str()) && !is_lost {
                let mut lines = vec![describe(&key.id, key.is_active, last_use)];
                let own = iam.last_use(current, Context::now(), current.access_key_id()).await;
                lines.push(format!(
                    "{}, the one that is stored",
                    describe(current.access_key_id(), true, own)
                ));
                let mut error = CliError::new("the user has two keys already, and AWS allows no third");
                for line in lines {
                    error = error.caused_by(line);
                }
                return Err(error.hint(format!(
                    "to delete the other one first: arl keys rotate {} --replace {}",
                    self.name, key.id
                )));
            }
            if is_lost {
                self.output.note(&format!(
                    "an interrupted rotation created the key {} and could not store it; it is deleted",
                    key.id
                ));
            }
            match iam.delete(current, Context::now(), &key.id).await {
                Err(error) if !is_gone(&error) => {
                    return Err(iam_failed(format!("could not delete the key {}", key.id), error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Waits until AWS knows the new key, and makes it the stored one.
    async fn finish(
        &self,
        old_id: &str,
        new: &Credentials,
        current: Option<&Credentials>,
        args: &RotateArgs,
    ) -> Result<(), CliError> {
        let rotation =
            Rotation { old_id: old_id.to_owned(), started: Context::now(), new: Some(new.clone()) };
        let arn = match current {
            Some(current) => Some(self.aws.caller(current).await?.arn),
            None => None,
        };
        let new_arn = self.wait_for(new).await?;
        if let (Some(arn), Some(current)) = (&arn, current)
            && *arn != new_arn
        {
            let error = CliError::new("the new key is of another identity, so it is not used")
                .caused_by(format!("it is of `{new_arn}`, and the stored one of `{arn}`"));
            let iam = self.aws.iam(arn);
            return Err(self.take_back(&iam, current, new.access_key_id(), &rotation, error).await);
        }
        let put = self.keychain.store.put(self.name, new).await;
        put.map_err(|error| {
            self.store_failed(error).hint(format!("then go on: arl keys rotate {}", self.name))
        })?;
        self.retire(old_id, new, args.keep_old).await
    }

    /// Waits until the new key is known. Returns whose it is.
    async fn wait_for(&self, new: &Credentials) -> Result<String, CliError> {
        let (mut waited, mut successes) = (Duration::ZERO, 0);
        loop {
            let (pause, result) = match self.aws.sts.caller_identity(new).await {
                Ok(caller) => {
                    successes += 1;
                    if successes == NEW_KEY_SUCCESSES {
                        return Ok(caller.arn);
                    }
                    (NEW_KEY_PAUSES.1, None)
                }
                Err(error) => {
                    if successes == 0 && waited.is_zero() {
                        self.output.status("waiting until AWS knows the new key everywhere");
                    }
                    successes = 0;
                    (NEW_KEY_PAUSES.0, Some(error))
                }
            };
            if let Some(error) = result
                && waited >= NEW_KEY_TIMEOUT
            {
                let limit = humantime::format_duration(NEW_KEY_TIMEOUT);
                return Err(CliError::new(format!("AWS does not accept the new key within {limit}"))
                    .caused_by(error)
                    .hint(format!(
                        "the old key is still the stored one; to go on: arl keys rotate {}",
                        self.name
                    )));
            }
            tokio::time::sleep(pause).await;
            waited += pause;
        }
    }

    /// Deactivates and deletes the old key. The new one is stored, so that a failure is no reason to stop.
    async fn retire(&self, old_id: &str, new: &Credentials, keep_old: bool) -> Result<(), CliError> {
        let caller = self.aws.caller(new).await?;
        if let Err(error) = self.keychain.write_record(self.name, new.access_key_id(), &caller.arn) {
            self.output.note(&format!("could not remember whose key it is: {error}"));
        }
        let iam = self.aws.iam(&caller.arn);
        let deactivated = self.persist(|| iam.deactivate(new, Context::now(), old_id)).await;
        let retired = match deactivated {
            Ok(()) if !keep_old => self.persist(|| iam.delete(new, Context::now(), old_id)).await,
            result => result,
        };
        self.output.note(&format!("`{}` is the key {} now", self.name, new.access_key_id()));
        let Err(error) = retired else {
            let store = &self.keychain.store;
            store.remove_rotation(self.name).await.map_err(|error| self.store_failed(error))?;
            self.output.note(&match keep_old {
                true => format!(
                    "the old key {old_id} is inactive; to delete it: aws iam delete-access-key --access-key-id {old_id}"
                ),
                false => format!("the old key {old_id} is deleted"),
            });
            return Ok(());
        };
        self.output.note(&format!(
            "warning: the old key {old_id} could not be retired ({error}); try again: arl keys rotate {}; or: aws iam delete-access-key --access-key-id {old_id}",
            self.name
        ));
        Ok(())
    }

    /// Repeats a call that a new key makes, while AWS may not know that key everywhere.
    async fn persist<F: Future<Output = Result<(), StsError>>>(
        &self,
        call: impl Fn() -> F,
    ) -> Result<(), StsError> {
        let mut attempts = 1;
        loop {
            match call().await {
                Err(error) if is_gone(&error) => return Ok(()),
                Err(error) if attempts < RETIRE_ATTEMPTS && may_pass(&error) => {}
                result => return result,
            }
            attempts += 1;
            tokio::time::sleep(NEW_KEY_PAUSES.0).await;
        }
    }

    /// Deletes a new key that cannot be used, and forgets the rotation.
    async fn take_back(
        &self,
        iam: &Iam,
        current: &Credentials,
        new_id: &str,
        rotation: &Rotation,
        error: CliError,
    ) -> CliError {
        match iam.delete(current, Context::now(), new_id).await {
            Err(failure) if !is_gone(&failure) => error
                .caused_by(format!("the new key {new_id} could not be deleted: {failure}"))
                .hint(format!("delete it: aws iam delete-access-key --access-key-id {new_id}")),
            _ => {
                self.forget(rotation).await;
                error.hint(format!("the new key is deleted again, and `{}` is as it was", self.name))
            }
        }
    }

    /// Forgets a rotation that leaves nothing behind. If that fails, the next one finds nothing to go on with.
    async fn forget(&self, rotation: &Rotation) {
        if let Err(error) = self.keychain.store.remove_rotation(self.name).await {
            self.output.trace(|| format!("the rotation of key {} is still noted: {error}", rotation.old_id));
        }
    }

    fn store_failed(&self, error: arl::internal::KeyStoreError) -> CliError {
        keychain_failed(format!("could not rotate the key `{}`", self.name), error)
    }
}

/// Returns whether the key may be one that this rotation created without getting to store it.
fn is_of_rotation(key: &AccessKey, begun: &Rotation) -> bool {
    let latest = begun.started + CLOCK_SKEW;
    begun.new.is_none()
        && key.created.is_some_and(|created| created + CLOCK_SKEW >= begun.started && created <= latest)
}

fn is_gone(error: &StsError) -> bool {
    matches!(error, StsError::Refused { code, .. } if code == "NoSuchEntity")
}

/// Returns whether the same call may succeed soon.
fn may_pass(error: &StsError) -> bool {
    error.is_transient() || matches!(error, StsError::Refused { code, .. } if code == "InvalidClientTokenId")
}

/// Returns what is known of an access key.
fn describe(id: &str, is_active: bool, last_use: Result<Option<arl::internal::LastUse>, StsError>) -> String {
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

fn iam_failed(what: impl Into<String>, error: StsError) -> CliError {
    let cli_error = CliError::new(what);
    let cli_error = match &error {
        StsError::Refused { code, .. } if code.starts_with("AccessDenied") => cli_error
            .hint("the user needs iam:ListAccessKeys, CreateAccessKey, UpdateAccessKey, DeleteAccessKey and GetAccessKeyLastUsed for itself"),
        StsError::Refused { code, .. } if code == "LimitExceeded" => {
            cli_error.hint("the user has two keys already; see --replace")
        }
        _ => cli_error,
    };
    cli_error.caused_by(error)
}
