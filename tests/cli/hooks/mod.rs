//! arl's shell function and hook, in the real shells.
//!
//! No test sleeps: a session expires when `ARL_EXPIRES_AT` says so, and the tests set it to 1.

mod expiry;
mod placing;
mod previous;
mod prompt;
mod restore;
mod scripts;
mod status;

/// A second role, which Ann may assume as well.
pub(crate) const READ_ONLY: &str = "123456789012/ReadOnly";
const CLOSED: &str = "123456789012/Closed";

/// The message of the hook after [`crate::support::DEPLOY`] has expired.
const EXPIRED: &str = "arl: role/Deploy in 123456789012 expired";

/// Ann's keys as a line of a dump.
const ANN_KEY: &str = "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7ANN0001";
