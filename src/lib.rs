//! Assume AWS IAM roles.
//!
//! A configuration of the AWS SDK becomes one of a role, and renews its credentials for as long as the program runs:
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
//! Nothing is asked of STS before credentials are used for the first time; what STS would refuse is told by
//! [`AssumeRole::into_config`]. [`RoleProvider`] says when a session is renewed. A session can be kept from one run to
//! the next by a [`CredentialCache`]:
//!
//! ```no_run
//! # use arl::{AssumeRoleExt, JsonFileCache, LambdaFunction, RoleSessionName};
//! # fn example(base: aws_types::SdkConfig, environment: impl Fn(&str) -> String)
//! #     -> Result<(), Box<dyn std::error::Error>> {
//! // In a Lambda function: a session name that leads back to the instance.
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
//! | `assume_role(session, RoleArn)` | `config.assume_role(role_arn)` of [`AssumeRoleExt`], then [`AssumeRole::into_config`] |
//! | `patch_boto3()`, `Session.assume_role` | [`AssumeRoleExt`] in scope |
//! | `RoleSessionName` | [`AssumeRole::role_session_name`]; without it the source identity, else one is made up |
//! | `AUTOMATIC_ROLE_SESSION_NAME` | [`AssumeRole::automatic_role_session_name`] |
//! | `PolicyArns` | [`AssumeRole::policy_arn`] |
//! | `Policy` (`str` or `dict`) | [`AssumeRole::policy`], with a text or a `serde_json::Value` |
//! | `DurationSeconds` (`int` or `timedelta`) | [`AssumeRole::duration`] |
//! | `Tags`, `TransitiveTagKeys` | [`AssumeRole::tag`], [`AssumeRole::transitive_tag_key`] |
//! | `ExternalId`, `SourceIdentity` | [`AssumeRole::external_id`], [`AssumeRole::source_identity`] |
//! | `SerialNumber`, `TokenCode` | [`AssumeRole::serial_number`], [`AssumeRole::token_code`], [`AssumeRole::token_codes`] |
//! | `additional_kwargs` | [`AssumeRole::additional_parameters`] |
//! | `region_name` (`None`, `str`, `False`) | [`AssumeRole::region`]: left out, given, `None` |
//! | `validate=False` | nothing: a value that STS would refuse cannot be made |
//! | `cache=JSONFileCache(dir)`, any `dict` | [`AssumeRole::cache`] with [`JsonFileCache`], or any [`CredentialCache`] |
//! | `child.assume_role_parent_session` | [`RoleProvider::parent`] |
//! | `generate_lambda_session_name()` | [`RoleSessionName::for_lambda`] |
//! | `get_role_arn(account, name, path, partition)` | [`RoleArn::new`], [`RoleArn::with_path`] |
//! | `get_assumed_role_session_arn(…)` | [`RoleArn::session`] |
//! | `python -m aws_assume_role_lib` | the program `arl assume` |
//!
//! Its cache keeps sessions apart by the request alone; this one also by the caller and the endpoint.
//!
//! # What it does not do
//!
//! - It brings no HTTP client: the parent's configuration has one, or the program's SDK was built with its default.
//! - It does not look for source credentials on the way of `config.assume_role`: the parent has them.
//! - `SdkConfig` is a value: a region that the parent is given later does not reach the child.
//! - It renews when credentials are asked for, and never by a task of its own.
//!
//! # The parts
//!
//! The modules stand in the order of the journey: a role's name becomes a request, finds its source
//! credentials, goes to STS, and comes back as credentials that are told to a shell, a file or a program.
//! Lower ones know nothing of those above them, and none reads the environment, the home directory, the
//! clock or the terminal: whoever calls hands these in. The command line is built of these parts, behind the feature
//! `cli`; `default-features = false` leaves it out.

// Each module may use only those above it.

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
