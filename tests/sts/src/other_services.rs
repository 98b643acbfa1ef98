//! The other services that supply credentials, told apart by path: IAM Identity Center and its OIDC service,
//! instance metadata, and the container endpoint.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::http::{Request, Response};
use crate::state::{Key, World};

/// The name of the action if the request is for one of these services.
pub(crate) fn name(request: &Request) -> Option<&'static str> {
    Some(match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/federation/credentials") => "GetRoleCredentials",
        ("POST", "/token") => "CreateToken",
        ("PUT", "/latest/api/token") => "MetadataToken",
        ("GET", "/latest/meta-data/iam/security-credentials/") => "MetadataRole",
        ("GET", "/latest/meta-data/iam/security-credentials/instance") => "MetadataCredentials",
        ("GET", "/container") => "ContainerCredentials",
        _ => return None,
    })
}

/// The answer if the request is for one of these services.
pub(crate) fn answer(world: &mut World, request: &Request) -> Option<Response> {
    Some(match name(request)? {
        "GetRoleCredentials" => role_credentials(world, request),
        "CreateToken" => token(world, request),
        "MetadataToken" => text("metadata-token"),
        "MetadataRole" => metadata(request, || text("instance")),
        "MetadataCredentials" => metadata(request, || json(200, &document(world, "instance/i-1"))),
        _ => container(world, request),
    })
}

fn json(status: u16, value: &Value) -> Response {
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

/// Issues a session of a role in Ann's account for six hours.
fn issue(world: &mut World, session: &str) -> (String, Key) {
    let expires = world.now() + Duration::from_secs(6 * 3600);
    let arn = format!("arn:aws:sts::111122223333:assumed-role/{session}");
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

fn seconds(time: Option<SystemTime>) -> u64 {
    let since = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.unwrap_or_default().as_secs()
}

fn role_credentials(world: &mut World, request: &Request) -> Response {
    if request.header("x-amz-sso_bearer_token") != Some(&world.sso_token) {
        return json(
            401,
            &json!({ "__type": "UnauthorizedException", "message": "Session token not found or invalid" }),
        );
    }
    let fields = request.form();
    let field = |name: &str| fields.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value);
    if field("role_name") == "Closed" {
        return json(403, &json!({ "__type": "ForbiddenException", "message": "No access" }));
    }
    let (id, key) = issue(world, &format!("AWSReservedSSO_{}_0123456789abcdef/ann", field("role_name")));
    let end = seconds(key.expires) * 1000;
    json(
        200,
        &json!({ "roleCredentials": {
            "accessKeyId": id, "secretAccessKey": key.secret, "sessionToken": key.token, "expiration": end,
        }}),
    )
}

/// OIDC's CreateToken, which exchanges a refresh token.
fn token(world: &mut World, request: &Request) -> Response {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    if body["refreshToken"] != "refresh-me" {
        return json(400, &json!({ "__type": "InvalidGrantException", "error": "invalid_grant" }));
    }
    world.sso_token = "refreshed".into();
    json(
        200,
        &json!({ "accessToken": "refreshed", "tokenType": "Bearer", "expiresIn": 28800, "refreshToken": "refresh-me" }),
    )
}

fn metadata(request: &Request, answer: impl FnOnce() -> Response) -> Response {
    match request.header("x-aws-ec2-metadata-token") {
        Some("metadata-token") => answer(),
        _ => Response { status: 401, headers: Vec::new(), body: Vec::new() },
    }
}

fn document(world: &mut World, session: &str) -> Value {
    let (id, key) = issue(world, session);
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
