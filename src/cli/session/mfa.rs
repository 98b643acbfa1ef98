//! Codes of MFA devices: from a program, or from a person.

use std::time::{Duration, UNIX_EPOCH};

use arl::{Said, SerialNumber, TokenCode, run_process};

use crate::cli::env::context::Context;
use crate::cli::env::dirs::private_directory;
use crate::cli::ui::error::{Report, Status};
use crate::cli::ui::output::Output;
use crate::cli::ui::prompt;
use crate::cli::ui::prompt::PromptError;

/// A code may be mistyped, or have been used a moment ago.
const TRIES: usize = 3;
/// A program may wait for a person to touch a key.
pub(crate) const PROCESS_LIMIT: Duration = Duration::from_secs(60);
/// How long a device shows a code. Source: RFC 6238, which AWS's virtual devices follow.
const STEP: Duration = Duration::from_secs(30);

/// One wish for a code, which may take several.
pub(crate) struct Codes<'a> {
    serial: &'a SerialNumber,
    /// What it is for, after "for" in a question.
    purpose: String,
    /// The program that knows the codes.
    process: Option<&'a str>,
    /// Whether a person may be asked.
    may_ask: bool,
    tried: Vec<TokenCode>,
}

impl<'a> Codes<'a> {
    pub(crate) fn new(
        serial: &'a SerialNumber,
        purpose: String,
        process: Option<&'a str>,
        may_ask: bool,
    ) -> Self {
        Self { serial, purpose, process, may_ask, tried: Vec::new() }
    }

    /// How long whoever waits for the session has to wait for the code.
    pub(crate) fn limit(&self) -> Duration {
        if self.process.is_some() { PROCESS_LIMIT + STEP } else { prompt::LIMIT }
    }

    /// Whether another code may be tried after one that was refused.
    pub(crate) fn may_go_on(&self) -> bool {
        self.tried.len() < TRIES
    }

    /// The next code.
    pub(crate) async fn next(&mut self, output: &Output) -> Result<TokenCode, Report> {
        let code = match self.process {
            Some(command) => {
                let mut code = self.of_process(command).await?;
                if self.tried.contains(&code) {
                    let now = Context::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                    let left = STEP - Duration::from_secs(now.as_secs() % STEP.as_secs());
                    output.note(&format!(
                        "the device still shows the code that was refused; waiting {} s for the next one",
                        left.as_secs()
                    ));
                    tokio::time::sleep(left).await;
                    code = self.of_process(command).await?;
                    if self.tried.contains(&code) {
                        return Err(self.failed().caused_by(
                            "the MFA process printed the refused code again, although its time is over",
                        ));
                    }
                }
                code
            }
            None if self.may_ask => self.of_terminal().await?,
            None => return Err(self.nobody()),
        };
        self.tried.push(code.clone());
        Ok(code)
    }

    async fn of_terminal(&self) -> Result<TokenCode, Report> {
        let Self { serial, purpose, .. } = self;
        let question = format!("MFA code of {serial} for {purpose}: ");
        prompt::ask(&question, &private_directory()).await.map_err(|error| match error {
            PromptError::NoTerminal => self.nobody(),
            PromptError::NotTyped(cause) => {
                Report::new(format!("an MFA code of `{serial}` is needed for {purpose}")).caused_by(cause)
            }
            PromptError::Io(error) => Report::new("could not ask for the MFA code").caused_by(error),
        })
    }

    async fn of_process(&self, command: &str) -> Result<TokenCode, Report> {
        // It may tell a person to touch a key, unless it runs behind a command.
        let said = if self.may_ask { Said::Shown } else { Said::Kept };
        let output = run_process(command, &[], said, PROCESS_LIMIT)
            .await
            .map_err(|error| self.failed().caused_by(format!("the MFA process: {error}")))?;
        // Never what it printed: it may be a password.
        let text = String::from_utf8_lossy(&output);
        text.trim()
            .parse()
            .map_err(|_| self.failed().caused_by("the MFA process printed something else than six digits"))
    }

    fn failed(&self) -> Report {
        Report::new(format!("could not get an MFA code of `{}`", self.serial))
            .hint("the MFA process is named by --mfa-process, the profile's `mfa_process` or ARL_MFA_PROCESS")
            .of_program()
    }

    /// Nobody can be asked.
    fn nobody(&self) -> Report {
        let Self { serial, purpose, .. } = self;
        Report::new(format!("an MFA code of `{serial}` is needed for {purpose}"))
            .status(Status::MfaNeeded)
            .hint("pass the device's current code with --token-code, or call arl in a terminal, where it can ask")
            .hint("a program that prints codes can be named by --mfa-process, ARL_MFA_PROCESS or the profile's `mfa_process`")
    }
}
