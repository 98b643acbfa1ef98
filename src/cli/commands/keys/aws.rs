//! The calls to AWS about a stored key.

use arl::internal::{
    CallerIdentity, Credentials, Iam, IamSettings, NetworkConfig, Partition, Section, SharedConfig, Sts,
    StsError,
};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::plan::endpoint_url;
use crate::cli::plan::endpoint_url::PlainHttp;
use crate::cli::plan::region::{RegionProfile, Regions};
use crate::cli::plan::sts_settings;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;
use crate::cli::ui::text::last_four;

/// The clients of STS and IAM, with the settings of the environment and the profile.
pub(crate) struct Aws {
    pub(crate) sts: Sts,
    network: NetworkConfig,
    iam_endpoint: Option<String>,
}

impl Aws {
    /// Reads the settings. `section` is the profile that names the key.
    pub(crate) fn new(
        region: Option<&str>,
        context: &Context,
        config: &SharedConfig<'_>,
        section: Option<&Section<'_>>,
        output: &Output,
    ) -> Result<Self, CliError> {
        let args = RoleArgs { region: region.map(str::to_owned), ..RoleArgs::default() };
        let has_endpoint = endpoint_url::find(
            endpoint_url::Service::Sts,
            &endpoint_url::EndpointArgs::of(&args),
            config,
            section,
        )?
        .is_some();
        let profile = RegionProfile { name: None, section, is_named: true };
        let regions = Regions::resolve(&args, &profile, None, has_endpoint, output)?;
        let partition = Partition::for_region(regions.effective.as_deref().unwrap_or_default());
        let (settings, _) =
            sts_settings::find(&args, context, config, section, regions.effective, &partition)?;
        let network = settings.network.clone();
        Ok(Self { sts: Sts::new(settings), network, iam_endpoint: iam_endpoint(config, section)? })
    }

    /// Reads the settings for a key whose partition may be known.
    pub(crate) fn for_partition(
        partition: Option<Partition>,
        context: &Context,
        config: &SharedConfig<'_>,
        section: Option<&Section<'_>>,
        output: &Output,
    ) -> Result<Self, CliError> {
        let region = partition.filter(|partition| partition.as_str() != "aws");
        let of_profile = section.and_then(|section| section.get_non_empty("region"));
        let region = region.map(|partition| partition.default_region()).filter(|_| of_profile.is_none());
        Self::new(region, context, config, section, output)
    }

    /// Returns the owner of the keys.
    pub(crate) async fn caller(&self, keys: &Credentials) -> Result<CallerIdentity, CliError> {
        self.sts.caller_identity(keys).await.map_err(|error| {
            let id = last_four(keys.access_key_id());
            let cli_error = CliError::new(format!("could not check the key …{id}"));
            let cli_error = match &error {
                StsError::Refused { code, .. } if code == "InvalidClientTokenId" => cli_error.hint(
                    "AWS does not know this key: it is deleted, inactive or mistyped, or it belongs to another partition; for that, name a region of the partition with --region or AWS_REGION",
                ),
                StsError::Refused { code, .. } if code == "SignatureDoesNotMatch" => {
                    cli_error.hint("the secret key does not belong to this access key ID, or this machine's clock is wrong")
                }
                _ => cli_error,
            };
            cli_error.caused_by(error)
        })
    }

    /// Returns a client of IAM for the keys of the identity with this ARN.
    pub(crate) fn iam(&self, arn: &str) -> Iam {
        let partition = arn.split(':').nth(1).and_then(|partition| partition.parse().ok());
        let partition = partition.unwrap_or_else(|| Partition::for_region(""));
        let mut settings = IamSettings::of_partition(&partition, self.network.clone());
        if let Some(endpoint) = &self.iam_endpoint {
            settings.endpoint.clone_from(endpoint);
        }
        Iam::new(settings, arn)
    }
}

/// Returns the configured endpoint of IAM, with the precedence of the AWS CLI.
fn iam_endpoint(
    config: &SharedConfig<'_>,
    section: Option<&Section<'_>>,
) -> Result<Option<String>, CliError> {
    let key = |name: &str| section.and_then(|section| section.get_non_empty(name)).map(str::to_owned);
    let ignored = vars::get(vars::AWS_IGNORE_CONFIGURED_ENDPOINT_URLS);
    let origin = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS (or its key)";
    if endpoint_url::is_true(origin, ignored.or_else(|| key("ignore_configured_endpoint_urls")))? {
        return Ok(None);
    }
    let of_services = || {
        let url = config.services(&key("services")?)?.get_nested("iam", "endpoint_url")?.to_owned();
        Some(("the profile's `services`", url))
    };
    let variable = |name: &'static str| Some((name, vars::get(name)?));
    let found = variable(vars::AWS_ENDPOINT_URL_IAM)
        .or_else(|| variable(vars::AWS_ENDPOINT_URL))
        .or_else(of_services)
        .or_else(|| Some(("the profile's `endpoint_url`", key("endpoint_url")?)));
    let Some((origin, url)) = found else { return Ok(None) };
    endpoint_url::check_url(&url, PlainHttp::LoopbackOnly)
        .map_err(|fault| CliError::usage(format!("{origin} {fault}")))?;
    Ok(Some(url))
}

/// Returns the error for a failed call to IAM.
pub(crate) fn iam_failed(what: impl Into<String>, error: StsError) -> CliError {
    let cli_error = CliError::new(what);
    let cli_error = match &error {
        StsError::Refused { code, .. } if code.starts_with("AccessDenied") => cli_error
            .hint("the user needs iam:ListAccessKeys, CreateAccessKey, UpdateAccessKey, DeleteAccessKey and GetAccessKeyLastUsed for itself")
            .hint("if a policy requires MFA for that: --mfa-session"),
        StsError::Refused { code, .. } if code == "LimitExceeded" => {
            cli_error.hint("the user already has two keys; see --replace")
        }
        _ => cli_error,
    };
    cli_error.caused_by(error)
}

/// Whether a call failed because its object does not exist.
pub(crate) fn is_gone(error: &StsError) -> bool {
    matches!(error, StsError::Refused { code, .. } if code == "NoSuchEntity")
}
