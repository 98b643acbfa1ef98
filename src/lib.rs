//! Assume AWS IAM roles.
//!
//! The modules stand in the order of the journey: a role's name becomes a request, finds its source
//! credentials, goes to STS, and comes back as credentials that are told to a shell, a file or a program.
//! Lower ones know nothing of those above them, and none reads the environment, the home directory, the
//! clock or the terminal: whoever calls hands these in.

// Ground floor: pure values.
mod arn;
mod credentials;
mod lambda_session_name;
mod request;
mod secret;
mod session_name;

// First floor: what the person has.
mod config;
mod role;
mod role_profile;
mod source;

// Second floor: the outside world.
mod cache;
mod shared_file;
mod sts;

// Third floor: the story.
mod assume;

// Fourth floor: its tellings.
mod identity;
mod render;
pub mod shell;

pub use arn::{AccountId, AssumedRoleSessionArn, InvalidArn, Partition, RoleArn};
pub use assume::{assume_role, cap_chained_duration};
#[cfg(target_os = "linux")]
pub use cache::KeyringCache;
pub use cache::{
    CacheKey, CachedSession, CredentialCache, Flight, Flying, JsonFileCache, KeyedHop, ListedSession, Margin,
    Reader, SingleFlight, SourceKey, Surroundings,
};
pub use config::{InvalidConfig, Section, SharedConfig, SharedFile};
pub use credentials::{Credentials, InvalidCredentials};
pub use identity::{IDENTITY_VARIABLES, Identity, SET_VARIABLES, Unprintable};
pub use lambda_session_name::LambdaFunction;
pub use render::{dotenv, process_json};
pub use request::{
    AdditionalParameters, AssumeRoleRequest, ExternalId, InvalidValue, Policy, PolicyArn, ProvidedContext,
    SerialNumber, SessionDuration, SourceIdentity, Tag, TagKey, TokenCode, parse_policy_arns,
    parse_provided_contexts, parse_tag_keys, parse_tags,
};
pub use role::{RoleRef, closest};
pub use role_profile::{InvalidKey, RoleProfile};
pub use secret::Secret;
pub use session_name::{RoleSessionName, SessionNameTemplate, SessionNameValues};
pub use shared_file::{
    EditError, ExchangeError, InvalidProfileName, ProfileEdit, ProfileName, Update, update as update_file,
};
pub use source::{Chain, Source, SourceError, SourceTag, Sources, SsoSource};
pub use sts::{CallError, CallerIdentity, Network, RoleSession, Sts, StsSettings};
