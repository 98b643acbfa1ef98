//! A terminal with a real screen: a window of tmux, which the test types into and looks at.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::Stage;

/// How long a screen may take to show what is expected.
const LIMIT: Duration = Duration::from_secs(60);

/// A window with a shell. Dropping it ends the shell.
pub(crate) struct Window<'a> {
    stage: &'a Stage,
}

impl<'a> Window<'a> {
    /// Opens a window of this size in which bash runs with arl's function and the environment of `command`.
    /// `tmux` is not asked for the user's settings.
    pub(crate) fn open(stage: &'a Stage, command: &Command, columns: usize, rows: usize) -> Self {
        let quote = |value: &str| format!("'{}'", value.replace('\'', r"'\''"));
        let mut rc = String::new();
        for (name, value) in command.get_envs() {
            let (name, value) = (name.to_str().unwrap(), value.map(|value| value.to_str().unwrap()));
            rc +=
                &value.map_or(format!("unset {name}\n"), |value| format!("export {name}={}\n", quote(value)));
        }
        rc += "unset TMUX\nPS1='ready$ '\neval \"$(arl init bash)\"\n";
        fs::write(stage.home.join("rc"), rc).unwrap();
        let window = Self { stage };
        let size = [columns, rows].map(|count| count.to_string());
        let shell = format!(
            "exec env -i --default-signal=INT,QUIT,HUP,TERM TERM=tmux-256color bash --noprofile --rcfile {} -i",
            quote(stage.home.join("rc").to_str().unwrap())
        );
        window.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-c",
            stage.home.to_str().unwrap(),
            "-x",
            &size[0],
            "-y",
            &size[1],
            &shell,
        ]);
        window.wait_for("ready$");
        window
    }

    fn tmux(&self, args: &[&str]) -> String {
        let socket = self.stage.home.join("tmux");
        let output = Command::new("tmux")
            .arg("-S")
            .arg(socket)
            .args(args)
            .env_remove("TMUX")
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("tmux");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Types text, as it is.
    pub(crate) fn type_text(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    /// Presses keys, by tmux's names for them.
    pub(crate) fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Types a command line.
    pub(crate) fn run(&self, line: &str) {
        self.type_text(line);
        self.press(&["Enter"]);
    }

    pub(crate) fn resize(&self, columns: usize, rows: usize) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// What the screen shows, without empty lines at its end.
    pub(crate) fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"]).trim_end().to_owned()
    }

    /// Waits until the screen shows a text. Returns the screen.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contains(text))
    }

    /// Waits until the screen is as expected. Returns it.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let begin = Instant::now();
        loop {
            let screen = self.screen();
            if is_so(&screen) {
                return screen;
            }
            assert!(begin.elapsed() < LIMIT, "`{what}` did not come:\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Closes the window while its programs run.
    pub(crate) fn close(&self) {
        self.tmux(&["kill-server"]);
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        self.close();
    }
}
