//! The region in which STS is called, and the region that the credentials come with.

use arl::internal::Section;

use crate::cli::args::role::RoleArgs;
use crate::cli::env::vars;
use crate::cli::ui::error::CliError;

/// The regions of a plan.
pub(crate) struct Regions {
    /// The flag's or the profile's, which is set with the credentials. Assuming a role unsets `AWS_PROFILE`,
    /// so its profile's region is set too if no variable names a region.
    pub(crate) exported: Option<String>,
    /// The region for STS, if any setting names one.
    pub(crate) effective: Option<String>,
    /// The setting that names it.
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

/// Checks a region, which becomes part of a host name and of shell code.
fn validate_region(origin: &str, region: String) -> Result<String, CliError> {
    let fits = (1..=32).contains(&region.len())
        && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits {
        return Ok(region);
    }
    Err(CliError::usage(format!("{origin} must be a region such as eu-west-1, not `{region}`")))
}
