//! A loopback STS for tests and demonstrations.
//!
//! It speaks STS's Query protocol over http and https, verifies signatures, knows users, roles and MFA
//! devices, enforces the limits of the real service with its messages, records every request, and fails on
//! demand. It keeps no secret safe and decides nothing that matters: never use it for anything else.

mod actions;
mod doors;
mod fault;
mod http;
mod server;
pub mod sigv4;
mod tls;
mod world;
mod xml;

pub use fault::Fault;
pub use server::{Recorded, Sts};
pub use world::{Key, Role, World};
