//! `arl keys list`: the stored keys, without a secret.

use arl::internal::{KeyName, KeyRecord, SharedConfig};
use serde_json::json;

use crate::cli::commands::keys::keychain::{Keychain, keychain_failed, record};
use crate::cli::commands::keys::profile;
use crate::cli::env::context::Context;
use crate::cli::env::key_records::recorded_names;
use crate::cli::session::runtime::runtime;
use crate::cli::ui::error::CliError;
use crate::cli::ui::json::json_line;
use crate::cli::ui::local_time::text_with_local_time;
use crate::cli::ui::output;
use crate::cli::ui::output::Output;
use crate::cli::ui::text::{Fit, format_table_within, printable};

#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct ListArgs {
    /// Print JSON, one object per line
    #[arg(long)]
    json: bool,
}

const HEADINGS: [&str; 6] = ["NAME", "KEY", "USER", "STORE", "STORED", "PROFILES"];

/// The name, which the user types, becomes narrower last; the key ID, which AWS shows too, never.
const FITS: [Fit; HEADINGS.len()] =
    [Fit::Last(12), Fit::Never, Fit::First(8), Fit::First(6), Fit::First(11), Fit::First(8)];

/// A stored key.
struct Listed {
    name: KeyName,
    record: Option<KeyRecord>,
    store: String,
    /// Whether the store lacks the key. Only the opened store is asked.
    is_missing: bool,
    profiles: Vec<String>,
}

pub(crate) fn run(args: &ListArgs, output: &Output) -> Result<(), CliError> {
    let context = Context::read()?;
    context.remove_leftovers();
    let config = context.shared_config()?;
    let keys = runtime()?.block_on(find(&config))?;
    if keys.is_empty() {
        output.note("no keys are stored; arl keys add NAME stores one");
    }
    let text = match args.json {
        true => keys.iter().map(Listed::to_json).collect(),
        false if keys.is_empty() => String::new(),
        false => {
            let mut rows = vec![HEADINGS.map(str::to_owned)];
            rows.extend(keys.iter().map(Listed::to_row));
            format_table_within(&rows, output::stdout_columns(), FITS)
        }
    };
    output.write_data(text.as_bytes())
}

async fn find(config: &SharedConfig<'_>) -> Result<Vec<Listed>, CliError> {
    let keychain = Keychain::open(None).await?;
    let failed = |error| keychain_failed("could not list the stored keys", error);
    let stored = keychain.store.names().await.map_err(failed)?;
    let mut names: Vec<KeyName> = stored.iter().cloned().chain(recorded_names()).collect();
    names.sort();
    names.dedup();
    let opened = keychain.store.name();
    let listed = names.into_iter().map(|name| {
        let is_stored = stored.contains(&name);
        let record = record(&name);
        let elsewhere = record.as_ref().map(|record| &record.store).filter(|store| *store != opened);
        let store = elsewhere.filter(|_| !is_stored).unwrap_or(opened).clone();
        let is_missing = !is_stored && store == *opened;
        let profiles = profile::users(config, &name).into_iter().map(str::to_owned).collect();
        // A record of a key in another store says nothing about this key.
        let record = record.filter(|record| record.store == store);
        Listed { name, record, store: store.to_string(), is_missing, profiles }
    });
    Ok(listed.collect())
}

impl Listed {
    fn to_row(&self) -> [String; HEADINGS.len()] {
        let of_record = |get: fn(&KeyRecord) -> &str| {
            let text = self.record.as_ref().map(get).filter(|text| !text.is_empty());
            printable(text.unwrap_or("-"))
        };
        let store = if self.is_missing { format!("{} (missing)", self.store) } else { self.store.clone() };
        [
            self.name.to_string(),
            of_record(|record| &record.access_key_id),
            of_record(|record| &record.arn),
            store,
            text_with_local_time(&of_record(|record| &record.stored_at)),
            printable(&if self.profiles.is_empty() { "-".to_owned() } else { self.profiles.join(", ") }),
        ]
    }

    fn to_json(&self) -> String {
        let of_record = |get: fn(&KeyRecord) -> &str| {
            self.record.as_ref().map(get).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let object = json!({
            "name": self.name.as_str(),
            "access_key_id": of_record(|record| &record.access_key_id),
            "arn": of_record(|record| &record.arn),
            "store": self.store,
            "stored_at": of_record(|record| &record.stored_at),
            "missing": self.is_missing,
            "profiles": self.profiles,
        });
        json_line(&object)
    }
}
