//! The prompt recipes of docs/shells.md, with a role whose path would run a command if anything evaluated it.

use crate::support::{DEPLOY, Stage, in_terminal};

const HOSTILE: &str =
    "arn:aws:iam::123456789012:role/$(echo>hacked)/`echo>hacked`/(echo>hacked)/;echo>hacked;/Deploy";
/// arl sets no such name, but the variable may come from elsewhere.
const HOSTILE_NAME: &str = "$(echo>hacked)`echo>hacked`(echo>hacked);echo>hacked;Deploy";

/// The line for a prompt, without the comment that names its shells.
fn recipe(about: &str) -> String {
    let page = include_str!("../../docs/shells.md");
    let line = page.lines().find(|line| line.starts_with("    ") && line.contains(about)).unwrap();
    line.rsplit_once("   #").map_or(line, |(recipe, _)| recipe).trim().to_owned()
}

/// Runs a script with the hostile role in its environment; what it printed.
fn run(shell: &str, script: &str) -> String {
    let stage = Stage::new();
    let mut command = stage.bare(shell);
    command.env("ARL_ROLE_ARN", HOSTILE).env("ARL_ROLE", HOSTILE_NAME).args(["-c", script]);
    let printed = stage.run(&mut command).success();
    assert!(!stage.home.join("hacked").exists(), "{shell} ran a command out of the role's path: {printed}");
    printed
}

#[test]
fn no_prompt_recipe_runs_a_command_out_of_a_role_path() {
    let ps1 = recipe("bash, ksh; zsh with prompt_subst");
    assert!(
        run("bash", &format!("PS1=; {ps1}; echo \"${{PS1@P}}${{PS1@P}}\"")).matches("Deploy] ").count() == 2
    );
    let zsh = format!("setopt prompt_subst; PS1=; {ps1}; print -P \"$PS1\"");
    assert!(run("zsh", &zsh).contains("Deploy] "));
    assert!(run("fish", &recipe("in fish_prompt")).contains("Deploy] "));
    // powerlevel10k expands the condition once, and the text where -e is given ("p10k help segment").
    let p10k = format!(
        "p10k() {{ local o=(\"$@\") c t e i; for ((i = 1; i <= $#o; i++)); do case $o[i] in -c) c=$o[i+1];; -t) t=$o[i+1];; -e) e=1;; esac; done\n\
         [[ -n ${{(e)c}} ]] || return 0; if [[ -n $e ]]; then print -r -- \"${{(e)t}}\"; else print -r -- \"$t\"; fi }}\n{}\nprompt_arl",
        recipe("powerlevel10k")
    );
    assert_eq!(run("zsh", &p10k), format!("{HOSTILE_NAME}\n"));
}

#[test]
fn the_korn_shells_show_the_role_and_run_nothing() {
    let ps1 = recipe("bash, ksh; zsh with prompt_subst");
    for shell in ["ksh93", "mksh"] {
        let stage = Stage::new();
        let mut command = in_terminal(&stage, &format!("{shell} -i"));
        command.env("ARL_ROLE_ARN", HOSTILE).env("ARL_ROLE", HOSTILE_NAME).env("ENV", "/dev/null");
        let run = stage.run_with_input(&mut command, &format!("PS1=; {ps1}\n\n\nexit\n"));
        assert!(run.stdout.contains("Deploy] "), "{shell}: {run:?}");
        assert!(!stage.home.join("hacked").exists(), "{shell}: {run:?}");
    }
}

/// arl itself hands no such name over, so a profile's name cannot reach a prompt that evaluates it.
#[test]
fn a_profile_with_a_hostile_name_is_no_danger_to_a_prompt() {
    let ps1 = recipe("bash, ksh; zsh with prompt_subst");
    for name in ["x$(echo>hacked)", "`echo>hacked`", "%{$(echo>hacked)%}", "a'b$(echo>hacked)"] {
        for (shell, show) in
            [("bash", "echo \"${PS1@P}\""), ("zsh", "setopt prompt_subst; print -P \"$PS1\"")]
        {
            let stage = Stage::new();
            stage.profiles(
                &format!("[profile {name}]\nrole_arn = {DEPLOY}\ncredential_source = Environment\n"),
                "",
            );
            let script = format!("eval \"$(arl assume \"$1\" --shell {shell})\"; PS1=; {ps1}; {show}");
            let mut command = stage.as_ann(shell);
            let shown = stage.run(command.args(["-c", &script, shell, name])).success();
            assert!(shown.contains("[123456789012/Deploy] "), "{shell} {name}: {shown}");
            assert!(!stage.home.join("hacked").exists(), "{shell} {name}: {shown}");
        }
    }
}
