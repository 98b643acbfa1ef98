//! What IAM Identity Center offers: found out at a pace that the portal allows, kept for a day, and listed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use arl_sts::Fault;
use serde_json::Value;

use crate::login::{CONFIG, actions, arl, run, stage};
use crate::support::{Run, Stage, in_terminal};

fn signed_in() -> Stage {
    let stage = stage();
    assert_eq!(run(&stage, &["login"]).status, 0);
    stage.sts.reset();
    stage
}

fn command(stage: &Stage, args: &[&str]) -> Command {
    let mut command = arl(stage, args);
    command.env_remove("ARL_CACHE");
    command
}

/// Runs arl with a cache.
fn cached(stage: &Stage, args: &[&str]) -> Run {
    stage.run(&mut command(stage, args))
}

fn organization(stage: &Stage, accounts: usize, roles: usize) {
    stage.sts.change(|world| world.identity_center.make_accounts(accounts, roles));
}

fn count(stage: &Stage, action: &str) -> usize {
    actions(stage).iter().filter(|name| *name == action).count()
}

fn catalogs(stage: &Stage) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(stage.home.join(".cache/arl/catalogs")) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().len() == 64).collect()
}

fn catalog(stage: &Stage) -> Value {
    let [path] = catalogs(stage).try_into().unwrap();
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn change_catalog(stage: &Stage, key: &str, value: Value) {
    let mut catalog = catalog(stage);
    catalog[key] = value;
    fs::write(&catalogs(stage)[0], catalog.to_string()).unwrap();
}

/// The lines of `arl list --sso --json` that are roles of IAM Identity Center.
fn offered(stage: &Stage, args: &[&str]) -> Vec<Value> {
    let lines = cached(stage, &[&["list", "--sso", "--json"], args].concat()).success();
    let objects = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    objects.filter(|object| object["role_name"].is_string() && object["profile"].is_null()).collect()
}

#[test]
fn every_role_of_every_account_is_listed_and_asked_for_once() {
    let stage = signed_in();
    let lines = offered(&stage, &[]);
    let names: Vec<&str> = lines.iter().map(|line| line["name"].as_str().unwrap()).collect();
    // `dev` is a profile of corp:111122223333/Dev.
    let expected = ["corp:000123456789/Dev", "corp:111122223333/Admin", "corp:111122223333/ReadOnly"];
    assert_eq!(names, expected);
    assert_eq!(lines[0]["account_name"], "Data Lake");
    assert_eq!((lines[0]["source"].as_str(), lines[0]["role_arn"].as_str()), (Some("corp"), None));
    assert_eq!((count(&stage, "ListAccounts"), count(&stage, "ListAccountRoles")), (1, 3));
    let mode = fs::metadata(&catalogs(&stage)[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = catalog(&stage).to_string();
    assert!(!text.contains("aoa") && !text.contains("aor"), "a token in {text}");
    // From the cache, also without --sso; a pattern matches account names.
    stage.sts.reset();
    let table = cached(&stage, &["list", "--sso", "data l*"]).success();
    let expected = "  PROFILE                ACCOUNT                 ROLE  SOURCE  MFA  LEFT\n  \
                    corp:000123456789/Dev  000123456789 Data Lake  Dev   corp\n";
    assert_eq!(table, expected);
    let table = cached(&stage, &["list", "payments"]).success();
    assert!(table.contains("dev      111122223333 Payments  Dev") && !table.contains("Admin"), "{table}");
    assert_eq!(actions(&stage), [] as [&str; 0]);
    let _ = cached(&stage, &["list", "--sso", "--refresh"]).success();
    assert_eq!((count(&stage, "ListAccounts"), count(&stage, "ListAccountRoles")), (1, 3));
    cached(&stage, &["list", "--refresh"]).failure(2, "--sso");
}

/// `ARL_DISCOVERY_ACCOUNTS=700` is the size of an organization whose owners have complained about other tools.
#[test]
#[expect(clippy::print_stdout, reason = "figures of a large organization")]
fn a_portal_that_refuses_requests_is_asked_again_and_more_slowly() {
    let accounts = std::env::var("ARL_DISCOVERY_ACCOUNTS").map_or(20, |text| text.parse().unwrap());
    let (rate, others) = if accounts > 100 { (20, 2) } else { (8, 1) };
    let stage = signed_in();
    organization(&stage, accounts, 6);
    stage.sts.change(|world| {
        world.identity_center.page_size = 100;
        world.identity_center.requests_per_second = Some(rate);
        world.identity_center.retry_after = Some(1);
    });
    // Other programs of the user ask too, each without a cache, so that none waits for another one.
    let mut other = arl(&stage, &["list", "--sso"]);
    other.stdout(Stdio::null()).stderr(Stdio::null());
    let mut others: Vec<_> = (0..others).map(|_| other.spawn().unwrap()).collect();
    let begin = std::time::Instant::now();
    assert_eq!(offered(&stage, &[]).len(), accounts * 6);
    let took = begin.elapsed();
    for other in &mut others {
        assert!(other.wait().unwrap().success());
    }
    assert_eq!(catalog(&stage)["is_complete"], true);
    let mut refused = 0;
    stage.sts.change(|world| refused = world.identity_center.refused);
    if accounts > 100 {
        println!(
            "{accounts} accounts, {} requests of {} programs, {refused} refused, {took:?}, all {:?}",
            stage.sts.requests().len(),
            others.len() + 1,
            begin.elapsed()
        );
    }
    assert!(refused > 0);
}

/// The number of accounts whose roles are kept.
fn known_accounts(stage: &Stage) -> Option<usize> {
    let [path] = catalogs(stage).try_into().ok()?;
    let catalog: Value = serde_json::from_slice(&fs::read(path).ok()?).unwrap();
    let accounts = catalog["accounts"].as_array().unwrap();
    Some(accounts.iter().filter(|account| account["roles"].is_array()).count())
}

/// Starts `arl list --sso`, and waits until some of its answer is kept.
fn begin_discovery(stage: &Stage) -> std::process::Child {
    let mut list = command(stage, &["list", "--sso"]);
    let child = list.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begin = std::time::Instant::now();
    while known_accounts(stage).is_none_or(|known| known < 3) {
        assert!(begin.elapsed().as_secs() < 60, "nothing was kept");
        std::thread::yield_now();
    }
    child
}

#[test]
fn what_is_known_stays_when_arl_is_killed_and_the_next_one_goes_on() {
    let stage = signed_in();
    organization(&stage, 12, 1);
    let mut child = begin_discovery(&stage);
    child.kill().unwrap();
    child.wait().unwrap();
    let known = known_accounts(&stage).unwrap();
    let partial = catalog(&stage);
    assert_eq!((partial["is_complete"].as_bool(), known < 12), (Some(false), true), "{partial}");
    stage.sts.reset();
    // Where the portal stops answering, what is known is listed and called partial.
    stage.sts.inject(Fault::Delay(std::time::Duration::ZERO), 8);
    stage.sts.inject(Fault::Exception(400, "InvalidRequestException", "odd".into()), 50);
    let listed = cached(&stage, &["list", "--sso"]);
    assert_eq!(listed.status, 1, "{listed:?}");
    assert!(listed.stderr.contains("is incomplete") && listed.stderr.contains("of 12"), "{listed:?}");
    assert!(listed.stdout.contains("corp:200000000000/Role0"), "{listed:?}");
    let asked = count(&stage, "ListAccountRoles");
    stage.sts.reset();
    assert_eq!(offered(&stage, &[]).len(), 12);
    // No account was asked for again.
    assert!(count(&stage, "ListAccountRoles") < 12 - known && asked > 0);
    assert_eq!(catalog(&stage)["is_complete"], true);
}

#[test]
fn a_refresh_that_fails_keeps_the_complete_list() {
    let stage = signed_in();
    assert_eq!(offered(&stage, &[]).len(), 3);
    let before = catalog(&stage);
    stage.sts.inject(Fault::Delay(std::time::Duration::ZERO), 2);
    stage.sts.inject(Fault::Exception(400, "InvalidRequestException", "odd".into()), 50);
    let listed = cached(&stage, &["list", "--sso", "--refresh"]);
    assert_eq!(listed.status, 1, "{listed:?}");
    assert_eq!(catalog(&stage), before);
    stage.sts.reset();
    assert_eq!(offered(&stage, &[]).len(), 3);
    assert_eq!(actions(&stage), [] as [&str; 0]);
}

#[test]
fn a_list_lasts_for_a_day_and_is_of_one_sign_in() {
    let stage = signed_in();
    let asks = |reason: &str| {
        stage.sts.reset();
        assert_eq!(offered(&stage, &[]).len(), 3, "{reason}");
        count(&stage, "ListAccounts") == 1
    };
    assert!(asks("the first time") && !asks("again"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    change_catalog(&stage, "found_at", (now - 23 * 3600).into());
    assert!(!asks("after 23 hours"));
    change_catalog(&stage, "found_at", (now - 24 * 3600 - 1).into());
    assert!(asks("after 24 hours"));
    change_catalog(&stage, "found_at", (now + 3600).into());
    assert!(asks("from the future"));
    fs::set_permissions(&catalogs(&stage)[0], fs::Permissions::from_mode(0o644)).unwrap();
    assert!(asks("other users can read it") && !asks("it is private again"));
    fs::write(&catalogs(&stage)[0], "{").unwrap();
    assert!(asks("it is damaged"));
    let link = catalogs(&stage).remove(0);
    fs::rename(&link, stage.home.join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(stage.home.join("elsewhere"), &link).unwrap();
    assert!(asks("it is a link"));
    for url in ["https://other.example/start", "https://corp.example/start"] {
        let config = CONFIG.replace("https://corp.example/start", url);
        stage.profiles(&config, "");
        assert_eq!(asks(url), url.contains("other"));
    }
    // The next sign-in may be that of another user.
    assert_eq!(catalogs(&stage).len(), 2);
    assert_eq!(cached(&stage, &["login", "--force"]).status, 0);
    assert_eq!(catalogs(&stage).len(), 0);
    assert!(asks("a new sign-in"));
    let _ = cached(&stage, &["cache", "clear"]).success();
    assert!(asks("the cache was cleared"));
    assert_eq!(cached(&stage, &["logout"]).status, 0);
    assert_eq!(catalogs(&stage).len(), 0);
    stage.sts.reset();
    // Nothing is kept where nothing may be.
    let _ = run(&stage, &["login"]);
    let _ = run(&stage, &["list", "--sso"]).success();
    assert_eq!(catalogs(&stage).len(), 0);
}

#[test]
fn without_a_sign_in_a_user_is_needed() {
    let stage = stage();
    let failed = cached(&stage, &["list", "--sso"]);
    failed.failure(3, "could not list the roles of `corp`");
    assert!(failed.stderr.contains("hint: sign in: arl login corp"), "{failed:?}");
    // The rest is there anyway.
    assert!(failed.stdout.contains("deploy"), "{failed:?}");
    let mut terminal = in_terminal(&stage, "arl list --sso");
    for (name, value) in arl(&stage, &[]).get_envs() {
        value.map(|value| terminal.env(name, value));
    }
    terminal.env_remove("ARL_CACHE").env("ARL_LOGIN", "always");
    let listed = stage.run(&mut terminal);
    assert_eq!(listed.status, 0, "{listed:?}");
    assert!(listed.stdout.contains("corp:111122223333/Admin"), "{listed:?}");
    // A refusal is no missing sign-in.
    stage.sts.inject(Fault::Exception(403, "ForbiddenException", "No access".into()), 9);
    terminal = in_terminal(&stage, "arl list --sso --refresh");
    for (name, value) in arl(&stage, &[]).get_envs() {
        value.map(|value| terminal.env(name, value));
    }
    let opened = || fs::read_to_string(stage.home.join("opened")).unwrap().lines().count();
    let before = opened();
    let refused = stage.run(terminal.env_remove("ARL_CACHE").env("ARL_LOGIN", "always"));
    assert_eq!((refused.status, opened()), (1, before), "{refused:?}");
    stage.profiles("", "");
    cached(&stage, &["list", "--sso"]).failure(1, "there is no [sso-session] in");
}

#[test]
fn names_of_accounts_never_break_the_table() {
    let stage = signed_in();
    let names = [
        "[prod] $(touch pwned)",
        "two\nlines\r",
        "\u{1b}[2J\u{202e}evil",
        "🚀 日本 支払い",
        "  blanks  ",
        &"x".repeat(256),
        "",
    ];
    stage.sts.change(|world| {
        world.identity_center.make_accounts(names.len(), 1);
        for (account, name) in world.identity_center.accounts.iter_mut().zip(names) {
            account.1 = name.into();
            // What cannot be a role is not listed.
            account.2.push("a/b$(x)".into());
        }
    });
    let table = cached(&stage, &["list", "--sso", "corp"]).success();
    assert_eq!(table.lines().count(), names.len() + 1, "{table}");
    assert!(table.contains("\\u{1b}[2J\\u{202e}evil") && table.contains("two\\u{a}lines\\u{d}"), "{table}");
    assert!(!table.contains(|c: char| c.is_control() && c != '\n') && !table.contains('\u{202e}'), "{table}");
    assert!(!table.contains("a/b"), "{table}");
    let mut terminal = in_terminal(&stage, "sh -c 'stty cols 80; exec arl list corp --sso'");
    for (name, value) in arl(&stage, &[]).get_envs() {
        value.map(|value| terminal.env(name, value));
    }
    let screen = stage.run(terminal.env_remove("ARL_CACHE")).success();
    assert!(screen.lines().all(|line| line.trim_end().chars().count() <= 80), "{screen}");
    assert!(screen.contains('…') && screen.contains("corp:200000000005/Role0"), "{screen}");
}

#[test]
fn no_name_reaches_a_terminal_raw_or_without_an_end() {
    let stage = stage();
    let name = "corp\u{1b}]2;owned\u{7}\u{9b}31m";
    stage.profiles(
        &CONFIG
            .replace("corp]", &format!("{name}]"))
            .replace("sso_session = corp", &format!("sso_session = {name}")),
        "",
    );
    assert_eq!(run(&stage, &["login", name]).status, 0);
    organization(&stage, 20, 2);
    stage.sts.change(|world| {
        world.identity_center.accounts[0].1 = format!("\u{9b}2J\u{202e}{}", "x".repeat(200_000));
        // The bar is drawn several times.
        world.identity_center.requests_per_second = Some(10);
    });
    let is_raw = |c: char| matches!(c, '\u{7}' | '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}');
    for (args, said) in [
        ("list --sso", "owned"),
        ("list --sso --json", "\\u009b2J\\u202e"),
        ("status --json", "\\u0007"),
        ("list", "owned"),
    ] {
        let mut terminal = in_terminal(&stage, &format!("arl {args}"));
        for (name, value) in arl(&stage, &[]).get_envs() {
            value.map(|value| terminal.env(name, value));
        }
        let screen = stage.run(terminal.env("TERM", "xterm").env_remove("ARL_CACHE")).stdout;
        assert!(screen.contains(said), "{args}: {screen:?}");
        assert!(!screen.contains(is_raw) && !screen.contains("\u{1b}]"), "{args}: {screen:?}");
        assert!(screen.len() < 100_000, "{args}: {}", screen.len());
    }
    // The text is JSON, and names the session as it is.
    let lines = cached(&stage, &["list", "--sso", "--json"]).success();
    let is_named = |line: &str| serde_json::from_str::<Value>(line).unwrap()["source"] == name;
    assert!(lines.lines().any(is_named), "{lines}");
}

#[test]
fn a_list_that_another_program_has_changed_is_checked_as_the_portals_answer_is() {
    let stage = signed_in();
    let _ = cached(&stage, &["list", "--sso"]).success();
    let mut accounts = catalog(&stage)["accounts"].clone();
    accounts[0]["name"] = "x".repeat(100_000).into();
    accounts[0]["roles"] = serde_json::json!(["Dev", "a\nb", "$(touch ran)", "-x/../y", "a b"]);
    change_catalog(&stage, "accounts", accounts.clone());
    let words = ["completions", "bash", "--index", "2", "--", "arl", "assume", "corp:"];
    let names = cached(&stage, &words).success();
    assert!(names.len() < 2000 && names.contains("corp:000123456789/Dev\t"), "{names}");
    assert!(!names.contains("ran") && !names.contains("/../") && !names.contains("a b"), "{names}");
    let table = cached(&stage, &["list", "--sso"]).success();
    assert!(!table.contains("ran") && !table.contains("a\\u{a}b"), "{table}");
    // What is no account at all makes the whole list worthless.
    accounts[0]["id"] = "../../etc".into();
    change_catalog(&stage, "accounts", accounts);
    stage.sts.reset();
    assert!(!cached(&stage, &["list", "--sso"]).success().contains("etc"));
    assert_eq!(count(&stage, "ListAccounts"), 1);
}

#[test]
fn a_narrow_terminal_gets_whole_account_ids_and_the_faults_below() {
    let stage = signed_in();
    let config = "[profile payments-prod-administrator]\n\
        role_arn = arn:aws:iam::111122223333:role/OrganizationAccountAccessRole\nsource_profile = dev\n\
        [profile broken]\nrole_arn = arn:aws:iam::000123456789:role/X\n\
        source_profile = nowhere-at-all-to-be-found\n";
    stage.profiles(&format!("{CONFIG}{config}"), "");
    let _ = cached(&stage, &["list", "--sso"]).success();
    let mut terminal = in_terminal(&stage, "sh -c 'stty cols 80; exec arl list'");
    terminal.env_remove("ARL_CACHE");
    let screen = stage.run(&mut terminal).success();
    let is_table = |line: &&str| line.contains("1111222233") || line.contains("0001234567");
    let rows: Vec<&str> = screen.lines().map(str::trim_end).filter(is_table).collect();
    assert!(rows.iter().all(|row| row.chars().count() <= 80), "{screen}");
    assert!(rows.iter().any(|row| row.contains("payments-prod-administrator  111122223333")), "{screen}");
    assert!(rows.iter().any(|row| row.starts_with("!  broken") && row.contains("000123456789")), "{screen}");
    let fault = "profile `broken` does not work: there is no profile `nowhere-at-all-to-be-found`";
    assert!(screen.contains(fault), "{screen}");
}

#[test]
fn a_sign_in_in_the_middle_leaves_no_list_of_the_earlier_user() {
    let stage = signed_in();
    organization(&stage, 20, 1);
    let mut child = begin_discovery(&stage);
    assert_eq!(cached(&stage, &["login", "--force"]).status, 0);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(catalogs(&stage), [] as [PathBuf; 0]);
}

/// Starts a command, and waits until it has sent the request that it is to be held up at.
fn begin_at(stage: &Stage, action: &str, args: &[&str]) -> std::process::Child {
    hold_at(stage, Fault::Delay(std::time::Duration::from_secs(3)), action, command(stage, args))
}

/// Starts a command whose first request gets this fault, and waits until it has sent the request.
pub(crate) fn hold_at(
    stage: &Stage,
    fault: Fault,
    action: &str,
    mut command: Command,
) -> std::process::Child {
    stage.sts.reset();
    stage.sts.inject(fault, 1);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = std::time::Instant::now();
    while count(stage, action) == 0 {
        assert!(begin.elapsed().as_secs() < 60, "{action} was not called");
        std::thread::yield_now();
    }
    child
}

#[test]
fn a_sign_in_during_a_discovery_leaves_no_list_of_the_user_before() {
    let stage = signed_in();
    // Its first answer comes after another user has signed in, so nothing was saved that the sign-in could remove.
    let child = begin_at(&stage, "ListAccounts", &["list", "--sso"]);
    assert_eq!(cached(&stage, &["login", "--force"]).status, 0);
    let late = Run::of(child.wait_with_output().unwrap());
    late.failure(1, "while arl was asking, you signed in again or signed out");
    assert_eq!(catalogs(&stage).len(), 0, "{late:?}");
    organization(&stage, 1, 1);
    let names: Vec<Value> = offered(&stage, &[]).into_iter().map(|line| line["name"].clone()).collect();
    assert_eq!(names, ["corp:200000000000/Role0"]);
    // A list that names another sign-in is not used, however it came there: so no order of two writers matters.
    change_catalog(&stage, "sign_in", "another".into());
    assert!(!cached(&stage, &["list"]).success().contains("Role0"));
    stage.sts.reset();
    assert_eq!(offered(&stage, &[]).len(), 1);
    assert_eq!(count(&stage, "ListAccounts"), 1);
    // The same by another program, which knows nothing of arl's lists.
    let mut token = crate::login::token(&stage);
    token["clientId"] = "of-the-aws-cli".into();
    fs::write(crate::login::token_path(&stage), token.to_string()).unwrap();
    assert!(!cached(&stage, &["list"]).success().contains("Role0"));
}

#[test]
fn a_sign_in_during_a_call_leaves_no_session_of_the_user_before() {
    const DEV: &str = "corp:111122223333/Dev";
    let stage = signed_in();
    let key = |run: Run| -> String {
        let json: Value = serde_json::from_str(&run.success()).unwrap();
        json["AccessKeyId"].as_str().unwrap().to_owned()
    };
    let child = begin_at(&stage, "GetRoleCredentials", &["assume", DEV, "--json"]);
    assert_eq!(cached(&stage, &["login", "--force"]).status, 0);
    let of_the_first = key(Run::of(child.wait_with_output().unwrap()));
    let of_the_second = key(cached(&stage, &["assume", DEV, "--json"]));
    assert_ne!(of_the_second, of_the_first);
    assert_eq!(key(cached(&stage, &["assume", DEV, "--json"])), of_the_second);
    // A sign-in that looks at another cache, or at none, is still another sign-in.
    assert_eq!(run(&stage, &["login", "--force"]).status, 0);
    assert_ne!(key(cached(&stage, &["assume", DEV, "--json"])), of_the_second);
}
