//! The user interface: messages, tables, prompts, the picker.

pub(crate) mod error;
pub(crate) mod json;
pub(crate) mod local_time;
pub(crate) mod output;
pub(crate) mod picker;
pub(crate) mod prompt;
pub(crate) mod role_label;
pub(crate) mod session_table;
pub(crate) mod sign_in_table;
pub(crate) mod terminal;
pub(crate) mod text;
