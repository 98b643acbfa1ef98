//! Assume AWS IAM roles.
//!
//! Turns an SDK configuration into that of a role. The role's credentials renew themselves while the program
//! runs:
//!
//! ```no_run
//! use std::time::Duration;
//! use arl::AssumeRoleExt;
//!
//! # async fn example(base: aws_types::SdkConfig) -> Result<(), Box<dyn std::error::Error>> {
//! // let base = aws_config::load_defaults(BehaviorVersion::latest()).await;
//! let deploy = base
//!     .assume_role("arn:aws:iam::123456789012:role/Deploy".parse()?)
//!     .duration(Duration::from_secs(2 * 3600))
//!     .into_config()?;
//! // let s3 = aws_sdk_s3::Client::new(&deploy);
//!
//! // Role chaining: a role from a role.
//! let audit = deploy.assume_role("arn:aws:iam::210987654321:role/Audit".parse()?).into_config()?;
//! # let _ = audit;
//! # Ok(())
//! # }
//! ```
//!
//! STS is not called before credentials are used for the first time. [`AssumeRoleBuilder::into_config`] reports
//! parameters that STS would refuse. [`RoleProvider`] documents when a session is renewed. A
//! [`CredentialCache`] keeps a session from one run to the next:
//!
//! ```no_run
//! # use arl::{AssumeRoleExt, JsonFileCache, LambdaFunction, RoleSessionName};
//! # fn example(base: aws_types::SdkConfig, environment: impl Fn(&str) -> String)
//! #     -> Result<(), Box<dyn std::error::Error>> {
//! // In a Lambda function: a session name that identifies the instance.
//! let function = LambdaFunction {
//!     function_name: &environment("AWS_LAMBDA_FUNCTION_NAME"),
//!     function_version: &environment("AWS_LAMBDA_FUNCTION_VERSION"),
//!     log_stream_name: &environment("AWS_LAMBDA_LOG_STREAM_NAME"),
//!     ..LambdaFunction::default()
//! };
//! let name = RoleSessionName::for_lambda(&function, std::time::SystemTime::now())?;
//! let deploy = base
//!     .assume_role("arn:aws:iam::123456789012:role/Deploy".parse()?)
//!     .role_session_name(name)
//!     .cache(JsonFileCache::new("/tmp/sessions"))
//!     .into_config()?;
//! # let _ = deploy;
//! # Ok(())
//! # }
//! ```
//!
//! # Coming from aws-assume-role-lib
//!
//! | there | here |
//! | --- | --- |
//! | `assume_role(session, RoleArn)` | [`AssumeRoleExt::assume_role`], then [`AssumeRoleBuilder::into_config`] |
//! | `patch_boto3()`, `Session.assume_role` | [`AssumeRoleExt`] in scope |
//! | `RoleSessionName` | [`AssumeRoleBuilder::role_session_name`], else the source identity, else generated |
//! | `AUTOMATIC_ROLE_SESSION_NAME` | [`AssumeRoleBuilder::automatic_role_session_name`] |
//! | `PolicyArns` | [`AssumeRoleBuilder::policy_arn`] |
//! | `Policy` (`str` or `dict`) | [`AssumeRoleBuilder::policy`], with text or a `serde_json::Value` |
//! | `DurationSeconds` (`int` or `timedelta`) | [`AssumeRoleBuilder::duration`] |
//! | `Tags`, `TransitiveTagKeys` | [`AssumeRoleBuilder::tag`], [`AssumeRoleBuilder::transitive_tag_key`] |
//! | `ExternalId`, `SourceIdentity` | [`AssumeRoleBuilder::external_id`], [`AssumeRoleBuilder::source_identity`] |
//! | `SerialNumber` | [`AssumeRoleBuilder::serial_number`] |
//! | `TokenCode` | [`AssumeRoleBuilder::token_code`], [`AssumeRoleBuilder::token_codes`] |
//! | `additional_kwargs` | [`AssumeRoleBuilder::additional_parameters`] |
//! | `region_name` (`None`, `str`, `False`) | [`AssumeRoleBuilder::region`]: not called, a region, `None` |
//! | `validate=False` | not available: invalid values cannot be created |
//! | `cache=JSONFileCache(dir)`, any `dict` | [`AssumeRoleBuilder::cache`] with any [`CredentialCache`] |
//! | `child.assume_role_parent_session` | [`RoleProvider::parent`] |
//! | `generate_lambda_session_name()` | [`RoleSessionName::for_lambda`] |
//! | `get_role_arn(account, name, path, partition)` | [`RoleArn::new`], [`RoleArn::with_path`] |
//! | `get_assumed_role_session_arn(…)` | [`RoleArn::session`] |
//! | `python -m aws_assume_role_lib` | the program `arl assume` |
//!
//! The cache of aws-assume-role-lib distinguishes sessions by the request only. This one also distinguishes
//! them by the caller and the endpoint.
//!
//! # What it does not do
//!
//! - It brings no HTTP client. The parent's configuration has one, or the SDK was built with its default
//!   client.
//! - `config.assume_role` does not search for source credentials. The parent has them.
//! - `SdkConfig` is a value: a region that is set in the parent later does not reach the child.
//! - It renews credentials when the program asks for them, and spawns no task.
//!
//! # The parts
//!
//! The modules are declared in the order of their use: each uses only those above it. They parse the request,
//! read the user's profiles, resolve the source credentials, call STS, cache the session, and hand it to the
//! SDK, a shell or a program. They do not read the environment, the home directory, the clock or the
//! terminal; the caller passes these in. The CLI is built on the same modules, behind the feature `cli`,
//! which `default-features = false` leaves out.

// Each module uses only those above it.

// Values.
mod encoding;
mod files;
mod secret;

mod arn;
mod credentials;
mod request;

// What the user has.
mod profiles;
mod source;

// The outside world.
mod process;
mod sts;

mod cache;

// Handing over.
mod provider;

mod console;
mod endpoint;
mod export;

pub use arn::{AccountId, InvalidArn, Partition, RoleArn};
#[cfg(target_os = "linux")]
pub use cache::KeyringCache;
pub use cache::{CacheKey, CachedSession, CredentialCache, JsonFileCache, SessionSummary};
pub use credentials::{Credentials, InvalidCredentials};
pub use provider::{
    AssumeRoleBuilder, AssumeRoleExt, CodeError, InvalidParameter, RefreshWindows, RoleProvider,
};
pub use request::{
    AdditionalParameters, AssumeRoleRequest, AssumedRoleSessionArn, ExternalId, InvalidValue, LambdaFunction,
    Policy, PolicyArn, ProvidedContext, RoleSessionName, SerialNumber, SessionDuration, SourceIdentity, Tag,
    TagKey, TokenCode,
};
pub use secret::Secret;
pub use sts::StsError;

/// What the program of this package needs. No version number promises anything about these names.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod internal {
    pub use crate::arn::{AccountId, InvalidArn, Partition, RoleArn};
    #[cfg(target_os = "linux")]
    pub use crate::cache::KeyringCache;
    pub use crate::cache::{
        Acquired, CacheKey, CacheKeyHop, CachedSession, Consumer, CredentialCache, FreshnessPolicy,
        JsonFileCache, LeaderLock, SessionSummary, SingleFlight, SourceEnvironment, SourceKey, WaitBudget,
    };
    pub use crate::console::{ConsoleError, ConsoleSignIn};
    pub use crate::credentials::{Credentials, InvalidCredentials};
    pub use crate::endpoint::{CredentialServer, RedirectServer, SupplyCredentials, Unavailable};
    pub use crate::export::shell;
    pub use crate::export::{
        ASSUMED_VARIABLES, IDENTITY_VARIABLES, Identity, UnsupportedValue, dotenv, process_json,
    };
    /// Reads files of limited size.
    pub mod files {
        pub use crate::files::{MAX_CONFIG, MAX_DOCUMENT, read, read_text};
    }
    pub use crate::process::{ProcessError, Stderr, run_process};
    pub use crate::profiles::{
        EditError, FileMode, InvalidConfig, InvalidProfileKey, InvalidProfileName, ProfileEdit, ProfileName,
        RoleProfile, Section, SharedConfig, SharedFile, UpdateError, UpdateOutcome, normalize_list,
        update as update_file,
    };
    pub use crate::provider::RefreshWindows;
    pub use crate::request::{
        AdditionalParameters, AssumeRoleRequest, AssumedRoleSessionArn, ExternalId, InvalidValue,
        LambdaFunction, ParameterValue, Policy, PolicyArn, ProvidedContext, RoleSessionName, SerialNumber,
        SessionDuration, SessionNameTemplate, SessionNameValues, SourceIdentity, Tag, TagKey, TokenCode,
        parse_policy_arns, parse_provided_contexts, parse_tag_keys, parse_tags,
    };
    pub use crate::secret::Secret;
    pub use crate::source::{
        LoginSource, PROCESS_ANCESTORS, ProcessSource, RoleRef, ShellRole, Source, SourceChain, SourceError,
        SourceId, SourceResolver, SsoSource, closest,
    };
    pub use crate::sts::{
        CallerIdentity, NetworkConfig, RoleSession, Sts, StsError, StsSettings, assume_role,
        cap_chained_duration,
    };
}
