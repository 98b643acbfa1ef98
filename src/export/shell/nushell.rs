//! JSON for nushell, which cannot evaluate statements at run time. A null means that the variable is unset.

use serde_json::{Map, Value};

pub(super) fn assume(
    to_unset: &[&'static str],
    variables: &[(&'static str, String)],
    lists: &[(&'static str, &[String])],
) -> String {
    let mut object: Map<String, Value> =
        to_unset.iter().map(|&name| (name.to_owned(), Value::Null)).collect();
    object.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())));
    object.extend(lists.iter().map(|(name, words)| ((*name).to_owned(), (*words).into())));
    format!("{}\n", Value::Object(object))
}

pub(super) fn quote(value: &str) -> String {
    Value::from(value).to_string()
}
