//! Four actions of STS, and one each of S3 and of the console's federation endpoint, with the limits and
//! messages of the real services.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use crate::http::{Request, Response};
use crate::iam;
use crate::other_services;
use crate::server::Recorded;
use crate::sigv4::{ToSign, signature};
use crate::state::{Key, Role, World};
use crate::xml::{Refusal, element, success};

/// The fields of a request's form.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn new(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// `Name.member.N.Field` (or `Name.member.N` for no field), for N from 1.
    fn list(&self, name: &str, field: &str) -> Vec<&str> {
        let dot = if field.is_empty() { "" } else { "." };
        (1..).map_while(|n| self.get(&format!("{name}.member.{n}{dot}{field}"))).collect()
    }
}

/// Changes to an otherwise valid answer.
#[derive(Debug, Default)]
pub(crate) struct Twist {
    pub(crate) wrong_role: bool,
    /// The text that replaces the session's ARN.
    pub(crate) session_arn: Option<String>,
    pub(crate) expiry_offset: Option<i64>,
    pub(crate) token: Option<String>,
    pub(crate) no_credentials: bool,
}

pub(crate) fn answer(world: &mut World, request: &Request, twist: &Twist) -> Response {
    // Some hosts of AWS do not know a new key at first.
    if let Some(left) = world.refusals.get_mut(&Recorded::of(request, false).access_key_id)
        && *left > 0
    {
        *left -= 1;
        return Refusal::new(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        )
        .response();
    }
    if let Some(response) = other_services::answer(world, request) {
        return response;
    }
    if let Some(result) = iam::answer(world, request, authenticated) {
        return result.unwrap_or_else(|refusal| refusal.response());
    }
    let form = Form::new(request.form());
    let result = match form.get("Action") {
        Some("getSigninToken") => sign_in(world, &form),
        None if request.is_of_s3() => authenticated(world, request).map(|caller| buckets(&caller)),
        Some("AssumeRole") => {
            authenticated(world, request).and_then(|caller| assume_role(world, &caller, &form, twist))
        }
        Some("GetCallerIdentity") => authenticated(world, request).map(|caller| caller_identity(&caller)),
        Some("GetSessionToken") => {
            authenticated(world, request).and_then(|caller| session_token(world, &caller, &form))
        }
        Some("AssumeRoleWithWebIdentity") => web_identity(world, &form, twist),
        other => Err(Refusal::new(
            400,
            "InvalidAction",
            format!("Could not find operation {} for version 2011-06-15", other.unwrap_or_default()),
        )),
    };
    result.unwrap_or_else(|refusal| refusal.response())
}

/// Finds the key and recomputes the signature.
fn authenticated(world: &World, request: &Request) -> Result<Key, Refusal> {
    let missing =
        || Refusal::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token");
    let authorization = request.header("authorization").ok_or_else(missing)?;
    let part = |name: &str| {
        let from = authorization.split(&format!("{name}=")).nth(1)?;
        Some(from.split(',').next().unwrap_or_default().trim())
    };
    let incomplete = || {
        Refusal::new(400, "IncompleteSignature", "The request signature does not conform to AWS standards")
    };
    let credential: Vec<&str> = part("Credential").ok_or_else(incomplete)?.split('/').collect();
    let &[id, day, region, service @ ("sts" | "s3" | "iam"), "aws4_request"] = credential.as_slice() else {
        return Err(incomplete());
    };
    let names: Vec<&str> = part("SignedHeaders").ok_or_else(incomplete)?.split(';').collect();
    let date = request.header("x-amz-date").ok_or_else(incomplete)?;
    let invalid = || {
        Refusal::new(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    };
    let key = world.keys.get(id).filter(|key| !key.revoked).ok_or_else(invalid)?;
    let headers: Vec<(String, String)> = names
        .iter()
        .map(|&name| (name.to_owned(), request.header(name).unwrap_or_default().to_owned()))
        .collect();
    let mismatch = |message: String| Refusal::new(403, "SignatureDoesNotMatch", message);
    let expected = signature(
        &key.secret,
        &ToSign {
            method: &request.method,
            path: &request.path,
            query: &request.query,
            headers: &headers,
            body_hash: request.header("x-amz-content-sha256"),
            body: &request.body,
            date,
            region,
            service,
        },
    );
    let signs_host = ["host", "x-amz-date"].iter().all(|name| names.contains(name));
    if part("Signature") != Some(expected.as_str()) || !date.starts_with(day) || !signs_host {
        return Err(mismatch(
            "The request signature we calculated does not match the signature you provided. Check your AWS \
             Secret Access Key and signing method. Consult the service documentation for details."
                .into(),
        ));
    }
    if key.token.as_deref() != request.header("x-amz-security-token") {
        return Err(invalid());
    }
    check_date(world.now(), date).map_err(mismatch)?;
    if key.expires.is_some_and(|expires| expires <= world.now()) {
        return Err(Refusal::new(
            403,
            "ExpiredToken",
            "The security token included in the request is expired",
        ));
    }
    Ok(key.clone())
}

fn check_date(now: SystemTime, date: &str) -> Result<(), String> {
    let stamp = |time| humantime::format_rfc3339_seconds(time).to_string().replace(['-', ':'], "");
    let slack = Duration::from_secs(15 * 60);
    if date < stamp(now - slack).as_str() {
        return Err(format!(
            "Signature expired: {date} is now earlier than {} ({} - 15 min.)",
            stamp(now - slack),
            stamp(now)
        ));
    }
    if date > stamp(now + slack).as_str() {
        return Err(format!(
            "Signature not yet current: {date} is still later than {} ({} + 15 min.)",
            stamp(now + slack),
            stamp(now)
        ));
    }
    Ok(())
}

/// Collects all invalid parameters in one message, as the real service does.
#[derive(Default)]
struct Validation(Vec<String>);

impl Validation {
    fn fault(&mut self, value: &str, name: &str, rule: impl std::fmt::Display) {
        self.0.push(format!("Value '{value}' at '{name}' failed to satisfy constraint: {rule}"));
    }

    fn text(&mut self, value: Option<&str>, name: &str, lengths: (usize, usize), alphabet: &str) {
        let Some(value) = value else { return };
        let length = value.chars().count();
        if length < lengths.0 {
            self.fault(
                value,
                name,
                format_args!("Member must have length greater than or equal to {}", lengths.0),
            );
        }
        if length > lengths.1 {
            self.fault(
                value,
                name,
                format_args!("Member must have length less than or equal to {}", lengths.1),
            );
        }
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || alphabet.contains(c);
        if !value.chars().all(word) {
            self.fault(
                value,
                name,
                format_args!("Member must satisfy regular expression pattern: [\\w{alphabet}]*"),
            );
        }
    }

    fn duration(&mut self, value: Option<&str>, range: (u32, u32), default: u32) -> u32 {
        let Some(text) = value else { return default };
        match text.parse::<u32>() {
            Ok(seconds) if seconds < range.0 => {
                self.fault(
                    text,
                    "durationSeconds",
                    format_args!("Member must have value greater than or equal to {}", range.0),
                );
                default
            }
            Ok(seconds) if seconds > range.1 => {
                self.fault(
                    text,
                    "durationSeconds",
                    format_args!("Member must have value less than or equal to {}", range.1),
                );
                default
            }
            Ok(seconds) => seconds,
            Err(_) => {
                self.fault(text, "durationSeconds", "Member must be an integer");
                default
            }
        }
    }

    fn done(self) -> Result<(), Refusal> {
        let count = self.0.len();
        if count == 0 {
            return Ok(());
        }
        let plural = if count == 1 { "" } else { "s" };
        Err(Refusal::new(
            400,
            "ValidationError",
            format!("{count} validation error{plural} detected: {}", self.0.join("; ")),
        ))
    }
}

const NAME: &str = "+=,.@-";

fn assume_role(world: &mut World, caller: &Key, form: &Form, twist: &Twist) -> Result<Response, Refusal> {
    let required = |name: &str| {
        form.get(name).ok_or_else(|| {
            let member = format!("{}{}", name[..1].to_lowercase(), &name[1..]);
            Refusal::new(
                400,
                "ValidationError",
                format!("1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"),
            )
        })
    };
    let (role_arn, session_name) = (required("RoleArn")?, required("RoleSessionName")?);
    let mut validation = Validation::default();
    let role_length = role_arn.len();
    if !(20..=2048).contains(&role_length) {
        validation.fault(role_arn, "roleArn", "Member must have length greater than or equal to 20");
    }
    validation.text(Some(session_name), "roleSessionName", (2, 64), NAME);
    validation.text(form.get("ExternalId"), "externalId", (2, 1224), "+=,.@:/-");
    validation.text(form.get("SerialNumber"), "serialNumber", (9, 256), "+=/:,.@-");
    validation.text(form.get("SourceIdentity"), "sourceIdentity", (2, 64), NAME);
    let duration = validation.duration(form.get("DurationSeconds"), (900, 43_200), 3600);
    if let Some(code) = form.get("TokenCode")
        && (code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()))
    {
        validation.fault(code, "tokenCode", "Member must satisfy regular expression pattern: [\\d]*");
    }
    let keys = form.list("Tags", "Key");
    let values = form.list("Tags", "Value");
    if keys.len() > 50 {
        validation.fault("[…]", "tags", "Member must have length less than or equal to 50");
    }
    validation.done()?;
    let mut seen = HashSet::new();
    if !keys.iter().all(|key| seen.insert(key.to_lowercase())) {
        return Err(Refusal::new(
            400,
            "InvalidParameterValue",
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ));
    }
    check_packed(form, &keys, &values)?;
    let transitive: HashSet<String> =
        form.list("TransitiveTagKeys", "").iter().map(|key| key.to_lowercase()).collect();
    if seen.iter().chain(&transitive).any(|key| caller.transitive_tags.contains(key)) {
        return Err(Refusal::new(
            400,
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
        ));
    }

    let denied = || {
        Refusal::new(
            403,
            "AccessDenied",
            format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {role_arn}",
                caller.arn
            ),
        )
    };
    if !role_arn.contains(":iam::") || !role_arn.contains(":role/") {
        return Err(Refusal::new(400, "ValidationError", format!("{role_arn} is invalid")));
    }
    let role: Role = world.roles.get(role_arn).cloned().ok_or_else(denied)?;
    let mfa = check_mfa(world, caller, form)?;
    if !World::is_trusted(caller, &role.trusts)
        || (role.external_id.is_some() && role.external_id.as_deref() != form.get("ExternalId"))
        || (role.needs_mfa && !mfa && !caller.mfa)
    {
        return Err(denied());
    }
    let source_identity = form.get("SourceIdentity").map(str::to_owned);
    if caller.source_identity.is_some()
        && source_identity.is_some()
        && caller.source_identity != source_identity
    {
        return Err(denied());
    }
    if caller.token.is_some() && duration > 3600 {
        return Err(Refusal::new(
            400,
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    if duration > role.max_session_duration {
        return Err(Refusal::new(
            400,
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }

    let mut inherited = caller.transitive_tags.clone();
    inherited.extend(transitive);
    let session = Session { role_arn, session_name, duration, mfa: mfa || caller.mfa };
    let source_identity = source_identity.or_else(|| caller.source_identity.clone());
    let result = session.issue(world, inherited, source_identity.clone(), twist);
    let identity = source_identity.map(|name| element("SourceIdentity", &name)).unwrap_or_default();
    Ok(success("AssumeRole", &format!("{result}{identity}<PackedPolicySize>6</PackedPolicySize>")))
}

/// A session about to be issued.
struct Session<'a> {
    role_arn: &'a str,
    session_name: &'a str,
    duration: u32,
    mfa: bool,
}

impl Session<'_> {
    fn issue(
        &self,
        world: &mut World,
        transitive_tags: HashSet<String>,
        source_identity: Option<String>,
        twist: &Twist,
    ) -> String {
        let Self { role_arn, session_name, duration, mfa } = self;
        let name = role_arn.rsplit('/').next().unwrap_or_default();
        let name = if twist.wrong_role { "Administrator" } else { name };
        let account = role_arn.split(':').nth(4).unwrap_or_default();
        let partition = role_arn.split(':').nth(1).unwrap_or_default();
        let arn = format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session_name}");
        let seconds = world.session_seconds.unwrap_or(*duration);
        let expires = world.now() + Duration::from_secs(seconds.into());
        let (id, key) = world.issue(Key {
            secret: String::new(),
            token: None,
            arn: arn.clone(),
            expires: Some(expires),
            revoked: false,
            role_arn: Some((*role_arn).to_owned()),
            mfa: *mfa,
            transitive_tags,
            source_identity,
        });
        format!(
            "{}<AssumedRoleUser>{}{}</AssumedRoleUser>",
            credentials(&id, &key, twist),
            element("AssumedRoleId", &format!("AROA3XFRBF535EXAMPLE:{session_name}")),
            element("Arn", twist.session_arn.as_deref().unwrap_or(&arn)),
        )
    }
}

fn credentials(id: &str, key: &Key, twist: &Twist) -> String {
    if twist.no_credentials {
        return String::new();
    }
    let mut expires = key.expires.unwrap_or(SystemTime::UNIX_EPOCH);
    if let Some(offset) = twist.expiry_offset {
        let distance = Duration::from_secs(offset.unsigned_abs());
        let now = SystemTime::now();
        expires = if offset < 0 { now - distance } else { now + distance };
    }
    let token = twist.token.as_deref().or(key.token.as_deref()).unwrap_or_default();
    format!(
        "<Credentials>{}{}{}{}</Credentials>",
        element("AccessKeyId", id),
        element("SecretAccessKey", &key.secret),
        element("SessionToken", token),
        element("Expiration", &humantime::format_rfc3339_seconds(expires).to_string()),
    )
}

/// Policies and tags share a packed space; here a character counts as one of 2,048.
fn check_packed(form: &Form, keys: &[&str], values: &[&str]) -> Result<(), Refusal> {
    let policy = form.get("Policy").unwrap_or_default();
    if !policy.is_empty() {
        let json: Result<serde_json::Value, _> = serde_json::from_str(policy);
        match json {
            Err(_) => {
                return Err(Refusal::new(
                    400,
                    "MalformedPolicyDocument",
                    "This policy contains invalid Json",
                ));
            }
            Ok(json) if json.get("Statement").is_none() => {
                return Err(Refusal::new(400, "MalformedPolicyDocument", "Syntax errors in policy."));
            }
            Ok(_) => {}
        }
    }
    let arns = form.list("PolicyArns", "arn");
    let policies = policy.chars().count() + arns.iter().map(|arn| arn.len()).sum::<usize>();
    let tags = keys.iter().chain(values).map(|text| text.chars().count()).sum::<usize>();
    let percent = |size: usize| size * 100 / 2048;
    if percent(policies) > 100 {
        return Err(Refusal::new(
            400,
            "PackedPolicyTooLarge",
            format!(
                "Packed policy consumes {}% of allotted space, please use smaller policy.",
                percent(policies)
            ),
        ));
    }
    if percent(policies + tags) > 100 {
        return Err(Refusal::new(
            400,
            "PackedPolicyTooLarge",
            format!("Packed size of session tags consumes {}% of allotted space.", percent(policies + tags)),
        ));
    }
    Ok(())
}

/// Whether the request has a valid MFA code. Each code is valid once.
fn check_mfa(world: &mut World, caller: &Key, form: &Form) -> Result<bool, Refusal> {
    let denied = |message: &str| Err(Refusal::new(403, "AccessDenied", message));
    match (form.get("SerialNumber"), form.get("TokenCode")) {
        (None, None) => Ok(false),
        (Some(serial), Some(code)) => match world.mfa_devices.get_mut(serial) {
            Some((owner, codes)) if *owner == caller.arn => {
                if codes.remove(code) {
                    Ok(true)
                } else {
                    denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
                }
            }
            _ => denied(
                "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.",
            ),
        },
        _ => denied(
            "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
        ),
    }
}

/// The console's federation endpoint.
fn sign_in(world: &World, form: &Form) -> Result<Response, Refusal> {
    let session: serde_json::Value =
        serde_json::from_str(form.get("Session").unwrap_or_default()).unwrap_or_default();
    let text = |name: &str| session[name].as_str().unwrap_or_default();
    let refused = || Refusal::new(400, "BadRequest", "");
    let key = world.keys.get(text("sessionId")).ok_or_else(refused)?;
    let is_chained = key.arn.contains("/Chained/");
    let is_right = key.secret == text("sessionKey") && key.token.as_deref() == Some(text("sessionToken"));
    if !is_right || (is_chained && form.get("SessionDuration").is_some()) {
        return Err(refused());
    }
    Ok(Response {
        status: 200,
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: br#"{"SigninToken":"to/ken+with=signs"}"#.to_vec(),
    })
}

/// S3's ListBuckets: one bucket, named after the caller.
fn buckets(caller: &Key) -> Response {
    let name = caller.arn.rsplit('/').next().unwrap_or_default().to_lowercase();
    let bucket = format!("{}<CreationDate>2026-01-01T00:00:00.000Z</CreationDate>", element("Name", &name));
    Response::xml(
        200,
        format!(
            "<ListAllMyBucketsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Owner><ID>1</ID></Owner>\
             <Buckets><Bucket>{bucket}</Bucket></Buckets></ListAllMyBucketsResult>"
        ),
    )
}

fn caller_identity(caller: &Key) -> Response {
    let account = caller.arn.split(':').nth(4).unwrap_or_default();
    let id = if caller.token.is_some() { "AROA3XFRBF535EXAMPLE:session" } else { "AIDACKCEVSQ6C2EXAMPLE" };
    success(
        "GetCallerIdentity",
        &format!("{}{}{}", element("Arn", &caller.arn), element("UserId", id), element("Account", account)),
    )
}

fn session_token(world: &mut World, caller: &Key, form: &Form) -> Result<Response, Refusal> {
    if caller.token.is_some() {
        return Err(Refusal::new(
            403,
            "AccessDenied",
            "Cannot call GetSessionToken with session credentials",
        ));
    }
    let mut validation = Validation::default();
    let duration = validation.duration(form.get("DurationSeconds"), (900, 129_600), 43_200);
    validation.done()?;
    let mfa = check_mfa(world, caller, form)?;
    let expires = world.now() + Duration::from_secs(duration.into());
    let (id, key) = world.issue(Key { token: None, expires: Some(expires), mfa, ..caller.clone() });
    Ok(success("GetSessionToken", &credentials(&id, &key, &Twist::default())))
}

fn web_identity(world: &mut World, form: &Form, twist: &Twist) -> Result<Response, Refusal> {
    let token = form.get("WebIdentityToken").unwrap_or_default();
    let (issuer, subject) = world.web_tokens.get(token).cloned().ok_or_else(|| {
        Refusal::new(400, "InvalidIdentityToken", "The ID Token provided is not a valid JWT.")
    })?;
    let role_arn = form.get("RoleArn").unwrap_or_default();
    let session_name = form.get("RoleSessionName").unwrap_or_default();
    let mut validation = Validation::default();
    validation.text(Some(session_name), "roleSessionName", (2, 64), NAME);
    let duration = validation.duration(form.get("DurationSeconds"), (900, 43_200), 3600);
    validation.done()?;
    let trusted = format!("federated:{issuer}");
    if !world.roles.get(role_arn).is_some_and(|role| role.trusts.contains(&trusted)) {
        return Err(Refusal::new(
            403,
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        ));
    }
    let session = Session { role_arn, session_name, duration, mfa: false };
    let result = session.issue(world, HashSet::new(), None, twist);
    Ok(success(
        "AssumeRoleWithWebIdentity",
        &format!(
            "{result}{}{}",
            element("SubjectFromWebIdentityToken", &subject),
            element("Provider", &issuer)
        ),
    ))
}
