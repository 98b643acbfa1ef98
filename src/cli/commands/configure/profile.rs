//! Writes a profile for a role to assume, for a role of IAM Identity Center, or for a stored key.

use arl::internal::{
    AccountId, EditedSection, ProfileEdit, ProfileName, RoleProfile, RoleRef, Section, SerialNumber,
    SharedConfig, SharedFile,
};

use crate::cli::args::file_url;
use crate::cli::args::overwrite::Overwrite;
use crate::cli::args::role::RoleArgs;
use crate::cli::commands::configure::file::ConfigFile;
use crate::cli::commands::configure::keys::{
    ProfileSource, process_profile_keys, role_profile_keys, stored_key_process,
};
use crate::cli::commands::configure::profile_keys::{CONFLICTING_KEYS, MANAGED_KEYS, MARKER};
use crate::cli::commands::keys::keychain::{parse_name, stored_key};
use crate::cli::env::context::Context;
use crate::cli::plan::Plan;
use crate::cli::plan::endpoint_url;
use crate::cli::plan::endpoint_url::{EndpointArgs, Service};
use crate::cli::plan::region::{RegionProfile, Regions};
use crate::cli::plan::role_ref::{check_partition, check_unambiguous, role_arn, typed_role_in, unknown_role};
use crate::cli::plan::source_hints::invalid_key;
use crate::cli::ui::error::{CliError, parse_value};
use crate::cli::ui::output::Output;

/// The arguments about a profile.
pub(super) struct ProfileArgs<'a> {
    pub(super) role: &'a RoleArgs,
    /// `--process`.
    pub(super) process: bool,
    pub(super) overwrite: Overwrite,
}

/// A profile that is about to be written.
pub(super) struct ConfigurePlan {
    pub(super) name: ProfileName,
    keys: Vec<(&'static str, String)>,
    overwrite: Overwrite,
}

impl ConfigurePlan {
    /// Decides the keys of the profile, and checks that it will work.
    pub(super) fn from_args(
        args: &ProfileArgs<'_>,
        name: ProfileName,
        context: &Context,
        config: &SharedConfig<'_>,
        output: &Output,
    ) -> Result<Self, CliError> {
        let role = typed_role_in(args.role, config)?;
        if let Some(text) = &args.role.role {
            check_unambiguous(text, config, context)?;
        }
        if let RoleRef::IdentityCenter { session, account, role_name } = &role {
            Plan::new(args.role, context, &output.quieted())?;
            let keys = identity_center_keys(args, session, account, role_name)?;
            return Ok(Self { name, keys, overwrite: args.overwrite });
        }
        let profile = match &role {
            RoleRef::Profile(text) => {
                Some((text, config.profile(text).ok_or_else(|| unknown_role(text, config, context))?))
            }
            RoleRef::Arn(_) | RoleRef::AccountRole(..) | RoleRef::IdentityCenter { .. } => None,
        };
        let (profile_arn, mut merged) = match profile {
            Some((text, section)) => {
                let profile = RoleProfile::read(text, section)
                    .map_err(|error| invalid_key(&error, section, context))?;
                let profile =
                    profile.ok_or_else(|| CliError::usage(format!("profile `{text}` has no `role_arn`")))?;
                check_partition(args.role, &profile.role_arn)?;
                (Some(profile.role_arn), fill_from_profile(args.role, section))
            }
            None => (None, args.role.clone()),
        };
        let source = ProfileSource::find(&merged, profile.map(|(_, section)| section), &name, config)?;
        let source_section = match &source {
            ProfileSource::Profile(source) => config.profile(source),
            ProfileSource::Machine(_) => None,
        };
        let region_profile = RegionProfile { name: None, section: source_section, is_named: true };
        let has_endpoint =
            endpoint_url::find(Service::Sts, &EndpointArgs::of(&merged), config, source_section)?.is_some();
        let regions = Regions::resolve(&merged, &region_profile, None, has_endpoint, output)?;
        let resolve_arn = || role_arn(&role, &merged, regions.effective.as_deref());
        let Some(arn) = profile_arn.map_or_else(resolve_arn, |arn| Ok(Some(arn)))? else {
            return Err(CliError::usage("no role is named"));
        };
        make_file_urls_absolute(&mut merged)?;
        if let ProfileSource::Profile(source) = &source {
            // Make the plan of this profile, so that an error shows now and not when the profile is used. A
            // `credential_source` may be for another host, so in that case the values are checked one by one
            // instead.
            let typed = RoleArgs {
                role: Some(arn.to_string()),
                account_id: None,
                role_name: None,
                partition: None,
                profile: Some(source.clone()),
                ..merged.clone()
            };
            Plan::new(&typed, context, &output.quieted())?;
        }
        let keys = if args.process {
            process_profile_keys(&merged, &arn, &source)?
        } else {
            role_profile_keys(&merged, &arn, source)?
        };
        Ok(Self { name, keys, overwrite: args.overwrite })
    }

    /// Returns the profile of a stored key: `arl_keys` for arl, `credential_process` for every SDK.
    pub(super) fn for_stored_key(
        args: &ProfileArgs<'_>,
        name: ProfileName,
        key: &str,
    ) -> Result<Self, CliError> {
        let key = parse_name(key)?;
        let RoleArgs { region, .. } = args.role;
        let rest = RoleArgs { region: None, serial_number: None, ..args.role.clone() };
        if let Some(flag) = rest.first_flag() {
            return Err(CliError::usage(format!("{flag} cannot be used with --keys")));
        }
        stored_key(&key)?;
        let serial = args.role.serial_number.as_deref();
        let serial = serial.map(|text| parse_value::<SerialNumber>("--serial-number", text)).transpose()?;
        let mut keys = vec![("arl_keys", key.to_string()), ("credential_process", stored_key_process(&key)?)];
        keys.extend(serial.map(|serial| ("mfa_serial", serial.to_string())));
        keys.extend(region.clone().map(|region| ("region", region)));
        Ok(Self { name, keys, overwrite: args.overwrite })
    }

    /// Writes the profile. `section` is what it contained before.
    pub(super) fn write(
        &self,
        section: Option<&Section<'_>>,
        context: &Context,
        file: &ConfigFile<'_>,
        output: &Output,
    ) -> Result<(), CliError> {
        self.overwrite.check_name(&self.name)?;
        if let Some(section) = section {
            self.ensure_overwritable(section)?;
            self.warn_about_keys(section, context, output);
        }
        // Keep the region if no setting changes it.
        let is_unset = |key: &&str| *key != "region" && self.keys.iter().all(|(name, _)| name != key);
        // With --force, remove all other identities from the profile. Access keys stay, because the user
        // could not get them back.
        let others = CONFLICTING_KEYS.into_iter().filter(|key| !key.starts_with("aws_"));
        let unset: Vec<&str> = MANAGED_KEYS.into_iter().chain(others).filter(is_unset).collect();
        let edit = ProfileEdit {
            file: SharedFile::Config,
            section: EditedSection::Profile,
            profile: &self.name,
            set: self.keys.clone(),
            unset: &unset,
            expires: None,
        };
        file.edit_one(&edit, &format!("profile {}", self.name))
    }

    /// Refuses to replace a profile that has other settings.
    fn ensure_overwritable(&self, section: &Section<'_>) -> Result<(), CliError> {
        if self.overwrite == Overwrite::Forced {
            return Ok(());
        }
        let get = |key: &str| section.get_from(SharedFile::Config, key);
        let keys = || {
            MANAGED_KEYS.into_iter().filter(|key| !["region", MARKER].contains(key)).chain(CONFLICTING_KEYS)
        };
        let new_value =
            |key: &str| self.keys.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str());
        let says_something = keys().any(|key| get(key).is_some());
        if !(says_something && keys().any(|key| get(key) != new_value(key))) {
            return Ok(());
        }
        let name = &self.name;
        Err(CliError::new(format!("profile `{name}` exists already, with other settings"))
            .hint("choose another name with --profile-name, or pass --force"))
    }

    /// Warns if the credentials file has keys for the profile. Most programs prefer those to the config file.
    fn warn_about_keys(&self, section: &Section<'_>, context: &Context, output: &Output) {
        if section.get_from(SharedFile::Credentials, "aws_access_key_id").is_some() {
            let name = &self.name;
            output.note(&format!(
                "profile `{name}` also has keys in `{}`, and most programs prefer those; remove them with `arl write --remove {name}` or by hand",
                context.display_path(SharedFile::Credentials)
            ));
        }
    }
}

/// Returns the keys of a profile with a role of IAM Identity Center, as every SDK reads them.
fn identity_center_keys(
    args: &ProfileArgs<'_>,
    session: &str,
    account: &AccountId,
    role_name: &str,
) -> Result<Vec<(&'static str, String)>, CliError> {
    let other = args.role.given_flags().into_iter().map(|(flag, _)| flag).find(|flag| *flag != "--region");
    if let Some(flag) = other.or(args.process.then_some("--process")) {
        return Err(CliError::usage(format!(
            "{flag} cannot be used in a profile for IAM Identity Center: SDKs use that profile without arl"
        )));
    }
    let region = args.role.region.clone().map(|region| ("region", region));
    let keys = [
        ("sso_session", session.to_owned()),
        ("sso_account_id", account.to_string()),
        ("sso_role_name", role_name.to_owned()),
    ];
    Ok(keys.into_iter().chain(region).collect())
}

/// Makes the paths of values that name files absolute, so that they work in every directory.
fn make_file_urls_absolute(args: &mut RoleArgs) -> Result<(), CliError> {
    for value in [&mut args.policy, &mut args.additional_parameters, &mut args.transitive_tag_keys]
        .into_iter()
        .flatten()
        .chain(args.policy_arns.iter_mut())
        .chain(args.tags.iter_mut())
        .chain(args.provided_contexts.iter_mut())
    {
        *value = file_url::absolute(value)
            .map_err(|error| CliError::new("could not find the current directory").caused_by(error))?;
    }
    Ok(())
}

/// Fills the flags that were not given from the role's own profile.
fn fill_from_profile(args: &RoleArgs, section: &Section<'_>) -> RoleArgs {
    let mut merged = args.clone();
    let fill = |slot: &mut Option<String>, key: &str| {
        if slot.is_none() {
            *slot = section.get(key).map(str::to_owned);
        }
    };
    fill(&mut merged.profile, "source_profile");
    fill(&mut merged.region, "region");
    fill(&mut merged.external_id, "external_id");
    fill(&mut merged.serial_number, "mfa_serial");
    fill(&mut merged.mfa_process, "mfa_process");
    fill(&mut merged.role_session_name, "role_session_name");
    fill(&mut merged.duration, "duration_seconds");
    fill(&mut merged.source_identity, "source_identity");
    if merged.transitive_tag_keys.is_none() {
        merged.transitive_tag_keys =
            section.get("transitive_session_tags").map(arl::internal::normalize_list);
    }
    if merged.tags.is_empty() {
        merged.tags.extend(section.get("session_tags").map(arl::internal::normalize_list));
    }
    merged
}
