//! The tests of the real binary, against the loopback STS and in real shells.
//!
//! A missing shell or peer is a failure, not a skip: `tests/install-tools.sh` (or `make test`) installs them.

#![allow(clippy::disallowed_methods, reason = "the tests are their own outside")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod assume;
mod aws_assume_role_lib;
mod botocore;
mod cache;
mod completion;
mod configure_sso;
mod console;
#[cfg(target_os = "linux")]
mod crash;
mod dialects;
mod direnv;
mod discovery;
mod documents;
mod each;
mod errors;
mod eval;
mod examples;
mod exec;
#[cfg(target_os = "linux")]
mod executable;
mod explain;
mod faults;
mod flags;
mod help;
mod hooks;
mod hostile_names;
mod hostile_shell;
mod identity_center;
mod inherited_state;
mod interactive_shells;
mod interrupts;
mod keys;
mod keys_rotation;
mod keys_stores;
mod links;
mod login;
mod login_attacks;
mod login_interop;
mod login_on_demand;
mod login_roles;
mod many_roles;
mod mfa;
mod mistakes;
mod moto;
mod network;
#[cfg(target_os = "linux")]
mod orphans;
mod other_shells;
mod parameters;
mod picker;
mod prompts;
mod quoting;
mod readers;
mod regions;
mod robustness;
mod secrets;
mod server;
mod shell;
mod shell_variables;
mod single_flight;
mod snapshot;
mod source_kinds;
mod sources;
mod status;
mod subshells;
mod support;
mod tmux;
mod write;
