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
//! STS is not called before credentials are used for the first time. [`AssumeRole::into_config`] reports
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
//! | `assume_role(session, RoleArn)` | [`AssumeRoleExt::assume_role`], then [`AssumeRole::into_config`] |
//! | `patch_boto3()`, `Session.assume_role` | [`AssumeRoleExt`] in scope |
//! | `RoleSessionName` | [`AssumeRole::role_session_name`], else the source identity, else generated |
//! | `AUTOMATIC_ROLE_SESSION_NAME` | [`AssumeRole::automatic_role_session_name`] |
//! | `PolicyArns` | [`AssumeRole::policy_arn`] |
//! | `Policy` (`str` or `dict`) | [`AssumeRole::policy`], with text or a `serde_json::Value` |
//! | `DurationSeconds` (`int` or `timedelta`) | [`AssumeRole::duration`] |
//! | `Tags`, `TransitiveTagKeys` | [`AssumeRole::tag`], [`AssumeRole::transitive_tag_key`] |
//! | `ExternalId`, `SourceIdentity` | [`AssumeRole::external_id`], [`AssumeRole::source_identity`] |
//! | `SerialNumber` | [`AssumeRole::serial_number`] |
//! | `TokenCode` | [`AssumeRole::token_code`], [`AssumeRole::token_codes`] |
//! | `additional_kwargs` | [`AssumeRole::additional_parameters`] |
//! | `region_name` (`None`, `str`, `False`) | [`AssumeRole::region`]: not called, a region, `None` |
//! | `validate=False` | not available: invalid values cannot be created |
//! | `cache=JSONFileCache(dir)`, any `dict` | [`AssumeRole::cache`] with any [`CredentialCache`] |
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
pub use cache::{
    CacheKey, CachedSession, CredentialCache, Flight, Flying, JsonFileCache, KeyedHop, ListedSession, Margin,
    Patience, Reader, SingleFlight, SourceKey, Surroundings,
};
pub use console::{Console, InvalidConsole};
pub use credentials::{Credentials, InvalidCredentials};
pub use endpoint::{CredentialServer, CredentialSource, RedirectServer, Unavailable};
pub use export::shell;
pub use export::{IDENTITY_VARIABLES, Identity, SET_VARIABLES, Unprintable, dotenv, process_json};
pub use process::{ProcessError, Said, run_process};
pub use profiles::{
    EditError, ExchangeError, FileMode, InvalidConfig, InvalidKey, InvalidProfileName, ProfileEdit,
    ProfileName, RoleProfile, Section, SharedConfig, SharedFile, Update, normalize_list,
    update as update_file,
};
pub use provider::{AssumeRole, AssumeRoleExt, CodeError, InvalidParameter, RefreshWindows, RoleProvider};
pub use request::{
    AdditionalParameters, AssumeRoleRequest, AssumedRoleSessionArn, ExternalId, InvalidValue, LambdaFunction,
    ParameterValue, Policy, PolicyArn, ProvidedContext, RoleSessionName, SerialNumber, SessionDuration,
    SessionNameTemplate, SessionNameValues, SourceIdentity, Tag, TagKey, TokenCode, parse_policy_arns,
    parse_provided_contexts, parse_tag_keys, parse_tags,
};
pub use secret::Secret;
pub use source::{
    Chain, LoginSource, PROCESS_ANCESTORS, ProcessSource, RoleRef, ShellRole, Source, SourceError, SourceTag,
    Sources, SsoSource, closest,
};
pub use sts::{
    CallError, CallerIdentity, Network, RoleSession, Sts, StsSettings, assume_role, cap_chained_duration,
};
