//! What the shell that started arl holds, as far as its environment tells.

use std::os::unix::ffi::OsStringExt;

use arl::shell::{Before, Held, Memory};

use super::context::Context;

/// Where a shell keeps what it had before; never exported by arl.
const MEMORY: &str = "__arl_restore";

pub(super) fn held() -> Held {
    let is_foreign_memory = std::env::var_os(MEMORY).is_some();
    match (Context::var("AWS_ACCESS_KEY_ID"), Context::var("ARL_KEY_ID")) {
        (Some(key), Some(own)) if key == own => Held::Role { is_foreign_memory },
        (Some(_), _) => Held::ForeignKeys,
        (None, _) => Held::Nothing { is_foreign_memory },
    }
}

/// Whether the shell asks an endpoint of arl's for its credentials: it was started by `exec --server`.
pub(super) fn has_endpoint() -> bool {
    let endpoint = Context::var("ARL_ENDPOINT");
    endpoint.is_some() && endpoint == Context::var("AWS_CONTAINER_CREDENTIALS_FULL_URI")
}

/// What the shell must remember when it becomes a role now.
pub(super) fn memory() -> Memory {
    let before = Before::of(|name| std::env::var_os(name).map(OsStringExt::into_vec));
    match held() {
        Held::Role { is_foreign_memory: true } => Memory::Foreign,
        Held::Role { is_foreign_memory: false } => Memory::Kept(before.only_region()),
        Held::Nothing { .. } | Held::ForeignKeys => Memory::New(before),
    }
}
