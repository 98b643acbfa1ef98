//! ARNs, compared row by row with aws-assume-role-lib 2.10.
//!
//! One difference: values that IAM and STS refuse (an invalid account ID, an empty name, a session name with
//! a slash) are errors here, and malformed ARNs there.

use arl::arn::{AccountId, Partition};
use arl::{Error, RoleArn};

const ACCOUNT: &str = "123456789012";

fn role(account: &str, name: &str, path: &str, partition: &str) -> Result<RoleArn, Error> {
    let (partition, account): (Partition, AccountId) = (partition.parse()?, AccountId::padded(account)?);
    match path {
        "" => RoleArn::new(partition, account, name),
        path => RoleArn::with_path(partition, account, path, name),
    }
}

#[test]
fn role_arns_are_formatted_as_in_aws_assume_role_lib() {
    for (account, name, path, partition, expected) in [
        (ACCOUNT, "R", "", "aws", "arn:aws:iam::123456789012:role/R"),
        ("1234567890", "R", "", "aws", "arn:aws:iam::001234567890:role/R"),
        ("12", "R", "", "aws", "arn:aws:iam::000000000012:role/R"),
        ("0", "R", "", "aws", "arn:aws:iam::000000000000:role/R"),
        (ACCOUNT, "R", "", "aws-cn", "arn:aws-cn:iam::123456789012:role/R"),
        (ACCOUNT, "R", "", "aws-us-gov", "arn:aws-us-gov:iam::123456789012:role/R"),
        (ACCOUNT, "R", "/", "aws", "arn:aws:iam::123456789012:role/R"),
        (ACCOUNT, "R", "te/st", "aws", "arn:aws:iam::123456789012:role/te/st/R"),
        (ACCOUNT, "R", "/te/st", "aws", "arn:aws:iam::123456789012:role/te/st/R"),
        (ACCOUNT, "R", "te/st/", "aws", "arn:aws:iam::123456789012:role/te/st/R"),
        (ACCOUNT, "R", "/te/st/", "aws", "arn:aws:iam::123456789012:role/te/st/R"),
        (ACCOUNT, "R", "//", "aws", "arn:aws:iam::123456789012:role//R"),
        (ACCOUNT, "R", "//te", "aws", "arn:aws:iam::123456789012:role//te/R"),
        (ACCOUNT, "R", "te//", "aws", "arn:aws:iam::123456789012:role/te//R"),
        (ACCOUNT, "R", "///", "aws", "arn:aws:iam::123456789012:role///R"),
        (ACCOUNT, "/R", "", "aws", "arn:aws:iam::123456789012:role/R"),
        (ACCOUNT, "te/st/R", "", "aws", "arn:aws:iam::123456789012:role/te/st/R"),
        (ACCOUNT, "/te/st/R", "", "aws", "arn:aws:iam::123456789012:role/te/st/R"),
        (ACCOUNT, "//R", "", "aws", "arn:aws:iam::123456789012:role/R"),
        (ACCOUNT, "//te/R", "", "aws", "arn:aws:iam::123456789012:role//te/R"),
        (ACCOUNT, "te//R", "", "aws", "arn:aws:iam::123456789012:role/te/R"),
    ] {
        let made = role(account, name, path, partition).unwrap().to_string();
        assert_eq!(made, expected, "{account} {name} {path}");
    }
    let number = |number: u64| AccountId::try_from(number).map(|account| account.to_string());
    assert_eq!(number(123_456_789_012).unwrap(), ACCOUNT);
    assert_eq!(number(1_234_567_890).unwrap(), "001234567890");
    assert!(number(1_234_567_890_123).is_err());
}

#[test]
fn names_that_iam_refuses_are_errors() {
    for (account, name, path, partition) in [
        ("", "R", "", "aws"),
        ("1234567890123", "R", "", "aws"),
        ("abc", "R", "", "aws"),
        ("-5", "R", "", "aws"),
        (" 123456789012", "R", "", "aws"),
        ("1234-5678-9012", "R", "", "aws"),
        (ACCOUNT, "R", "", ""),
        (ACCOUNT, "R/", "", "aws"),
        (ACCOUNT, "/", "", "aws"),
        (ACCOUNT, "", "", "aws"),
        (ACCOUNT, "te/R", "x", "aws"),
        (ACCOUNT, "/R", "/", "aws"),
        (ACCOUNT, "arn:aws:iam::123456789012:role/R:", "", "aws"),
    ] {
        assert!(role(account, name, path, partition).is_err(), "{account} {name} {path} {partition}");
    }
}

#[test]
fn session_arns_are_formatted_as_in_aws_assume_role_lib() {
    let session = |account: &str, name: &str, session: &str, partition: &str| {
        role(account, name, "", partition)?.session(session).map(|arn| arn.to_string())
    };
    for (account, name, partition, expected) in [
        (ACCOUNT, "R", "aws", "arn:aws:sts::123456789012:assumed-role/R/sess"),
        ("1234567890", "R", "aws", "arn:aws:sts::001234567890:assumed-role/R/sess"),
        (ACCOUNT, "/R", "aws", "arn:aws:sts::123456789012:assumed-role/R/sess"),
        (ACCOUNT, "te/st/R", "aws", "arn:aws:sts::123456789012:assumed-role/R/sess"),
        (ACCOUNT, "/te/st/R", "aws", "arn:aws:sts::123456789012:assumed-role/R/sess"),
        (ACCOUNT, "R", "aws-cn", "arn:aws-cn:sts::123456789012:assumed-role/R/sess"),
    ] {
        assert_eq!(session(account, name, "sess", partition).unwrap(), expected, "{account} {name}");
    }
    for (account, name, of_session) in
        [(ACCOUNT, "R/", "sess"), (ACCOUNT, "R", "a/b"), (ACCOUNT, "R", ""), ("", "R", "s"), ("x", "R", "s")]
    {
        assert!(session(account, name, of_session, "aws").is_err(), "{account} {name} {of_session}");
    }
}
