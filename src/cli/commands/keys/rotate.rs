//! `arl keys rotate`: replaces a key with a new one of the same user.
//!
//! At every moment, the keychain has a key that AWS accepts. Before each step that cannot be undone, arl
//! stores in the keychain what the next `rotate` needs to continue.

use std::time::{Duration, Instant};

use arl::internal::{AccessKey, Credentials, Iam, KeyName, KeyStoreError, Rotation, SerialNumber, StsError};

use clap_complete::engine::ArgValueCompleter;

use crate::cli::args::complete;
use crate::cli::commands::keys::aws::{Aws, iam_failed, is_gone};
use crate::cli::commands::keys::keychain::{Keychain, keychain_failed, other_names, parse_name, record};
use crate::cli::commands::keys::profile;
use crate::cli::commands::keys::room::Room;
use crate::cli::commands::keys::signer::MfaSessions;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::session::runtime::runtime;
use crate::cli::ui::error::{CliError, parse_value};
use crate::cli::ui::output::Output;
use crate::cli::ui::text::last_four;

/// How long AWS may take until all of its hosts know a new key.
const NEW_KEY_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause after a refusal, and after a success.
const NEW_KEY_PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(300));
/// How many calls in a row must succeed, because the hosts behind the endpoint learn of a key one by one.
const NEW_KEY_SUCCESSES: usize = 3;
/// How long a refused call with the new key is retried.
const RETIRE_TIMEOUT: Duration = Duration::from_secs(20);

/// The code of STS and IAM for a key that is unknown or inactive.
const UNKNOWN_KEY: &str = "InvalidClientTokenId";

#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct RotateArgs {
    /// The name of the key
    #[arg(add = ArgValueCompleter::new(complete::key_names))]
    name: String,
    /// Deactivate the old key, but do not delete it
    #[arg(long)]
    keep_old: bool,
    /// First delete this other key of the user; AWS allows only two keys
    #[arg(long, value_name = "KEY_ID")]
    replace: Option<String>,
    /// Call IAM with an MFA session, if your policy requires MFA; arl then asks for two codes
    #[arg(long)]
    mfa_session: bool,
    /// The MFA device [default: the profile's `mfa_serial`]
    #[arg(long, alias = "mfa-serial", value_name = "ARN", requires = "mfa_session")]
    serial_number: Option<String>,
    /// A program that prints MFA codes [default: the profile's `mfa_process`, else ARL_MFA_PROCESS, else arl
    /// asks]
    #[arg(long, value_name = "COMMAND", requires = "mfa_session")]
    mfa_process: Option<String>,
}

pub(crate) fn run(args: &RotateArgs, output: &Output) -> Result<(), CliError> {
    let name = parse_name(&args.name)?;
    let context = Context::read()?;
    let config = context.shared_config()?;
    let section = profile::users(&config, &name).first().and_then(|profile| config.profile(profile));
    // Without a profile, the user's ARN in the record gives the partition.
    let partition = record(&name).and_then(|record| record.arn.split(':').nth(1)?.parse().ok());
    let aws = Aws::for_partition(partition, &context, &config, section, output)?;
    let of_profile = |key: &str| section.and_then(|section| section.get_non_empty(key)).map(str::to_owned);
    let serial = args.serial_number.clone().or_else(|| of_profile("mfa_serial"));
    let serial = serial.filter(|_| args.mfa_session);
    let serial = serial.map(|text| parse_value::<SerialNumber>("--serial-number", &text)).transpose()?;
    if args.mfa_session && serial.is_none() {
        return Err(CliError::usage(
            "--mfa-session needs a device: --serial-number, or the profile's `mfa_serial`",
        ));
    }
    let process = args.mfa_process.clone().or_else(|| of_profile("mfa_process"));
    let process = process.or_else(|| vars::get(vars::ARL_MFA_PROCESS));
    let mfa = serial.as_ref().map(|serial| MfaSessions::new(serial, process.as_deref()));
    runtime()?.block_on(async {
        let keychain = Keychain::open(Some(&name)).await?;
        let _lock = keychain.lock(&name)?;
        let keys = Keys { name: &name, keychain: &keychain, aws: &aws, mfa: mfa.as_ref(), output };
        keys.rotate(args).await
    })
}

/// The key to rotate, with the services and stores that have it.
struct Keys<'a, 'm> {
    name: &'a KeyName,
    keychain: &'a Keychain,
    aws: &'a Aws,
    mfa: Option<&'a MfaSessions<'m>>,
    output: &'a Output,
}

impl Keys<'_, '_> {
    async fn rotate(&self, args: &RotateArgs) -> Result<(), CliError> {
        let store = &self.keychain.store;
        let current = store.get(self.name).await.map_err(|error| self.store_failed(error))?;
        let begun = store.rotation(self.name).await.map_err(|error| self.store_failed(error))?;
        let (current, begun) = match (current, begun) {
            (None, None) => {
                return Err(CliError::new(format!("{} has no key `{}`", store.name(), self.name))
                    .hint("`arl keys list` shows the stored keys"));
            }
            // The store lost the old key before it had stored the new one.
            (None, Some(Rotation { old_id, new: Some(new), .. })) => {
                return self.finish(&old_id, &new, None, args).await;
            }
            (None, Some(_)) => {
                return Err(CliError::new(format!(
                    "the key `{}` is no longer in {}",
                    self.name,
                    store.name()
                ))
                .hint(format!("to store a key of the same user: arl keys add {}", self.name)));
            }
            (Some(current), begun) => (current, begun),
        };
        match begun {
            Some(Rotation { old_id, new: Some(new), .. })
                if new.access_key_id() == current.access_key_id() =>
            {
                self.output.note("continuing an interrupted rotation: the new key is already stored");
                self.retire(&old_id, &new, args.keep_old).await
            }
            Some(Rotation { old_id, new: Some(new), .. }) if old_id == current.access_key_id() => {
                if self.is_deleted(&current, &new).await {
                    let id = new.access_key_id();
                    self.output.note(&format!(
                        "the key {id} of an interrupted rotation no longer exists in AWS; starting again"
                    ));
                    return self.begin(current, None, args).await;
                }
                self.output.note("continuing an interrupted rotation: the new key already exists");
                self.finish(&old_id, &new, Some(&current), args).await
            }
            Some(begun) if begun.old_id == current.access_key_id() => {
                self.begin(current, Some(begun), args).await
            }
            // Another key has been stored since, so the old rotation no longer matters.
            Some(_) | None => self.begin(current, None, args).await,
        }
    }

    /// Refuses to retire a key that is stored under another name too, because that name would be left with a
    /// key that AWS no longer accepts.
    fn ensure_only_name(&self, id: &str) -> Result<(), CliError> {
        let Some(other) = other_names(self.name, id).into_iter().next() else { return Ok(()) };
        Err(CliError::new(format!(
            "the key …{} is also stored as `{other}`, which would stop working",
            last_four(id)
        ))
        .hint(format!(
            "remove the second name, and change its profile to `arl_keys = {}`: arl keys remove {other}",
            self.name
        )))
    }

    /// Creates the new key, after making room for it.
    async fn begin(
        &self,
        current: Credentials,
        begun: Option<Rotation>,
        args: &RotateArgs,
    ) -> Result<(), CliError> {
        let id = current.access_key_id();
        if begun.is_none() {
            self.ensure_only_name(id)?;
        }
        let caller = self.aws.caller(&current).await?;
        let iam = self.aws.iam(&caller.arn);
        let signer = self.signer(&current).await?;
        let listed = iam.access_keys(&signer, Context::now()).await;
        let listed = listed.map_err(|error| iam_failed("could not list the user's keys", error))?;
        if !listed.iter().any(|key| key.id == id) {
            return Err(CliError::new(format!("IAM does not list the stored key …{}", last_four(id)))
                .hint("check that AWS_ENDPOINT_URL_IAM is an endpoint of the same account"));
        }
        let others: Vec<&AccessKey> = listed.iter().filter(|key| key.id != id).collect();
        let room = Room {
            name: self.name,
            iam: &iam,
            signer: &signer,
            current: id,
            begun: begun.as_ref(),
            replace: args.replace.as_deref(),
        };
        room.make(&others, self.output).await?;
        let rotation = Rotation { old_id: id.to_owned(), started: Context::now(), new: None };
        let store = &self.keychain.store;
        store.put_rotation(self.name, &rotation).await.map_err(|error| self.store_failed(error))?;
        let new = match iam.create_access_key(&signer, Context::now()).await {
            Ok(new) => new,
            Err(error) => {
                let is_certain = matches!(error, StsError::Refused { .. }) && !error.is_transient();
                let cli_error = iam_failed("could not create a new key", error);
                if is_certain {
                    self.forget(&rotation).await;
                    return Err(cli_error);
                }
                return Err(cli_error.hint(format!(
                    "AWS may have created the key; to check and continue: arl keys rotate {}",
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

    /// Waits until AWS knows the new key, and stores it.
    async fn finish(
        &self,
        old_id: &str,
        new: &Credentials,
        current: Option<&Credentials>,
        args: &RotateArgs,
    ) -> Result<(), CliError> {
        let rotation =
            Rotation { old_id: old_id.to_owned(), started: Context::now(), new: Some(new.clone()) };
        // The old key may be deactivated by now. Its owner is then known from the record only.
        let recorded = record(self.name).map(|record| record.arn).filter(|arn| !arn.is_empty());
        let arn = match current {
            Some(current) => match self.aws.sts.caller_identity(current).await {
                Ok(caller) => Some(caller.arn),
                Err(StsError::Refused { code, .. }) if code == UNKNOWN_KEY => recorded,
                Err(_) => Some(self.aws.caller(current).await?.arn),
            },
            None => recorded,
        };
        let new_arn = self.wait_for(new).await?;
        if let Some(arn) = &arn
            && *arn != new_arn
        {
            let error = CliError::new("the new key belongs to another identity, so arl does not use it")
                .caused_by(format!("it belongs to `{new_arn}`, and the stored key to `{arn}`"));
            let Some(current) = current else { return Err(error) };
            let iam = self.aws.iam(arn);
            return Err(self.take_back(&iam, current, new.access_key_id(), &rotation, error).await);
        }
        let put = self.keychain.store.put(self.name, new).await;
        put.map_err(|error| {
            self.store_failed(error).hint(format!("then continue: arl keys rotate {}", self.name))
        })?;
        self.retire(old_id, new, args.keep_old).await
    }

    /// Waits until AWS knows the new key. Returns its owner.
    async fn wait_for(&self, new: &Credentials) -> Result<String, CliError> {
        let (begin, mut has_waited, mut successes) = (Instant::now(), false, 0);
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
                    if !has_waited {
                        self.output.status("waiting until AWS accepts the new key everywhere");
                    }
                    (has_waited, successes) = (true, 0);
                    (NEW_KEY_PAUSES.0, Some(error))
                }
            };
            if let Some(error) = result
                && begin.elapsed() >= NEW_KEY_TIMEOUT
            {
                let limit = humantime::format_duration(NEW_KEY_TIMEOUT);
                return Err(CliError::new(format!("AWS did not accept the new key within {limit}"))
                    .caused_by(error)
                    .hint(format!(
                        "the old key is still stored; to continue: arl keys rotate {}",
                        self.name
                    )));
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Deactivates and deletes the old key. The new key is stored already, so a failure here loses nothing.
    async fn retire(&self, old_id: &str, new: &Credentials, keep_old: bool) -> Result<(), CliError> {
        let caller = self.aws.caller(new).await?;
        if let Err(error) = self.keychain.write_record(self.name, new.access_key_id(), &caller.arn) {
            self.output.note(&format!("could not store the owner of the key: {error}"));
        }
        let iam = self.aws.iam(&caller.arn);
        let signer = self.signer(new).await.map_err(|error| {
            error.hint(format!("the new key is stored; to delete the old one: arl keys rotate {}", self.name))
        })?;
        let deactivated = self.persist(|| iam.deactivate(&signer, Context::now(), old_id)).await;
        let retired = match deactivated {
            Ok(()) if !keep_old => self.persist(|| iam.delete(&signer, Context::now(), old_id)).await,
            result => result,
        };
        self.output.note(&format!("`{}` is now the key {}", self.name, new.access_key_id()));
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
            "warning: could not delete the old key {old_id} ({error}); try again: arl keys rotate {}; or: aws iam delete-access-key --access-key-id {old_id}",
            self.name
        ));
        Ok(())
    }

    /// Retries a call that is signed with a new key, while some hosts of AWS may not know the key.
    async fn persist<F: Future<Output = Result<(), StsError>>>(
        &self,
        call: impl Fn() -> F,
    ) -> Result<(), StsError> {
        let begin = Instant::now();
        loop {
            match call().await {
                Err(error) if is_gone(&error) => return Ok(()),
                Err(error) if begin.elapsed() < RETIRE_TIMEOUT && may_pass(&error) => {}
                result => return result,
            }
            tokio::time::sleep(NEW_KEY_PAUSES.0).await;
        }
    }

    /// Deletes a new key that cannot be used, and removes the entry of the rotation.
    async fn take_back(
        &self,
        iam: &Iam,
        current: &Credentials,
        new_id: &str,
        rotation: &Rotation,
        error: CliError,
    ) -> CliError {
        let signer = match self.signer(current).await {
            Ok(signer) => signer,
            Err(_) => current.clone(),
        };
        match iam.delete(&signer, Context::now(), new_id).await {
            Err(failure) if !is_gone(&failure) => error
                .caused_by(format!("could not delete the new key {new_id}: {failure}"))
                .hint(format!("delete it: aws iam delete-access-key --access-key-id {new_id}")),
            _ => {
                self.forget(rotation).await;
                error.hint(format!("arl deleted the new key again, and `{}` is unchanged", self.name))
            }
        }
    }

    /// Removes the entry of a rotation that has nothing left to do. If that fails, the next run finds that
    /// there is nothing to continue.
    async fn forget(&self, rotation: &Rotation) {
        if let Err(error) = self.keychain.store.remove_rotation(self.name).await {
            self.output.trace(|| {
                format!("could not delete the note about the rotation of key {}: {error}", rotation.old_id)
            });
        }
    }

    /// Whether the new key has been deleted in AWS. `false` if arl cannot find out.
    async fn is_deleted(&self, current: &Credentials, new: &Credentials) -> bool {
        let Ok(caller) = self.aws.sts.caller_identity(current).await else { return false };
        let Ok(signer) = self.signer(current).await else { return false };
        let listed = self.aws.iam(&caller.arn).access_keys(&signer, Context::now()).await;
        listed.is_ok_and(|keys| keys.iter().all(|key| key.id != new.access_key_id()))
    }

    /// Returns the credentials that sign the calls about the keys.
    async fn signer(&self, keys: &Credentials) -> Result<Credentials, CliError> {
        match self.mfa {
            Some(mfa) => mfa.session(keys, &self.aws.sts, self.output).await,
            None => Ok(keys.clone()),
        }
    }

    fn store_failed(&self, error: KeyStoreError) -> CliError {
        keychain_failed(format!("could not rotate the key `{}`", self.name), error)
    }
}

/// Whether the same call may succeed soon.
fn may_pass(error: &StsError) -> bool {
    error.is_transient() || matches!(error, StsError::Refused { code, .. } if code == UNKNOWN_KEY)
}
