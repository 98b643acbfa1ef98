//! Who gets the MFA code, and from where: a session of the user's keys, or the first hop that asks.

use arl::internal::{SharedConfig, Source, SourceChain, TokenCode};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::vars;
use crate::cli::plan::hop::Hop;
use crate::cli::ui::error::{CliError, parse_value};
use crate::cli::ui::output::Output;

/// Where the code of an MFA session comes from.
#[derive(Default)]
pub(crate) struct MfaSessionCode {
    /// It was given.
    pub(crate) code: Option<TokenCode>,
    /// The program that knows it.
    pub(crate) process: Option<String>,
}

/// The flag's and the variable's program is for every device; a profile's for its own.
pub(crate) fn apply_mfa_process(args: &RoleArgs, hops: &mut [Hop]) {
    if let Some(process) = args.mfa_process.clone().or_else(|| vars::get(vars::ARL_MFA_PROCESS)) {
        for hop in hops {
            let profiles = hop.mfa_process.take().filter(|_| args.mfa_process.is_none());
            hop.mfa_process = profiles.or_else(|| Some(process.clone()));
        }
    }
}

/// Lets the chain start from an MFA session of the person's keys instead of the keys, if that is wished and possible:
/// the device is then asked for once, and no hop asks for it.
pub(crate) fn start_from_mfa_session(
    args: &RoleArgs,
    config: &SharedConfig<'_>,
    chain: &mut SourceChain,
    hops: &mut [Hop],
    output: &Output,
) -> Result<Option<MfaSessionCode>, CliError> {
    let variable = match vars::get(vars::ARL_MFA_SESSION).map(|text| text.trim().to_ascii_lowercase()) {
        None => false,
        Some(text) if ["1", "true", "yes", "on"].contains(&&*text) => true,
        Some(text) if ["0", "false", "no", "off"].contains(&&*text) => false,
        Some(text) => {
            return Err(CliError::usage(format!("ARL_MFA_SESSION must be true or false, not `{text}`")));
        }
    };
    if !args.mfa_session && !variable {
        return Ok(None);
    }
    let keys = match &chain.source {
        Source::Keys(keys) if keys.session_token().is_none() => keys.clone(),
        _ => {
            if args.mfa_session {
                output.note(
                    "--mfa-session is for long-term keys; the source's credentials are temporary already",
                );
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
            let serial = source_section.and_then(|section| section.get("mfa_serial"));
            serial.map(|serial| parse_value("`mfa_serial`", serial)).transpose()?
        }
    };
    let process = args.mfa_process.clone().or_else(|| first?.mfa_process.clone());
    let process = process
        .or_else(|| source_section?.get("mfa_process").map(str::to_owned))
        .or_else(|| vars::get(vars::ARL_MFA_PROCESS));
    let Some(serial_number) = serial_number.filter(|_| args.mfa_session || !hops.is_empty()) else {
        return match args.mfa_session {
            true => Err(CliError::usage(
                "--mfa-session needs a device: --serial-number, or the profile's `mfa_serial`",
            )),
            false => Ok(None),
        };
    };
    // Whoever is asked for later is asked for by a role, which has no device.
    for hop in hops.iter_mut() {
        hop.request.serial_number =
            hop.request.serial_number.take().filter(|serial| *serial != serial_number);
    }
    let code = hops.first_mut().and_then(|hop| hop.request.token_code.take());
    chain.source = Source::MfaSession { keys, serial_number };
    Ok(Some(MfaSessionCode { code, process }))
}

/// The code goes to the MFA session, or to the first hop that asks for one: the device is the user's, and only the first
/// hop is asked for with the user's keys.
pub(crate) fn assign_code(
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
