//! The flags that all commands with a role share.

use clap::builder::Resettable;
use clap::{Arg, Args, Id};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter};

use crate::cli::args::complete;

const OPTIONAL_HELP: &str =
    "A role ARN, ACCOUNT/NAME, SESSION:ACCOUNT/NAME, or a profile [default: choose from a list]";

// Which role, how, and from which source, as typed. `plan` decides what the values mean.
//
// The aliases are spellings of aws-assume-role-lib, so that its command lines work here.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct RoleArgs {
    /// A role ARN, ACCOUNT/NAME, SESSION:ACCOUNT/NAME, or a profile
    #[arg(required_unless_present = "account_id", help_heading = "Role")]
    #[arg(add = ArgValueCompleter::new(complete::roles), display_order = 0)]
    pub(crate) role: Option<String>,
    /// The account of the role; needs --role-name
    #[arg(long, alias = "account_id", value_name = "ID", help_heading = "Role")]
    #[arg(requires = "role_name", conflicts_with = "role", display_order = 1)]
    #[arg(hide_short_help = true, add = ArgValueCompleter::new(complete::account_ids))]
    pub(crate) account_id: Option<String>,
    /// The name of the role; needs --account-id
    #[arg(long, alias = "role_name", value_name = "NAME", requires = "account_id", help_heading = "Role")]
    #[arg(conflicts_with = "role", hide_short_help = true)]
    #[arg(add = ArgValueCompleter::new(complete::role_names))]
    pub(crate) role_name: Option<String>,
    /// The AWS partition of ACCOUNT/NAME [default: that of the region]
    #[arg(long, value_name = "PARTITION", help_heading = "Role")]
    #[arg(hide_short_help = true, add = ArgValueCandidates::new(complete::partitions))]
    pub(crate) partition: Option<String>,

    /// Start from this profile's credentials, not from the environment's
    ///
    /// If ROLE is a profile, this replaces its `source_profile` or `credential_source`.
    #[arg(short, long, value_name = "NAME", conflicts_with = "chain", help_heading = "Role")]
    #[arg(add = ArgValueCompleter::new(complete::profiles))]
    pub(crate) profile: Option<String>,
    /// Assume this role on the way to ROLE (repeatable, in order)
    #[arg(long, value_name = "ROLE", help_heading = "Role")]
    #[arg(add = ArgValueCompleter::new(complete::roles))]
    #[arg(hide_short_help = true)]
    pub(crate) via: Vec<String>,
    /// Start from the role that this shell has now
    #[arg(long, help_heading = "Role")]
    pub(crate) chain: bool,

    /// The session name in audit logs [default: {user}@{role}.{account}]
    ///
    /// May contain {user}, {caller}, {role}, {account}, {host}, {pid} and {time}. Without the flag, arl
    /// uses --source-identity, else ARL_ROLE_SESSION_NAME, else the profile's `role_session_name`, else the
    /// default.
    #[arg(long, alias = "RoleSessionName", value_name = "NAME", help_heading = "Session")]
    #[arg(hide_short_help = true)]
    pub(crate) role_session_name: Option<String>,
    /// How long the session lasts, such as 2h or "1h 30m" [15m to 12h]
    #[arg(short, long, aliases = ["DurationSeconds", "duration-seconds"], value_name = "TIME")]
    #[arg(help_heading = "Session", add = ArgValueCandidates::new(complete::durations))]
    pub(crate) duration: Option<String>,
    /// A session policy: JSON, or file://PATH
    #[arg(long, alias = "Policy", value_name = "JSON", help_heading = "Session")]
    #[arg(hide_short_help = true)]
    pub(crate) policy: Option<String>,
    /// Managed session policies: ARN,ARN or JSON (repeatable)
    #[arg(long, alias = "PolicyArns", value_name = "ARNS", help_heading = "Session")]
    #[arg(hide_short_help = true)]
    pub(crate) policy_arns: Vec<String>,
    /// Session tags: KEY=VALUE,… or JSON (repeatable)
    #[arg(long, alias = "Tags", value_name = "TAGS", help_heading = "Session")]
    #[arg(hide_short_help = true)]
    pub(crate) tags: Vec<String>,
    /// The tags that later roles of the chain inherit: KEY,… or JSON
    #[arg(long, alias = "TransitiveTagKeys", value_name = "KEYS", help_heading = "Session")]
    #[arg(hide_short_help = true)]
    pub(crate) transitive_tag_keys: Option<String>,
    /// Who is behind the session, for audit logs; role chaining keeps it
    #[arg(long, alias = "SourceIdentity", value_name = "NAME", help_heading = "Session")]
    #[arg(hide_short_help = true)]
    pub(crate) source_identity: Option<String>,
    /// The external ID that the role's trust policy requires
    #[arg(long, alias = "ExternalId", value_name = "ID", help_heading = "Session")]
    #[arg(hide_short_help = true)]
    pub(crate) external_id: Option<String>,
    /// Context assertions, as JSON (repeatable)
    #[arg(long, alias = "ProvidedContexts", value_name = "JSON", help_heading = "Session")]
    #[arg(hide_short_help = true)]
    pub(crate) provided_contexts: Vec<String>,
    /// Other parameters of AssumeRole, as a JSON object
    #[arg(long, alias = "additional-kwargs", value_name = "JSON", help_heading = "Session")]
    #[arg(hide_short_help = true)]
    pub(crate) additional_parameters: Option<String>,

    /// The serial number or ARN of the MFA device
    #[arg(long, aliases = ["SerialNumber", "mfa-serial"], value_name = "SERIAL", help_heading = "MFA")]
    #[arg(hide_short_help = true)]
    pub(crate) serial_number: Option<String>,
    /// The current code of the MFA device
    #[arg(long, aliases = ["TokenCode", "mfa-code"], value_name = "CODE", help_heading = "MFA")]
    #[arg(hide_short_help = true)]
    pub(crate) token_code: Option<String>,
    /// A command that prints the current code
    #[arg(long, value_name = "COMMAND", help_heading = "MFA")]
    #[arg(hide_short_help = true)]
    pub(crate) mfa_process: Option<String>,
    /// Ask for one MFA code that works for every role for 12 hours
    #[arg(long, help_heading = "MFA")]
    #[arg(hide_short_help = true)]
    pub(crate) mfa_session: bool,

    /// The region to call STS in, and to set for the shell or command
    #[arg(short, long, value_name = "REGION", help_heading = "Session")]
    #[arg(add = ArgValueCompleter::new(complete::regions))]
    pub(crate) region: Option<String>,
    /// Call STS at this address
    #[arg(long, value_name = "URL", help_heading = "Network")]
    #[arg(hide_short_help = true)]
    pub(crate) endpoint_url: Option<String>,
    /// Allow plain http to another machine
    #[arg(long, help_heading = "Network")]
    #[arg(hide_short_help = true)]
    pub(crate) allow_insecure_endpoint: bool,

    /// Use a cached session only if it is valid for this long [default: 5m; 15m for credential_process]
    #[arg(long, value_name = "TIME", help_heading = "Cache")]
    #[arg(hide_short_help = true, add = ArgValueCandidates::new(complete::durations))]
    pub(crate) min_ttl: Option<String>,
    /// Neither read nor write the session cache
    #[arg(long, help_heading = "Cache", conflicts_with_all = ["refresh", "min_ttl"])]
    #[arg(hide_short_help = true)]
    pub(crate) no_cache: bool,
    /// Get a new session and cache it
    #[arg(long, help_heading = "Cache")]
    #[arg(hide_short_help = true)]
    pub(crate) refresh: bool,

    /// Give up after this time; the hooks use it, so that no prompt has to wait
    #[arg(long, value_name = "TIME", hide = true)]
    pub(crate) within: Option<String>,
}

/// The kind of a flag of [`RoleArgs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FlagKind {
    /// Names the role or its source.
    Target,
    /// Sets a parameter of AssumeRole.
    Role,
    /// Concerns MFA for a role or, with `--mfa-session`, for the source.
    Mfa,
    /// Decides how calls are made, with or without a role.
    Call,
    /// Limits the time of this run.
    Deadline,
}

/// The values that the user gave to a flag.
enum FlagValues<'a> {
    One(&'a Option<String>),
    Many(&'a [String]),
    Switch(bool),
}

impl FlagValues<'_> {
    fn is_given(&self) -> bool {
        !self.given().is_empty()
    }

    /// Returns one item for each time that the flag was given; `None` is a flag without a value.
    fn given(&self) -> Vec<Option<String>> {
        match self {
            Self::One(value) => value.iter().cloned().map(Some).collect(),
            Self::Many(values) => values.iter().cloned().map(Some).collect(),
            Self::Switch(is_on) => is_on.then_some(None).into_iter().collect(),
        }
    }
}

impl RoleArgs {
    /// Makes the ROLE argument optional, for commands that let the user choose a role if it is missing.
    pub(crate) fn optional(role: Arg) -> Arg {
        role.required_unless_present(Resettable::<Id>::Reset).help(OPTIONAL_HELP)
    }

    /// Returns every flag, whether it was given or not. It destructures the arguments, so the code does not
    /// compile until a new flag is added here.
    fn flags(&self) -> [(&'static str, FlagKind, FlagValues<'_>); 27] {
        use FlagKind::{Call, Deadline, Mfa, Role, Target};
        use FlagValues::{Many, One, Switch};
        let RoleArgs {
            role: _,
            account_id,
            role_name,
            partition,
            profile,
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
            within,
        } = self;
        // `arl configure --process` writes the flags in this order into a profile.
        [
            ("--role-session-name", Role, One(role_session_name)),
            ("--duration", Role, One(duration)),
            ("--policy", Role, One(policy)),
            ("--transitive-tag-keys", Role, One(transitive_tag_keys)),
            ("--source-identity", Role, One(source_identity)),
            ("--external-id", Role, One(external_id)),
            ("--additional-parameters", Role, One(additional_parameters)),
            ("--serial-number", Mfa, One(serial_number)),
            ("--token-code", Call, One(token_code)),
            ("--mfa-process", Mfa, One(mfa_process)),
            ("--region", Call, One(region)),
            ("--endpoint-url", Call, One(endpoint_url)),
            ("--min-ttl", Call, One(min_ttl)),
            ("--via", Role, Many(via)),
            ("--policy-arns", Role, Many(policy_arns)),
            ("--tags", Role, Many(tags)),
            ("--provided-contexts", Role, Many(provided_contexts)),
            ("--chain", Role, Switch(*chain)),
            ("--allow-insecure-endpoint", Call, Switch(*allow_insecure_endpoint)),
            ("--mfa-session", Call, Switch(*mfa_session)),
            ("--no-cache", Call, Switch(*no_cache)),
            ("--refresh", Call, Switch(*refresh)),
            ("--account-id", Target, One(account_id)),
            ("--role-name", Target, One(role_name)),
            ("--partition", Target, One(partition)),
            ("--profile", Target, One(profile)),
            ("--within", Deadline, One(within)),
        ]
    }

    /// Returns a flag that was given and that has no meaning unless a role is assumed.
    pub(crate) fn role_only_flag(&self) -> Option<&'static str> {
        let is_role_only = |kind| match kind {
            FlagKind::Target | FlagKind::Role => true,
            FlagKind::Mfa => !self.mfa_session,
            FlagKind::Call | FlagKind::Deadline => false,
        };
        let mut flags = self.flags().into_iter();
        flags.find(|(_, kind, values)| is_role_only(*kind) && values.is_given()).map(|(flag, ..)| flag)
    }

    /// Returns the first flag that was given.
    pub(crate) fn first_flag(&self) -> Option<&'static str> {
        self.flags().into_iter().find(|(.., values)| values.is_given()).map(|(flag, ..)| flag)
    }

    /// Returns a flag that was given and is not among these.
    pub(crate) fn first_flag_besides(&self, allowed: &[&str]) -> Option<&'static str> {
        let flags = self.flags().into_iter().filter(|(.., values)| values.is_given());
        flags.map(|(flag, ..)| flag).find(|flag| !allowed.contains(flag))
    }

    /// Returns the flags that were given and that name the role or its source.
    pub(crate) fn target_flags(&self) -> Vec<(&'static str, Option<String>)> {
        self.given(|kind| kind == FlagKind::Target)
    }

    /// Returns the flags that were given, apart from those of [`Self::target_flags`] and the deadline.
    pub(crate) fn given_flags(&self) -> Vec<(&'static str, Option<String>)> {
        self.given(|kind| !matches!(kind, FlagKind::Target | FlagKind::Deadline))
    }

    fn given(&self, is_wanted: impl Fn(FlagKind) -> bool) -> Vec<(&'static str, Option<String>)> {
        let wanted = self.flags().into_iter().filter(|(_, kind, _)| is_wanted(*kind));
        wanted
            .flat_map(|(flag, _, values)| values.given().into_iter().map(move |value| (flag, value)))
            .collect()
    }
}
