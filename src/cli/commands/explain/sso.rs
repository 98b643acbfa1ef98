//! Explains roles of IAM Identity Center and their sign-ins.

use arl::internal::{Source, SsoSource, TokenStore};

use crate::cli::env::context::Context;
use crate::cli::plan::Plan;
use crate::cli::ui::sign_in_table::ListedSignIn;

/// Returns the role that ROLE names, if it is one of IAM Identity Center.
pub(super) fn role(plan: &Plan) -> Option<String> {
    match &plan.chain.source {
        Source::Sso(SsoSource { account_id, role_name, .. }) if plan.hops.is_empty() => {
            Some(format!("{account_id}/{role_name} of IAM Identity Center"))
        }
        _ => None,
    }
}

/// Returns the sign-in that the source needs, with its state. A token file that cannot be trusted counts as
/// missing.
pub(super) fn sign_in(plan: &Plan, context: &Context) -> Option<String> {
    let Source::Sso(sso) = &plan.chain.source else { return None };
    let session = sso.session.clone();
    let token = TokenStore::new(context.home()?).read(&session).ok().flatten();
    let label = session.label().to_owned();
    Some(format!("{label}: {}", ListedSignIn { session, token }.state(Context::now())))
}
