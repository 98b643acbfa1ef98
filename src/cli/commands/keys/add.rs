//! `arl keys add`: stores an access key, and writes a profile that names it.

use arl::internal::{
    CallerIdentity, Credentials, KeyName, ProfileName, SerialNumber, SharedConfig, SharedFile, UpdateOutcome,
};

use clap_complete::engine::ArgValueCompleter;

use crate::cli::args::complete;
use crate::cli::commands::configure::keys::stored_key_process;
use crate::cli::commands::keys::aws::Aws;
use crate::cli::commands::keys::given;
use crate::cli::commands::keys::keychain::{Keychain, keychain_failed, parse_name};
use crate::cli::commands::keys::profile;
use crate::cli::env::context::Context;
use crate::cli::env::dirs::private_runtime_dir;
use crate::cli::session::runtime::runtime;
use crate::cli::ui::error::{CliError, parse_value};
use crate::cli::ui::output::Output;
use crate::cli::ui::prompt;
use crate::cli::ui::terminal::Echo;
use crate::cli::ui::text::last_four;

#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct AddArgs {
    /// The name to store it under
    name: String,
    /// Read the key from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
    #[arg(long, conflicts_with_all = ["stdin", "import"])]
    env: bool,
    /// Read the key from stdin: two lines, or the JSON of `aws iam create-access-key`
    #[arg(long, conflicts_with = "import")]
    stdin: bool,
    /// Move the keys of this profile out of the shared files
    #[arg(long, value_name = "PROFILE", add = ArgValueCompleter::new(complete::profiles))]
    import: Option<String>,
    /// The profile to write [default: the profile of --import, else NAME]
    #[arg(long, alias = "profile_name", value_name = "NAME", conflicts_with = "import")]
    profile_name: Option<String>,
    /// Write no profile
    #[arg(long, conflicts_with_all = ["profile_name", "import", "serial_number"])]
    no_profile: bool,
    /// The user's MFA device, for the profile [default: arl asks at a terminal]
    #[arg(long, alias = "mfa-serial", value_name = "ARN")]
    serial_number: Option<String>,
    /// The region for the check of the key, and for the profile
    #[arg(short, long, value_name = "REGION", add = ArgValueCompleter::new(complete::regions))]
    region: Option<String>,
    /// Replace the key that is stored under this name
    #[arg(long)]
    force: bool,
}

/// A profile that this command changes.
struct ProfileChange {
    name: ProfileName,
    is_import: bool,
}

pub(crate) fn run(args: &AddArgs, output: &Output) -> Result<(), CliError> {
    let name = parse_name(&args.name)?;
    let context = Context::read()?;
    context.remove_leftovers();
    let config = context.shared_config()?;
    let change = plan_profile(args, &name, &config)?;
    let serial = args.serial_number.as_deref();
    let serial = serial.map(|text| parse_value::<SerialNumber>("--serial-number", text)).transpose()?;
    let section = change.as_ref().and_then(|change| config.profile(change.name.as_str()));
    let aws = Aws::new(args.region.as_deref(), &context, &config, section, output)?;
    runtime()?.block_on(async {
        let keychain = Keychain::open(Some(&name)).await?;
        let _lock = keychain.lock(&name)?;
        let stored = keychain.store.get(&name).await;
        let stored = match stored {
            // With --force an unreadable entry is replaced.
            Err(_) if args.force => None,
            stored => stored
                .map_err(|error| keychain_failed(format!("could not look up the key `{name}`"), error))?,
        };
        let keys = match (&args.import, args.env, args.stdin) {
            (Some(profile), ..) => {
                let section = config.profile(profile);
                given::from_profile(profile, section.ok_or_else(|| no_profile(profile))?)?
            }
            (None, true, _) => given::from_environment()?,
            (None, _, true) => given::from_stdin()?,
            (None, false, false) => given::typed().await?,
        };
        refuse_replacement(&name, stored.as_ref(), &keys, args.force)?;
        let caller = aws.caller(&keys).await?;
        let has_device = section.is_some_and(|section| section.get("mfa_serial").is_some());
        let asks = change.is_some() && serial.is_none() && !has_device && !is_given(args);
        let serial = match asks {
            true => ask_for_device(&aws, &keys, &caller).await?,
            false => serial,
        };
        put(&keychain, &name, &keys, &caller, stored.as_ref(), output).await?;
        match &change {
            Some(change) => write_profile(change, &name, args, serial.as_ref(), &context, &config, output),
            None => Ok(()),
        }
    })
}

fn is_given(args: &AddArgs) -> bool {
    args.env || args.stdin || args.import.is_some()
}

fn no_profile(name: &str) -> CliError {
    CliError::new(format!("there is no profile `{name}`"))
}

/// Decides which profile is written. Refuses a profile with another identity.
fn plan_profile(
    args: &AddArgs,
    name: &KeyName,
    config: &SharedConfig<'_>,
) -> Result<Option<ProfileChange>, CliError> {
    if args.no_profile {
        return Ok(None);
    }
    if let Some(profile) = &args.import {
        let section = config.profile(profile).ok_or_else(|| no_profile(profile))?;
        profile::ensure_importable(profile, section)?;
        return Ok(Some(ProfileChange { name: profile::parse_profile(profile)?, is_import: true }));
    }
    let profile = profile::parse_profile(args.profile_name.as_deref().unwrap_or(name.as_str()))?;
    profile::ensure_free(&profile, name, config.profile(profile.as_str()))?;
    Ok(Some(ProfileChange { name: profile, is_import: false }))
}

/// Refuses to replace another key, because the user could not get its secret back.
fn refuse_replacement(
    name: &KeyName,
    stored: Option<&Credentials>,
    keys: &Credentials,
    force: bool,
) -> Result<(), CliError> {
    match stored {
        Some(stored) if stored.access_key_id() != keys.access_key_id() && !force => {
            let id = last_four(stored.access_key_id());
            Err(CliError::new(format!("`{name}` already stores the key …{id}, which would be lost"))
                .hint("choose another name, or pass --force")
                .hint(format!("to replace it with a new key of the same user: arl keys rotate {name}")))
        }
        _ => Ok(()),
    }
}

/// Asks the user for the MFA device of the profile. It suggests the device that IAM lists, if the key may
/// list devices.
async fn ask_for_device(
    aws: &Aws,
    keys: &Credentials,
    caller: &CallerIdentity,
) -> Result<Option<SerialNumber>, CliError> {
    let devices = aws.iam(&caller.arn).mfa_devices(keys, Context::now()).await;
    let offer = match devices.as_deref() {
        Ok([]) => return Ok(None),
        Ok([device, ..]) => device.clone(),
        // The usual ARN of a virtual device has the user's name.
        Err(_) => caller.arn.replacen(":user/", ":mfa/", 1),
    };
    let offer: Option<SerialNumber> = offer.parse().ok();
    let Some(offer) = offer else { return Ok(None) };
    let question = format!("MFA device of {} [{offer}; - for none]: ", caller.name());
    let answer = prompt::ask_line(&question, Echo::On, &private_runtime_dir()).await;
    match answer.as_ref().map(|answer| answer.expose()) {
        // The key can be stored without a device.
        Err(_) | Ok("-") => Ok(None),
        Ok("") => Ok(Some(offer)),
        Ok(text) => parse_value("the MFA device", text).map(Some),
    }
}

/// Stores the key. This ends a rotation of the previous key.
async fn put(
    keychain: &Keychain,
    name: &KeyName,
    keys: &Credentials,
    caller: &CallerIdentity,
    stored: Option<&Credentials>,
    output: &Output,
) -> Result<(), CliError> {
    let failed = |error| keychain_failed(format!("could not store the key `{name}`"), error);
    let store = &keychain.store;
    let is_other = |stored: &Credentials| stored.access_key_id() != keys.access_key_id();
    if stored.is_none_or(is_other) {
        // With the old record, arl would use cached sessions of the old key if it is interrupted here.
        keychain.remove_record(name);
    }
    store.put(name, keys).await.map_err(failed)?;
    if stored.is_none_or(is_other)
        && let Ok(Some(rotation)) = store.rotation(name).await
    {
        store.remove_rotation(name).await.map_err(failed)?;
        let new = rotation.new.as_ref().map(|new| last_four(new.access_key_id()).to_owned());
        let what = new.map_or_else(|| "the key that it created".to_owned(), |id| format!("key …{id}"));
        output.note(&format!(
            "a rotation of `{name}` was not finished; {what} and key …{} may still be active in AWS",
            last_four(&rotation.old_id)
        ));
    }
    if let Err(error) = keychain.write_record(name, keys.access_key_id(), &caller.arn) {
        output.note(&format!(
            "could not store the owner of the key, so arl does not cache its sessions: {error}"
        ));
    }
    let id = last_four(keys.access_key_id());
    output.note(&format!("key …{id} of {} is stored as `{name}` ({})", caller.arn, store.name()));
    Ok(())
}

/// Writes the profile, and removes imported keys from the shared files.
fn write_profile(
    change: &ProfileChange,
    name: &KeyName,
    args: &AddArgs,
    serial: Option<&SerialNumber>,
    context: &Context,
    config: &SharedConfig<'_>,
    output: &Output,
) -> Result<(), CliError> {
    let mut set = vec![("arl_keys", name.to_string())];
    set.extend(serial.map(|serial| ("mfa_serial", serial.to_string())));
    set.extend(args.region.clone().map(|region| ("region", region)));
    let section = config.profile(change.name.as_str());
    let has_role = section.is_some_and(|section| section.get("role_arn").is_some());
    if change.is_import && !has_role {
        // Programs that used the keys in this profile keep working.
        set.push(("credential_process", stored_key_process(name)?));
    }
    let unset: &[&str] = if change.is_import { &profile::KEY_KEYS } else { &[] };
    let text: Vec<String> = set.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    let (path, _) = profile::edit(context, SharedFile::Config, &change.name, set, unset)?;
    output.note(&format!("profile {} in `{}` now has: {}", change.name, path.display(), text.join("; ")));
    if change.is_import {
        let unset = &profile::KEY_KEYS;
        let (path, outcome) =
            profile::edit(context, SharedFile::Credentials, &change.name, Vec::new(), unset)?;
        if outcome != UpdateOutcome::Unchanged {
            output.note(&format!("removed its keys from `{}`", path.display()));
        }
    }
    Ok(())
}
