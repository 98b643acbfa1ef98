//! Disables core dumps, which would contain every secret of this process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit that arl was started with. Commands get it back.
#[derive(Debug)]
pub(crate) struct SavedCoreLimit(Rlimit);

/// Disables core dumps, and keeps other processes of the same user from reading this one's memory.
pub(crate) fn disable_core_dumps() -> SavedCoreLimit {
    let saved = getrlimit(Resource::Core);
    if saved.current != Some(0) {
        // A process may always lower its own soft limit.
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
    /// Restores the limit while a command is started beside arl, so that the command inherits it.
    pub(crate) fn lift(&self) {
        let _ = setrlimit(Resource::Core, self.0);
    }

    /// Disables core dumps again after [`Self::lift`].
    pub(crate) fn reapply(&self) {
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: self.0.maximum });
    }

    /// Restores the limit for a command that replaces arl. `execve` makes a process dumpable again by itself,
    /// but keeps its limits.
    pub(crate) fn restore(self) {
        if self.0.current != Some(0) {
            let _ = setrlimit(Resource::Core, self.0);
        }
    }
}
