//! MFA codes, from a program or from the user.

use std::time::{Duration, UNIX_EPOCH};

use arl::internal::{SerialNumber, Stderr, TokenCode, run_process};

use crate::cli::env::context::Context;
use crate::cli::env::dirs::private_runtime_dir;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::output::Output;
use crate::cli::ui::prompt;
use crate::cli::ui::prompt::PromptError;

/// How many codes arl tries: one may be mistyped, or have been used just before.
const MAX_ATTEMPTS: usize = 3;
/// How long the program may take. It may wait for the user to touch a security key.
pub(crate) const MFA_PROCESS_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a device shows a code. Source: RFC 6238, which AWS's virtual devices follow.
const TOTP_PERIOD: Duration = Duration::from_secs(30);

/// Whether arl may ask the user for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserPrompt {
    Allowed,
    /// Another program owns the terminal: a running command, or the prompt of a shell.
    Forbidden,
}

/// One request for an MFA code, retries included.
pub(crate) struct MfaCodes<'a> {
    serial: &'a SerialNumber,
    /// The purpose of the code, phrased to follow "for".
    purpose: String,
    /// The program that prints the codes.
    process: Option<&'a str>,
    user_prompt: UserPrompt,
    used: Vec<TokenCode>,
}

impl<'a> MfaCodes<'a> {
    pub(crate) fn new(
        serial: &'a SerialNumber,
        purpose: String,
        process: Option<&'a str>,
        user_prompt: UserPrompt,
    ) -> Self {
        Self { serial, purpose, process, user_prompt, used: Vec::new() }
    }

    /// Returns how long getting the code may take, for the processes that wait.
    pub(crate) fn timeout(&self) -> Duration {
        if self.process.is_some() { MFA_PROCESS_TIMEOUT + TOTP_PERIOD } else { prompt::LIMIT }
    }

    /// Whether another code may be tried after one that STS refused.
    pub(crate) fn can_retry(&self) -> bool {
        self.used.len() < MAX_ATTEMPTS
    }

    /// Returns the next code.
    pub(crate) async fn next(&mut self, output: &Output) -> Result<TokenCode, CliError> {
        let code = match self.process {
            Some(command) => {
                output.trace(|| format!("asking the MFA process for a code from {}", self.serial));
                let mut code = self.code_from_process(command).await?;
                if self.used.contains(&code) {
                    let now = Context::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                    let remaining = TOTP_PERIOD - Duration::from_secs(now.as_secs() % TOTP_PERIOD.as_secs());
                    output.note(&format!(
                        "the device still shows the code that STS refused; waiting {} s for the next one",
                        remaining.as_secs()
                    ));
                    tokio::time::sleep(remaining).await;
                    code = self.code_from_process(command).await?;
                    if self.used.contains(&code) {
                        return Err(self.process_error().caused_by(
                            "the MFA process printed the refused code again, although that code has expired",
                        ));
                    }
                }
                code
            }
            None if self.user_prompt == UserPrompt::Allowed => self.code_from_terminal().await?,
            None => return Err(self.code_required()),
        };
        self.used.push(code.clone());
        Ok(code)
    }

    async fn code_from_terminal(&self) -> Result<TokenCode, CliError> {
        let Self { serial, purpose, .. } = self;
        let question = format!("MFA code from {serial} for {purpose}: ");
        prompt::ask(&question, &private_runtime_dir()).await.map_err(|error| match error {
            PromptError::NoTerminal => self.code_required(),
            PromptError::NotTyped(cause) => {
                CliError::new(format!("an MFA code from `{serial}` is needed for {purpose}")).caused_by(cause)
            }
            PromptError::Io(error) => CliError::new("could not ask for the MFA code").caused_by(error),
        })
    }

    async fn code_from_process(&self, command: &str) -> Result<TokenCode, CliError> {
        // The program may ask the user to touch a key, unless a command owns the terminal.
        let stderr = match self.user_prompt {
            UserPrompt::Allowed => Stderr::Inherit,
            UserPrompt::Forbidden => Stderr::Capture,
        };
        let output = run_process(command, &[], stderr, MFA_PROCESS_TIMEOUT)
            .await
            .map_err(|error| self.process_error().caused_by(format!("the MFA process failed: {error}")))?;
        // The error never quotes the program's output, which may be a password.
        let text = String::from_utf8_lossy(&output);
        text.trim()
            .parse()
            .map_err(|_| self.process_error().caused_by("the MFA process did not print six digits"))
    }

    fn process_error(&self) -> CliError {
        CliError::new(format!("could not get an MFA code from `{}`", self.serial))
            .hint("--mfa-process, the profile's `mfa_process` or ARL_MFA_PROCESS names the MFA process")
            .in_user_program()
    }

    /// Returns the error for a code that arl has no way to ask for.
    fn code_required(&self) -> CliError {
        let Self { serial, purpose, .. } = self;
        CliError::new(format!("an MFA code from `{serial}` is needed for {purpose}"))
            .status(ExitStatus::UserNeeded)
            .hint("pass the device's current code with --token-code, or run arl in a terminal, where it can ask")
            .hint("or set --mfa-process, ARL_MFA_PROCESS or the profile's `mfa_process` to a program that prints the code")
    }
}
