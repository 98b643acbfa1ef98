//! `arl arn`: formats ARNs.

use arl::internal::shell::Shell;
use arl::internal::{AccountId, Partition, RoleArn};

use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter};

use crate::cli::args::complete;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;
use crate::cli::ui::text::quote_words;

#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct ArnArgs {
    /// The account ID; arl adds missing leading zeros
    #[arg(add = ArgValueCompleter::new(complete::account_ids))]
    account: String,
    /// The name of the role, with its path if it has one
    #[arg(add = ArgValueCompleter::new(complete::role_names))]
    name: String,
    /// Format the ARN of this role session
    #[arg(long, value_name = "NAME")]
    session: Option<String>,
    /// The AWS partition
    #[arg(long, value_name = "PARTITION", default_value = "aws")]
    #[arg(add = ArgValueCandidates::new(complete::partitions))]
    partition: String,
}

pub(crate) fn run(args: ArnArgs, output: &Output) -> Result<(), CliError> {
    let bad = |what: &str| {
        let what = what.to_owned();
        move |error: arl::internal::Error| CliError::usage(format!("{what} {error}"))
    };
    let partition: Partition = args.partition.parse().map_err(bad("--partition"))?;
    let account = AccountId::padded(&args.account).map_err(bad("account")).map_err(|error| {
        let is_swapped = AccountId::padded(&args.name).is_ok();
        let words = [args.name.clone(), args.account.clone()];
        error.hints(
            is_swapped
                .then(|| format!("the account comes first: arl arn {}", quote_words(Shell::Posix, &words))),
        )
    })?;
    let role = RoleArn::new(partition, account, &args.name).map_err(bad("role name"))?;
    let text = match args.session {
        Some(session) => role.session(&session).map_err(bad("--session"))?.to_string(),
        None => role.to_string(),
    };
    output.write_data(format!("{text}\n").as_bytes())
}
