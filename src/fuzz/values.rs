//! The values that users type and files contain: ARNs, parameters, templates, durations and times.

use std::time::{Duration, SystemTime};

use super::{assert_printable, text_parts};
use crate::arn::{AccountId, AssumedRoleSessionArn, Partition, RoleArn, RoleSessionName};
use crate::encoding::{parse_time, rfc3339};
use crate::request::notations::{parse_policy_arns, parse_provided_contexts, parse_tag_keys, parse_tags};
use crate::request::session_name::{SessionNameTemplate, SessionNameValues};
use crate::request::{AdditionalParameters, Policy, SessionDuration};
use crate::source::RoleRef;

/// Checks that an ARN that arl accepts is printable, and stays the same when it is written and read again.
pub(super) fn arn(data: &[u8]) {
    let Some([text]) = text_parts::<1>(data) else { return };
    if let Ok(arn) = text.parse::<RoleArn>() {
        assert_printable(&arn.to_string());
        assert_eq!(arn.to_string().parse::<RoleArn>().ok().as_ref(), Some(&arn));
        let session = arn.session("ann").expect("a session of a role");
        assert!(session.is_session_of(&arn), "{session}");
        assert_eq!(
            AssumedRoleSessionArn::parse_of_role(&session.to_string(), &arn).ok().as_ref(),
            Some(&session)
        );
    }
    if let Ok(arn) = text.parse::<AssumedRoleSessionArn>() {
        assert_printable(&arn.to_string());
        assert_eq!(arn.to_string().parse::<AssumedRoleSessionArn>().ok().as_ref(), Some(&arn));
    }
    if let Ok(account) = text.parse::<AccountId>() {
        assert!(account.as_str().len() == 12 && account.as_str().bytes().all(|b| b.is_ascii_digit()));
    }
    let partition = Partition::for_region(text);
    assert_printable(partition.as_str());
    if let Ok(role) = RoleRef::parse(text)
        && let Ok(Some(arn)) = role.arn(&partition)
    {
        assert_printable(&arn.to_string());
    }
}

/// Checks that the parsers of AssumeRole parameters do not panic, and that what they accept is valid.
pub(super) fn parameters(data: &[u8]) {
    let Some([text]) = text_parts::<1>(data) else { return };
    let _ = (parse_tag_keys(text), parse_policy_arns(text), parse_provided_contexts(text));
    if let Ok(tags) = parse_tags(text) {
        assert!(tags.iter().all(|tag| !tag.key().as_str().is_empty()));
    }
    if let Ok(policy) = text.parse::<Policy>() {
        let object: serde_json::Value = serde_json::from_str(policy.as_str()).expect("a policy is JSON");
        assert!(object.is_object(), "{object}");
    }
    let _ = text.parse::<AdditionalParameters>();
}

/// Checks that a template expands to a name that STS accepts.
pub(super) fn session_name(data: &[u8]) {
    let Some([template, user, caller, role]) = text_parts::<4>(data) else { return };
    let Ok(template) = template.parse::<SessionNameTemplate>() else { return };
    let account = "123456789012".to_owned();
    let [user, caller, role] = [user, caller, role].map(str::to_owned);
    let values = SessionNameValues { user, caller, role, account, ..SessionNameValues::default() };
    let name = template.expand(&values);
    assert!((2..=64).contains(&name.as_str().len()), "{name}");
    assert_printable(name.as_str());
    assert_eq!(name.as_str().parse::<RoleSessionName>().ok().as_ref(), Some(&name));
}

/// Checks that arl accepts only durations that STS accepts, and reads what it has written.
pub(super) fn duration(data: &[u8]) {
    let Some([text]) = text_parts::<1>(data) else { return };
    let Ok(duration) = text.parse::<SessionDuration>() else { return };
    assert!((900..=43_200).contains(&duration.as_secs()), "{duration}");
    assert_eq!(duration.to_string().parse::<SessionDuration>().ok().as_ref(), Some(&duration));
}

/// Checks that a time that arl accepts stays the same when it is written and read again.
pub(super) fn time(data: &[u8]) {
    let Some([text]) = text_parts::<1>(data) else { return };
    let Some(time) = parse_time(text) else { return };
    let since = time.duration_since(SystemTime::UNIX_EPOCH).expect("a time since 1970").as_secs();
    let whole = SystemTime::UNIX_EPOCH + Duration::from_secs(since);
    assert_eq!(parse_time(&rfc3339(time)), Some(whole));
}
