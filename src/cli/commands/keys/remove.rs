//! `arl keys remove`: removes a key from the keychain.

use arl::internal::{KeyName, SharedConfig, SharedFile};

use clap_complete::engine::ArgValueCompleter;

use crate::cli::args::complete;
use crate::cli::commands::keys::keychain::{Keychain, keychain_failed, parse_name, record};
use crate::cli::commands::keys::profile;
use crate::cli::env::context::Context;
use crate::cli::env::dirs::private_runtime_dir;
use crate::cli::session::runtime::runtime;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::output::Output;
use crate::cli::ui::prompt;
use crate::cli::ui::prompt::PromptError;
use crate::cli::ui::terminal::Echo;

#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct RemoveArgs {
    /// The name of the key
    #[arg(add = ArgValueCompleter::new(complete::key_names))]
    name: String,
    /// Do not ask for confirmation
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &RemoveArgs, output: &Output) -> Result<(), CliError> {
    let name = parse_name(&args.name)?;
    let context = Context::read()?;
    context.remove_leftovers();
    let config = context.shared_config()?;
    let record_before = record(&name);
    runtime()?.block_on(async {
        let keychain = Keychain::open(Some(&name)).await?;
        let _lock = keychain.lock(&name)?;
        let failed = |error| keychain_failed(format!("could not remove the key `{name}`"), error);
        let names = keychain.store.names().await.map_err(failed)?;
        if !names.contains(&name) && record_before.is_none() {
            return Err(CliError::new(format!("{} has no key `{name}`", keychain.store.name()))
                .hint("`arl keys list` shows the stored keys"));
        }
        if !args.force {
            confirm(&name).await?;
        }
        keychain.store.remove(&name).await.map_err(failed)?;
        keychain.store.remove_rotation(&name).await.map_err(failed)?;
        keychain.remove_record(&name);
        output.note(&format!("removed the key `{name}` from {}", keychain.store.name()));
        forget_in_profiles(&name, &context, &config, output)?;
        let id = record_before.map(|record| record.access_key_id).unwrap_or_else(|| "KEY_ID".to_owned());
        output.note(&format!(
            "AWS still accepts it; to delete it there: aws iam delete-access-key --access-key-id {id}"
        ));
        Ok(())
    })
}

/// Asks the user to confirm, because the secret cannot be recovered.
async fn confirm(name: &KeyName) -> Result<(), CliError> {
    let question = format!("Remove the key {name}? Its secret cannot be recovered. [y/N] ");
    let answer = prompt::ask_line(&question, Echo::On, &private_runtime_dir()).await;
    match answer {
        Ok(answer) if ["y", "yes"].contains(&answer.expose().to_ascii_lowercase().as_str()) => Ok(()),
        Ok(_) => Err(CliError::new(format!("arl kept the key `{name}`"))),
        Err(PromptError::NoTerminal) => {
            Err(CliError::new("removing the key loses its secret, and there is no terminal to ask on")
                .status(ExitStatus::UserNeeded)
                .hint("to remove it without confirmation: --force"))
        }
        Err(PromptError::NotTyped(cause)) => {
            Err(CliError::new(format!("arl kept the key `{name}`")).caused_by(cause))
        }
        Err(PromptError::Io(error)) => Err(CliError::new("could not ask").caused_by(error)),
    }
}

/// Removes the key's name from the profiles that use it.
fn forget_in_profiles(
    name: &KeyName,
    context: &Context,
    config: &SharedConfig<'_>,
    output: &Output,
) -> Result<(), CliError> {
    for user in profile::users(config, name) {
        let section = config.profile(user);
        let process = section.and_then(|section| section.get("credential_process"));
        let is_own = process.is_some_and(|process| process.ends_with(&format!(" keys show {name} --json")));
        let unset: &[&str] = if is_own { &["arl_keys", "credential_process"] } else { &["arl_keys"] };
        let (path, _) =
            profile::edit(context, SharedFile::Config, &profile::parse_profile(user)?, Vec::new(), unset)?;
        output.note(&format!("profile {user} in `{}` no longer uses it", path.display()));
    }
    Ok(())
}
