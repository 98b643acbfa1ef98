//! README.md and the pages of docs/: their commands are run, their transcripts compared, their links followed.
//!
//! A block marked `sh` is run by bash with the shell integration loaded, in a home directory that the page's blocks
//! share. A block marked `console` is a transcript of one command. A block after `<!-- not run -->` must be in
//! [`NOT_RUN`] with the reason.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use arl_sts::World;

use crate::keys::HELPER;
use crate::support::{Stage, tools, write_program};

const MARK: &str = "<!-- not run -->";

/// The page, the first line, and the reason of each block that no test runs here.
const NOT_RUN: [(&str, &str, &str); 9] = [
    ("README.md", "arl assume", "a list at a terminal: picker.rs"),
    ("docs/shells.md", "arl assume", "a list at a terminal: picker.rs"),
    ("docs/shells.md", "eval \"$(arl init bash)\"", "ten shells: hooks/ and other_shells.rs run each line"),
    ("docs/keys.md", "arl keys add dev                       # asks", "asks at a terminal: keys.rs"),
    ("docs/library.md", "cargo run --example assume_role", "cargo runs this test: examples.rs"),
    ("docs/many-roles.md", "parallel --sshlogin build1,build2", "needs other machines with an SSH server"),
    (
        "docs/programs.md",
        "arl exec prod-deploy                          # a new",
        "an interactive shell: exec.rs",
    ),
    ("docs/programs.md", "arl console prod-deploy --open", "opens a browser: console.rs"),
    ("docs/sign-in.md", "arl configure --sso-session corp", "a name of another service: configure_sso.rs"),
];

/// Pages whose commands need more than a home directory, and the tests that run them. Their links and flags are checked
/// here.
const ELSEWHERE: [(&str, &str); 2] =
    [("docs/many-roles.md", "many_roles.rs"), ("docs/prompt.md", "prompts.rs")];

const CONFIG: &str = "[profile prod-deploy]
role_arn = arn:aws:iam::123456789012:role/Deploy
source_profile = dev
region = eu-west-1
[profile staging]
role_arn = arn:aws:iam::123456789012:role/ReadOnly
source_profile = dev
[profile dev-readonly]
role_arn = arn:aws:iam::123456789012:role/ReadOnly
source_profile = dev
[profile payments-api]
role_arn = arn:aws:iam::123456789012:role/ReadOnly
source_profile = dev
[profile prod-mfa]
role_arn = arn:aws:iam::123456789012:role/NeedsMfa
source_profile = dev
mfa_serial = arn:aws:iam::111122223333:mfa/ann
[sso-session corp]
sso_start_url = https://corp.example/start
sso_region = eu-west-1
sso_registration_scopes = sso:account:access
";

/// Stand-ins for programs that use an AWS SDK. Each makes a call with what it finds, as the AWS CLI finds it. The AWS
/// CLI itself is the real one, except for clusters.
const AWS: &str = "#!/bin/sh
if [ \"$1\" = eks ]; then set -- sts get-caller-identity --profile prod; fi
exec \"$REAL_AWS\" \"$@\"
";
const SDK: &str = "#!/bin/sh
# Without credentials in the environment, those of the profile that the page gives it.
[ -n \"$AWS_ACCESS_KEY_ID$AWS_CONTAINER_CREDENTIALS_FULL_URI\" ] || export AWS_PROFILE=prod
exec aws sts get-caller-identity
";
/// A container has the variables that `-e` names, and those of `.env` for Compose.
const DOCKER: &str = "#!/bin/bash
set -e
verb=$1
given=(PATH=\"$PATH\" REAL_AWS=\"$REAL_AWS\" AWS_ENDPOINT_URL=\"$AWS_ENDPOINT_URL\" HOME=/nonexistent)
while [ $# -gt 0 ]; do
    if [ \"$1\" = -e ]; then given+=(\"$2=${!2}\"); shift; fi
    shift
done
[ \"$verb\" != compose ] || mapfile -t -O 4 given <.env
exec env -i \"${given[@]}\" aws sts get-caller-identity
";
const YKMAN: &str = "#!/bin/sh
[ \"$*\" = 'oath accounts code --single aws' ] || exit 1
echo x >>\"$HOME/codes\"
echo $((100100 + $(wc -l <\"$HOME/codes\")))
";
const BROWSER: &str = "#!/bin/sh\nexec curl -sL -o /dev/null \"$1\"\n";

struct Block {
    language: String,
    is_marked: bool,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap()
}

/// README.md and the pages of docs/.
fn pages() -> Vec<String> {
    let names = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut pages: Vec<String> = names.map(|name| format!("docs/{}", name.to_str().unwrap())).collect();
    pages.retain(|page| page.ends_with(".md"));
    pages.push("README.md".into());
    pages.sort();
    pages
}

/// The fenced blocks of a page; those in a list are indented.
fn blocks(page: &str) -> Vec<Block> {
    let (mut blocks, mut previous) = (Vec::new(), "");
    let page = text(page);
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            let indent = line.len() - line.trim_start().len();
            let text = lines
                .by_ref()
                .take_while(|line| line.trim() != "```")
                .fold(String::new(), |text, line| text + line.get(indent..).unwrap_or_default() + "\n");
            blocks.push(Block { language: language.into(), is_marked: previous.trim() == MARK, text });
        }
        previous = line;
    }
    blocks
}

/// The home of a page: profiles, scripts that the pages name, and programs.
fn stage(page: &str) -> Stage {
    let stage = Stage::new();
    stage.sts.change(|world| {
        for role in world.roles.values_mut() {
            role.trusts.push("*".into());
        }
        world.roles.get_mut("arn:aws:iam::123456789012:role/Deploy").unwrap().external_id = None;
        world.web_tokens.insert("id-token".into(), ("https://ci.example.com".into(), "job".into()));
    });
    let source = if page == "docs/keys.md" { "default" } else { "dev" };
    let keys = format!(
        "[{source}]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        World::ANN_KEY,
        World::ANN_SECRET
    );
    stage.profiles(if page == "docs/keys.md" { "" } else { CONFIG }, &keys);
    fs::write(stage.home.join("roles.txt"), "prod-deploy\nstaging\n").unwrap();
    let policy =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#;
    fs::write(stage.home.join("read-only.json"), policy).unwrap();
    for name in ["inventory.sh", "deploy.sh", "run-all-day.sh"] {
        write_program(&stage.home.join(name), "#!/bin/sh\nexec aws s3 ls\n");
    }
    fs::create_dir(stage.home.join("bin")).unwrap();
    for (name, program) in [
        ("aws", AWS),
        ("terraform", SDK),
        ("kubectl", SDK),
        ("agent", SDK),
        ("docker", DOCKER),
        ("ykman", YKMAN),
        ("browser", BROWSER),
        ("docker-credential-fake", HELPER),
    ] {
        write_program(&stage.home.join("bin").join(name), program);
    }
    stage
}

/// bash with the programs of the page, and every endpoint on this machine.
fn bash(stage: &Stage, page: &str, script: &str) -> Command {
    let mut command = stage.bare("bash");
    let path = command.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
    let url = stage.sts.url();
    command
        .args(["--norc", "-c", script])
        .env("PATH", format!("{}:{}", stage.home.join("bin").display(), path.display()))
        .env("REAL_AWS", tools("peers/bin/aws"))
        .env("BROWSER", stage.home.join("bin/browser"))
        .env("ARL_KEY_STORE", "fake")
        .env("ID_TOKEN", "id-token")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ENDPOINT_URL", &url)
        .env("AWS_ENDPOINT_URL_SIGNIN", &url);
    if page == "docs/ci.md" {
        // What the first block of the page sets for the job.
        let token = stage.home.join("token");
        command
            .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/Web")
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", token);
    }
    if page == "docs/mfa.md" {
        // Each command must get a code of its own.
        command.env("ARL_MFA_PROCESS", "ykman oath accounts code --single aws");
    } else {
        command.env_remove("ARL_CACHE");
    }
    command
}

/// Runs the blocks of a page in order.
fn run(page: &str) {
    let stage = stage(page);
    let url = stage.sts.url();
    for block in blocks(page).iter().filter(|block| !block.is_marked) {
        let text = block.text.replace("http://127.0.0.1:4566", &url);
        match block.language.as_str() {
            "sh" => {
                let script = format!("set -e -o pipefail\neval \"$(arl init bash)\"\n{text}");
                let run = stage.run(&mut bash(&stage, page, &script));
                assert_eq!(run.status, 0, "{page}:\n{text}\n{run:?}");
            }
            "console" => {
                let (command, expected) = text.split_once('\n').unwrap();
                let command = command.strip_prefix("$ ").unwrap();
                let script = format!("eval \"$(arl init bash)\"\n{command} 2>&1");
                let printed = bash(&stage, page, &script).output().unwrap().stdout;
                assert_eq!(String::from_utf8_lossy(&printed), expected, "{page}: {command}");
            }
            "ini" | "hcl" | "toml" | "rust" | "yaml" => {}
            other => panic!("{page}: a block in `{other}`, of which no test knows"),
        }
    }
}

/// One test for each page, so that they run at the same time.
macro_rules! pages {
    ($($name:ident: $page:literal,)*) => {
        $(
            #[test]
            fn $name() {
                run($page);
            }
        )*

        #[test]
        fn every_page_has_a_test_that_runs_it() {
            let mut named = vec![$($page),*];
            for (page, tests) in ELSEWHERE.iter().filter(|(page, _)| root().join(page).exists()) {
                let tests = text(&format!("tests/cli/{tests}"));
                assert!(tests.contains(page.trim_start_matches("docs/")), "{page} is not read by its tests");
                named.push(page);
            }
            named.sort_unstable();
            assert_eq!(named, pages());
        }
    };
}

pages! {
    readme: "README.md",
    agents: "docs/agents.md",
    cache: "docs/cache.md",
    ci: "docs/ci.md",
    direnv: "docs/direnv.md",
    docker: "docs/docker.md",
    json: "docs/json.md",
    keys: "docs/keys.md",
    kubernetes: "docs/kubernetes.md",
    library: "docs/library.md",
    mfa: "docs/mfa.md",
    network: "docs/network.md",
    programs: "docs/programs.md",
    roles: "docs/roles.md",
    shells: "docs/shells.md",
    sign_in: "docs/sign-in.md",
    terraform: "docs/terraform.md",
    troubleshooting: "docs/troubleshooting.md",
}

#[test]
fn each_block_that_is_not_run_is_listed_with_the_reason() {
    let mut marked = String::new();
    for page in pages() {
        for block in blocks(&page).iter().filter(|block| block.is_marked) {
            writeln!(marked, "{page}: {}", block.text.lines().next().unwrap()).unwrap();
        }
    }
    assert_eq!(marked.lines().count(), NOT_RUN.len(), "{marked}");
    for (page, line, _) in NOT_RUN {
        assert!(
            marked.contains(&format!("{page}: {line}")),
            "no such block is marked: {page}: {line}\n{marked}"
        );
    }
}

/// The text of a page without its blocks.
fn prose(page: &str) -> String {
    let (mut prose, mut is_in_block) = (String::new(), false);
    for line in text(page).lines() {
        if line.trim_start().starts_with("```") {
            is_in_block = !is_in_block;
        } else if !is_in_block {
            prose += line;
            prose += "\n";
        }
    }
    prose
}

/// The text in backticks, with the lines of a paragraph joined.
fn inline_code(page: &str) -> Vec<String> {
    let prose = prose(page).replace("``", "");
    prose.split('`').skip(1).step_by(2).map(|code| code.replace('\n', " ")).collect()
}

#[test]
fn every_command_in_a_sentence_exists_with_its_flags() {
    let stage = Stage::new();
    let mut seen = 0;
    for page in pages() {
        for code in inline_code(&page) {
            let words: Vec<&str> = code.split_whitespace().collect();
            let ["arl", verb, rest @ ..] = &words[..] else { continue };
            let arl = rest.iter().take_while(|word| **word != "--");
            let help = stage.arl(&["help", verb]).success();
            for flag in arl.filter(|word| word.starts_with("--")) {
                let flag = flag.split('=').next().unwrap();
                assert!(help.contains(flag), "{page}: `{code}`: arl {verb} has no {flag}");
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

/// The name that GitHub gives to a heading.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut seen = 0;
    for page in pages() {
        let text = prose(&page);
        let links = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
        let pictures = text.split("src=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        for link in links.chain(pictures).filter(|link| !link.contains("://")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(&page).parent().unwrap();
            let target = if file.is_empty() { PathBuf::from(&page) } else { folder.join(file) };
            let target = root().join(target);
            assert!(target.exists(), "{page}: {link}");
            let headings =
                if heading.is_empty() { String::new() } else { fs::read_to_string(target).unwrap() };
            let found = headings.lines().any(|line| line.starts_with('#') && anchor(line) == heading);
            assert!(heading.is_empty() || found, "{page}: {link}");
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

/// `make pictures` records it from the real program.
#[test]
fn the_picture_is_small_and_shows_nothing_of_this_machine() {
    let picture = text("docs/demo.svg");
    assert!(picture.len() < 150_000, "{}", picture.len());
    assert!(picture.contains("prefers-color-scheme:dark") && picture.contains("prefers-reduced-motion"));
    for machine in ["/home/", "/root", "/tmp", "/work", "AKIA", "ASIA", "http://127"] {
        assert!(!picture.contains(machine), "the picture shows {machine}");
    }
    for typed in ["arl assume -", "role&gt;", "arl each", "arl status"] {
        assert!(picture.contains(typed), "the picture does not show `{typed}`");
    }
}
