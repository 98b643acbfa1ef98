//! `arl configure --sso`: writes profiles for roles that IAM Identity Center offers.

use std::collections::HashSet;

use arl::internal::{
    Catalog, CatalogAccount, EditedSection, ProfileEdit, ProfileName, Section, SharedConfig, SharedFile,
    UpdateOutcome,
};

use crate::cli::args::overwrite::Overwrite;
use crate::cli::commands::configure::file::ConfigFile;
use crate::cli::commands::configure::names::{NameTemplate, OfferedRole};
use crate::cli::commands::configure::profile_keys::{CONFLICTING_KEYS, MANAGED_KEYS, MARKER};
use crate::cli::env::context::Context;
use crate::cli::plan::identity_center::session_name;
use crate::cli::session::discovery::{Refresh, discover, discover_account, discover_accounts};
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::output::Output;

/// The keys of a generated profile.
const OWN_KEYS: [&str; 5] = ["sso_session", "sso_account_id", "sso_role_name", "region", MARKER];
/// The most names that an error lists.
const MAX_LISTED: usize = 10;

/// The arguments of the command.
pub(super) struct OfferedArgs<'a> {
    /// The session, if the command line names one.
    pub(super) session: Option<&'a str>,
    pub(super) wanted: Wanted<'a>,
    pub(super) template: NameTemplate<'a>,
    /// `--profile-name`.
    pub(super) name: Option<ProfileName>,
    pub(super) region: Option<&'a str>,
    pub(super) overwrite: Overwrite,
    pub(super) prunes: bool,
    pub(super) refresh: Refresh,
}

/// Which roles get a profile.
pub(super) enum Wanted<'a> {
    All,
    /// The account's ID or its name, and the role.
    One(&'a str, &'a str),
}

impl OfferedArgs<'_> {
    pub(super) fn write(
        &self,
        context: &Context,
        config: &SharedConfig<'_>,
        file: &ConfigFile<'_>,
        output: &Output,
    ) -> Result<ExitStatus, CliError> {
        let session = session_name(self.session, config, context)?;
        let (catalog, account) = self.find(context, &session, output)?;
        let roles = match &self.wanted {
            Wanted::All => roles_of(&catalog, catalog.accounts.iter()),
            Wanted::One(_, role) => {
                let mut roles =
                    roles_of(&catalog, catalog.accounts.iter().filter(|a| Some(&a.id) == account.as_ref()));
                let has = roles.iter().map(|role| format!("`{}`", role.role_name)).collect::<Vec<_>>();
                roles.retain(|other| other.role_name == *role);
                if roles.is_empty() {
                    let account = account.unwrap_or_default();
                    return Err(CliError::new(format!("you have no role `{role}` in account {account}"))
                        .hint(format!("your roles in account {account}: {}", listed(&has))));
                }
                roles
            }
        };
        if roles.is_empty() && catalog.is_complete {
            return Err(CliError::new(format!("`{session}` offers no role")));
        }
        let names = match &self.name {
            Some(name) => vec![name.clone()],
            None => self.template.names(&roles)?,
        };
        let generated = Generated { roles, names, region: self.region };
        self.check_existing(&generated, config)?;
        let pruned = self.pruned(&catalog, &generated.names, config, output)?;
        let unset: Vec<&str> = match self.overwrite {
            Overwrite::Forced => {
                let others = CONFLICTING_KEYS.into_iter().filter(|key| !key.starts_with("aws_"));
                MANAGED_KEYS.into_iter().chain(others).filter(|key| !OWN_KEYS.contains(key)).collect()
            }
            Overwrite::IfHarmless => Vec::new(),
        };
        let edits = generated.edits(config, &unset);
        self.apply(edits, &pruned, file, output)?;
        let moved = generated.moved(config);
        if !moved.is_empty() {
            output.note(&format!("these profiles have a different role now: {}", listed(&moved)));
        }
        Ok(if catalog.is_complete || matches!(self.wanted, Wanted::One(..)) {
            ExitStatus::Success
        } else {
            ExitStatus::Failure
        })
    }

    /// Asks IAM Identity Center for its roles. Also returns the ID of the account if the user asked for one
    /// account.
    fn find(
        &self,
        context: &Context,
        session: &str,
        output: &Output,
    ) -> Result<(Catalog, Option<String>), CliError> {
        let Wanted::One(account, _) = &self.wanted else {
            return Ok((discover(context, session, self.refresh, output)?, None));
        };
        let accounts = discover_accounts(context, session, self.refresh, output)?;
        let id = account_id(&accounts, account)?;
        Ok((discover_account(context, session, &id, self.refresh, output)?, Some(id)))
    }

    /// Refuses to overwrite profiles that arl did not generate for this session, unless they have the same
    /// settings or are not in use.
    fn check_existing(&self, generated: &Generated<'_>, config: &SharedConfig<'_>) -> Result<(), CliError> {
        for name in &generated.names {
            self.overwrite.check_name(name)?;
        }
        if self.overwrite == Overwrite::Forced {
            return Ok(());
        }
        let is_foreign = |index: &usize| {
            let (role, name) = (&generated.roles[*index], &generated.names[*index]);
            config.profile(name.as_str()).is_some_and(|section| {
                let is_own = is_generated(section, role.session) || generated.says(*index, section);
                !is_own && says_something(section)
            })
        };
        let foreign: Vec<String> = (0..generated.names.len())
            .filter(is_foreign)
            .map(|index| format!("`{}`", generated.names[index]))
            .collect();
        match foreign.len() {
            0 => Ok(()),
            1 => Err(CliError::new(format!("profile {} exists already, with other settings", foreign[0]))
                .hint("choose another name with --name-template, or pass --force")),
            count => Err(CliError::new(format!(
                "{count} profiles exist already, with other settings, so arl wrote nothing: {}",
                listed(&foreign)
            ))
            .hint("choose other names with --name-template, or pass --force")),
        }
    }

    /// Returns the profiles to remove: arl generated them for the session, and IAM Identity Center no longer
    /// offers their roles. The profiles in `written` stay, because this run gives them another role, for
    /// example that of an account that was created again with the old name.
    fn pruned(
        &self,
        catalog: &Catalog,
        written: &[ProfileName],
        config: &SharedConfig<'_>,
        output: &Output,
    ) -> Result<Vec<ProfileName>, CliError> {
        if !self.prunes {
            return Ok(Vec::new());
        }
        if !catalog.is_complete {
            output.note(
                "removing no profile, because arl does not know all the roles that IAM Identity Center offers",
            );
            return Ok(Vec::new());
        }
        let offered: HashSet<(&str, &str)> = roles_of(catalog, catalog.accounts.iter())
            .into_iter()
            .map(|role| (role.account_id, role.role_name))
            .collect();
        let written: HashSet<&str> = written.iter().map(ProfileName::as_str).collect();
        let mut pruned = Vec::new();
        for name in config.profile_names().into_iter().filter(|name| !written.contains(name)) {
            let Some(section) = config.profile(name).filter(|s| is_generated(s, &catalog.session)) else {
                continue;
            };
            let get = |key: &str| section.get_from(SharedFile::Config, key).unwrap_or_default();
            if offered.contains(&(get("sso_account_id"), get("sso_role_name"))) {
                continue;
            }
            let other = section
                .keys_in(SharedFile::Config)
                .find(|key| !OWN_KEYS.iter().any(|own| own.eq_ignore_ascii_case(key)));
            match (other, name.parse::<ProfileName>()) {
                (None, Ok(name)) => pruned.push(name),
                (other, _) => {
                    let why = match other {
                        Some(key) => format!("it has `{key}`, which arl did not write"),
                        None => "arl would not write its name".to_owned(),
                    };
                    output.note(&format!(
                        "IAM Identity Center no longer offers the role of profile `{name}`; arl keeps the profile because {why}"
                    ));
                }
            }
        }
        Ok(pruned)
    }

    fn apply<'e>(
        &self,
        mut edits: Vec<ProfileEdit<'e>>,
        pruned: &'e [ProfileName],
        file: &ConfigFile<'_>,
        output: &Output,
    ) -> Result<(), CliError> {
        if let (Wanted::One(..), [edit]) = (&self.wanted, edits.as_slice()) {
            return file.edit_one(edit, &format!("profile {}", edit.profile));
        }
        let written = edits.len();
        edits.extend(pruned.iter().map(|name| ProfileEdit {
            file: SharedFile::Config,
            section: EditedSection::Profile,
            profile: name,
            set: Vec::new(),
            unset: &OWN_KEYS,
            expires: None,
        }));
        let Some(outcome) = file.edit(&edits, "the profiles")? else { return Ok(()) };
        let profiles =
            |count: usize| if count == 1 { "1 profile".to_owned() } else { format!("{count} profiles") };
        let path = file.path.display();
        output.note(&match outcome {
            UpdateOutcome::Unchanged => format!("{} in `{path}`, unchanged", profiles(written)),
            _ => format!("{} in `{path}` up to date", profiles(written)),
        });
        if !pruned.is_empty() {
            let names: Vec<String> = pruned.iter().map(|name| format!("`{name}`")).collect();
            output.note(&format!("removed {}: {}", profiles(pruned.len()), listed(&names)));
        }
        Ok(())
    }
}

/// The profiles that this run writes. Roles and names have the same order.
struct Generated<'a> {
    roles: Vec<OfferedRole<'a>>,
    names: Vec<ProfileName>,
    region: Option<&'a str>,
}

impl Generated<'_> {
    fn keys(&self, index: usize) -> Vec<(&'static str, String)> {
        let OfferedRole { session, account_id, role_name, .. } = self.roles[index];
        let mut keys = vec![
            ("sso_session", session.to_owned()),
            ("sso_account_id", account_id.to_owned()),
            ("sso_role_name", role_name.to_owned()),
        ];
        keys.extend(self.region.map(|region| ("region", region.to_owned())));
        keys.push((MARKER, session.to_owned()));
        keys
    }

    /// Whether a profile that the user wrote has the same settings.
    fn says(&self, index: usize, section: &Section<'_>) -> bool {
        self.keys(index)
            .iter()
            .filter(|(key, _)| *key != MARKER)
            .all(|(key, value)| section.get_from(SharedFile::Config, key) == Some(value))
    }

    /// Returns the generated profiles that named another role before, for example because accounts have new
    /// names. Each text contains the new role and the old one.
    fn moved(&self, config: &SharedConfig<'_>) -> Vec<String> {
        let describe = |(name, role): (&ProfileName, &OfferedRole<'_>)| {
            let section = config.profile(name.as_str()).filter(|s| is_generated(s, role.session))?;
            let get = |key| section.get_from(SharedFile::Config, key);
            let (account, role_name) = (get("sso_account_id")?, get("sso_role_name")?);
            let is_moved = (account, role_name) != (role.account_id, role.role_name);
            is_moved.then(|| {
                format!("`{name}` ({}/{}, was {account}/{role_name})", role.account_id, role.role_name)
            })
        };
        self.names.iter().zip(&self.roles).filter_map(describe).collect()
    }

    /// Returns the edits. A profile that the user wrote with the same settings does not get arl's marker, so
    /// it stays the user's.
    fn edits<'s>(&'s self, config: &SharedConfig<'_>, unset: &'s [&'s str]) -> Vec<ProfileEdit<'s>> {
        let edit = |index: usize| {
            let (profile, mut set) = (&self.names[index], self.keys(index));
            if let Some(section) = config.profile(profile.as_str())
                && section.get_from(SharedFile::Config, MARKER).is_none()
                && self.says(index, section)
            {
                set.retain(|(key, _)| *key != MARKER);
            }
            let (file, section) = (SharedFile::Config, EditedSection::Profile);
            ProfileEdit { file, section, profile, set, unset, expires: None }
        };
        (0..self.names.len()).map(edit).collect()
    }
}

fn roles_of<'a>(
    catalog: &'a Catalog,
    accounts: impl Iterator<Item = &'a CatalogAccount>,
) -> Vec<OfferedRole<'a>> {
    let roles = accounts.flat_map(|account| {
        account.roles.iter().flatten().map(|role_name| OfferedRole {
            session: &catalog.session,
            account_id: &account.id,
            account_name: &account.name,
            role_name,
        })
    });
    roles.collect()
}

/// Returns the ID of the account that the user names by its ID or its name.
fn account_id(catalog: &Catalog, wanted: &str) -> Result<String, CliError> {
    let is_named = |account: &&CatalogAccount| account.name.eq_ignore_ascii_case(wanted);
    let by_id = catalog.accounts.iter().find(|account| account.id == wanted);
    let named: Vec<&CatalogAccount> = catalog.accounts.iter().filter(is_named).collect();
    match (by_id, named.as_slice()) {
        (Some(account), _) => Ok(account.id.clone()),
        (None, [account]) => Ok(account.id.clone()),
        (None, []) => {
            let names = catalog.accounts.iter().map(|account| account.name.as_str());
            let near = arl::internal::closest(wanted, names);
            let error = CliError::new(format!("`{}` offers no account `{wanted}`", catalog.session));
            Err(match near.as_slice() {
                [] => error.hint(format!("to see the accounts: arl list --sso {}", catalog.session)),
                near => error.hint(format!("did you mean {}?", near.join(", "))),
            })
        }
        (None, several) => {
            let ids: Vec<&str> = several.iter().map(|account| account.id.as_str()).collect();
            Err(CliError::usage(format!("several accounts are called `{wanted}`"))
                .hint(format!("name one by its ID: {}", ids.join(", "))))
        }
    }
}

fn is_generated(section: &Section<'_>, session: &str) -> bool {
    section.get_from(SharedFile::Config, MARKER) == Some(session)
}

/// Whether a profile is in use. A profile with only a region is not.
fn says_something(section: &Section<'_>) -> bool {
    let keys = MANAGED_KEYS.into_iter().filter(|key| *key != "region").chain(CONFLICTING_KEYS);
    keys.into_iter().any(|key| section.get(key).is_some())
}

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(MAX_LISTED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(MAX_LISTED) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}
