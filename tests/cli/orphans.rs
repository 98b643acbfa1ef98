//! `arl exec --server` as process 1 of a container, where the kernel gives it every process without a parent.

use crate::support::{DEPLOY, Stage};

#[test]
fn as_process_1_arl_waits_for_every_orphan_and_keeps_the_status_of_the_command() {
    let stage = Stage::new();
    // Leaves three processes that end later, and ends when none of them is a zombie.
    let command = "for i in 1 2 3; do sh -c 'sh -c \"read -r x <go; exit 1\" &'; done; echo >go; echo >go; echo >go; ended=0; i=0\n\
        while [ $i -lt 600 ]; do i=$((i + 1)); sleep 0.05\n\
        zombies=$(cat /proc/[0-9]*/status 2>/dev/null | grep -c '^State:.Z')\n\
        [ \"$zombies\" -le \"$ended\" ] || ended=$zombies\n\
        [ \"$ended\" -eq 0 ] || [ \"$zombies\" -ne 0 ] || { echo \"none of $ended\"; exit 7; }; done; echo \"zombies $zombies\"";
    let mut unshare = stage.as_ann("unshare");
    unshare.args(["--pid", "--fork", "--mount-proc", "arl", "exec", DEPLOY, "--server", "--"]);
    let script = format!("mkfifo go; exec 3<>go; {command}");
    let run = stage.run(unshare.args(["sh", "-c", &script]));
    assert!(run.stdout.starts_with("none of "), "{run:?}");
    assert_eq!(run.status, 7, "{run:?}");
}
