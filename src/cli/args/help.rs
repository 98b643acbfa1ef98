//! Texts that several commands show in `--help`.

// Users may `eval` this text by accident, so it must not name a real role or contain a redirection.
pub(crate) const EXAMPLES: &str = "Examples:
  arl exec ROLE -- terraform plan                   one command runs as the role
  eval \"$(arl assume ROLE)\"                         this shell becomes the role
  arl assume ROLE                                   the same, with the hook (arl init)
  arl assume ROLE --profile dev --json              for credential_process

ROLE is a role ARN, ACCOUNT/NAME (123456789012/Deploy), SESSION:ACCOUNT/NAME for a role of IAM Identity Center, or a
profile of ~/.aws/config.";

pub(crate) const ENVIRONMENT_HELP: &str = "Environment:
  ARL_DURATION, ARL_ROLE_SESSION_NAME   defaults of the flags of that name
  ARL_MIN_TTL, ARL_MFA_PROCESS          the same
  ARL_MFA_SESSION                       1: as --mfa-session, wherever keys and a device are there
  ARL_ON_EXPIRY                         what the hook does: clear (the default), restore or refresh
  ARL_LOGIN                             where a sign-in is missing: ask (the default), always or never
  ARL_LOGIN_FLOW                        how to sign in: browser, paste or device
  ARL_SHELL                             default of `assume --shell`
  ARL_CACHE                             where sessions are kept: file (the default), keyring or none
  ARL_CACHE_DIR                         the directory of their files
  NO_COLOR                              no colours
  AWS_PROFILE, AWS_REGION, AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, AWS_ENDPOINT_URL[_STS],
  AWS_CA_BUNDLE, HTTPS_PROXY, NO_PROXY, AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT,
  AWS_MAX_ATTEMPTS, AWS_RETRY_MODE, AWS_EC2_METADATA_DISABLED   as in the AWS CLI

Exit status:
  0  done
  1  could not
  2  usage, a bad parameter included
  3  an MFA code or a sign-in is needed, and there is no terminal to ask on
  exec: the command's own; 2 and 3 as above, 125 arl failed otherwise, 126 the command cannot be run, 127 it was not
  found; each: the highest of its commands'";
