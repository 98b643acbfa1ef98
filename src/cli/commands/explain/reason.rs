//! Why credentials come from where they come from, and what else was there.

use arl::{SourceTag, Sources};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::{Context, profile_variable};
use crate::cli::env::shell_state::{has_endpoint, held};
use crate::cli::env::vars;
use crate::cli::plan::Plan;
use crate::cli::ui::error::Report;
use crate::cli::ui::text::tail;

/// Why this source, and what was there besides.
pub(crate) fn why(args: &RoleArgs, plan: &Plan, context: &Context) -> Result<(String, Vec<String>), Report> {
    let config = context.shared_config()?;
    let var = |name: &str| vars::get(name);
    let selected = Sources::new(&config, &var, arl::ShellRole::Ignore).selected_profile();
    let profile = args.role.as_deref().and_then(|name| Some((name, config.profile(name)?)));
    let own = |key: &str| profile.and_then(|(name, section)| Some((name, section.get(key)?.to_owned())));
    let has_role = plan.target.is_some() && !plan.hops.is_empty();
    let is_before = matches!(held(), arl::shell::Held::Role { .. }) || has_endpoint();
    let (reason, taken) = if let Some(name) = &args.profile {
        (format!("--profile {name}"), "")
    } else if args.chain {
        let whose = if is_before {
            "the role that this shell has"
        } else {
            "the session in the environment, which is not arl's"
        };
        (format!("--chain: {whose}"), "AWS_ACCESS_KEY_ID")
    } else if let (Some((name, _)), false) = (profile, has_role) {
        (format!("profile `{name}` itself"), "")
    } else if let Some((name, source)) = own("source_profile") {
        (format!("`source_profile = {source}` of profile `{name}`"), "")
    } else if let Some((name, source)) = own("credential_source") {
        let taken = if source.eq_ignore_ascii_case("environment") { "AWS_ACCESS_KEY_ID" } else { "" };
        (format!("`credential_source = {source}` of profile `{name}`"), taken)
    } else {
        match &plan.chain.tag {
            SourceTag::Environment(_) => {
                ("keys in the environment come first".to_owned(), "AWS_ACCESS_KEY_ID")
            }
            tag @ (SourceTag::Profile(_) | SourceTag::WebIdentity | SourceTag::Container)
                if is_before && chosen_since(tag, selected.as_deref()) =>
            {
                ("chosen since this shell became a role".to_owned(), variable_of(tag))
            }
            SourceTag::Profile(name) if selected.as_ref() == Some(name) => {
                (format!("{}, and there are no keys in the environment", profile_variable()), "AWS_PROFILE")
            }
            SourceTag::Profile(_) | SourceTag::ProfileKeys(_) | SourceTag::InstanceMetadata if is_before => {
                ("where the role of this shell was started from (ARL_SOURCE)".to_owned(), "AWS_ACCESS_KEY_ID")
            }
            SourceTag::Profile(_) | SourceTag::ProfileKeys(_) => {
                ("nothing in the environment chooses another one".to_owned(), "default")
            }
            tag @ (SourceTag::WebIdentity | SourceTag::Container) => {
                ("no keys and no profile".to_owned(), variable_of(tag))
            }
            SourceTag::InstanceMetadata => ("nothing else is configured".to_owned(), ""),
        }
    };
    // In the order in which they are looked at.
    let container = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    let default = config.profile("default").is_some()
        && Sources::new(&config, &var, arl::ShellRole::Ignore).default_hides_endpoint();
    let others = [
        (
            "AWS_ACCESS_KEY_ID",
            vars::get(vars::AWS_ACCESS_KEY_ID).map(|id| format!("the environment's key …{}", tail(&id))),
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
    let passed = others.into_iter().filter(|(name, _)| *name != taken && !is_itself(name));
    Ok((reason, passed.filter_map(|(_, words)| words).collect()))
}

/// The variable behind a source, as the list of sources calls it.
fn variable_of(tag: &SourceTag) -> &'static str {
    match tag {
        SourceTag::WebIdentity => "AWS_WEB_IDENTITY_TOKEN_FILE",
        SourceTag::Container => "AWS_CONTAINER_CREDENTIALS_*",
        _ => "AWS_PROFILE",
    }
}

/// `assume` takes the variables of these away, so where they stand beside a role they were set later.
fn chosen_since(tag: &SourceTag, selected: Option<&str>) -> bool {
    match tag {
        SourceTag::Profile(name) => selected == Some(name),
        _ => true,
    }
}
