//! Lists the calls and programs that a plan still needs.

use arl::internal::{
    ProcessSource, SessionNameTemplate, Source, SourceChain, StoreName, StoredKey, WebIdentityToken,
};

use crate::cli::plan::Plan;

/// Returns the calls that remain after the `cached` hops.
pub(super) fn calls(plan: &Plan, cached: Option<usize>) -> Vec<String> {
    let SourceChain { source, .. } = &plan.chain;
    let mut calls = Vec::new();
    if cached.is_none() {
        let call = match source {
            Source::Keys(_) => None,
            Source::Keychain(key) => Some(keychain_call(key)),
            Source::MfaSession { keys, .. } => {
                if let Source::Keychain(key) = &**keys {
                    calls.push(keychain_call(key));
                }
                Some("GetSessionToken".to_owned())
            }
            Source::Sso(sso) => Some(format!(
                "GetRoleCredentials of IAM Identity Center for {}/{}",
                sso.account_id, sso.role_name
            )),
            Source::Process(process) => Some(program_name(process)),
            Source::Login(_) => Some("the AWS CLI, if the login's credentials have expired".to_owned()),
            Source::WebIdentity { role_arn, token, .. } => {
                if let WebIdentityToken::Process(process) = token {
                    calls.push(program_name(process));
                }
                Some(format!("AssumeRoleWithWebIdentity for {role_arn}"))
            }
            Source::Container(_) => Some("the container endpoint".to_owned()),
            Source::InstanceMetadata(_) => Some("the instance metadata service".to_owned()),
        };
        calls.extend(call);
    }
    let rest = &plan.hops[cached.unwrap_or(0)..];
    if rest.iter().any(|hop| hop.template.as_ref().is_some_and(SessionNameTemplate::needs_caller)) {
        calls.push("GetCallerIdentity, for {caller}".to_owned());
    }
    calls.extend(rest.iter().map(|hop| format!("AssumeRole of {}", hop.request.role_arn)));
    calls
}

/// Describes the program by its name only, because its arguments may be secret.
fn program_name(process: &ProcessSource) -> String {
    format!("the program `{}`", process.command.split_whitespace().next().unwrap_or_default())
}

fn keychain_call(key: &StoredKey) -> String {
    let store = key.store.as_ref().map_or_else(|| "its helper program".to_owned(), StoreName::program);
    format!("the keychain, by {store}, for the keys `{}`", key.name)
}
