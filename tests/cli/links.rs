//! Links that another user has put into the places of arl's files and directories. Root, who runs arl for that
//! user, writes, removes and gives away nothing that they lead to.
//!
//! `ARL_LINKS=all` tries each kind of link in the place of each file; without it each file gets one kind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};

use crate::keys::HELPER;
use crate::login;
use crate::support::{DEPLOY, Run, Stage, binary, copy_program, write_program};

/// The user whose home directory it is.
const EVE: u32 = 4242;

/// Where the AWS CLI keeps credentials of roles, which signing out removes.
const CLI_CACHE: &str = ".aws/cli/cache";

/// What root runs: together it makes, changes and removes every file that arl has.
const COMMANDS: &[&[&str]] = &[
    &["login", "corp"],
    &["list", "--sso"],
    &["assume", "deploy", "--json"],
    &["write", "deploy", "--profile-name", "x", "--force"],
    &["configure", DEPLOY, "--profile-name", "c", "--profile", "dev", "--force"],
    &["keys", "add", "linked", "--env", "--no-profile"],
    &["keys", "remove", "linked", "--force"],
    &["cache", "list"],
    &["logout", "corp"],
    &["logout", "--all"],
    &["cache", "clear"],
];

/// A home directory of Eve's, in which root has its caches. In `roots` nothing is Eve's.
fn stage_of_eve() -> Stage {
    let stage = login::stage();
    for directory in ["v1", "locks", "catalogs"] {
        let directory = stage.home.join(".cache/arl").join(directory);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).unwrap();
    }
    fs::create_dir_all(stage.home.join(".aws/sso/cache")).unwrap();
    fs::create_dir_all(stage.home.join(CLI_CACHE)).unwrap();
    fs::write(stage.home.join(CLI_CACHE).join("role.json"), r#"{"ProviderType":"sso"}"#).unwrap();
    fs::create_dir(stage.home.join("roots")).unwrap();
    let keys = stage.home.join(".local/state/arl/keys");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(keys).unwrap();
    write_program(&stage.home.join("docker-credential-one"), HELPER);
    for path in [
        "",
        ".aws",
        ".aws/config",
        ".aws/credentials",
        ".aws/sso",
        ".aws/sso/cache",
        ".aws/cli",
        CLI_CACHE,
        ".aws/cli/cache/role.json",
        ".cache",
        ".local",
        ".local/state",
    ] {
        chown(stage.home.join(path), Some(EVE), Some(EVE)).unwrap();
    }
    stage
}

fn run_all(stage: &Stage, mut after_each: impl FnMut(&[&str], &Run)) {
    for args in COMMANDS {
        let mut arl = login::arl(stage, args);
        arl.env_remove("ARL_CACHE");
        if args[0] == "keys" {
            let path = format!("{}:/usr/bin:/bin", stage.home.display());
            arl = stage.as_ann(binary());
            arl.args(*args).env_remove("ARL_CACHE").env("PATH", path).env("ARL_KEY_STORE", "one");
        }
        let run = stage.run(&mut arl);
        assert!(!run.stderr.contains("mistake of its own"), "{args:?}: {run:?}");
        after_each(args, &run);
    }
}

/// All files and directories below a directory, with owner, permissions, names and content.
fn tree(directory: &Path) -> BTreeMap<PathBuf, (u32, u32, u64, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for path in fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()) {
            let metadata = fs::symlink_metadata(&path).unwrap();
            let content = if metadata.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            if metadata.is_dir() {
                directories.push(path.clone());
            }
            let links = if metadata.is_dir() { 0 } else { metadata.nlink() };
            found.insert(path, (metadata.uid(), metadata.mode(), links, content));
        }
    }
    found
}

/// The files that the commands make, relative to the home directory, and the temporary ones beside them.
fn files_of_arl() -> BTreeSet<PathBuf> {
    let stage = stage_of_eve();
    let mut files = BTreeSet::new();
    run_all(&stage, |args, run| {
        assert_eq!(run.status, 0, "{args:?}: {run:?}");
        for directory in [".aws", ".cache", ".local"] {
            let paths = tree(&stage.home.join(directory)).into_keys();
            files.extend(
                paths
                    .filter(|path| path.is_file())
                    .map(|path| path.strip_prefix(&stage.home).unwrap().to_owned()),
            );
        }
    });
    let locks: Vec<PathBuf> =
        files.iter().filter(|path| path.to_string_lossy().ends_with(".arl.lock")).cloned().collect();
    files.extend(locks.iter().map(|lock| lock.with_extension("tmp")));
    files
}

#[test]
fn root_follows_no_link_in_the_place_of_a_file() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let is_all = std::env::var("ARL_LINKS").is_ok_and(|which| which == "all");
    let files = files_of_arl();
    let is_there = |part: &str| files.iter().any(|path| path.to_string_lossy().contains(part));
    for part in [
        ".arl.id",
        "catalogs/.lock-",
        "arl/v1/",
        "arl/locks/",
        ".credentials.arl.lock",
        ".arl.tmp",
        "arl/keys/.linked.lock",
        "arl/keys/linked.json",
        login::CORP,
    ] {
        assert!(is_there(part), "no {part} among {files:?}");
    }
    let mut tried = 0;
    for (number, file) in files.iter().enumerate() {
        for kind in 0..3 {
            if !is_all && kind != number % 3 {
                continue;
            }
            let stage = stage_of_eve();
            let (path, roots) = (stage.home.join(file), stage.home.join("roots"));
            let target = roots.join("target");
            fs::write(&target, fs::read(&path).unwrap_or_else(|_| b"root's".into())).unwrap();
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
            let _ = fs::remove_file(&path);
            match kind {
                0 => symlink(&target, &path).unwrap(),
                1 => fs::hard_link(&target, &path).unwrap(),
                _ => symlink(roots.join("new"), &path).unwrap(),
            }
            if kind != 1 {
                lchown(&path, Some(EVE), Some(EVE)).unwrap();
            }
            let before = fs::read(&target).unwrap();
            run_all(&stage, |args, run| {
                let metadata = fs::metadata(&target).unwrap();
                let context = format!("{file:?} {kind} {args:?}: {run:?}");
                assert_eq!((metadata.uid(), metadata.mode() & 0o777), (0, 0o600), "{context}");
                assert_eq!(fs::read(&target).unwrap(), before, "{context}");
                assert_eq!(fs::read_dir(&roots).unwrap().count(), 1, "{context}");
            });
            tried += 1;
        }
    }
    #[expect(clippy::print_stdout, reason = "the count is what the test is for")]
    {
        println!("{tried} links in the places of {} files, none followed", files.len());
    }
}

/// `arl cache clear` removed all files of the directory that a link named `catalogs` led to.
#[test]
fn root_follows_no_link_in_the_place_of_a_directory() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let directories: BTreeSet<PathBuf> = files_of_arl()
        .iter()
        .flat_map(|file| file.ancestors().skip(1).map(Path::to_owned).collect::<Vec<_>>())
        .filter(|directory| !directory.as_os_str().is_empty())
        .collect();
    for wanted in [
        ".aws",
        ".aws/sso/cache",
        CLI_CACHE,
        ".cache",
        ".cache/arl",
        ".cache/arl/catalogs",
        ".cache/arl/v1",
        ".local/state/arl/keys",
    ] {
        assert!(directories.contains(Path::new(wanted)), "{directories:?}");
    }
    for directory in &directories {
        let stage = stage_of_eve();
        let (path, roots) = (stage.home.join(directory), stage.home.join("roots/directory"));
        fs::rename(&path, &roots).unwrap();
        let below: Vec<PathBuf> = tree(&roots).into_keys().filter(|path| path.is_dir()).collect();
        for directory in below.iter().chain([&roots]) {
            for name in ["important.conf", "x.tmp", &"0123456789abcdef".repeat(4)] {
                fs::write(directory.join(name), "root's").unwrap();
            }
        }
        for path in tree(&roots).into_keys().chain([roots.clone()]) {
            chown(&path, Some(0), Some(0)).unwrap();
        }
        symlink(&roots, &path).unwrap();
        lchown(&path, Some(EVE), Some(EVE)).unwrap();
        let before = tree(&roots);
        run_all(&stage, |args, run| {
            assert_eq!(tree(&roots), before, "{directory:?} {args:?}: {run:?}");
        });
    }
}

/// A plain user, and the root of a user namespace, write through no link of another user either.
#[test]
fn a_plain_user_follows_no_link_of_another_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let stage = Stage::new();
    let (own, shared) = (stage.home.join("own"), stage.home.join("shared"));
    for directory in [&own, &shared] {
        fs::create_dir(directory).unwrap();
    }
    chown(&own, Some(65_534), None).unwrap();
    chown(&shared, Some(EVE), None).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
    let file = own.join("file");
    fs::write(&file, "# mine\n").unwrap();
    chown(&file, Some(65_534), None).unwrap();
    for (name, target) in [
        ("credentials", &file),
        ("directory", &own),
        (".locked.arl.lock", &file),
        (".temporary.arl.tmp", &file),
    ] {
        symlink(target, shared.join(name)).unwrap();
        lchown(shared.join(name), Some(EVE), None).unwrap();
    }
    let program = Path::new("/tmp").join(format!("arl-test-links-{}", std::process::id()));
    copy_program(&program);
    let plain_user = |arguments: &[&str]| {
        let mut command = stage.as_ann("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).args(arguments);
        command.current_dir("/");
        command
    };
    let namespace = ["unshare", "--map-root-user"];
    let has_namespaces = plain_user(&[namespace[0], namespace[1], "true"]).status().unwrap().success();
    for prefix in [&[][..], &namespace] {
        if !prefix.is_empty() && !has_namespaces {
            continue;
        }
        let write = |name: &str| {
            let program = program.to_str().unwrap();
            let arguments = [prefix, &[program, "write", DEPLOY, "--profile-name", "x"]].concat();
            let mut command = plain_user(&arguments);
            stage.run(command.env("AWS_SHARED_CREDENTIALS_FILE", shared.join(name)))
        };
        for (name, said) in [
            ("credentials", "a symbolic link of another user leads to"),
            ("directory/file", "a symbolic link of another user leads to"),
            ("directory/new", "a symbolic link of another user leads to"),
            ("locked", "it is not a regular file"),
        ] {
            write(name).failure(1, said);
            assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n", "{name}");
            assert_eq!(fs::read_dir(&own).unwrap().count(), 1, "{name}");
        }
        // The link in the place of the temporary file is replaced. The new file cannot be given to Eve.
        assert_eq!(write("temporary").success(), "");
        assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n");
        let written = fs::symlink_metadata(shared.join("temporary")).unwrap();
        assert!(written.is_file() && written.uid() == 65_534 && written.mode() & 0o777 == 0o600);
        for name in ["temporary", ".temporary.arl.lock"] {
            fs::remove_file(shared.join(name)).unwrap();
        }
    }
    fs::remove_file(&program).unwrap();
}
