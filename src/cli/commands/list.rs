//! `arl list`: one table of the roles that profiles name, then other cached sessions, and the sign-ins.

use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

use arl::internal::shell::ShellState;
use arl::internal::{
    RoleArn, RoleProfile, Section, SessionSummary, SharedConfig, SourceResolver, TokenStore, web_identity_key,
};
use serde_json::json;

use crate::cli::env::cache_location::CacheLocation;
use crate::cli::env::context::Context;
use crate::cli::env::shell_state::{expired_since, shell_state};
use crate::cli::env::vars;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;
use crate::cli::ui::session_table;
use crate::cli::ui::sign_in_table::{self, ListedSignIn};
use crate::cli::ui::text::{format_table, human_duration, printable};

#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct ListArgs {
    /// Show only roles whose profile, account or role contains this text; `*` stands for any text
    pattern: Option<String>,
    /// Print JSON, one object per line
    #[arg(long)]
    json: bool,
}

const HEADINGS: [&str; 7] = ["", "PROFILE", "ACCOUNT", "ROLE", "SOURCE", "MFA", "LEFT"];

pub(crate) fn run(args: &ListArgs, output: &Output) -> Result<(), CliError> {
    let context = Context::read()?;
    let config = context.shared_config()?;
    let var = |name: &str| vars::get(name);
    let resolver = SourceResolver::new(&config, &var, arl::internal::ShellRole::Ignore);
    let now = Context::now();
    let pattern = args.pattern.as_deref().map(Pattern::new);
    let is_wanted = |texts: &[&str]| {
        pattern.as_ref().is_none_or(|pattern| texts.iter().any(|text| pattern.matches(text)))
    };
    let mut sessions = sessions(&context, output);
    let expirations: HashMap<String, SystemTime> = sessions
        .iter()
        .filter_map(|session| Some((session.role_arn()?.to_owned(), session.expiration)))
        .collect();
    let is_live = matches!(shell_state(), ShellState::Role { .. }) && expired_since().is_none();
    let current = vars::get(vars::ARL_ROLE).filter(|_| is_live);
    let mut chains = SourceChains { config: &config, known: HashMap::new() };
    let mut roles: Vec<ListedRole> = Vec::new();
    for name in config.profile_names() {
        let Some(section) = config.profile(name) else { continue };
        let Some(mut role) = ListedRole::read(name, section, output) else { continue };
        if is_wanted(&[name, &role.account_id, &role.role_name]) {
            role.complete(&mut chains, &expirations, current.as_deref());
            roles.push(role);
        }
    }
    // A session of a role in the table stands there already.
    let listed: HashSet<String> =
        roles.iter().filter_map(|role| Some(role.role_arn.as_ref()?.to_string())).collect();
    if !args.json {
        sessions.retain(|session| session.role_arn().is_none_or(|arn| !listed.contains(arn)));
    }
    sessions.retain(|session| is_wanted(&[session.role_arn().unwrap_or_default()]));
    let sign_ins =
        if pattern.is_some() { Vec::new() } else { sign_ins(&config, &resolver, &context, output) };
    let text = if args.json {
        roles.iter().map(|role| role.to_json(now)).collect::<String>()
            + &session_table::session_lines(&sessions, now)
            + &sign_in_table::sign_in_lines(&sign_ins, now)
    } else {
        if roles.is_empty() {
            output.note(if pattern.is_some() {
                "no profile with a role matches"
            } else {
                "no profile has a role"
            });
        }
        let tables = [
            role_table(&roles, now),
            session_table::session_table(&sessions, now),
            sign_in_table::sign_in_table(&sign_ins, now),
        ];
        tables.into_iter().filter(|table| !table.is_empty()).collect::<Vec<_>>().join("\n")
    };
    output.write_data(text.as_bytes())
}

/// What the user wants to see: a part of a text, or a whole text where `*` stands for any part. Case does not
/// matter.
struct Pattern(Vec<String>, bool);

impl Pattern {
    fn new(text: &str) -> Self {
        let is_whole = text.contains('*');
        Self(text.to_lowercase().split('*').map(str::to_owned).collect(), is_whole)
    }

    fn matches(&self, text: &str) -> bool {
        let Self(parts, is_whole) = self;
        let text = text.to_lowercase();
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return true };
        if !is_whole {
            return text.contains(first.as_str());
        }
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        for part in &parts[1..parts.len() - 1] {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

/// Where the `source_profile`s of profiles lead, each walked once: a file may have thousands of them.
struct SourceChains<'a> {
    config: &'a SharedConfig<'a>,
    known: HashMap<String, SourceOutcome>,
}

/// Where the `source_profile`s of a profile lead.
#[derive(Debug, Clone, Default)]
struct SourceOutcome {
    /// How many profiles it takes, its own included.
    profiles: usize,
    /// Whether a role on the way has an MFA device.
    needs_mfa: bool,
    /// Why the profile cannot work.
    fault: Option<String>,
}

impl SourceChains<'_> {
    fn of(&mut self, name: &str) -> SourceOutcome {
        let mut walked: Vec<(String, bool)> = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        let mut next = name.to_owned();
        let broken = |fault: String| SourceOutcome { fault: Some(fault), ..SourceOutcome::default() };
        let mut outcome = loop {
            if let Some(known) = self.known.get(&next) {
                break known.clone();
            }
            if !seen.insert(next.clone()) {
                break broken(format!("`{next}` is a source of itself"));
            }
            let Some(section) = self.config.profile(&next) else {
                break broken(format!("there is no profile `{next}`"));
            };
            let is_role = section.get_non_empty("role_arn").is_some();
            let source = section.get_non_empty("source_profile").filter(|_| is_role);
            walked.push((next.clone(), is_role && section.get_non_empty("mfa_serial").is_some()));
            match source {
                // Some tools write a profile whose own keys are the source of its role.
                Some(source) if source != next => next = source.to_owned(),
                _ => break SourceOutcome::default(),
            }
        };
        while let Some((name, has_device)) = walked.pop() {
            outcome.profiles += 1;
            outcome.needs_mfa |= has_device;
            if outcome.profiles > MAX_SOURCES + 1 && outcome.fault.is_none() {
                outcome.fault = Some(format!("more than {MAX_SOURCES} profiles in a row"));
            }
            self.known.insert(name, outcome.clone());
        }
        outcome
    }
}

/// How many profiles a chain may have, as when it is used.
const MAX_SOURCES: usize = 100;

/// The role of a profile.
#[derive(Default)]
struct ListedRole {
    profile: String,
    /// `None` for a role of IAM Identity Center, whose ARN only the service knows.
    role_arn: Option<RoleArn>,
    account_id: String,
    role_name: String,
    source: String,
    mfa_serial: Option<String>,
    region: Option<String>,
    /// Whether it, or a role on the way, has an MFA device.
    needs_mfa: bool,
    /// Why it cannot work.
    fault: Option<String>,
    /// Whether this shell has the role.
    is_current: bool,
    /// When the last of its cached sessions expires.
    expiration: Option<SystemTime>,
}

impl ListedRole {
    /// Reads the role of a profile, if it has one. An invalid profile is noted and left out.
    fn read(name: &str, section: &Section<'_>, output: &Output) -> Option<Self> {
        match RoleProfile::read(name, section) {
            Ok(Some(profile)) => Some(Self {
                profile: name.to_owned(),
                account_id: profile.role_arn.account_id().to_string(),
                role_name: profile.role_arn.role_name().to_owned(),
                role_arn: Some(profile.role_arn),
                source: source_label(section),
                mfa_serial: profile.mfa_serial.map(|serial| serial.to_string()),
                region: profile.region,
                ..Self::default()
            }),
            Ok(None) if section.get("sso_role_name").is_some() => Some(Self {
                profile: name.to_owned(),
                role_arn: None,
                account_id: section.get("sso_account_id")?.to_owned(),
                role_name: section.get("sso_role_name")?.to_owned(),
                source: section.get("sso_session").unwrap_or("IAM Identity Center").to_owned(),
                mfa_serial: None,
                region: section.get_non_empty("region").map(str::to_owned),
                ..Self::default()
            }),
            // A profile with a token file assumes its role with a web identity.
            Ok(None) => {
                web_identity_key(section)?;
                let role_arn: RoleArn = section.get("role_arn")?.parse().ok()?;
                Some(Self {
                    profile: name.to_owned(),
                    account_id: role_arn.account_id().to_string(),
                    role_name: role_arn.role_name().to_owned(),
                    role_arn: Some(role_arn),
                    source: "web identity".to_owned(),
                    mfa_serial: None,
                    region: section.get_non_empty("region").map(str::to_owned),
                    ..Self::default()
                })
            }
            Err(error) => {
                output.note(&error.to_string());
                None
            }
        }
    }

    /// Adds what the other profiles, the shell and the cache tell about the role.
    fn complete(
        &mut self,
        chains: &mut SourceChains<'_>,
        expirations: &HashMap<String, SystemTime>,
        current: Option<&str>,
    ) {
        let SourceOutcome { needs_mfa, fault, profiles: _ } = chains.of(&self.profile);
        self.needs_mfa = needs_mfa || self.mfa_serial.is_some();
        self.fault = fault;
        self.is_current = current == Some(&*self.profile);
        let arn = self.role_arn.as_ref().map(ToString::to_string);
        self.expiration = arn.and_then(|arn| expirations.get(&arn).copied());
    }

    /// Returns the role as one line of JSON.
    fn to_json(&self, now: SystemTime) -> String {
        let seconds_left = self.expiration.map(|end| end.duration_since(now).unwrap_or_default().as_secs());
        let object = json!({
            "profile": self.profile,
            "role_arn": self.role_arn.as_ref().map(ToString::to_string),
            "account_id": self.account_id,
            "role_name": self.role_name,
            "source": self.source,
            "mfa": self.needs_mfa,
            "mfa_serial": self.mfa_serial,
            "region": self.region,
            "current": self.is_current,
            "error": self.fault,
            "seconds_left": seconds_left,
        });
        format!("{object}\n")
    }

    /// Returns the role as a row of the table.
    fn to_row(&self, now: SystemTime) -> [String; HEADINGS.len()] {
        let mark = match (self.is_current, &self.fault) {
            (true, _) => "*",
            (false, Some(_)) => "!",
            (false, None) => "",
        };
        let source = match &self.fault {
            Some(fault) => format!("{}: {fault}", self.source),
            None => self.source.clone(),
        };
        let mfa = if self.needs_mfa { "yes" } else { "" };
        let left = self.expiration.and_then(|end| end.duration_since(now).ok()).map(human_duration);
        [mark, &self.profile, &self.account_id, &self.role_name, &source, mfa, &left.unwrap_or_default()]
            .map(printable)
    }
}

/// Returns the roles as a table. Without roles it is empty.
fn role_table(roles: &[ListedRole], now: SystemTime) -> String {
    if roles.is_empty() {
        return String::new();
    }
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(roles.iter().map(|role| role.to_row(now)));
    format_table(&rows)
}

/// Returns the cached sessions. An error of the cache must not hide the profiles.
fn sessions(context: &Context, output: &Output) -> Vec<SessionSummary> {
    let cached =
        || CacheLocation::from_env(context).ok()?.open(output).ok()??.list(Context::now(), usize::MAX).ok();
    let mut sessions = cached().unwrap_or_default();
    sessions.sort_by_key(|session| session.expiration);
    sessions
}

/// Returns the configured sign-ins: those of sessions, then those of profiles with a start URL of their own.
fn sign_ins(
    config: &SharedConfig<'_>,
    resolver: &SourceResolver<'_>,
    context: &Context,
    output: &Output,
) -> Vec<ListedSignIn> {
    let Some(store) = context.home().map(TokenStore::new) else { return Vec::new() };
    let named = config.sso_session_names().into_iter().map(|name| resolver.sso_session(name));
    let legacy = config.profile_names().into_iter().filter(|name| {
        let has = |key| config.profile(name).is_some_and(|section| section.get_non_empty(key).is_some());
        has("sso_start_url") && !has("sso_session")
    });
    let sessions = named.chain(legacy.map(|name| resolver.sso_session_of_profile(name)));
    let mut listed: Vec<ListedSignIn> = Vec::new();
    for session in sessions {
        let read = session.map_err(|error| error.to_string()).and_then(|session| {
            let token = store.read(&session).map_err(|error| error.to_string())?;
            Ok(ListedSignIn { session, token })
        });
        match read {
            Ok(sign_in) if listed.iter().any(|other| other.session == sign_in.session) => {}
            Ok(sign_in) => listed.push(sign_in),
            Err(error) => output.note(&error),
        }
    }
    listed
}

fn source_label(section: &Section<'_>) -> String {
    if let Some(name) = section.get_non_empty("arl_keys") {
        return format!("keys:{name}");
    }
    section.get("source_profile").or_else(|| section.get("credential_source")).unwrap_or("-").to_owned()
}
