//! Which region STS is asked in, and which one is handed over.

use arl::Section;

use crate::cli::args::role::RoleArgs;
use crate::cli::env::vars;
use crate::cli::ui::error::Report;

/// Everything that was given a region, in order of weight.
pub(crate) struct Regions {
    /// The flag's or the profile's, which is handed over with the credentials; also the one of `AWS_PROFILE`'s profile
    /// where the environment names none, since that variable goes.
    pub(crate) given: Option<String>,
    /// The one in force, if anybody named one.
    pub(crate) named: Option<String>,
    /// Who named it.
    pub(crate) origin: Option<&'static str>,
}

impl Regions {
    pub(crate) fn find(
        args: &RoleArgs,
        role_profile: Option<&Section<'_>>,
        settings_profile: Option<&Section<'_>>,
    ) -> Result<Self, Report> {
        let flag = || args.region.clone().map(|region| ("--region", region));
        let variable = |name: &'static str| vars::get(name).map(|region| (name, region));
        let of = |profile: Option<&Section<'_>>| {
            Some(("the profile's `region`", profile?.get_filled("region")?.to_owned()))
        };
        let checked =
            |found: Option<(&'static str, String)>| found.map(|(origin, region)| checked(origin, region));
        let is_named = variable(vars::AWS_REGION).or_else(|| variable(vars::AWS_DEFAULT_REGION)).is_some();
        let is_selected =
            variable(vars::AWS_PROFILE).or_else(|| variable(vars::AWS_DEFAULT_PROFILE)).is_some();
        let is_lost = !is_named && args.profile.is_none() && is_selected;
        let of_shell = settings_profile.filter(|_| is_lost);
        let given = flag().or_else(|| of(role_profile)).or_else(|| of(of_shell));
        let given = checked(given).transpose()?;
        let named = flag()
            .or_else(|| variable(vars::AWS_REGION))
            .or_else(|| variable(vars::AWS_DEFAULT_REGION))
            .or_else(|| of(role_profile))
            .or_else(|| of(settings_profile));
        let origin = named.as_ref().map(|(origin, _)| *origin);
        let named = checked(named).transpose()?;
        Ok(Self { given, named, origin })
    }
}

/// A region becomes part of a host name and of shell code.
fn checked(origin: &str, region: String) -> Result<String, Report> {
    let fits = (1..=32).contains(&region.len())
        && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits {
        return Ok(region);
    }
    Err(Report::usage(format!("{origin} must be a region such as eu-west-1, not `{region}`")))
}
