//! Waits for orphaned processes, whose parent becomes process 1. In a container `arl exec --server` may be
//! process 1, and without this every orphan would stay a zombie.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;

use rustix::process::{Pid, WaitOptions, getpid, waitpid};
use tokio::time::{Sleep, sleep};

use crate::cli::sys;

/// How long an ended process is left to the code that may be waiting for it, for example for a
/// `credential_process`.
const GRACE: Duration = Duration::from_secs(1);

/// The ended processes for which no code of arl has waited yet.
#[derive(Debug, Default)]
pub(crate) struct Orphans {
    ended: BTreeSet<i32>,
    next_look: Option<Pin<Box<Sleep>>>,
}

impl Orphans {
    /// Schedules a check, because some process has ended.
    pub(crate) fn look_soon(&mut self) {
        if self.next_look.is_none() && getpid().is_init() {
            self.next_look = Some(Box::pin(sleep(GRACE)));
        }
    }

    /// Returns when [`Orphans::look`] is due. It never returns unless arl is process 1.
    pub(crate) async fn wait_for_next_look(&mut self) {
        match &mut self.next_look {
            Some(sleep) => sleep.await,
            None => std::future::pending().await,
        }
    }

    /// Waits for each process that had already ended at the previous check, except the command.
    pub(crate) fn look(&mut self, command: Pid) {
        let command = command.as_raw_nonzero().get();
        let ended: BTreeSet<i32> = sys::ended_children().into_iter().filter(|&pid| pid != command).collect();
        for pid in ended.intersection(&self.ended).copied().filter_map(Pid::from_raw) {
            // It has ended, so this returns at once.
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
        self.next_look = (!ended.is_empty()).then(|| Box::pin(sleep(GRACE)));
        self.ended = ended;
    }
}
