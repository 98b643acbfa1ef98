//! The sign-ins to IAM Identity Center that the shared files configure, with their tokens.

use arl::internal::{SharedConfig, SourceResolver, TokenStore};

use crate::cli::env::context::Context;
use crate::cli::ui::output::Output;
use crate::cli::ui::sign_in_table::ListedSignIn;

/// Returns the configured sign-ins: those of sessions, then those of profiles with a start URL of their own.
pub(crate) fn configured_sign_ins(
    config: &SharedConfig<'_>,
    resolver: &SourceResolver<'_>,
    context: &Context,
    output: &Output,
) -> Vec<ListedSignIn> {
    let Some(store) = context.home().map(TokenStore::new) else { return Vec::new() };
    let named = config.sso_session_names().into_iter().map(|name| resolver.sso_session(name));
    let legacy = config.profile_names().into_iter().filter(|name| {
        let has = |key| config.profile(name).is_some_and(|section| section.get_non_empty(key).is_some());
        has("sso_start_url") && !has("sso_session")
    });
    let sessions = named.chain(legacy.map(|name| resolver.sso_session_of_profile(name)));
    let mut listed: Vec<ListedSignIn> = Vec::new();
    for session in sessions {
        let read = session.map_err(|error| error.to_string()).and_then(|session| {
            let token = store.read(&session).map_err(|error| error.to_string())?;
            Ok(ListedSignIn { session, token })
        });
        match read {
            Ok(sign_in) if listed.iter().any(|other| other.session == sign_in.session) => {}
            Ok(sign_in) => listed.push(sign_in),
            Err(error) => output.note(&error),
        }
    }
    listed
}
