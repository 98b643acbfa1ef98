//! A core file would hold every secret this process has.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit that was in force before; a command that replaces arl gets it back.
#[derive(Debug)]
pub(crate) struct SavedCoreLimit(Rlimit);

/// From here on this process leaves no core file, and no other one of the same user may read its memory.
pub(crate) fn disable_core_dumps() -> SavedCoreLimit {
    let saved = getrlimit(Resource::Core);
    if saved.current != Some(0) {
        // Lowering one's own soft limit is always allowed.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: saved.maximum });
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
    SavedCoreLimit(saved)
}

impl SavedCoreLimit {
    /// For a command that is about to be started beside arl.
    pub(crate) fn lift(&self) {
        let _ = setrlimit(Resource::Core, self.0);
    }

    /// Once it has been started.
    pub(crate) fn reapply(&self) {
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: self.0.maximum });
    }

    /// `execve` makes a process dumpable again, but keeps its limits.
    pub(crate) fn restore(self) {
        if self.0.current != Some(0) {
            let _ = setrlimit(Resource::Core, self.0);
        }
    }
}
