//! Shell sessions: lines that run as a script, or that a terminal types into an interactive shell.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Run, Stage, tools};

/// A shell, how it starts without the user's settings, and how it spells what tests need.
#[derive(Clone, Copy)]
pub(crate) struct Shell {
    pub(crate) name: &'static str,
    /// The flags of an interactive shell.
    interactive: &'static str,
    /// The flags before a script's text, or before its file if `script_is_a_file`.
    script: &'static str,
    script_is_a_file: bool,
    /// Installs arl's function, and the hook if there is one.
    pub(crate) init: &'static str,
    /// Exports NAME as VALUE.
    export: &'static str,
    /// Writes the environment to FILE.
    dump: &'static str,
    /// Writes the status of the last command to the end of FILE. elvish has no status.
    status: Option<&'static str>,
    /// Its line editor asks the terminal questions, so a program must answer them.
    asks_the_terminal: bool,
}

const BOURNE: Shell = Shell {
    name: "sh",
    interactive: "-i",
    script: "-c",
    script_is_a_file: false,
    init: "eval \"$(arl init sh)\"",
    export: "export NAME='VALUE'",
    dump: "env -0 >FILE",
    status: Some("echo $? >>FILE"),
    asks_the_terminal: false,
};

pub(crate) const BASH: Shell =
    Shell { name: "bash", interactive: "--norc --noprofile -i", init: "eval \"$(arl init bash)\"", ..BOURNE };
pub(crate) const ZSH: Shell =
    Shell { name: "zsh", interactive: "-f -i", init: "eval \"$(arl init zsh)\"", ..BOURNE };
pub(crate) const FISH: Shell = Shell {
    name: "fish",
    interactive: "--no-config -i",
    init: "arl init fish | source",
    export: "set -gx NAME 'VALUE'",
    status: Some("echo $status >>FILE"),
    ..BOURNE
};
pub(crate) const MKSH: Shell = Shell { name: "mksh", init: "eval \"$(arl init mksh)\"", ..BOURNE };
pub(crate) const KSH: Shell = Shell { name: "ksh93", init: "eval \"$(arl init ksh)\"", ..BOURNE };
pub(crate) const DASH: Shell = Shell { name: "dash", ..BOURNE };

pub(crate) const TCSH: Shell = Shell {
    name: "tcsh",
    interactive: "-f -i",
    script: "-f",
    script_is_a_file: true,
    init: "arl init tcsh > arl.tcsh; source arl.tcsh",
    export: "setenv NAME 'VALUE'",
    dump: "env -0 > FILE",
    status: Some("echo $status >> FILE"),
    asks_the_terminal: true,
};
pub(crate) const ELVISH: Shell = Shell {
    name: "elvish",
    interactive: "-norc",
    script: "-norc",
    init: "eval (arl init elvish | slurp)",
    export: "set-env NAME 'VALUE'",
    status: None,
    ..TCSH
};
pub(crate) const XONSH: Shell = Shell {
    name: "xonsh",
    interactive: "--no-rc --interactive --shell-type readline",
    script: "--no-rc",
    init: "execx($(arl init xonsh))",
    export: "$NAME = 'VALUE'",
    status: Some("echo @(__xonsh__.history.rtns[-1]) >> FILE"),
    ..TCSH
};
pub(crate) const NUSHELL: Shell = Shell {
    name: "nushell",
    interactive: "--no-config-file --interactive",
    script: "--no-config-file",
    // nushell cannot source what a command prints.
    init: concat!("source ", env!("CARGO_MANIFEST_DIR"), "/shell/arl.nu"),
    export: "$env.NAME = 'VALUE'",
    dump: "^env -0 o> FILE",
    status: Some("$env.LAST_EXIT_CODE | save --append FILE"),
    ..TCSH
};

/// The shells in which statements for `eval` must work.
pub(crate) const EVALUATING: [Shell; 7] = [BOURNE, DASH, BASH, ZSH, KSH, MKSH, FISH];
/// The shells with a hook whose line editors ask the terminal nothing.
pub(crate) const HOOKED: [Shell; 5] = [BASH, ZSH, FISH, MKSH, KSH];
/// Those, and one that has only the function.
pub(crate) const ALL: [Shell; 6] = [BASH, ZSH, FISH, MKSH, KSH, DASH];
/// The shells whose line editors ask the terminal questions. They have hooks as well.
pub(crate) const ASKING: [Shell; 4] = [TCSH, ELVISH, XONSH, NUSHELL];

impl Shell {
    pub(crate) fn is_fish(&self) -> bool {
        self.name == "fish"
    }

    /// The first text in fish, the second one in the others.
    pub(crate) fn fish_or<'a>(&self, fish: &'a str, other: &'a str) -> &'a str {
        if self.is_fish() { fish } else { other }
    }

    /// The line that exports a variable.
    pub(crate) fn export(&self, name: &str, value: &str) -> String {
        self.export.replace("NAME", name).replace("VALUE", value)
    }

    /// The line that writes the environment to a file.
    pub(crate) fn dump(&self, file: &str) -> String {
        self.dump.replace("FILE", file)
    }

    /// The path of the shell, or its name if it is on the PATH.
    pub(crate) fn program(&self) -> String {
        if self.name == "nushell" {
            tools("nushell/node_modules/@nushell/linux-x64/bin/nu")
        } else {
            self.name.to_owned()
        }
    }
}

/// Makes the line that evaluates what `arl ARGUMENTS` prints, in a shell named by its program.
pub(crate) fn evaluate(shell: &str, arguments: &str) -> String {
    match shell {
        "fish" => format!("arl {arguments} | source"),
        _ => format!("eval \"$(arl {arguments})\""),
    }
}

/// Lines for one shell. The first one installs arl's function and hook.
#[must_use = "run it, or type it"]
pub(crate) struct ShellSession<'a> {
    stage: &'a Stage,
    shell: Shell,
    has_keys: bool,
    flags: Vec<&'static str>,
    variables: Vec<(OsString, OsString)>,
    lines: Vec<String>,
}

impl<'a> ShellSession<'a> {
    pub(crate) fn new(stage: &'a Stage, shell: Shell) -> Self {
        Self::without_init(stage, shell).line(shell.init)
    }

    /// A session in which arl is only a program.
    pub(crate) fn without_init(stage: &'a Stage, shell: Shell) -> Self {
        Self { stage, shell, has_keys: true, flags: Vec::new(), variables: Vec::new(), lines: Vec::new() }
    }

    /// Starts without Ann's keys.
    pub(crate) fn without_keys(mut self) -> Self {
        self.has_keys = false;
        self
    }

    /// Starts the shell with more flags, if it runs a script.
    pub(crate) fn flags(mut self, flags: &[&'static str]) -> Self {
        self.flags.extend(flags);
        self
    }

    /// Sets a variable in the environment that the shell starts with.
    pub(crate) fn variable(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    pub(crate) fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    pub(crate) fn lines<'b>(self, lines: impl IntoIterator<Item = &'b str>) -> Self {
        lines.into_iter().fold(self, Self::line)
    }

    /// `arl assume ARGUMENTS`.
    pub(crate) fn assume(self, arguments: &str) -> Self {
        self.line(format!("arl assume {arguments}"))
    }

    pub(crate) fn clear(self) -> Self {
        self.line("arl clear")
    }

    pub(crate) fn export(self, name: &str, value: &str) -> Self {
        let line = self.shell.export(name, value);
        self.line(line)
    }

    /// Removes variables, in fish or a relative of the Bourne shell.
    pub(crate) fn unset(self, names: &str) -> Self {
        let unset = self.shell.fish_or("set -e", "unset");
        self.line(format!("{unset} {names}"))
    }

    /// Sets the session's end to a time in the past, so that the next prompt finds it expired.
    pub(crate) fn expire(self) -> Self {
        self.export("ARL_EXPIRES_AT", "1")
    }

    /// Does nothing, so that an interactive shell shows one more prompt.
    pub(crate) fn prompt(self) -> Self {
        self.line("true")
    }

    /// Writes the environment of a child process to a file, see [`ShellRun::environment`].
    pub(crate) fn dump(self, file: &str) -> Self {
        let line = self.shell.dump(file);
        self.line(line)
    }

    /// Appends the status of the last command to a file.
    pub(crate) fn append_status(self, file: &str) -> Self {
        let status = self.shell.status.expect("a shell with a status");
        self.line(status.replace("FILE", file))
    }

    /// Runs the lines as a script, without a terminal.
    pub(crate) fn run(self) -> ShellRun {
        let mut command = self.command(self.shell.program());
        command.args(&self.flags).args(self.shell.script.split(' '));
        let text = self.lines.join("\n") + "\n";
        if self.shell.script_is_a_file {
            fs::write(self.stage.home.join("script"), text).unwrap();
            command.arg("script");
        } else {
            command.arg(text);
        }
        let run = self.stage.run(&mut command);
        self.ran(run)
    }

    /// Types the lines into an interactive shell. `stdout` is what the screen showed, the lines included.
    pub(crate) fn typed(self) -> ShellRun {
        let run =
            if self.shell.asks_the_terminal { self.typed_with_answers() } else { self.typed_blindly("") };
        self.ran(run)
    }

    /// Types the lines into an interactive shell that another program starts, for instance a tracer.
    pub(crate) fn typed_under(self, program: &str) -> ShellRun {
        let run = self.typed_blindly(program);
        self.ran(run)
    }

    /// Types everything at once; the shell reads a line when it is ready.
    fn typed_blindly(&self, under: &str) -> Run {
        let mut script = self.command("script");
        let shell = format!("exec {under} {} {}", self.shell.program(), self.shell.interactive);
        script.args(["-qec", &shell, "/dev/null"]).env("TERM", "dumb").env("HISTFILE", "/dev/null");
        script.env("ENV", "/dev/null").env("SHELL", "/bin/sh");
        self.stage.run_with_input(&mut script, &(self.lines.join("\n") + "\nexit 0\n"))
    }

    /// Types each line when the shell waits for it. A line `FILE<tab>LINE` is done when it has made FILE.
    fn typed_with_answers(&self) -> Run {
        let terminal = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/terminal.py");
        let mut python = self.command(crate::aws_assume_role_lib::python());
        python.arg(terminal).arg(self.shell.program()).args(self.shell.interactive.split(' '));
        python.env("TERM", "xterm").env("XONSH_SHOW_TRACEBACK", "0");
        python.env("ENV", "/dev/null").env("SHELL", "/bin/sh");
        let run = self.stage.run_with_input(&mut python, &self.lines.join("\n"));
        assert!(!run.stderr.contains("the shell ended before"), "{}: {run:?}", self.shell.name);
        self.stage.assert_no_secret(&run.stdout);
        run
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = if self.has_keys { self.stage.as_ann(program) } else { self.stage.bare(program) };
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn ran(&self, run: Run) -> ShellRun {
        ShellRun { shell: self.shell.name, run, home: self.stage.home.clone() }
    }
}

/// How a session ended, and the files that it has written.
#[derive(Debug)]
pub(crate) struct ShellRun {
    /// For messages: `{run:?}` names the shell.
    #[expect(dead_code, reason = "is shown by Debug")]
    shell: &'static str,
    run: Run,
    home: PathBuf,
}

impl Deref for ShellRun {
    type Target = Run;

    fn deref(&self) -> &Run {
        &self.run
    }
}

impl ShellRun {
    /// The text of a file in the home directory; empty if it does not exist.
    pub(crate) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.home.join(name)).unwrap_or_default()
    }

    /// Whether the home directory has such a file.
    pub(crate) fn has_file(&self, name: &str) -> bool {
        self.home.join(name).exists()
    }

    /// The AWS and arl variables that [`ShellSession::dump`] wrote to a file.
    #[track_caller]
    pub(crate) fn environment(&self, file: &str) -> Environment {
        let bytes =
            fs::read(self.home.join(file)).unwrap_or_else(|error| panic!("{file}: {error}: {self:?}"));
        let is_identity = |variable: &&[u8]| {
            [&b"AWS_"[..], b"ARL_", b"__arl"].iter().any(|start| variable.starts_with(start))
        };
        let variables = bytes.split(|&byte| byte == 0).filter(is_identity);
        // ARL_CACHE belongs to the stage, not to the shell.
        let variables = variables.filter(|variable| !variable.starts_with(b"ARL_CACHE="));
        let mut variables: Vec<Vec<u8>> = variables.map(<[u8]>::to_vec).collect();
        variables.sort();
        Environment(variables)
    }
}

/// AWS and arl variables, sorted, each as `NAME=VALUE`.
#[derive(PartialEq, Eq)]
pub(crate) struct Environment(Vec<Vec<u8>>);

impl Environment {
    /// Whether a variable is set, as `NAME=VALUE`.
    pub(crate) fn has(&self, variable: &str) -> bool {
        self.0.iter().any(|other| other == variable.as_bytes())
    }

    /// Whether the name of a variable, or `NAME=VALUE`, starts like this.
    pub(crate) fn has_any(&self, start: &str) -> bool {
        self.0.iter().any(|variable| variable.starts_with(start.as_bytes()))
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let name = |variable: &Vec<u8>| {
            String::from_utf8_lossy(variable).split('=').next().unwrap_or_default().to_owned()
        };
        self.0.iter().map(name).collect()
    }

    /// Only the variables whose names start like one of these.
    pub(crate) fn only(mut self, starts: &[&str]) -> Self {
        self.0.retain(|variable| starts.iter().any(|start| variable.starts_with(start.as_bytes())));
        self
    }

    /// Without the variables whose names start like one of these.
    pub(crate) fn without(mut self, starts: &[&str]) -> Self {
        self.0.retain(|variable| !starts.iter().any(|start| variable.starts_with(start.as_bytes())));
        self
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|variable| String::from_utf8_lossy(variable))).finish()
    }
}
