//! Roles of IAM Identity Center, and the sign-ins that they need.

use std::path::Path;

use arl::internal::{
    AccountId, IdentityCenterSettings, RoleRef, Section, SharedConfig, SharedFile, Source, SourceChain,
    SourceResolver, SsoSession,
};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::env::program;
use crate::cli::env::vars;
use crate::cli::plan::endpoint_url::{EndpointArgs, PlainHttp};
use crate::cli::plan::mistyped_role::{sign_in, without_decoration};
use crate::cli::plan::source_hints;
use crate::cli::plan::sts_settings;
use crate::cli::ui::error::CliError;

/// Returns the role `SESSION:ACCOUNT/NAME` as a source. No role is assumed after it.
pub(crate) fn role(
    args: &RoleArgs,
    resolver: &SourceResolver<'_>,
    context: &Context,
    (session, account, role_name): (&str, &AccountId, &str),
) -> Result<SourceChain, CliError> {
    let text = args.role.as_deref().unwrap_or_default();
    if let Some(flag) = args.role_only_flag() {
        return Err(CliError::usage(format!(
            "{flag} is only for AssumeRole, and `{text}` is a role of IAM Identity Center"
        )));
    }
    let chain = resolver.sso_role(session, &account.to_string(), role_name);
    chain.map_err(|error| source_hints::source_not_found(&error, context))
}

/// Returns the settings for IAM Identity Center, if the source is one of its roles.
pub(crate) fn settings(
    source: &Source,
    args: &RoleArgs,
    context: &Context,
    config: &SharedConfig<'_>,
    profile: Option<&Section<'_>>,
) -> Result<Option<IdentityCenterSettings>, CliError> {
    let Source::Sso(sso) = source else { return Ok(None) };
    let (endpoints, region) = (EndpointArgs::of(args), &sso.session.region);
    sts_settings::find_identity_center(&endpoints, context, config, profile, region).map(Some)
}

/// Returns the settings for the services of a sign-in. If `name` is a profile, they come from that
/// profile, otherwise from the selected profile.
pub(crate) fn settings_of_session(
    name: Option<&str>,
    session: &SsoSession,
    resolver: &SourceResolver<'_>,
    config: &SharedConfig<'_>,
    context: &Context,
) -> Result<IdentityCenterSettings, CliError> {
    let named = name.filter(|name| config.sso_session(name).is_none());
    let profile = named.and_then(|name| config.profile(name)).or_else(|| selected_section(resolver, config));
    sts_settings::find_identity_center(&NO_FLAGS, context, config, profile, &session.region)
}

/// Returns the settings for the services in a region. They come from the selected profile.
pub(crate) fn settings_of_region(
    region: &str,
    resolver: &SourceResolver<'_>,
    config: &SharedConfig<'_>,
    context: &Context,
) -> Result<IdentityCenterSettings, CliError> {
    let profile = selected_section(resolver, config);
    sts_settings::find_identity_center(&NO_FLAGS, context, config, profile, region)
}

/// For commands without endpoint flags.
const NO_FLAGS: EndpointArgs<'static> = EndpointArgs { url: None, plain_http: PlainHttp::LoopbackOnly };

fn selected_section<'a, 'text>(
    resolver: &SourceResolver<'_>,
    config: &'a SharedConfig<'text>,
) -> Option<&'a Section<'text>> {
    config.profile(resolver.selected_profile().as_deref().unwrap_or("default"))
}

/// Returns the `[sso-session]` that a command line names, itself or by a profile. Without a name, returns the
/// one of the selected profile, or else the only one that is configured.
pub(crate) fn named_session(
    name: Option<&str>,
    resolver: &SourceResolver<'_>,
    config: &SharedConfig<'_>,
    context: &Context,
) -> Result<SsoSession, CliError> {
    let failed = |error| source_hints::source_not_found(&error, context);
    let sessions = config.sso_session_names();
    let selected = resolver.selected_profile();
    match (name, sessions.as_slice()) {
        (Some(name), _) if config.sso_session(name).is_some() => {
            let session = resolver.sso_session(name).map_err(failed)?;
            let of_profile = config.profile(name).and_then(|_| resolver.sso_session_of_profile(name).ok());
            if of_profile.as_ref().is_some_and(|other| *other != session) {
                return Err(CliError::usage(format!(
                    "`{name}` is both an [sso-session] and a profile that signs in elsewhere"
                )));
            }
            Ok(session)
        }
        (Some(name), _) if config.profile(name).is_some() => {
            resolver.sso_session_of_profile(name).map_err(failed)
        }
        (Some(name), _) => Err(unknown_session(name, config, context)),
        (None, []) => match selected.or_else(|| legacy_profile(resolver, config)) {
            Some(profile) => resolver.sso_session_of_profile(&profile).map_err(failed),
            None => Err(no_session(context)),
        },
        (None, known) => {
            let of_profile = selected.and_then(|profile| resolver.sso_session_of_profile(&profile).ok());
            match (of_profile, known) {
                (Some(session), _) => Ok(session),
                (None, [only]) => resolver.sso_session(only).map_err(failed),
                (None, several) => {
                    let verb = program::arguments().get(1).map(|verb| verb.to_string_lossy());
                    let verb = verb.unwrap_or_default();
                    let example =
                        several.first().map(|session| format!("for instance: arl {verb} {session}"));
                    Err(which_session(several).hints(example))
                }
            }
        }
    }
}

/// Returns the only profile with a start URL, if there is exactly one.
fn legacy_profile(resolver: &SourceResolver<'_>, config: &SharedConfig<'_>) -> Option<String> {
    let names = config.profile_names();
    let mut sessions: Vec<(SsoSession, &str)> = names
        .into_iter()
        .filter_map(|name| {
            config.profile(name)?.get_non_empty("sso_start_url")?;
            Some((resolver.sso_session_of_profile(name).ok()?, name))
        })
        .collect();
    sessions.dedup_by(|(a, _), (b, _)| a == b);
    match sessions.as_slice() {
        [(_, name)] => Some((*name).to_owned()),
        _ => None,
    }
}

fn unknown_session(name: &str, config: &SharedConfig<'_>, context: &Context) -> CliError {
    let path = context.display_path(SharedFile::Config);
    let error = CliError::new(format!("`{name}` is neither an [sso-session] nor a profile in `{path}`"));
    let known = config.sso_session_names();
    let plain = without_decoration(name);
    if matches!(RoleRef::parse(&plain), Ok(RoleRef::Arn(_) | RoleRef::AccountRole(..))) {
        return error.hint(format!("that is a role, which needs no sign-in of its own: arl assume {plain}"));
    }
    if let Some(hint) = sign_in(&plain, config) {
        return error.hint(hint);
    }
    match arl::internal::closest(&plain, known.iter().copied().chain(config.profile_names())).as_slice() {
        _ if known.is_empty() => error.hint(WRITE_SESSION),
        [similar, ..] => error.hint(format!("did you mean `{similar}`?")),
        [] => error.hint(format!("the [sso-session]s are: {}", known.join(", "))),
    }
}

const WRITE_SESSION: &str = "write one: arl configure --sso-session corp --start-url \
     https://d-1234567890.awsapps.com/start --region eu-west-1";

/// Returns the session that a command line names, else the only one that is configured.
///
/// # Errors
/// There is no such session, or several are configured and the command line names none.
pub(crate) fn session_name(
    name: Option<&str>,
    config: &SharedConfig<'_>,
    context: &Context,
) -> Result<String, CliError> {
    let known = config.sso_session_names();
    match (name, known.as_slice()) {
        (_, []) => Err(no_session(context)),
        (Some(name), known) if known.contains(&name) => Ok(name.to_owned()),
        (Some(name), _) => Err(unknown_session(name, config, context)),
        (None, [only]) => Ok((*only).to_owned()),
        (None, several) => Err(which_session(several)),
    }
}

fn which_session(several: &[&str]) -> CliError {
    CliError::usage("the config file has several [sso-session] sections, and the command names none")
        .hint(format!("name one of them: {}", several.join(", ")))
}

/// Returns the error for a command that needs a session if none is configured.
pub(crate) fn no_session(context: &Context) -> CliError {
    let config = context.display_path(SharedFile::Config);
    CliError::new(format!("there is no [sso-session] in `{config}`")).hint(WRITE_SESSION)
}

/// How the user signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignInFlow {
    /// IAM Identity Center redirects a browser on this host to a port of 127.0.0.1, with the answer.
    Browser,
    /// The browser is on another host, where that redirect fails. The user pastes the address of the page
    /// that does not load.
    Paste,
    /// The user approves a code on another device.
    DeviceCode,
}

/// The facts about the host and the session that decide how the user can sign in.
pub(crate) struct Surroundings<'a> {
    /// Looks up a variable that is set and not empty.
    pub(crate) var: &'a dyn Fn(&str) -> Option<String>,
    /// Whether a file exists.
    pub(crate) exists: &'a dyn Fn(&Path) -> bool,
    /// Whether the user can be asked at a terminal.
    pub(crate) has_terminal: bool,
    /// Whether this operating system always has a desktop, as macOS does.
    pub(crate) always_has_desktop: bool,
}

impl Surroundings<'_> {
    /// Returns how the user can sign in here. The caller uses it if no setting names a flow.
    pub(crate) fn choose_flow(&self) -> SignInFlow {
        let is_set = |name: &&str| (self.var)(name).is_some();
        // An editor's remote terminal sets BROWSER to a program that opens the browser on the user's own
        // host.
        if is_set(&"BROWSER") {
            return SignInFlow::Browser;
        }
        let is_remote =
            ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "CODESPACES", "CLOUD_SHELL"].iter().any(is_set);
        let is_container =
            ["/.dockerenv", "/run/.containerenv"].iter().any(|path| (self.exists)(Path::new(path)));
        let has_desktop =
            self.always_has_desktop || ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"].iter().any(is_set);
        let is_automatic = is_set(&"CI");
        match !is_remote && !is_container && has_desktop && !is_automatic {
            true => SignInFlow::Browser,
            false if self.has_terminal && !is_automatic => SignInFlow::Paste,
            false => SignInFlow::DeviceCode,
        }
    }
}

/// Returns the flow that `ARL_LOGIN_FLOW` or the session's `arl_login_flow` names.
pub(crate) fn configured_flow(
    session: &SsoSession,
    config: &SharedConfig<'_>,
) -> Result<Option<SignInFlow>, CliError> {
    let section = session.name.as_deref().and_then(|name| config.sso_session(name));
    let key = section.and_then(|section| section.get_non_empty("arl_login_flow")).map(str::to_owned);
    let variable = vars::get(vars::ARL_LOGIN_FLOW).map(|flow| ("ARL_LOGIN_FLOW", flow));
    let Some((origin, flow)) = variable.or_else(|| key.map(|flow| ("`arl_login_flow`", flow))) else {
        return Ok(None);
    };
    match flow.as_str() {
        "browser" => Ok(Some(SignInFlow::Browser)),
        "paste" => Ok(Some(SignInFlow::Paste)),
        "device" => Ok(Some(SignInFlow::DeviceCode)),
        other => Err(CliError::not_one_of(origin, &["browser", "device", "paste"], other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flow_fits_where_the_user_is() {
        use SignInFlow::{Browser, DeviceCode, Paste};
        type Case<'a> = (&'a [&'a str], &'a [&'a str], SignInFlow, SignInFlow);
        let cases: &[Case<'_>] = &[
            // Variables, files, the flow at a terminal, the flow without one.
            (&["DISPLAY"], &[], Browser, Browser),
            (&["WAYLAND_DISPLAY"], &[], Browser, Browser),
            (&["WSL_DISTRO_NAME"], &[], Browser, Browser),
            (&[], &[], Paste, DeviceCode),
            (&["SSH_CONNECTION"], &[], Paste, DeviceCode),
            (&["SSH_TTY", "DISPLAY"], &[], Paste, DeviceCode),
            (&["SSH_CLIENT", "DISPLAY"], &[], Paste, DeviceCode),
            (&["CODESPACES", "DISPLAY"], &[], Paste, DeviceCode),
            (&["DISPLAY"], &["/.dockerenv"], Paste, DeviceCode),
            (&["DISPLAY"], &["/run/.containerenv"], Paste, DeviceCode),
            (&["CI", "DISPLAY"], &[], DeviceCode, DeviceCode),
            (&["BROWSER"], &[], Browser, Browser),
            (&["BROWSER", "SSH_CONNECTION"], &["/.dockerenv"], Browser, Browser),
        ];
        for (variables, files, at_terminal, without) in cases {
            for (has_terminal, expected) in [(true, at_terminal), (false, without)] {
                let surroundings = Surroundings {
                    var: &|name| variables.contains(&name).then(|| "1".to_owned()),
                    exists: &|path| files.iter().any(|file| Path::new(file) == path),
                    has_terminal,
                    always_has_desktop: false,
                };
                assert_eq!(surroundings.choose_flow(), *expected, "{variables:?} {files:?} {has_terminal}");
            }
        }
        let desktop =
            Surroundings { var: &|_| None, exists: &|_| false, has_terminal: true, always_has_desktop: true };
        assert_eq!(desktop.choose_flow(), Browser);
    }
}
