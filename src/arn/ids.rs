//! The parts that ARNs share: partition and account ID.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, try_from_text};

/// Creates the error for a text that is not a valid ARN, or not a valid part of one.
pub(super) fn invalid_arn(text: &str, reason: &str) -> Error {
    Error::invalid(format!("`{text}`: {reason}"))
}

/// A group of AWS regions with its own accounts: `aws`, `aws-cn`, `aws-us-gov`, …
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Partition(String);

impl Partition {
    /// Returns the partition of a region, and `aws` for a region that no other partition claims.
    ///
    /// Source: `partitions.json` of the AWS SDKs.
    pub fn for_region(region: &str) -> Self {
        const PREFIXES: [(&str, &str); 7] = [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("us-isob-", "aws-iso-b"),
            ("us-isof-", "aws-iso-f"),
            ("us-iso-", "aws-iso"),
            ("eu-isoe-", "aws-iso-e"),
            ("eusc-", "aws-eusc"),
        ];
        // `aws-cn-global` is the pseudo-region of the global services in `aws-cn`.
        let is_global = |partition: &str| region.strip_suffix("-global") == Some(partition);
        let mut entries = PREFIXES.iter();
        let entry = entries.find(|(prefix, partition)| region.starts_with(prefix) || is_global(partition));
        Self(entry.map_or("aws", |(_, partition)| partition).to_owned())
    }

    /// Returns the region whose STS endpoint is used when the user names no region.
    pub fn default_region(&self) -> &'static str {
        match self.0.as_str() {
            "aws-cn" => "cn-north-1",
            "aws-us-gov" => "us-gov-west-1",
            "aws-iso" => "us-iso-east-1",
            "aws-iso-b" => "us-isob-east-1",
            "aws-iso-e" => "eu-isoe-west-1",
            "aws-iso-f" => "us-isof-south-1",
            "aws-eusc" => "eusc-de-east-1",
            _ => "us-east-1",
        }
    }

    /// Returns the name as it is written in an ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Partition {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text).map_err(|reason| invalid_arn(text, &reason))
    }
}

impl Partition {
    /// Parses a partition. The error is the rule that the text breaks.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let lower = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
        let mut parts = text.split('-');
        if parts.next() == Some("aws") && parts.all(lower) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a partition has a name such as `aws`, `aws-cn` or `aws-us-gov`".to_owned())
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An account ID: twelve digits, leading zeros included.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccountId(String);

impl AccountId {
    /// Parses an account ID and restores leading zeros, which spreadsheets and YAML readers drop.
    ///
    /// # Errors
    /// The text is empty, longer than twelve characters, or not a number.
    pub fn padded(text: &str) -> Result<Self, Error> {
        let short = (1..12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if short { Ok(Self(format!("{text:0>12}"))) } else { text.parse() }
    }

    /// Returns the twelve digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Restores the leading zeros that a number cannot have.
impl TryFrom<u64> for AccountId {
    type Error = Error;

    fn try_from(number: u64) -> Result<Self, Error> {
        Self::padded(&number.to_string())
    }
}

impl FromStr for AccountId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text).map_err(|reason| invalid_arn(text, &reason))
    }
}

impl AccountId {
    /// Parses twelve digits. The error is the rule that the text breaks.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if !text.bytes().all(|b| b.is_ascii_digit()) || text.is_empty() {
            return Err("an account ID is a number of 12 digits".to_owned());
        }
        match text.len() {
            12 => Ok(Self(text.to_owned())),
            n => Err(format!("an account ID has 12 digits, this one has {n}")),
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

try_from_text!(Partition, AccountId);
