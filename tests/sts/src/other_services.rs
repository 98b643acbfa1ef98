//! The other services that supply credentials, distinguished by path: IAM Identity Center, instance metadata,
//! and the container endpoint.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::http::{Request, Response};
use crate::identity_center;
use crate::state::{Key, World};

/// The name of the action if the request is for one of these services.
pub(crate) fn name(request: &Request) -> Option<&'static str> {
    if let Some(name) = identity_center::name(request) {
        return Some(name);
    }
    Some(match (request.method.as_str(), request.path.as_str()) {
        ("PUT", "/latest/api/token") => "MetadataToken",
        ("GET", "/latest/meta-data/iam/security-credentials/") => "MetadataRole",
        ("GET", "/latest/meta-data/iam/security-credentials/instance") => "MetadataCredentials",
        ("GET", "/container") => "ContainerCredentials",
        _ => return None,
    })
}

/// The answer if the request is for one of these services.
pub(crate) fn answer(world: &mut World, request: &Request) -> Option<Response> {
    if let Some(response) = identity_center::answer(world, request) {
        return Some(response);
    }
    Some(match name(request)? {
        "MetadataToken" => text("metadata-token"),
        "MetadataRole" => metadata(request, || text("instance")),
        "MetadataCredentials" => metadata(request, || json(200, &document(world, "instance/i-1"))),
        _ => container(world, request),
    })
}

pub(crate) fn json(status: u16, value: &Value) -> Response {
    let headers = vec![("Content-Type".into(), "application/json".into())];
    Response { status, headers, body: value.to_string().into_bytes() }
}

fn text(body: &str) -> Response {
    let ttl = ("x-aws-ec2-metadata-token-ttl-seconds".to_owned(), "21600".to_owned());
    Response {
        status: 200,
        headers: vec![("Content-Type".into(), "text/plain".into()), ttl],
        body: body.into(),
    }
}

/// Issues a session of a role for six hours.
pub(crate) fn issue(world: &mut World, account: &str, session: &str) -> (String, Key) {
    let expires = world.now() + Duration::from_secs(6 * 3600);
    let arn = format!("arn:aws:sts::{account}:assumed-role/{session}");
    let key = Key {
        secret: String::new(),
        token: None,
        arn,
        expires: Some(expires),
        revoked: false,
        role_arn: None,
        mfa: false,
        transitive_tags: HashSet::new(),
        source_identity: None,
    };
    world.issue(key)
}

pub(crate) fn seconds(time: Option<SystemTime>) -> u64 {
    let since = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.unwrap_or_default().as_secs()
}

fn metadata(request: &Request, answer: impl FnOnce() -> Response) -> Response {
    match request.header("x-aws-ec2-metadata-token") {
        Some("metadata-token") => answer(),
        _ => Response { status: 401, headers: Vec::new(), body: Vec::new() },
    }
}

fn document(world: &mut World, session: &str) -> Value {
    let (id, key) = issue(world, "111122223333", session);
    let end = key.expires.map(|end| humantime::format_rfc3339_seconds(end).to_string());
    json!({
        "Code": "Success", "LastUpdated": "2026-01-01T00:00:00Z", "Type": "AWS-HMAC",
        "AccessKeyId": id, "SecretAccessKey": key.secret, "Token": key.token, "Expiration": end,
    })
}

fn container(world: &mut World, request: &Request) -> Response {
    match request.header("authorization") {
        Some("container-token") => json(200, &document(world, "task/t-1")),
        _ => json(401, &json!({ "code": "InvalidToken", "message": "no such token" })),
    }
}
