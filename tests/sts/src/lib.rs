//! A loopback STS for tests and demonstrations.
//!
//! It speaks STS's Query protocol over http and https, verifies signatures, knows users, roles and MFA
//! devices, enforces the limits of the real service with its messages, records every request, and fails on
//! demand. It does not protect secrets, so use it for nothing else.

#![allow(clippy::disallowed_methods, reason = "the tests are their own outside")]

mod actions;
mod fault;
mod http;
mod iam;
mod identity_center;
mod other_services;
mod server;
pub mod sigv4;
mod state;
mod tls;
mod xml;

pub use fault::Fault;
pub use identity_center::{Client, IdentityCenter};
pub use server::{Recorded, Sts};
pub use state::{Key, Role, World};
