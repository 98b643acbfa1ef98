//! Which region STS is asked in, and which one is handed over.

use arl::internal::Section;

use crate::cli::args::role::RoleArgs;
use crate::cli::env::vars;
use crate::cli::ui::error::CliError;

/// Everything that was given a region, in order of weight.
pub(crate) struct Regions {
    /// The flag's or the profile's, which is handed over with the credentials; also the one of `AWS_PROFILE`'s profile
    /// where the environment names none, since that variable goes.
    pub(crate) exported: Option<String>,
    /// The one in force, if anybody named one.
    pub(crate) effective: Option<String>,
    /// Who named it.
    pub(crate) origin: Option<&'static str>,
}

impl Regions {
    pub(crate) fn resolve(
        args: &RoleArgs,
        role_profile: Option<&Section<'_>>,
        settings_profile: Option<&Section<'_>>,
    ) -> Result<Self, CliError> {
        let flag = || args.region.clone().map(|region| ("--region", region));
        let variable = |name: &'static str| vars::get(name).map(|region| (name, region));
        let from_profile = |profile: Option<&Section<'_>>| {
            Some(("the profile's `region`", profile?.get_non_empty("region")?.to_owned()))
        };
        let checked = |region: Option<(&'static str, String)>| {
            region.map(|(origin, region)| validate_region(origin, region))
        };
        let is_named = variable(vars::AWS_REGION).or_else(|| variable(vars::AWS_DEFAULT_REGION)).is_some();
        let is_selected =
            variable(vars::AWS_PROFILE).or_else(|| variable(vars::AWS_DEFAULT_PROFILE)).is_some();
        let is_lost = !is_named && args.profile.is_none() && is_selected;
        let of_shell = settings_profile.filter(|_| is_lost);
        let exported = flag().or_else(|| from_profile(role_profile)).or_else(|| from_profile(of_shell));
        let exported = checked(exported).transpose()?;
        let effective = flag()
            .or_else(|| variable(vars::AWS_REGION))
            .or_else(|| variable(vars::AWS_DEFAULT_REGION))
            .or_else(|| from_profile(role_profile))
            .or_else(|| from_profile(settings_profile));
        let origin = effective.as_ref().map(|(origin, _)| *origin);
        let effective = checked(effective).transpose()?;
        Ok(Self { exported, effective, origin })
    }
}

/// A region becomes part of a host name and of shell code.
fn validate_region(origin: &str, region: String) -> Result<String, CliError> {
    let fits = (1..=32).contains(&region.len())
        && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits {
        return Ok(region);
    }
    Err(CliError::usage(format!("{origin} must be a region such as eu-west-1, not `{region}`")))
}
