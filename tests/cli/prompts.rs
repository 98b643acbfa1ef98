//! The recipes of docs/prompt.md in the programs that they are for. A role whose name or path would run a
//! command if anything evaluated it is shown as it is, and runs nothing.
//!
//! powerlevel10k is in no package registry, so its recipe is expanded as its manual says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::shell::{BASH, FISH, KSH, MKSH, Shell, ZSH};
use crate::support::{DEPLOY, Stage, blocks, in_terminal, tools};

const PAGE: &str = include_str!("../../docs/prompt.md");
const HOSTILE_ARN: &str =
    "arn:aws:iam::123456789012:role/$(echo>hacked)/`echo>hacked`/(echo>hacked)/;echo>hacked;/Deploy";
/// arl sets no such name, but the variable may come from elsewhere.
const HOSTILE_NAME: &str = "$(echo>hacked)`echo>hacked`#(echo>hacked)#{pid}#[bold]%F{red}%n\\e[41m\\w;$HOME";
/// Names of profiles.
const HOSTILE_PROFILES: [&str; 5] =
    ["x$(echo>hacked)", "`echo>hacked`", "%{$(echo>hacked)%}", "a'b$(echo>hacked)", "#(echo>hacked)"];

/// A recipe of the page: the block with this number in a section.
fn recipe(section: &str, language: &str, number: usize) -> String {
    let heading = format!("\n## {section}\n");
    let rest = PAGE.split(&heading).nth(1).unwrap_or_else(|| panic!("no section {section}"));
    blocks(rest.split("\n## ").next().unwrap(), language)[number].clone()
}

/// A program that shows a prompt in a shell.
#[derive(Debug, Clone, Copy)]
enum Prompt {
    Plain,
    Starship,
}

/// The shells, each alone and with starship.
const PROMPTS: [(Shell, Prompt); 6] = [
    (BASH, Prompt::Plain),
    (ZSH, Prompt::Plain),
    (FISH, Prompt::Plain),
    (BASH, Prompt::Starship),
    (ZSH, Prompt::Starship),
    (FISH, Prompt::Starship),
];

/// The lines of the startup file, and the directory of starship. `number` chooses the recipe.
fn startup(stage: &Stage, shell: Shell, prompt: Prompt, number: usize) -> String {
    let fish = |recipe: String| format!("function fish_prompt\n{recipe}\necho -n '> '\nend\n");
    let bare = match prompt {
        Prompt::Plain if shell.is_fish() => fish(recipe("fish", "fish", number)),
        Prompt::Plain => format!("PS1='> '\n{}\n", recipe(shell.name, shell.name, number)),
        Prompt::Starship => {
            let config = (0..=number).map(|number| recipe("starship", "toml", number) + "\n");
            // A busy machine needs longer for the recipe's shell.
            let config = format!("command_timeout = 20000\n{}", config.collect::<String>());
            fs::write(stage.home.join("starship.toml"), config).unwrap();
            shell
                .fish_or("starship init fish | source", &format!("eval \"$(starship init {})\"", shell.name))
                .into()
        }
    };
    format!("{}\n{bare}\n", shell.init)
}

/// What a terminal shows while these lines are typed into the shell with the startup file.
fn screen(stage: &Stage, shell: Shell, startup: &str, variables: &[(&str, &str)], lines: &[&str]) -> String {
    let flags = match shell.name {
        "bash" => "--noprofile --norc -i",
        "zsh" => "-f -i",
        "fish" => "--no-config -i",
        _ => "-i",
    };
    fs::write(stage.home.join("startup"), startup).unwrap();
    let mut command = in_terminal(stage, &format!("{} {flags}", shell.name));
    let path = format!(
        "{}:/usr/local/bin:/usr/bin:/bin:{}",
        crate::support::binary().parent().unwrap().display(),
        Path::new(&tools("starship/bin/starship")).parent().unwrap().display()
    );
    command
        .env("PATH", path)
        .env("STARSHIP_CONFIG", stage.home.join("starship.toml"))
        .env("ENV", "/dev/null");
    command.envs(variables.iter().copied());
    let typed = format!("stty cols 300\n. ./startup\n{}\ntrue\nexit 0\n", lines.join("\n"));
    let run = stage.run_with_input(&mut command, &typed);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(!stage.home.join("hacked").exists(), "{} ran a command: {run:?}", shell.name);
    run.stdout
}

#[test]
fn every_prompt_shows_the_role_as_it_is_and_runs_nothing() {
    for (shell, prompt) in PROMPTS {
        let what = format!("{prompt:?} in {}", shell.name);
        for number in [0, 1] {
            let stage = Stage::new();
            let startup = startup(&stage, shell, prompt, number);
            let hostile = [("ARL_ROLE", HOSTILE_NAME), ("ARL_ROLE_ARN", HOSTILE_ARN)];
            let shown = screen(&stage, shell, &startup, &hostile, &[]);
            // starship writes `\$`, which bash shows to root as `#`.
            let as_root = format!("[{}]", HOSTILE_NAME.replace('$', "#"));
            let is_shown = shown.contains(&format!("[{HOSTILE_NAME}]"))
                || matches!(prompt, Prompt::Starship) && shell.name == "bash" && shown.contains(&as_root);
            assert!(is_shown, "{what}: {shown}");
            let shown = screen(&stage, shell, &startup, &[], &[]);
            assert!(!shown.contains("[]") && !shown.contains("production"), "{what}: {shown}");
        }
    }
}

#[test]
fn production_is_red_and_the_rest_is_green() {
    for (shell, prompt) in PROMPTS {
        let what = format!("{prompt:?} in {}", shell.name);
        let stage = Stage::new();
        let startup = startup(&stage, shell, prompt, 1);
        for (name, color) in [("payments-prod", "31"), ("payments-dev", "32")] {
            let shown = screen(&stage, shell, &startup, &[("ARL_ROLE", name)], &[]);
            let expected = match (prompt, color) {
                (Prompt::Starship, "31") => "\u{1b}[1;31mproduction".to_owned(),
                (Prompt::Starship, _) => format!("\u{1b}[1;32m[{name}]"),
                (Prompt::Plain, _) => format!("\u{1b}[{color}m[{name}]"),
            };
            assert!(shown.contains(&expected), "{what}: {shown:?}");
            let is_production = matches!(prompt, Prompt::Starship) && color == "32";
            assert!(!is_production || !shown.contains("production"), "{what}: {shown:?}");
        }
    }
}

/// arl hands no such name over, so a profile's name cannot reach a prompt that evaluates it.
#[test]
fn a_profile_with_a_hostile_name_is_no_danger_to_a_prompt() {
    for (shell, prompt) in PROMPTS {
        for name in HOSTILE_PROFILES {
            let stage = Stage::new();
            stage.profiles(
                &format!("[profile {name}]\nrole_arn = {DEPLOY}\ncredential_source = Environment\n"),
                "",
            );
            let startup = startup(&stage, shell, prompt, 0);
            let shown = screen(
                &stage,
                shell,
                &startup,
                &[("NAME", name)],
                &["arl assume \"$NAME\"", "true", "arl clear"],
            );
            let what = format!("{prompt:?} in {}, {name}: {shown:?}", shell.name);
            assert!(shown.contains("[123456789012/Deploy]"), "{what}");
            assert!(!shown.rsplit("arl clear").next().unwrap().contains("/Deploy]"), "{what}");
        }
    }
}

#[test]
fn the_korn_shells_show_the_role_and_run_nothing() {
    for shell in [KSH, MKSH] {
        let stage = Stage::new();
        let startup = format!("PS1='> '\n{}\n", recipe("bash", "bash", 0));
        let hostile = [("ARL_ROLE", HOSTILE_NAME), ("ARL_ROLE_ARN", HOSTILE_ARN)];
        let shown = screen(&stage, shell, &startup, &hostile, &[]);
        assert!(shown.contains(&format!("[{HOSTILE_NAME}] > ")), "{}: {shown:?}", shell.name);
    }
}

/// powerlevel10k expands the condition once, and the text where `-e` is given ("p10k help segment").
#[test]
fn the_segments_of_powerlevel10k_expand_to_the_role_and_run_nothing() {
    let p10k = "p10k() { local o=(\"$@\") c t f e i; for ((i = 1; i <= $#o; i++)); do \
        case $o[i] in -c) c=$o[i+1];; -t) t=$o[i+1];; -f) f=$o[i+1];; -e) e=1;; esac; done; \
        [[ -n ${(e)c} ]] || return 0; [[ -n $e ]] && t=${(e)t}; print -rP -- \"$f>$t\" }";
    let shown_as = |name: &str| {
        [0, 1].map(|number| {
            let stage = Stage::new();
            let script = format!("{p10k}\n{}\nprompt_arl", recipe("powerlevel10k", "zsh", number));
            let mut zsh = stage.bare("zsh");
            zsh.env("ARL_ROLE", name).env("ARL_ROLE_ARN", HOSTILE_ARN).args(["-f", "-c", &script]);
            let shown = stage.run(&mut zsh).success();
            assert!(!stage.home.join("hacked").exists(), "{shown}");
            shown
        })
    };
    assert_eq!(shown_as(HOSTILE_NAME), [format!(">{HOSTILE_NAME}\n"), format!("green>{HOSTILE_NAME}\n")]);
    assert_eq!(shown_as("payments-prod"), [">payments-prod\n", "red>payments-prod\n"]);
    assert_eq!(shown_as(""), ["", ""]);
}

/// A tmux server whose status line another one shows, as a terminal would.
struct Tmux<'a> {
    stage: &'a Stage,
    /// The sockets of the two servers.
    servers: [PathBuf; 2],
}

impl<'a> Tmux<'a> {
    fn start(stage: &'a Stage, shell: &str) -> Self {
        let tmux = Self { stage, servers: ["in", "out"].map(|name| stage.home.join(name)) };
        tmux.run(0, &["-f", "tmux.conf", "new-session", "-d", "-x", "118", "-y", "8", shell]);
        let attach = format!("exec env -u TMUX tmux -S '{}' attach", tmux.servers[0].display());
        tmux.run(1, &["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "12", &attach]);
        tmux
    }

    fn command(&self, server: usize, words: &[&str]) -> Command {
        let mut tmux = self.stage.as_ann("tmux");
        tmux.env("TERM", "xterm-256color")
            .env("SHELL", "/bin/sh")
            .args(["-S".as_ref(), self.servers[server].as_os_str()])
            .args(words);
        tmux
    }

    fn run(&self, server: usize, words: &[&str]) -> String {
        self.stage.run(&mut self.command(server, words)).success()
    }

    fn type_line(&self, line: &str) {
        self.run(0, &["send-keys", "-l", "--", line]);
        self.run(0, &["send-keys", "Enter"]);
    }

    /// Waits until the last line of the screen, with its colors, is as wanted.
    fn wait_for_status(&self, is_wanted: impl Fn(&str) -> bool) {
        let begin = Instant::now();
        loop {
            let screen = self.run(1, &["capture-pane", "-e", "-p"]);
            let status = screen.lines().rfind(|line| line.contains("[0] 0:")).unwrap_or_default();
            if is_wanted(status) {
                return;
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "{screen:?}");
        }
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        for server in [0, 1] {
            let _ = self.command(server, &["kill-server"]).output();
        }
    }
}

#[test]
fn the_status_line_of_tmux_shows_the_role_of_the_pane_and_runs_nothing() {
    for (shell, flags) in
        [(BASH, "--noprofile --rcfile startup -i"), (ZSH, "-i"), (FISH, "--no-config -i -C '. ./startup'")]
    {
        let stage = Stage::new();
        let config =
            recipe("tmux", "tmux", 0) + "\nset -g status-interval 1\nset -g status-right-length 100\n";
        fs::write(stage.home.join("tmux.conf"), config).unwrap();
        let function = match shell.name {
            "fish" => recipe("tmux", "fish", 0),
            "zsh" => {
                recipe("tmux", "bash", 0).replace("PROMPT_COMMAND=", ": ") + "\n" + &recipe("tmux", "zsh", 0)
            }
            _ => recipe("tmux", "bash", 0),
        };
        let startup = format!("{}\n{function}\n", shell.init);
        for file in ["startup", ".zshrc"] {
            fs::write(stage.home.join(file), &startup).unwrap();
        }
        let profile =
            |name: &str| format!("[profile {name}]\nrole_arn = {DEPLOY}\ncredential_source = Environment\n");
        let names = ["payments-prod", "payments-dev"].into_iter().chain(HOSTILE_PROFILES);
        stage.profiles(&names.map(profile).collect::<String>(), "");
        let tmux = Tmux::start(&stage, &format!("{} {flags}", shell.name));
        for (name, shown) in
            [("payments-prod", "\u{1b}[31mpayments-prod"), ("payments-dev", "\u{1b}[32mpayments-dev")]
        {
            tmux.type_line(&format!("arl assume {name}"));
            tmux.wait_for_status(|status| status.contains(shown));
        }
        for name in HOSTILE_PROFILES {
            tmux.type_line(&format!(
                "arl assume payments-dev; arl assume '{}'",
                name.replace('\'', shell.fish_or("\\'", "'\\''"))
            ));
            tmux.wait_for_status(|status| status.contains("\u{1b}[32m123456789012/Deploy"));
            tmux.type_line("arl clear");
            tmux.wait_for_status(|status| !status.contains("Deploy") && !status.is_empty());
        }
        tmux.type_line(&shell.export("ARL_ROLE", HOSTILE_NAME));
        tmux.wait_for_status(|status| status.contains(&format!("\u{1b}[32m{HOSTILE_NAME}")));
        // The status line is drawn once more, and what it would have started has run.
        tmux.type_line(&shell.export("ARL_ROLE", "last-prod"));
        tmux.wait_for_status(|status| status.contains("\u{1b}[31mlast-prod"));
        assert!(!stage.home.join("hacked").exists(), "{}", shell.name);
    }
}

/// The README may show some of the recipes.
#[test]
fn the_readme_has_no_other_recipe_than_the_page() {
    let readme = include_str!("../../README.md");
    let is_code = |line: &&str| line.starts_with("    ") && line.contains("ARL_ROLE");
    for line in readme.lines().filter(is_code) {
        let code = line.split("   #").next().unwrap().trim();
        assert!(PAGE.lines().any(|other| other.trim() == code), "{code}");
    }
}
