//! `arl keys show`: shows the owner of a key, or prints the key for `credential_process`.

use arl::internal::process_json;

use clap_complete::engine::ArgValueCompleter;

use crate::cli::args::complete;
use crate::cli::commands::assume::refuse_readable_file;
use crate::cli::commands::keys::keychain::{keychain_failed, parse_name, record, stored_key};
use crate::cli::commands::keys::profile;
use crate::cli::env::context::Context;
use crate::cli::session::runtime::runtime;
use crate::cli::ui::error::CliError;
use crate::cli::ui::local_time::text_with_local_time;
use crate::cli::ui::output;
use crate::cli::ui::output::{Exposure, Output};
use crate::cli::ui::text::printable;

#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct ShowArgs {
    /// The name of the key
    #[arg(add = ArgValueCompleter::new(complete::key_names))]
    name: String,
    /// Print the key as JSON for `credential_process`
    #[arg(long)]
    json: bool,
    /// Print secrets even to a terminal, or to a file that others can read
    #[arg(long, requires = "json")]
    show: bool,
}

pub(crate) fn run(args: &ShowArgs, output: &Output) -> Result<(), CliError> {
    let name = parse_name(&args.name)?;
    match output::stdout_exposure().filter(|_| args.json && !args.show) {
        Some(Exposure::ReadableFile) => return Err(refuse_readable_file("arl keys show")),
        Some(Exposure::Terminal) => {
            return Err(CliError::new("the terminal would show the secret key").hint(
                "send the output to a program, or to a file that only you can read; --show prints it here",
            ));
        }
        None => {}
    }
    let key = stored_key(&name)?;
    let keys = runtime()?
        .block_on(key.get())
        .map_err(|error| keychain_failed(format!("could not get the key `{name}`"), error))?;
    if args.json {
        return output.write_data(process_json(&keys).as_bytes());
    }
    let context = Context::read()?;
    let config = context.shared_config()?;
    let record = record(&name);
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("{label:<10}{}\n", printable(value)));
        }
    };
    line("key", keys.access_key_id());
    if let Some(record) = &record {
        line("user", &record.arn);
        line("store", record.store.as_str());
        line("stored", &text_with_local_time(&record.stored_at));
    }
    line("profiles", &profile::users(&config, &name).join(", "));
    output.write_data(text.as_bytes())
}
