//! Why credentials come from where they come from, and what else was there.

use arl::internal::{SourceId, SourceResolver};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::{Context, profile_variable};
use crate::cli::env::shell_state::{shell_state, uses_arl_endpoint};
use crate::cli::env::vars;
use crate::cli::plan::Plan;
use crate::cli::ui::error::CliError;
use crate::cli::ui::text::last_four;

/// Why this source, and what was there besides.
pub(crate) fn source_reason(
    args: &RoleArgs,
    plan: &Plan,
    context: &Context,
) -> Result<(String, Vec<String>), CliError> {
    let config = context.shared_config()?;
    let var = |name: &str| vars::get(name);
    let selected = SourceResolver::new(&config, &var, arl::internal::ShellRole::Ignore).selected_profile();
    let profile = args.role.as_deref().and_then(|name| Some((name, config.profile(name)?)));
    let profile_value =
        |key: &str| profile.and_then(|(name, section)| Some((name, section.get(key)?.to_owned())));
    let assumes_role = plan.target.is_some() && !plan.hops.is_empty();
    let shell_has_role =
        matches!(shell_state(), arl::internal::shell::ShellState::Role { .. }) || uses_arl_endpoint();
    let (reason, winner) = if let Some(name) = &args.profile {
        (format!("--profile {name}"), "")
    } else if args.chain {
        let session_origin = if shell_has_role {
            "the role that this shell has"
        } else {
            "the session in the environment, which is not arl's"
        };
        (format!("--chain: {session_origin}"), "AWS_ACCESS_KEY_ID")
    } else if let (Some((name, _)), false) = (profile, assumes_role) {
        (format!("profile `{name}` itself"), "")
    } else if let Some((name, source)) = profile_value("source_profile") {
        (format!("`source_profile = {source}` of profile `{name}`"), "")
    } else if let Some((name, source)) = profile_value("credential_source") {
        let winner = if source.eq_ignore_ascii_case("environment") { "AWS_ACCESS_KEY_ID" } else { "" };
        (format!("`credential_source = {source}` of profile `{name}`"), winner)
    } else {
        match &plan.chain.id {
            SourceId::Environment(_) => {
                ("keys in the environment come first".to_owned(), "AWS_ACCESS_KEY_ID")
            }
            id @ (SourceId::Profile(_) | SourceId::WebIdentity | SourceId::Container)
                if shell_has_role && was_set_later(id, selected.as_deref()) =>
            {
                ("chosen since this shell became a role".to_owned(), variable_of(id))
            }
            SourceId::Profile(name) if selected.as_ref() == Some(name) => {
                (format!("{}, and there are no keys in the environment", profile_variable()), "AWS_PROFILE")
            }
            SourceId::Profile(_) | SourceId::ProfileKeys(_) | SourceId::InstanceMetadata
                if shell_has_role =>
            {
                ("where the role of this shell was started from (ARL_SOURCE)".to_owned(), "AWS_ACCESS_KEY_ID")
            }
            SourceId::Profile(_) | SourceId::ProfileKeys(_) => {
                ("nothing in the environment chooses another one".to_owned(), "default")
            }
            id @ (SourceId::WebIdentity | SourceId::Container) => {
                ("no keys and no profile".to_owned(), variable_of(id))
            }
            SourceId::InstanceMetadata => ("nothing else is configured".to_owned(), ""),
        }
    };
    // In the order in which they are looked at.
    let container = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    let default = config.profile("default").is_some()
        && SourceResolver::new(&config, &var, arl::internal::ShellRole::Ignore)
            .default_profile_shadows_endpoint();
    let candidates = [
        (
            "AWS_ACCESS_KEY_ID",
            vars::get(vars::AWS_ACCESS_KEY_ID).map(|id| format!("the environment's key …{}", last_four(&id))),
        ),
        ("AWS_PROFILE", selected.map(|name| format!("{}, profile `{name}`", profile_variable()))),
        ("default", default.then(|| "profile `default`".to_owned())),
        (
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            vars::get(vars::AWS_WEB_IDENTITY_TOKEN_FILE).map(|_| "the environment's web identity".to_owned()),
        ),
        (
            "AWS_CONTAINER_CREDENTIALS_*",
            container.into_iter().find_map(vars::get).map(|_| "the container endpoint".to_owned()),
        ),
    ];
    let is_itself = |name: &str| name == "default" && plan.chain.source_profile.as_deref() == Some("default");
    let passed_over = candidates.into_iter().filter(|(name, _)| *name != winner && !is_itself(name));
    Ok((reason, passed_over.filter_map(|(_, words)| words).collect()))
}

/// The variable behind a source, as the list of sources calls it.
fn variable_of(id: &SourceId) -> &'static str {
    match id {
        SourceId::WebIdentity => "AWS_WEB_IDENTITY_TOKEN_FILE",
        SourceId::Container => "AWS_CONTAINER_CREDENTIALS_*",
        _ => "AWS_PROFILE",
    }
}

/// `assume` takes the variables of these away, so where they stand beside a role they were set later.
fn was_set_later(id: &SourceId, selected: Option<&str>) -> bool {
    match id {
        SourceId::Profile(name) => selected == Some(name),
        _ => true,
    }
}
