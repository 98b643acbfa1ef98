//! The environment of the process: variables, home directory, shared files, clock, shell.

pub(crate) mod cache_location;
pub(crate) mod context;
pub(crate) mod dirs;
pub(crate) mod key_records;
pub(crate) mod os_user;
pub(crate) mod program;
pub(crate) mod shell;
pub(crate) mod shell_scripts;
pub(crate) mod shell_state;
pub(crate) mod vars;
