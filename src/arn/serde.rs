//! Serializes ARNs and their parts as strings, behind the feature `serde`.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde_core::de::{Deserialize, Deserializer, Visitor};
use serde_core::ser::{Serialize, Serializer};

use super::ids::{AccountId, Partition};
use super::role_arn::RoleArn;
use super::session::{AssumedRoleSessionArn, RoleSessionName};
use crate::error::Error;

macro_rules! serde_as_text {
    ($($target:ty),+) => {$(
        impl Serialize for $target {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $target {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text(PhantomData))
            }
        }
    )+};
}

serde_as_text!(Partition, AccountId, RoleArn, RoleSessionName, AssumedRoleSessionArn);

/// Deserializes a string by its `FromStr`.
struct Text<T>(PhantomData<T>);

impl<T: FromStr<Err = Error>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde_core::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_serialized_as_text_and_checked_when_read() {
        let text = r#""arn:aws:iam::123456789012:role/team/Deploy""#;
        let arn: RoleArn = serde_json::from_str(text).expect("an ARN");
        assert_eq!(serde_json::to_string(&arn).expect("text"), text);
        // A deserializer may pass an owned string.
        let value = serde_json::Value::from("123456789012");
        assert_eq!(serde_json::from_value::<AccountId>(value).expect("an account").as_str(), "123456789012");
        let error = serde_json::from_str::<RoleArn>(r#""arn:aws:iam::123456789012:user/ann""#);
        assert!(error.expect_err("a user").to_string().contains("this names a `user`"));
        assert!(serde_json::from_str::<AccountId>("123456789012").is_err());
    }
}
