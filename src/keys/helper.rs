//! The protocol of the docker-credential helpers: one program, one argument, JSON on pipes.
//!
//! Source: <https://github.com/docker/docker-credential-helpers#development>.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::name::StoreName;
use crate::process::{Finished, ProcessError, run_helper};
use crate::secret::Secret;

/// How long a helper may take. It may ask the user to unlock the keychain.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The longest answer about one entry, in bytes. Long-term keys take about 100.
const MAX_ENTRY: u64 = 64 * 1024;
/// The longest list of entries, in bytes. It includes Docker's own entries.
const MAX_LIST: u64 = 1024 * 1024;
/// The most characters of a helper's message that an error quotes.
const MAX_QUOTE: usize = 500;
/// The message of the protocol for an entry that does not exist.
const NOT_FOUND: &str = "credentials not found in native keychain";
/// The variables that a helper does not get, because it needs no AWS credentials.
const HIDDEN: [&str; 3] = ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"];

/// Why a request to a helper program failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HelperError {
    /// It could not be run, or did not end within its limits.
    Process(ProcessError),
    /// It refused. Holds its message.
    Refused(String),
    /// Its answer does not follow the protocol. Holds what is wrong.
    Unexpected(&'static str),
}

impl fmt::Display for HelperError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(error) => error.fmt(f),
            Self::Refused(text) if text.is_empty() => f.write_str("it failed without a message"),
            Self::Refused(text) => write!(f, "it said: {text}"),
            Self::Unexpected(what) => {
                write!(f, "its output is not that of a docker-credential helper: {what}")
            }
        }
    }
}

impl std::error::Error for HelperError {}

/// A helper program.
#[derive(Debug, Clone)]
pub(super) struct Helper {
    program: String,
    limit: Duration,
}

impl Helper {
    pub(super) fn new(store: &StoreName) -> Self {
        Self { program: store.program(), limit: TIMEOUT }
    }

    /// Returns the secret of an entry, or `None` if there is no such entry.
    pub(super) async fn get(&self, url: &str, user: &str) -> Result<Option<Secret>, HelperError> {
        let Finished { status, stdout, stderr } = self.run("get", url.as_bytes(), MAX_ENTRY).await?;
        if !status.success() {
            let text = quote(&stdout, &stderr, None);
            return if text.contains(NOT_FOUND) { Ok(None) } else { Err(HelperError::Refused(text)) };
        }
        // The output is never quoted here, because even malformed output may contain a secret.
        let mut object: Map<String, Value> = serde_json::from_slice(&stdout)
            .map_err(|_| HelperError::Unexpected("it did not print a JSON object"))?;
        let mut text = |name: &str| match object.remove(name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(HelperError::Unexpected("its response has no `Username` or no `Secret`")),
        };
        let (found, secret) = (text("Username")?, Secret::new(text("Secret")?));
        // The helper for `pass` returns empty texts for an entry that does not exist.
        if secret.expose().is_empty() && found.is_empty() {
            return Ok(None);
        }
        if found != user {
            return Err(HelperError::Unexpected("its response is for another entry"));
        }
        if secret.expose().is_empty() {
            return Err(HelperError::Unexpected("its response has an empty secret"));
        }
        Ok(Some(secret))
    }

    /// Creates or replaces an entry.
    pub(super) async fn store(&self, url: &str, user: &str, secret: &Secret) -> Result<(), HelperError> {
        let json = |text: &str| Zeroizing::new(Value::from(text).to_string());
        let input = Zeroizing::new(format!(
            "{{\"ServerURL\":{},\"Username\":{},\"Secret\":{}}}\n",
            *json(url),
            *json(user),
            *json(secret.expose())
        ));
        let Finished { status, stdout, stderr } = self.run("store", input.as_bytes(), MAX_ENTRY).await?;
        match status.success() {
            true => Ok(()),
            false => Err(HelperError::Refused(quote(&stdout, &stderr, Some(secret)))),
        }
    }

    /// Removes an entry. Some helpers fail if there is none, others do not.
    pub(super) async fn erase(&self, url: &str) -> Result<(), HelperError> {
        let Finished { status, stdout, stderr } = self.run("erase", url.as_bytes(), MAX_ENTRY).await?;
        match status.success() {
            true => Ok(()),
            false => Err(HelperError::Refused(quote(&stdout, &stderr, None))),
        }
    }

    /// Returns the URLs of all entries. The helper for the Secret Service may write a label before each.
    pub(super) async fn list(&self) -> Result<Vec<String>, HelperError> {
        let Finished { status, stdout, stderr } = self.run("list", b"", MAX_LIST).await?;
        if !status.success() {
            return Err(HelperError::Refused(quote(&stdout, &stderr, None)));
        }
        // Some helpers print `null` for an empty store.
        let entries: Option<Map<String, Value>> = serde_json::from_slice(&stdout)
            .map_err(|_| HelperError::Unexpected("its list is not a JSON object"))?;
        Ok(entries.unwrap_or_default().into_iter().map(|(url, _)| url).collect())
    }

    async fn run(&self, verb: &str, input: &[u8], max_output: u64) -> Result<Finished, HelperError> {
        run_helper(&self.program, verb, &HIDDEN, input, max_output, self.limit)
            .await
            .map_err(HelperError::Process)
    }
}

/// Returns the message of a failed helper, which the protocol puts on the standard output. It leaves out a
/// JSON object, which may be an answer with a secret, and every message that contains a part of `given`.
fn quote(stdout: &[u8], stderr: &str, given: Option<&Secret>) -> String {
    let said = String::from_utf8_lossy(stdout);
    let said = said.trim();
    let said = if said.is_empty() || said.contains('{') { stderr.trim() } else { said };
    let pieces = given.map_or_else(Vec::new, secret_pieces);
    if pieces.iter().any(|piece| said.contains(piece.as_str())) {
        return "(not shown, because it contains the secret)".to_owned();
    }
    said.chars().take(MAX_QUOTE).collect()
}

/// Returns the long parts of a secret's JSON. Each of them must stay secret by itself.
fn secret_pieces(secret: &Secret) -> Vec<Zeroizing<String>> {
    let words = secret.expose().split(['"', ',', '{', '}']);
    words.filter(|word| word.len() > 20).map(|word| Zeroizing::new(word.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::time::Instant;

    use super::*;

    /// Runs a shell script as the helper.
    fn with_script<T>(name: &str, script: &str, test: impl AsyncFnOnce(Helper) -> T) -> T {
        let path = PathBuf::from("/tmp").join(format!("arl-helper-{}-{name}", std::process::id()));
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a writable directory");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("a file of this test");
        let helper = Helper { program: path.display().to_string(), limit: Duration::from_millis(700) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let result = runtime.block_on(async {
            // A process that another test has just forked may hold the script open for a moment.
            while let Err(HelperError::Process(ProcessError::NotStarted(text))) = helper.list().await {
                assert!(text.contains("busy"), "{text}");
            }
            test(helper).await
        });
        fs::remove_file(path).expect("a file of this test");
        result
    }

    #[test]
    fn a_helper_that_lies_is_an_error_that_quotes_no_secret() {
        let answer = |user: &str, secret: &str| {
            format!("echo '{{\"ServerURL\":\"u\",\"Username\":\"{user}\",\"Secret\":\"{secret}\"}}'")
        };
        for (name, script, said) in [
            ("user", answer("other", "hunter2"), "for another entry"),
            ("empty", answer("dev", ""), "an empty secret"),
            ("text", "echo hunter2".into(), "did not print a JSON object"),
            ("array", "echo '[\"hunter2\"]'".into(), "did not print a JSON object"),
            (
                "number",
                "echo '{\"Username\":\"dev\",\"Secret\":7}'".into(),
                "has no `Username` or no `Secret`",
            ),
            ("half", format!("{}; exit 1", answer("dev", "hunter2")), "it failed without a message"),
            (
                "error",
                "echo 'The name is not activatable'; exit 1".into(),
                "it said: The name is not activatable",
            ),
            ("stderr", "echo 'no bus' >&2; exit 1".into(), "it said: no bus"),
            ("flood", "exec cat /dev/zero".into(), "it wrote more than 64 KiB"),
            ("signal", "kill -9 $$".into(), "it failed without a message"),
        ] {
            // `list` must answer, so that the script is known to start.
            let script = format!("[ \"$1\" = list ] && echo null && exit; {script}");
            let error = with_script(name, &script, async |helper| helper.get("u", "dev").await);
            let text = error.expect_err(name).to_string();
            assert!(text.contains(said) && !text.contains("hunter2"), "{name}: {text}");
        }
    }

    #[test]
    fn a_helper_that_hangs_is_given_up_and_killed() {
        let script = "[ \"$1\" = list ] && echo null && exit; echo $$ >\"$0.pid\"; exec sleep 600";
        let started = Instant::now();
        let (error, pid) = with_script("hang", script, async |helper| {
            let error = helper.get("u", "dev").await;
            let pid = fs::read_to_string(format!("{}.pid", helper.program)).expect("the script has started");
            fs::remove_file(format!("{}.pid", helper.program)).expect("a file of this test");
            (error, pid)
        });
        assert_eq!(error.expect_err("it hangs").to_string(), "it did not finish within 700ms");
        // The killed process disappears soon, or stays as a zombie.
        let is_alive = || {
            let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            !state.is_empty() && !state.contains(") Z ")
        };
        while is_alive() {
            assert!(started.elapsed() < Duration::from_secs(60), "{pid} lives on");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_missing_entry_is_none_in_each_dialect() {
        for (name, script) in [
            ("upstream", "echo 'credentials not found in native keychain'; exit 1"),
            ("pass", "echo '{\"ServerURL\":\"u\",\"Username\":\"\",\"Secret\":\"\"}'"),
        ] {
            let script = format!("[ \"$1\" = list ] && echo null && exit; {script}");
            let found = with_script(name, &script, async |helper| helper.get("u", "dev").await);
            assert_eq!(found, Ok(None), "{name}");
        }
    }

    #[test]
    fn a_failed_store_never_repeats_the_secret() {
        let script = "[ \"$1\" = list ] && echo null && exit; cat | tr -d '{}'; exit 1";
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into());
        let error = with_script("echo", script, async |helper| helper.store("u", "dev", &secret).await);
        assert_eq!(
            error.expect_err("it fails").to_string(),
            "it said: (not shown, because it contains the secret)"
        );
    }
}
