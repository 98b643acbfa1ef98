//! `arl keys`: long-term keys in the system's keychain.

mod add;
mod aws;
mod given;
pub(crate) mod keychain;
mod list;
mod profile;
mod remove;
mod room;
mod rotate;
mod show;
mod signer;

use clap::Subcommand;

use crate::cli::args::help::TEMPLATE;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;

const SHORT_EXAMPLES: &str = "  \
  arl keys add dev                          stores a key, for: arl exec ROLE --profile dev
  arl keys rotate dev                       creates a new key and deletes the old one";

const EXAMPLES: &str = "Examples:
  arl keys add dev                          stores a key, for: arl exec ROLE --profile dev
  arl keys add dev --import default         moves the keys of a profile out of ~/.aws/credentials
  arl keys rotate dev                       creates a new key and deletes the old one
  arl configure --keys dev --profile-name sdk   write a profile that gives SDKs the stored key";

const AFTER_HELP: &str = "\
arl reaches the system's keychain through a docker-credential helper: osxkeychain, secretservice, pass, or \
the one that ARL_KEY_STORE names. A profile with `arl_keys = NAME` uses the key that is stored under NAME as its source credentials.

`add` checks the key with GetCallerIdentity, which needs no permission. `rotate` needs iam:ListAccessKeys, \
CreateAccessKey, UpdateAccessKey, DeleteAccessKey and GetAccessKeyLastUsed for the user itself. If `rotate` \
is interrupted, run it again: it continues where it stopped.";

#[derive(Debug, clap::Args)]
#[command(before_help = SHORT_EXAMPLES, before_long_help = EXAMPLES, after_long_help = AFTER_HELP)]
#[command(help_template = TEMPLATE)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Store an access key, and write a profile that uses it
    Add(add::AddArgs),
    /// List the stored keys, without secrets
    List(list::ListArgs),
    /// Show who a key belongs to, or print it for `credential_process`
    Show(show::ShowArgs),
    /// Replace a key with a new one, and delete the old one in AWS
    Rotate(rotate::RotateArgs),
    /// Remove a key from the keychain; AWS still accepts it
    Remove(remove::RemoveArgs),
}

pub(crate) fn run(args: KeysArgs, output: &Output) -> Result<(), CliError> {
    match args.command {
        KeysCommand::Add(args) => add::run(&args, output),
        KeysCommand::List(args) => list::run(&args, output),
        KeysCommand::Show(args) => show::run(&args, output),
        KeysCommand::Rotate(args) => rotate::run(&args, output),
        KeysCommand::Remove(args) => remove::run(&args, output),
    }
}
