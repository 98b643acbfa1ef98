//! How STS is reached: flags, environment and profile, in the AWS CLI's order.

use arl::{Network, Partition, Section, SharedConfig, StsSettings};

use super::arguments::RoleArgs;
use super::context::Context;
use super::endpoint;
use super::report::Report;

/// Everything that was given a region, in order of weight.
pub(super) struct Regions {
    /// The flag's or the profile's, which is handed over with the credentials; also the one of `AWS_PROFILE`'s profile
    /// where the environment names none, since that variable goes.
    pub(super) given: Option<String>,
    /// The one in force, if anybody named one.
    pub(super) named: Option<String>,
    /// Who named it.
    pub(super) origin: Option<&'static str>,
}

impl Regions {
    pub(super) fn find(
        args: &RoleArgs,
        role_profile: Option<&Section<'_>>,
        settings_profile: Option<&Section<'_>>,
    ) -> Result<Self, Report> {
        let flag = || args.region.clone().map(|region| ("--region", region));
        let variable = |name: &'static str| Context::var(name).map(|region| (name, region));
        let of = |profile: Option<&Section<'_>>| {
            Some(("the profile's `region`", profile?.get_filled("region")?.to_owned()))
        };
        let checked =
            |found: Option<(&'static str, String)>| found.map(|(origin, region)| checked(origin, region));
        let is_named = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).is_some();
        let is_selected = variable("AWS_PROFILE").or_else(|| variable("AWS_DEFAULT_PROFILE")).is_some();
        let is_lost = !is_named && args.profile.is_none() && is_selected;
        let of_shell = settings_profile.filter(|_| is_lost);
        let given = flag().or_else(|| of(role_profile)).or_else(|| of(of_shell));
        let given = checked(given).transpose()?;
        let named = flag()
            .or_else(|| variable("AWS_REGION"))
            .or_else(|| variable("AWS_DEFAULT_REGION"))
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

/// Who named the endpoint, if anybody did.
pub(super) type EndpointOrigin = Option<&'static str>;

/// Puts the settings together. Nobody's region: the partition's default, and never a question to the
/// instance metadata service, which hangs where there is none.
pub(super) fn find(
    args: &RoleArgs,
    context: &Context,
    config: &SharedConfig<'_>,
    profile: Option<&Section<'_>>,
    region: Option<String>,
    partition: &Partition,
) -> Result<(StsSettings, EndpointOrigin), Report> {
    let key = |name: &str| profile.and_then(|profile| profile.get(name)).map(str::to_owned);
    let either = |variable: &str, name: &str| Context::var(variable).or_else(|| key(name));
    let mut settings = StsSettings::new(region.unwrap_or_else(|| partition.default_region().to_owned()));
    let endpoint = endpoint_url(args, config, profile)?;
    let origin = endpoint.as_ref().map(|(origin, _)| *origin);
    settings.endpoint_url = endpoint.map(|(_, url)| url);
    if settings.endpoint_url.is_none() {
        settings.use_fips = flag(either("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"));
        settings.use_dual_stack = flag(either("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"));
    }
    if let Some(attempts) = either("AWS_MAX_ATTEMPTS", "max_attempts") {
        settings.max_attempts = attempts.trim().parse().map_err(|_| {
            Report::usage(format!("AWS_MAX_ATTEMPTS (or `max_attempts`) must be a number, not `{attempts}`"))
        })?;
    }
    match either("AWS_RETRY_MODE", "retry_mode").as_deref().map(str::trim) {
        None | Some("standard" | "legacy") => {}
        Some("adaptive") => settings.adaptive_retries = true,
        Some(other) => {
            return Err(Report::usage(format!(
                "AWS_RETRY_MODE (or `retry_mode`) must be standard, adaptive or legacy, not `{other}`"
            )));
        }
    }
    let any_case = |name: &str| Context::var(name).or_else(|| Context::var(&name.to_lowercase()));
    let no_proxy = any_case("NO_PROXY").unwrap_or_default();
    let has_no_proxy = no_proxy.split(',').any(|host| host.trim() == "*");
    settings.network = Network {
        ca_bundle: either("AWS_CA_BUNDLE", "ca_bundle")
            .or_else(|| Context::var("SSL_CERT_FILE"))
            .map(|path| context.path(&path)),
        https_proxy: any_case("HTTPS_PROXY").or_else(|| any_case("ALL_PROXY")).filter(|_| !has_no_proxy),
        no_proxy: Some(format!("{no_proxy},127.0.0.1,localhost,::1")),
        allow_plain_http: args.allow_insecure_endpoint,
    };
    Ok((settings, origin))
}

fn flag(text: Option<String>) -> bool {
    text.is_some_and(|text| text.trim().eq_ignore_ascii_case("true"))
}

fn endpoint_url(
    args: &RoleArgs,
    config: &SharedConfig<'_>,
    profile: Option<&Section<'_>>,
) -> Result<Option<(&'static str, String)>, Report> {
    let key = |name: &str| profile.and_then(|profile| profile.get_filled(name)).map(str::to_owned);
    let ignored = Context::var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    let ignored = flag(ignored.or_else(|| key("ignore_configured_endpoint_urls")));
    let variable = |name: &'static str| Context::var(name).map(|url| (name, url));
    let of_services = |name: String| match config.services(&name) {
        Some(services) => Ok(services.get_nested("sts", "endpoint_url").map(str::to_owned)),
        // Its endpoint may be what keeps the keys inside.
        None => Err(Report::new(format!("the profile's `services` is `{name}`, which does not exist"))
            .hint(format!("add [services {name}] to the shared config file, or take the key away"))),
    };
    let configured = || -> Result<_, Report> {
        if let Some(found) = variable("AWS_ENDPOINT_URL_STS").or_else(|| variable("AWS_ENDPOINT_URL")) {
            return Ok(Some(found));
        }
        let of_services = key("services").map(of_services).transpose()?.flatten();
        Ok(of_services
            .map(|url| ("the profile's `services`", url))
            .or_else(|| Some(("the profile's `endpoint_url`", key("endpoint_url")?))))
    };
    let found = match &args.endpoint_url {
        Some(url) => Some(("--endpoint-url", url.clone())),
        None if ignored => None,
        None => configured()?,
    };
    let Some((origin, url)) = found else { return Ok(None) };
    match endpoint::check(&url, args.allow_insecure_endpoint) {
        Ok(()) => Ok(Some((origin, url))),
        Err(fault) => {
            // A URL with a user name may have a password as well.
            let shown = if url.contains('@') { String::new() } else { format!(" `{url}`") };
            let report = Report::usage(format!("{origin}{shown} {fault}"));
            Err(if fault.starts_with("is plain http") {
                report.hint(
                    "use https, or pass --allow-insecure-endpoint if you trust every machine on the way",
                )
            } else {
                report
            })
        }
    }
}
