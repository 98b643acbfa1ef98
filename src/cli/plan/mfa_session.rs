//! Decides which call gets the MFA code: the call for an MFA session of the user's keys, or the first
//! hop with a device.

use arl::internal::{SharedConfig, Source, SourceChain, TokenCode};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::vars;
use crate::cli::plan::hop::Hop;
use crate::cli::ui::error::{CliError, parse_value};
use crate::cli::ui::output::Output;

/// Where the code of an MFA session comes from.
#[derive(Default)]
pub(crate) struct MfaSessionCode {
    /// The code of `--token-code`.
    pub(crate) code: Option<TokenCode>,
    /// The program that prints it.
    pub(crate) process: Option<String>,
}

/// Decides which hops need an MFA code, and where it comes from. If the chain starts from an MFA session,
/// returns where its code comes from.
pub(crate) fn plan_mfa(
    args: &RoleArgs,
    config: &SharedConfig<'_>,
    chain: &mut SourceChain,
    hops: &mut [Hop],
    output: &Output,
) -> Result<Option<MfaSessionCode>, CliError> {
    inherit_mfa_process(config, chain, hops);
    apply_mfa_process(args, hops);
    let has_device = hops.iter().any(|hop| hop.request.serial_number.is_some());
    let session = start_from_mfa_session(args, config, chain, hops, output)?;
    if args.mfa_process.is_some() && !has_device && session.is_none() {
        return Err(CliError::usage("--mfa-process needs an MFA device, and no role here has one")
            .hint("name it with --serial-number, or by the profile's `mfa_serial`"));
    }
    assign_code(args, session, hops)
}

/// If a hop has no program, gives it the program of the nearest profile before it in the chain, because the
/// device belongs to the same user. Skips a profile that names another device, because its program is for
/// that device.
fn inherit_mfa_process(config: &SharedConfig<'_>, chain: &SourceChain, hops: &mut [Hop]) {
    let source = chain.source_profile.as_deref().and_then(|name| config.profile(name));
    let get = |key: &str| source.and_then(|section| section.get_non_empty(key)).map(str::to_owned);
    let mut known = vec![(get("mfa_serial"), get("mfa_process"))];
    for hop in hops {
        let serial = hop.request.serial_number.as_ref().map(ToString::to_string);
        if hop.mfa_process.is_none() && serial.is_some() {
            let is_same = |device: &Option<String>| device.is_none() || *device == serial;
            hop.mfa_process =
                known.iter().rev().find_map(|(device, process)| process.clone().filter(|_| is_same(device)));
        }
        known.push((serial, hop.mfa_process.clone()));
    }
}

/// Sets the program that prints the codes of each device. `--mfa-process` is for every device, a profile's
/// program for its own, `ARL_MFA_PROCESS` for the others.
fn apply_mfa_process(args: &RoleArgs, hops: &mut [Hop]) {
    if let Some(process) = args.mfa_process.clone().or_else(|| vars::get(vars::ARL_MFA_PROCESS)) {
        for hop in hops {
            let profiles = hop.mfa_process.take().filter(|_| args.mfa_process.is_none());
            hop.mfa_process = profiles.or_else(|| Some(process.clone()));
        }
    }
}

/// Whether `ARL_MFA_SESSION` asks for MFA sessions.
fn env_wants_mfa_session() -> Result<bool, CliError> {
    match vars::get(vars::ARL_MFA_SESSION).map(|text| text.trim().to_ascii_lowercase()) {
        None => Ok(false),
        Some(text) if ["1", "true", "yes", "on"].contains(&&*text) => Ok(true),
        Some(text) if ["0", "false", "no", "off"].contains(&&*text) => Ok(false),
        Some(text) => Err(CliError::usage(format!("ARL_MFA_SESSION must be true or false, not `{text}`"))),
    }
}

/// Starts the chain from an MFA session of the user's keys instead of the keys, if the user wants that and
/// the keys allow it. The user then enters one code, and no hop needs another from that device.
fn start_from_mfa_session(
    args: &RoleArgs,
    config: &SharedConfig<'_>,
    chain: &mut SourceChain,
    hops: &mut [Hop],
    output: &Output,
) -> Result<Option<MfaSessionCode>, CliError> {
    let env_wants_session = env_wants_mfa_session()?;
    if !args.mfa_session && !env_wants_session {
        return Ok(None);
    }
    let keys = match &chain.source {
        Source::Keys(keys) if keys.session_token().is_none() => Box::new(chain.source.clone()),
        Source::Keychain(_) => Box::new(chain.source.clone()),
        _ => {
            if args.mfa_session {
                output.note("--mfa-session needs long-term keys, and the source's credentials are temporary");
            }
            return Ok(None);
        }
    };
    let source_section = chain.source_profile.as_deref().and_then(|name| config.profile(name));
    let first = hops.first();
    let serial_number = match (&args.serial_number, first.and_then(|hop| hop.request.serial_number.clone())) {
        (Some(serial), _) => Some(parse_value("--serial-number", serial)?),
        (None, Some(serial)) => Some(serial),
        (None, None) => {
            let serial = source_section.and_then(|section| section.get_non_empty("mfa_serial"));
            serial.map(|serial| parse_value("`mfa_serial`", serial)).transpose()?
        }
    };
    let process = args.mfa_process.clone().or_else(|| first?.mfa_process.clone());
    let process = process
        .or_else(|| source_section?.get_non_empty("mfa_process").map(str::to_owned))
        .or_else(|| vars::get(vars::ARL_MFA_PROCESS));
    let Some(serial_number) = serial_number.filter(|_| args.mfa_session || !hops.is_empty()) else {
        return match args.mfa_session {
            true => Err(CliError::usage(
                "--mfa-session needs a device: --serial-number, or the profile's `mfa_serial`",
            )),
            false => Ok(None),
        };
    };
    // The session already has a code of this device. Hops with another device keep theirs.
    for hop in hops.iter_mut() {
        hop.request.serial_number =
            hop.request.serial_number.take().filter(|serial| *serial != serial_number);
    }
    let code = hops.first_mut().and_then(|hop| hop.request.token_code.take());
    chain.source = Source::MfaSession { keys, serial_number };
    Ok(Some(MfaSessionCode { code, process }))
}

/// Gives the code of `--token-code` to the MFA session, else to the first hop with a device, because only
/// that hop is assumed with the user's own credentials.
fn assign_code(
    args: &RoleArgs,
    session: Option<MfaSessionCode>,
    hops: &mut [Hop],
) -> Result<Option<MfaSessionCode>, CliError> {
    let code = args.token_code.as_deref().map(|code| parse_value("--token-code", code)).transpose()?;
    let Some(code) = code else { return Ok(session) };
    if let Some(session) = session {
        return Ok(Some(MfaSessionCode { code: Some(code), ..session }));
    }
    let is_asked = |hop: &Hop| hop.request.serial_number.is_some() && hop.request.token_code.is_none();
    let index = hops.iter().position(is_asked).or_else(|| hops.len().checked_sub(1));
    match index {
        Some(index) => hops[index].request.token_code = Some(code),
        None => return Err(CliError::usage("--token-code needs a role to assume")),
    }
    Ok(None)
}
