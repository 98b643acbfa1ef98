//! The region in which arl calls STS, and the region that it exports with the credentials.
//!
//! Both come from the same setting, with the precedence of the AWS CLI: the flag, the environment, the
//! profile. A region that arl has set for another role (`ARL_REGION`) is not the user's choice and does not
//! count. `ARL_USER_REGION` then holds the user's region, which the shell gets back later.

use arl::internal::{Partition, RegionChange, Section};

use crate::cli::args::regions::REGIONS;
use crate::cli::args::role::RoleArgs;
use crate::cli::env::vars;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;

/// The regions of a plan.
pub(crate) struct Regions {
    /// How the region variables change.
    pub(crate) change: RegionChange,
    /// The region for STS, if any setting names one.
    pub(crate) effective: Option<String>,
    /// The setting that names it.
    pub(crate) origin: Option<String>,
    /// The user's region, if the region variables do not hold it after the change.
    pub(crate) hidden: Option<String>,
}

/// The profile whose `region` is used if no flag and no variable names one.
pub(crate) struct RegionProfile<'a, 'text> {
    /// The name, where it is known.
    pub(crate) name: Option<&'a str>,
    pub(crate) section: Option<&'a Section<'text>>,
    /// Whether a flag, a variable or ROLE names the profile. Assuming the role unsets `AWS_PROFILE`, so SDKs
    /// no longer see that profile, and arl exports its region. SDKs still read `default` by themselves.
    pub(crate) is_named: bool,
}

impl RegionProfile<'_, '_> {
    /// Returns the name of the setting.
    fn origin(&self) -> String {
        match self.name {
            Some(name) => format!("`region` of profile `{name}`"),
            None => "the profile's `region`".to_owned(),
        }
    }
}

impl Regions {
    /// Decides the regions. `partition` is that of the role, if its ARN is known already. With a custom
    /// endpoint, the region may have any name.
    pub(crate) fn resolve(
        args: &RoleArgs,
        profile: &RegionProfile<'_, '_>,
        partition: Option<&Partition>,
        has_endpoint: bool,
        output: &Output,
    ) -> Result<Self, CliError> {
        let validate = |origin: &str, region: String| validate_region(origin, region, has_endpoint);
        let environment = EnvironmentRegion::read(partition, validate)?;
        let flag = args.region.clone().map(|region| validate("--region", region)).transpose()?;
        let of_profile = profile.section.and_then(|section| section.get_non_empty("region"));
        let of_profile =
            of_profile.map(|region| validate(&profile.origin(), region.to_owned())).transpose()?;
        let (change, effective, origin) = if let Some(region) = flag {
            (environment.set(&region), Some(region), Some("--region".to_owned()))
        } else if let Some((name, region)) = environment.of_user.clone() {
            (environment.complete(&region), Some(region), Some(name.to_owned()))
        } else if let Some(region) = of_profile {
            let change = if profile.is_named { environment.set(&region) } else { environment.none() };
            (change, Some(region), Some(profile.origin()))
        } else {
            (environment.none(), None, None)
        };
        if let (Some((name, region)), Some(partition)) = (&environment.passed_over, partition) {
            output.note(&format!("ignoring {name}: {region} is not in the role's partition `{partition}`"));
        }
        let hidden = environment.hidden_by(&change);
        Ok(Self { change, effective, origin, hidden })
    }
}

/// The region variables, with what they mean for this plan.
struct EnvironmentRegion {
    /// The first variable with a region that the user chose in the role's partition.
    of_user: Option<(&'static str, String)>,
    /// A variable with a region of another partition.
    passed_over: Option<(&'static str, String)>,
    /// Whether arl set the region, for the role that this shell has now.
    is_of_role: bool,
    /// The user's region, if the role of this shell hides it.
    hidden: Option<String>,
    /// The values of the variables, in the order of precedence.
    values: [Option<String>; 2],
}

impl EnvironmentRegion {
    fn read(
        partition: Option<&Partition>,
        validate: impl Fn(&str, String) -> Result<String, CliError>,
    ) -> Result<Self, CliError> {
        let names = [vars::AWS_REGION, vars::AWS_DEFAULT_REGION];
        let values = names.map(vars::get);
        let of_role = vars::get(vars::ARL_REGION);
        let is_of_role = values[0].is_some() && values[0] == of_role;
        // For a role without a region, arl unsets the user's region if that is in another partition.
        let is_hidden = vars::get(vars::ARL_SOURCE).is_some()
            && (is_of_role || (of_role.is_none() && values.iter().all(Option::is_none)));
        let hidden = vars::get(vars::ARL_USER_REGION).filter(|_| is_hidden);
        let hidden = hidden.and_then(|region| validate(vars::ARL_USER_REGION, region).ok());
        let mut read = Self { of_user: None, passed_over: None, is_of_role, hidden, values };
        if is_of_role || read.hidden.is_some() {
            let fits =
                |region: &str| partition.is_none_or(|partition| Partition::for_region(region) == *partition);
            let fitting = read.hidden.clone().filter(|region| fits(region));
            read.of_user = fitting.map(|region| (vars::ARL_USER_REGION, region));
            return Ok(read);
        }
        for (name, value) in names.into_iter().zip(&read.values) {
            let Some(value) = value else { continue };
            let region = validate(name, value.clone())?;
            let fits = partition.is_none_or(|partition| Partition::for_region(&region) == *partition);
            let slot = if fits { &mut read.of_user } else { &mut read.passed_over };
            slot.get_or_insert((name, region));
        }
        // Do not mention an unused variable if the other one is used.
        if read.of_user.is_some() && read.passed_over.as_ref().is_some_and(|(name, _)| *name != names[0]) {
            read.passed_over = None;
        }
        Ok(read)
    }

    /// Returns the change for a region that a flag or a profile names.
    fn set(&self, region: &str) -> RegionChange {
        let is_users = |value: &Option<String>| value.as_deref().is_none_or(|value| value == region);
        if !self.is_of_role && self.values.iter().all(is_users) && self.values.iter().any(Option::is_some) {
            return self.complete(region);
        }
        RegionChange::Set(region.to_owned())
    }

    /// Returns the change for a region that the user chose.
    fn complete(&self, region: &str) -> RegionChange {
        match &self.values {
            [Some(_), Some(_)] if self.passed_over.is_none() && !self.is_of_role => RegionChange::Keep,
            _ => RegionChange::Complete(region.to_owned()),
        }
    }

    /// Returns the user's region, if the variables do not hold it after this change.
    fn hidden_by(&self, change: &RegionChange) -> Option<String> {
        let of_user = || {
            let values = self.values.iter().flatten().next().filter(|_| !self.is_of_role);
            self.hidden.as_ref().or(values).cloned()
        };
        match change {
            RegionChange::Set(_) | RegionChange::Unset => of_user(),
            RegionChange::Keep => self.hidden.clone(),
            RegionChange::Complete(_) => None,
        }
    }

    /// Returns the change if no setting names a region to export.
    fn none(&self) -> RegionChange {
        if self.is_of_role || self.passed_over.is_some() { RegionChange::Unset } else { RegionChange::Keep }
    }
}

/// Checks a region, which becomes part of a host name and of shell code.
pub(crate) fn validate_region(origin: &str, region: String, has_endpoint: bool) -> Result<String, CliError> {
    let is_host_part = (1..=32).contains(&region.len())
        && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if is_host_part && (has_endpoint || is_region_name(&region)) {
        return Ok(region);
    }
    if region.is_empty() {
        return Err(CliError::usage(format!("{origin} is empty"))
            .hint("check that no variable on the command line is empty"));
    }
    let error = CliError::usage(format!("{origin} must be a region such as eu-west-1, not `{region}`"));
    let names = arl::internal::closest(&region, REGIONS.map(|(name, _)| name));
    let place =
        || REGIONS.iter().find(|(_, place)| place.eq_ignore_ascii_case(&region)).map(|(name, _)| *name);
    Err(match place().or_else(|| names.first().copied()) {
        Some(similar) => error.hint(format!("did you mean `{similar}`?")),
        None => error.hint("regions look like eu-west-1, us-east-1, ap-southeast-2"),
    })
}

/// Whether a text has the form of a region: `eu-west-1`, `us-gov-east-1`, `aws-cn-global`.
fn is_region_name(text: &str) -> bool {
    let is_word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let is_number = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    // The SDKs take these spellings for the FIPS endpoint of a region.
    let text = text.strip_prefix("fips-").or_else(|| text.strip_suffix("-fips")).unwrap_or(text);
    let mut parts = text.split('-').rev();
    match parts.next() {
        Some("global") => text.starts_with("aws-"),
        Some(last) => is_number(last) && parts.clone().count() >= 2 && parts.all(is_word),
        None => false,
    }
}
