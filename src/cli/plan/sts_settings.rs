//! The settings for STS calls from flags, environment and profile, with the precedence of the AWS CLI.

use arl::internal::{IdentityCenterSettings, NetworkConfig, Partition, Section, SharedConfig, StsSettings};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::plan::endpoint_url;
use crate::cli::plan::endpoint_url::{EndpointArgs, PlainHttp, Service, is_true};
use crate::cli::ui::error::CliError;

/// The setting that names the endpoint, if any.
pub(crate) type EndpointOrigin = Option<&'static str>;

/// Collects the settings for STS. Without a region it takes the partition's default, and never asks the
/// instance metadata service, which would hang outside of EC2.
pub(crate) fn find(
    args: &RoleArgs,
    context: &Context,
    config: &SharedConfig<'_>,
    profile: Option<&Section<'_>>,
    region: Option<String>,
    partition: &Partition,
) -> Result<(StsSettings, EndpointOrigin), CliError> {
    let region = region.unwrap_or_else(|| partition.default_region().to_owned());
    find_service(Service::Sts, &EndpointArgs::of(args), context, config, profile, region)
}

/// Collects the settings for IAM Identity Center, whose region is that of the sign-in.
pub(crate) fn find_identity_center(
    args: &EndpointArgs<'_>,
    context: &Context,
    config: &SharedConfig<'_>,
    profile: Option<&Section<'_>>,
    region: &str,
) -> Result<IdentityCenterSettings, CliError> {
    let find = |service| find_service(service, args, context, config, profile, region.to_owned());
    Ok(IdentityCenterSettings { portal: find(Service::Sso)?.0, oidc: find(Service::SsoOidc)?.0 })
}

/// Collects the settings for the calls to a service.
fn find_service(
    service: Service,
    args: &EndpointArgs<'_>,
    context: &Context,
    config: &SharedConfig<'_>,
    profile: Option<&Section<'_>>,
    region: String,
) -> Result<(StsSettings, EndpointOrigin), CliError> {
    let key = |name: &str| profile.and_then(|profile| profile.get(name)).map(str::to_owned);
    let either = |variable: &str, name: &str| vars::get(variable).or_else(|| key(name));
    let mut settings = StsSettings::new(region);
    let endpoint = endpoint_url::find(service, args, config, profile)?;
    let origin = endpoint.as_ref().map(|(origin, _)| *origin);
    settings.endpoint_url = endpoint.map(|(_, url)| url);
    for (variable, name, what, is_wanted) in [
        (vars::AWS_USE_FIPS_ENDPOINT, "use_fips_endpoint", "FIPS", &mut settings.use_fips),
        (
            vars::AWS_USE_DUALSTACK_ENDPOINT,
            "use_dualstack_endpoint",
            "dual-stack",
            &mut settings.use_dual_stack,
        ),
    ] {
        *is_wanted = is_true(&format!("{variable} (or `{name}`)"), either(variable, name))?;
        if let (true, Some(origin)) = (*is_wanted, origin) {
            return Err(CliError::usage(format!(
                "{variable} (or `{name}`) asks for AWS's {what} endpoint, but {origin} names another endpoint"
            ))
            .hint(format!("to use the endpoint of {origin}: {variable}=false")));
        }
    }
    read_retries(&mut settings, either)?;
    settings.network = network(args, context, either);
    Ok((settings, origin))
}

fn read_retries(
    settings: &mut StsSettings,
    either: impl Fn(&str, &str) -> Option<String>,
) -> Result<(), CliError> {
    if let Some(attempts) = either(vars::AWS_MAX_ATTEMPTS, "max_attempts") {
        settings.max_attempts = attempts.trim().parse().map_err(|_| {
            CliError::usage(format!(
                "AWS_MAX_ATTEMPTS (or `max_attempts`) must be a number, not `{attempts}`"
            ))
        })?;
    }
    match either(vars::AWS_RETRY_MODE, "retry_mode").as_deref().map(str::trim) {
        None | Some("standard" | "legacy") => {}
        Some("adaptive") => settings.adaptive_retries = true,
        Some(other) => {
            return Err(CliError::usage(format!(
                "AWS_RETRY_MODE (or `retry_mode`) must be standard, adaptive or legacy, not `{other}`"
            )));
        }
    }
    Ok(())
}

fn network(
    args: &EndpointArgs<'_>,
    context: &Context,
    either: impl Fn(&str, &str) -> Option<String>,
) -> NetworkConfig {
    // The lower-case variable wins, as in curl and Python.
    let any_case = |name: &str| vars::get(&name.to_lowercase()).or_else(|| vars::get(name));
    // curl, Go and botocore take a proxy without a scheme as an http proxy.
    let with_scheme = |url: String| if url.contains("://") { url } else { format!("http://{url}") };
    let no_proxy = any_case(vars::NO_PROXY).unwrap_or_default();
    let has_no_proxy = no_proxy.split(',').any(|host| host.trim() == "*");
    NetworkConfig {
        ca_bundle: either(vars::AWS_CA_BUNDLE, "ca_bundle")
            .or_else(|| vars::get(vars::REQUESTS_CA_BUNDLE))
            .or_else(|| vars::get(vars::SSL_CERT_FILE))
            .map(|path| context.expand_path(&path)),
        https_proxy: any_case(vars::HTTPS_PROXY)
            .or_else(|| any_case(vars::ALL_PROXY))
            .filter(|_| !has_no_proxy)
            .map(with_scheme),
        no_proxy: Some(format!("{no_proxy},127.0.0.1,localhost,::1")),
        allow_plain_http: args.plain_http == PlainHttp::Anywhere,
    }
}
