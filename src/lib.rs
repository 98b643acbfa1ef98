//! Assume AWS IAM roles.
//!
//! Turns an SDK configuration into one with the credentials of a role, which renew themselves while the
//! program runs:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use arl::AssumeRoleExt;
//! use aws_config::BehaviorVersion;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let base = aws_config::load_defaults(BehaviorVersion::latest()).await;
//! let deploy = base
//!     .assume_role("arn:aws:iam::123456789012:role/Deploy")
//!     .duration(Duration::from_secs(2 * 3600))
//!     .into_config()?;
//! let sts = aws_sdk_sts::Client::new(&deploy); // or any other client of the SDK
//!
//! // Role chaining: a role from a role.
//! let audit = deploy.assume_role("arn:aws:iam::210987654321:role/Audit").into_config()?;
//! # let _ = (sts, audit);
//! # Ok(())
//! # }
//! ```
//!
//! STS is not called before credentials are used for the first time. [`AssumeRoleBuilder::into_config`]
//! reports parameters that STS would refuse. Every failure is an [`Error`], which distinguishes a refusal
//! ([`Error::is_access_denied`]) from an outage ([`Error::is_transient`]). A [`cache::CredentialCache`] makes
//! a session last from one run to the next:
//!
//! ```no_run
//! # #[cfg(unix)]
//! # fn example(base: aws_types::SdkConfig) -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::SystemTime;
//!
//! use arl::cache::JsonFileCache;
//! use arl::lambda::LambdaFunction;
//! use arl::{AssumeRoleExt, RoleSessionName};
//!
//! // In a Lambda function: a session name that identifies the instance.
//! let function = LambdaFunction::from_env(|name| std::env::var(name).ok());
//! let deploy = base
//!     .assume_role("arn:aws:iam::123456789012:role/Deploy")
//!     .role_session_name(RoleSessionName::for_lambda(&function, SystemTime::now())?)
//!     .cache(JsonFileCache::new("/tmp/sessions"))
//!     .into_config()?;
//! # let _ = deploy;
//! # Ok(())
//! # }
//! ```
//!
//! # What it does not do
//!
//! - It brings no HTTP client and no TLS library. The configuration that `assume_role` is called on (the
//!   parent) must have an HTTP client, or the SDK must be built with its own default one.
//! - `config.assume_role` does not search for source credentials. It uses those of the parent.
//! - `SdkConfig` is a value: a region that is set in the parent later does not reach the child.
//! - It renews credentials when the program asks for them, and spawns no task.
//! - It does not read the environment, the home directory, the terminal or, apart from the parent's time
//!   source, the clock. The program passes these in.
//! - The file cache needs Unix, and the keyring needs Linux. Everything else builds everywhere.
//!
//! # The defaults
//!
//! - **Renewal starts 15 minutes before a session expires. In the last 10 minutes, every caller waits for
//!   it.** botocore uses the same times. They leave a margin for a request that has just been signed and for
//!   a clock that is a few minutes off. While STS is down, a session stays in use until it expires. For a
//!   short session, the 15 minutes become half of its lifetime and the 10 minutes a third. Otherwise a
//!   session of 15 minutes would be renewed at every use. See [`RoleProvider`].
//! - **A session lasts one hour unless [`AssumeRoleBuilder::duration`] is called**, which is the default of
//!   STS and within the maximum of every role.
//! - **A longer duration is lowered to one hour if the parent has temporary credentials.** STS allows no more
//!   for role chaining and would refuse the call. The same program then works with a user's keys and with a
//!   session.
//! - **The session name is the source identity, else `arl-session-` and the time.** It stays the same over
//!   all renewals, so that audit logs show one session per program.
//!
//! # Coming from aws-assume-role-lib
//!
//! | there | here |
//! | --- | --- |
//! | `assume_role(session, RoleArn)` | [`AssumeRoleExt::assume_role`], [`AssumeRoleBuilder::into_config`] |
//! | `patch_boto3()`, `Session.assume_role` | [`AssumeRoleExt`] in scope |
//! | `RoleSessionName` | [`AssumeRoleBuilder::role_session_name`], else the source identity, else generated |
//! | `AUTOMATIC_ROLE_SESSION_NAME` | [`AssumeRoleBuilder::automatic_role_session_name`] |
//! | `PolicyArns` | [`AssumeRoleBuilder::policy_arns`] |
//! | `Policy` (`str` or `dict`) | [`AssumeRoleBuilder::policy`], with text or a `serde_json::Value` |
//! | `DurationSeconds` (`int` or `timedelta`) | [`AssumeRoleBuilder::duration`] |
//! | `Tags`, `TransitiveTagKeys` | [`AssumeRoleBuilder::tags`], [`AssumeRoleBuilder::transitive_tag_keys`] |
//! | `ExternalId` | [`AssumeRoleBuilder::external_id`] |
//! | `SourceIdentity` | [`AssumeRoleBuilder::source_identity`] |
//! | `SerialNumber` | [`AssumeRoleBuilder::serial_number`] |
//! | `TokenCode` | [`AssumeRoleBuilder::token_code`], [`AssumeRoleBuilder::token_codes`] |
//! | `additional_kwargs` | [`AssumeRoleBuilder::additional_parameters`] |
//! | `region_name` (`None`, `str`, `False`) | [`AssumeRoleBuilder::client_region`]: unset, text, `None` |
//! | `validate=False` | not available: invalid values cannot be created |
//! | `cache=JSONFileCache(dir)`, any `dict` | [`AssumeRoleBuilder::cache`]: any [`cache::CredentialCache`] |
//! | `child.assume_role_parent_session` | [`RoleProvider::parent`] |
//! | `generate_lambda_session_name()` | [`RoleSessionName::for_lambda`] of a [`lambda::LambdaFunction`] |
//! | `get_role_arn(account, name, path, partition)` | [`RoleArn::new`], [`RoleArn::with_path`] |
//! | `get_assumed_role_session_arn(…)` | [`RoleArn::session`] |
//! | `python -m aws_assume_role_lib` | the program `arl assume` |
//!
//! The cache of aws-assume-role-lib distinguishes sessions by the request only. This one also distinguishes
//! them by the caller and the endpoint.
//!
//! # Features
//!
//! - `cli` (default): the program `arl`. Leave it out with `default-features = false`; then the crate adds no
//!   TLS library and no HTTP client to a program that uses the AWS SDK.
//! - `keyring`: [`cache::KeyringCache`], on Linux.
//! - `serde`: ARNs and their parts can be read and written by serde, as text.

#![cfg_attr(
    not(feature = "cli"),
    allow(unreachable_pub, reason = "the CLI uses these items through `internal`")
)]
#![cfg_attr(not(unix), allow(dead_code, reason = "only the file cache uses these items, and it needs Unix"))]

#[cfg(all(feature = "cli", not(unix)))]
compile_error!("the program `arl` needs Unix; use the library with `default-features = false`");

// The groups are in the order of use: a module uses only its own group and those above.
// `tests/architecture.rs` has the order inside a group. No module reads the environment, the home directory,
// the clock or the terminal; the caller passes these in. ARCHITECTURE.md has the map.

// Values.
mod encoding;
mod error;
#[cfg(feature = "cli")]
mod files;
#[cfg(unix)]
mod links;

mod digest;
pub mod secret;

pub mod arn;
mod credentials;
pub mod lambda;
pub mod request;

// Helper programs, the user's files and keys, and the choice of a source.
#[cfg(feature = "cli")]
mod keys;
#[cfg(feature = "cli")]
mod process;
#[cfg(feature = "cli")]
mod profiles;
#[cfg(feature = "cli")]
mod source;

// Calls to AWS.
mod sts;

pub mod cache;

// The ways to deliver credentials.
mod provider;

#[cfg(feature = "cli")]
mod console;
#[cfg(feature = "cli")]
mod endpoint;
#[cfg(feature = "cli")]
mod export;
#[cfg(feature = "cli")]
mod login;

// The fuzz targets; see CONTRIBUTING.md.
#[cfg(all(feature = "cli", any(test, fuzzing)))]
#[doc(hidden)]
pub mod fuzz;

pub use arn::role_arn::RoleArn;
pub use arn::session::RoleSessionName;
pub use credentials::Credentials;
pub use error::Error;
pub use provider::{AssumeRoleBuilder, AssumeRoleExt, RoleProvider};

/// The items that the program of this package uses. They are not part of the public API and may change in any
/// version.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod internal {
    pub use crate::arn::role_arn::RoleArn;
    pub use crate::arn::session::RoleSessionName;
    pub use crate::arn::{AccountId, AssumedRoleSessionArn, Partition};
    pub use crate::cache::JsonFileCache;
    #[cfg(target_os = "linux")]
    pub use crate::cache::KeyringCache;
    pub use crate::cache::entry::{CachedSession, SessionSummary};
    pub use crate::cache::freshness::{Consumer, FreshnessPolicy};
    pub use crate::cache::key::{CacheKey, CacheKeyHop};
    pub use crate::cache::single_flight::{Acquired, LeaderLock, SingleFlight, TerminalLock, WaitBudget};
    pub use crate::cache::source_facts::SourceEnvironment;
    pub use crate::cache::source_key::SourceKey;
    pub use crate::cache::store::SessionStore;
    pub use crate::console::{ConsoleError, ConsoleSignIn, FirefoxContainer};
    pub use crate::credentials::Credentials;
    pub use crate::endpoint::{CredentialServer, RedirectServer, SupplyCredentials, Unavailable};
    pub use crate::error::Error;
    pub use crate::export::shell;
    pub use crate::export::{
        ASSUMED_VARIABLES, IDENTITY_VARIABLES, Identity, REGION_VARIABLES, RegionChange, UnsupportedValue,
        dotenv, process_json,
    };
    /// Reads files of limited size.
    pub mod files {
        pub use crate::files::{MAX_CONFIG, MAX_DOCUMENT, read, read_stream, read_text};
    }
    pub use crate::keys::{
        HelperError, KeyName, KeyRecord, KeyStore, KeyStoreError, Rotation, StoreName, StoredKey,
        records_directory,
    };
    pub use crate::login::{
        BrowserSignIn, CachedCliRole, Catalog, CatalogAccount, CatalogStore, DeviceSignIn, Discovery, Found,
        LoginError, RoleCall, SignIn, TokenStore, current_token, remove_cli_roles, role_credentials,
        sign_out,
    };
    pub use crate::process::{ProcessError, Stderr, end_text, run_process};
    pub use crate::profiles::{
        Change, EditError, Edited, EditedSection, FileMode, InvalidConfig, InvalidProfileKey,
        InvalidProfileName, MisnamedSection, ProfileEdit, ProfileName, RoleProfile, Section, SharedConfig,
        SharedFile, UpdateError, UpdateOutcome, apply_all, apply_if_unchanged, managed_profiles,
        normalize_list, remove_leftover, update as update_file, web_identity_key,
    };
    pub use crate::request::notations::{
        parse_policy_arns, parse_provided_contexts, parse_tag_keys, parse_tags,
    };
    pub use crate::request::parameter::ParameterValue;
    pub use crate::request::session_name::{SessionNameTemplate, SessionNameValues};
    pub use crate::request::{
        AdditionalParameters, AssumeRoleRequest, ExternalId, Policy, PolicyArn, ProvidedContext,
        SerialNumber, SessionDuration, SourceIdentity, Tag, TagKey, TokenCode,
    };
    pub use crate::secret::Secret;
    pub use crate::source::{
        ContainerSource, ContainerToken, LoginSource, MetadataPresence, MetadataSource, PROCESS_ANCESTORS,
        ProcessSource, RoleRef, ShellRole, Source, SourceChain, SourceError, SourceId, SourceResolver,
        SsoClient, SsoSession, SsoSource, SsoToken, WebIdentityToken, closest, has_credentials,
    };
    pub use crate::sts::{
        AccessKey, CallerIdentity, CertificateFault, Confirmation, Iam, IamSettings, IdentityCenter,
        IdentityCenterSettings, LastUse, MetadataRequest, NetworkConfig, RoleSession, Sts, StsError,
        StsSettings, assume_role, cap_chained_duration,
    };
}
