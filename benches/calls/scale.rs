//! Measures how many cache entries and profiles slow a cached call.

use std::fs;

use crate::stage::{ROLE, Stage};
use crate::{row, table};

pub(crate) fn measure(stage: &Stage) {
    let json = ["assume", ROLE, "--json"];
    let exec = ["exec", ROLE, "--", "true"];
    let few = stage.home.join("few");
    let many = stage.home.join("many");
    let at = |directory: &std::path::Path, args: &[&str]| {
        let mut command = stage.arl(args);
        command.env("ARL_CACHE_DIR", directory);
        command
    };
    for directory in [&few, &many] {
        assert!(at(directory, &json).status().unwrap().success());
    }
    let entry = fs::read_dir(many.join("v1")).unwrap().next().unwrap().unwrap().path();
    let text = fs::read(&entry).unwrap();
    for number in 0..10_000 {
        let path = entry.with_file_name(format!("{number:064x}"));
        fs::write(&path, &text).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    table(
        "entries",
        200,
        "one entry",
        vec![
            row("env true", stage.command("/usr/bin/env", &["true"])),
            row("one entry", at(&few, &exec)),
            row("10,000 entries", at(&many, &exec)),
        ],
    );
    let aside = stage.home.join("many-profiles");
    stage.profiles(10_000);
    fs::copy(stage.home.join(".aws/config"), &aside).unwrap();
    stage.profiles(0);
    let mut wide = at(&few, &exec);
    wide.env("AWS_CONFIG_FILE", &aside);
    table(
        "profiles",
        200,
        "two profiles",
        vec![
            row("env true", stage.command("/usr/bin/env", &["true"])),
            row("two profiles", at(&few, &exec)),
            row("10,000 profiles", wide),
        ],
    );
}
