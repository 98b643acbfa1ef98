//! The profile keys that `arl configure` knows.

/// The key that marks a profile as one that arl generated for a session. No SDK reads it.
pub(super) const MARKER: &str = "arl_generated";

/// The keys that `arl configure` sets or removes.
pub(super) const MANAGED_KEYS: [&str; 14] = [
    "role_arn",
    "source_profile",
    "credential_source",
    "credential_process",
    "region",
    "external_id",
    "mfa_serial",
    "role_session_name",
    "duration_seconds",
    "source_identity",
    "session_tags",
    "transitive_session_tags",
    "arl_keys",
    MARKER,
];

/// The keys besides [`MANAGED_KEYS`] that show that a profile is in use.
pub(super) const CONFLICTING_KEYS: [&str; 12] = [
    "sso_session",
    "sso_region",
    "sso_start_url",
    "sso_account_id",
    "sso_role_name",
    "web_identity_token_file",
    "web_identity_token_process",
    "login_session",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "mfa_process",
];
