//! Opens a secret URL in the user's browser, without putting it into an argument list.

use std::io;
use std::pin::pin;
use std::time::Duration;

use arl::internal::{FirefoxContainer, RedirectServer, Secret};
use tokio::time::error::Elapsed;

use crate::cli::env::vars;
use crate::cli::process::browser;
use crate::cli::process::command_template::CommandTemplate;
use crate::cli::ui::error::CliError;

/// How long opening the browser may take. The extension for containers may ask the user first.
const BROWSER_TIMEOUT: Duration = Duration::from_secs(120);
/// The command lines that start Firefox with an address, in order.
const FIREFOX: &[&[&str]] = if cfg!(target_os = "macos") {
    &[&["open", "-a", "Firefox"], &["firefox"]]
} else {
    &[&["firefox"], &["firefox-esr"]]
};

/// Where the browser opens the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Window {
    /// In its usual window.
    Usual,
    /// In a separate Firefox container for the role.
    Container,
}

/// The browser that the settings choose.
pub(super) struct Browser {
    window: Window,
    /// `ARL_BROWSER`.
    command: Option<CommandTemplate>,
}

impl Browser {
    /// Reads the settings.
    ///
    /// # Errors
    /// `ARL_BROWSER` is not a valid command, or has an unknown placeholder.
    pub(super) fn from_env(window: Window) -> Result<Self, CliError> {
        let invalid = |fault: String| {
            CliError::usage(format!("ARL_BROWSER {fault}"))
                .hint("%u is the address and %n the name of the role: export ARL_BROWSER='google-chrome --profile-directory=%n %u'")
        };
        let command = vars::get(vars::ARL_BROWSER).map(|text| {
            let template = CommandTemplate::parse(&text).map_err(|fault| invalid(fault.to_owned()))?;
            let unknown = |placeholder| invalid(format!("contains the unknown placeholder `{placeholder}`"));
            template.fill(&[('u', ""), ('n', "")]).map_err(unknown)?;
            Ok(template)
        });
        Ok(Self { window, command: command.transpose()? })
    }

    /// Opens the URL, and returns when the browser has been redirected to it. `role` is the name that the
    /// user gave to the role.
    pub(super) async fn open(&self, url: &Secret, role: &str) -> Result<(), CliError> {
        let failed = || {
            CliError::new("could not open the browser").hint(match self.window {
                Window::Usual => "without --open, arl prints the address",
                Window::Container => "without --container and --open, arl prints the address",
            })
        };
        let server = RedirectServer::bind().await.map_err(|error| failed().caused_by(error))?;
        let local_url = server.url();
        // The browser gets the local URL, because other users can see the arguments of a process. It
        // redirects to the secret URL only once, and only for processes of this user.
        let address = match self.window {
            Window::Usual => local_url,
            Window::Container => FirefoxContainer::for_role(role).address(&local_url),
        };
        let redirect = pin!(tokio::time::timeout(BROWSER_TIMEOUT, server.redirect_once(url)));
        let done = match (&self.command, self.window) {
            (Some(template), _) => {
                let values = [('u', &*address), ('n', &profile_name(role))];
                let argv = template.fill(&values).unwrap_or_default();
                let missing = format!(
                    "there is no program `{}`, which ARL_BROWSER names",
                    argv.first().map_or("", |word| word)
                );
                browser::start_until(vec![argv], &missing, redirect).await
            }
            (None, Window::Usual) => browser::open_until(&address, redirect).await,
            (None, Window::Container) => {
                let missing =
                    "there is no program `firefox`; set ARL_BROWSER to the command that starts Firefox";
                browser::start_until(firefox_commands(&address), missing, redirect).await
            }
        };
        match done {
            Ok(redirect) => redirect_result(redirect).map_err(|cause| {
                let error = failed().caused_by(cause);
                match self.window {
                    Window::Usual => error,
                    Window::Container => error.hint("--container needs the Firefox extension \"Open external links in a container\": https://addons.mozilla.org/firefox/addon/open-url-in-container/"),
                }
            }),
            Err(causes) => Err(causes.into_iter().fold(failed(), CliError::caused_by)),
        }
    }
}

fn firefox_commands(address: &str) -> Vec<Vec<String>> {
    let with_address = |argv: &&[&str]| argv.iter().copied().chain([address]).map(str::to_owned).collect();
    FIREFOX.iter().map(with_address).collect()
}

/// Returns a name for a browser profile. It may become part of a path or an argument, so it contains no
/// separator and does not begin with a dot or a dash.
fn profile_name(role: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.@+-".contains(c);
    let name: String = role.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    match name.trim_start_matches(['.', '-']) {
        "" => "arl".to_owned(),
        name => name.to_owned(),
    }
}

fn redirect_result(redirect: Result<io::Result<()>, Elapsed>) -> Result<(), String> {
    match redirect {
        Ok(redirect) => redirect.map_err(|error| error.to_string()),
        Err(_) => Err("the browser did not ask for the address within two minutes".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::profile_name;

    #[test]
    fn a_profile_name_is_no_path_and_no_flag() {
        for (role, name) in [
            ("prod-deploy", "prod-deploy"),
            ("123456789012/Deploy", "123456789012-Deploy"),
            ("corp:123456789012/Admin", "corp-123456789012-Admin"),
            ("../../etc", "etc"),
            ("--flag", "flag"),
            ("ä b", "b"),
            ("..", "arl"),
        ] {
            assert_eq!(profile_name(role), name, "{role}");
        }
    }
}
