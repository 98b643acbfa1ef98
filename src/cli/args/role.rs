//! The flags that every verb with a role shares.

use clap::Args;
use clap_complete::engine::ArgValueCompleter;

use crate::cli::args::complete;

// Which role, how, from where. As typed: what the values mean is found out in `plan`.
//
// The aliases are aws-assume-role-lib's spellings, so that its command lines go on working.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct RoleArgs {
    /// A role ARN, ACCOUNT/NAME, or the name of a profile
    #[arg(required_unless_present = "account_id", help_heading = "Role")]
    #[arg(add = ArgValueCompleter::new(complete::roles))]
    pub(crate) role: Option<String>,
    /// The role's account, together with --role-name
    #[arg(long, alias = "account_id", value_name = "ID", help_heading = "Role")]
    #[arg(requires = "role_name", conflicts_with = "role")]
    #[arg(hide_short_help = true)]
    pub(crate) account_id: Option<String>,
    /// The role's name, together with --account-id
    #[arg(long, alias = "role_name", value_name = "NAME", requires = "account_id", help_heading = "Role")]
    #[arg(conflicts_with = "role", hide_short_help = true)]
    pub(crate) role_name: Option<String>,
    /// The partition of ACCOUNT/NAME [default: the region's]
    #[arg(long, value_name = "PARTITION", help_heading = "Role")]
    #[arg(hide_short_help = true)]
    pub(crate) partition: Option<String>,

    /// Start from this profile; beats environment keys and a role profile's own source
    #[arg(long, value_name = "NAME", conflicts_with = "chain", help_heading = "Source")]
    #[arg(add = ArgValueCompleter::new(complete::profiles))]
    pub(crate) profile: Option<String>,
    /// Assume this role on the way (can be repeated, in order)
    #[arg(long, value_name = "ROLE", help_heading = "Source")]
    #[arg(add = ArgValueCompleter::new(complete::roles))]
    pub(crate) via: Vec<String>,
    /// Start from the role that this shell already has
    #[arg(long, help_heading = "Source")]
    pub(crate) chain: bool,

    /// The session's name in audit logs [default: {user}@{role}.{account}]
    ///
    /// May hold {user}, {caller}, {role}, {account}, {host}, {pid} and {time}. Without it: --source-identity,
    /// ARL_ROLE_SESSION_NAME, the profile's, {user}@{role}.{account}.
    #[arg(long, alias = "RoleSessionName", value_name = "NAME", help_heading = "Session")]
    pub(crate) role_session_name: Option<String>,
    /// How long: 2h, 90m, "1h 30m" or seconds; 15m to 12h
    #[arg(long, aliases = ["DurationSeconds", "duration-seconds"], value_name = "TIME", help_heading = "Session")]
    pub(crate) duration: Option<String>,
    /// A session policy: a JSON object, or file://PATH
    #[arg(long, alias = "Policy", value_name = "JSON", help_heading = "Session")]
    pub(crate) policy: Option<String>,
    /// Managed session policies: ARN,ARN or JSON (can be repeated)
    #[arg(long, alias = "PolicyArns", value_name = "ARNS", help_heading = "Session")]
    pub(crate) policy_arns: Vec<String>,
    /// Session tags: K=V,K=V or JSON (can be repeated)
    #[arg(long, alias = "Tags", value_name = "TAGS", help_heading = "Session")]
    pub(crate) tags: Vec<String>,
    /// The tags that chained sessions inherit: K,K or JSON
    #[arg(long, alias = "TransitiveTagKeys", value_name = "KEYS", help_heading = "Session")]
    #[arg(hide_short_help = true)]
    pub(crate) transitive_tag_keys: Option<String>,
    /// Who is behind the session; kept through role chaining
    #[arg(long, alias = "SourceIdentity", value_name = "NAME", help_heading = "Session")]
    pub(crate) source_identity: Option<String>,
    /// The external ID that the role's trust policy asks for
    #[arg(long, alias = "ExternalId", value_name = "ID", help_heading = "Session")]
    pub(crate) external_id: Option<String>,
    /// Context assertions, as JSON (can be repeated)
    #[arg(long, alias = "ProvidedContexts", value_name = "JSON", help_heading = "Session")]
    #[arg(hide_short_help = true)]
    pub(crate) provided_contexts: Vec<String>,
    /// Parameters of AssumeRole that arl has no flag for, as a JSON object
    #[arg(long, alias = "additional-kwargs", value_name = "JSON", help_heading = "Session")]
    #[arg(hide_short_help = true)]
    pub(crate) additional_parameters: Option<String>,

    /// The MFA device: its serial number or ARN
    #[arg(long, aliases = ["SerialNumber", "mfa-serial"], value_name = "SERIAL", help_heading = "MFA")]
    pub(crate) serial_number: Option<String>,
    /// The MFA device's current code
    #[arg(long, aliases = ["TokenCode", "mfa-code"], value_name = "CODE", help_heading = "MFA")]
    pub(crate) token_code: Option<String>,
    /// A command that prints the device's current code
    #[arg(long, value_name = "COMMAND", help_heading = "MFA")]
    #[arg(hide_short_help = true)]
    pub(crate) mfa_process: Option<String>,
    /// Give the code once for 12 hours of any number of roles (GetSessionToken)
    #[arg(long, help_heading = "MFA")]
    #[arg(hide_short_help = true)]
    pub(crate) mfa_session: bool,

    /// The region to ask STS in, and to hand over
    #[arg(long, value_name = "REGION", help_heading = "Network")]
    pub(crate) region: Option<String>,
    /// An STS endpoint of your own
    #[arg(long, value_name = "URL", help_heading = "Network")]
    #[arg(hide_short_help = true)]
    pub(crate) endpoint_url: Option<String>,
    /// Allow plain http to an endpoint that is not on this machine
    #[arg(long, help_heading = "Network")]
    #[arg(hide_short_help = true)]
    pub(crate) allow_insecure_endpoint: bool,

    /// Take a kept session only if it lasts this long at least [default: 5m, 15m with --json]
    #[arg(long, value_name = "TIME", help_heading = "Cache")]
    #[arg(hide_short_help = true)]
    pub(crate) min_ttl: Option<String>,
    /// Neither take a kept session nor keep the new one
    #[arg(long, help_heading = "Cache", conflicts_with_all = ["refresh", "min_ttl"])]
    pub(crate) no_cache: bool,
    /// Get a new session, and keep it instead of the one that is there
    #[arg(long, help_heading = "Cache")]
    pub(crate) refresh: bool,

    /// Give up after this time; the hooks use it, so that no prompt waits for long
    #[arg(long, value_name = "TIME", hide = true)]
    pub(crate) within: Option<String>,
}

impl RoleArgs {
    /// The flag, as typed, that has no meaning unless a role is assumed.
    pub(crate) fn role_only_flag(&self) -> Option<&'static str> {
        let flags = [
            ("--role-session-name", self.role_session_name.is_some()),
            ("--duration", self.duration.is_some()),
            ("--policy", self.policy.is_some()),
            ("--policy-arns", !self.policy_arns.is_empty()),
            ("--tags", !self.tags.is_empty()),
            ("--transitive-tag-keys", self.transitive_tag_keys.is_some()),
            ("--source-identity", self.source_identity.is_some()),
            ("--external-id", self.external_id.is_some()),
            ("--provided-contexts", !self.provided_contexts.is_empty()),
            ("--additional-parameters", self.additional_parameters.is_some()),
            ("--serial-number", self.serial_number.is_some() && !self.mfa_session),
            ("--mfa-process", self.mfa_process.is_some() && !self.mfa_session),
            ("--partition", self.partition.is_some()),
            ("--profile", self.profile.is_some()),
            ("--via", !self.via.is_empty()),
            ("--chain", self.chain),
        ];
        flags.into_iter().find_map(|(flag, is_given)| is_given.then_some(flag))
    }

    /// Returns a flag that was given, whichever it is; `None` if none was.
    pub(crate) fn first_flag(&self) -> Option<&'static str> {
        let others = [
            ("--account-id", self.account_id.is_some()),
            ("--role-name", self.role_name.is_some()),
            ("--partition", self.partition.is_some()),
            ("--profile", self.profile.is_some()),
            ("--within", self.within.is_some()),
        ];
        let flags = self.given_flags().into_iter().map(|(flag, _)| flag);
        flags.chain(others.into_iter().filter_map(|(flag, given)| given.then_some(flag))).next()
    }

    /// The flags that were given, but for the role and the source, as any verb takes them. Destructured, so that a new
    /// flag cannot be forgotten.
    pub(crate) fn given_flags(&self) -> Vec<(&'static str, Option<String>)> {
        let RoleArgs {
            role: _,
            account_id: _,
            role_name: _,
            partition: _,
            profile: _,
            via,
            chain,
            role_session_name,
            duration,
            policy,
            policy_arns,
            tags,
            transitive_tag_keys,
            source_identity,
            external_id,
            provided_contexts,
            additional_parameters,
            serial_number,
            token_code,
            mfa_process,
            mfa_session,
            region,
            endpoint_url,
            allow_insecure_endpoint,
            min_ttl,
            no_cache,
            refresh,
            within: _,
        } = self;
        let values = [
            ("--role-session-name", role_session_name),
            ("--duration", duration),
            ("--policy", policy),
            ("--transitive-tag-keys", transitive_tag_keys),
            ("--source-identity", source_identity),
            ("--external-id", external_id),
            ("--additional-parameters", additional_parameters),
            ("--serial-number", serial_number),
            ("--token-code", token_code),
            ("--mfa-process", mfa_process),
            ("--region", region),
            ("--endpoint-url", endpoint_url),
            ("--min-ttl", min_ttl),
        ];
        let lists = [
            ("--via", via),
            ("--policy-arns", policy_arns),
            ("--tags", tags),
            ("--provided-contexts", provided_contexts),
        ];
        let switches = [
            ("--chain", chain),
            ("--allow-insecure-endpoint", allow_insecure_endpoint),
            ("--mfa-session", mfa_session),
            ("--no-cache", no_cache),
            ("--refresh", refresh),
        ];
        let values = values.into_iter().filter_map(|(flag, value)| Some((flag, Some(value.clone()?))));
        let lists = lists
            .into_iter()
            .flat_map(|(flag, list)| list.iter().map(move |value| (flag, Some(value.clone()))));
        let switches = switches.into_iter().filter(|(_, is_given)| **is_given).map(|(flag, _)| (flag, None));
        values.chain(lists).chain(switches).collect()
    }
}
