//! IAM Identity Center: the OIDC service, the page where a user signs in, and the access portal.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use ring::digest;
use serde_json::{Map, Value, json};

use crate::http::{Request, Response};
use crate::other_services::{issue, json, seconds};
use crate::state::{World, random};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Sign-ins, accounts and roles.
#[derive(Debug)]
pub struct IdentityCenter {
    /// Registered clients by ID.
    pub clients: HashMap<String, Client>,
    /// Authorization codes that wait for their token.
    codes: HashMap<String, Code>,
    /// Device codes, with their clients.
    devices: HashMap<String, String>,
    /// Refresh tokens that have not been used, with their clients.
    pub refresh_tokens: HashMap<String, String>,
    /// Access tokens that the portal accepts.
    pub access_tokens: HashSet<String>,
    /// The lifetime of access tokens in seconds.
    pub token_seconds: u64,
    /// Account IDs with their names and roles, in order.
    pub accounts: Vec<(String, String, Vec<String>)>,
    /// How many entries a page of a list holds.
    pub page_size: usize,
    /// The answers to the next requests for a device's token: error codes of OAuth, each with an optional
    /// reason after a space. After them the user has approved.
    pub device_answers: VecDeque<&'static str>,
    /// How long a device code lasts, and the pause between two questions, in seconds.
    pub device_times: (u64, u64),
    /// Whether the user refuses on the sign-in page.
    pub denies: bool,
    /// Whether a renewal brings a new refresh token.
    pub rotates: bool,
    /// How many requests for lists the portal answers in a second; it refuses the others.
    pub requests_per_second: Option<usize>,
    /// How long the portal asks refused clients to wait, in seconds.
    pub retry_after: Option<u64>,
    /// How many requests it has refused.
    pub refused: usize,
    /// When the requests of the last second came.
    recent: VecDeque<Instant>,
}

/// A registered client.
#[derive(Debug, Clone)]
pub struct Client {
    /// The client's secret.
    pub secret: String,
    /// The grants that it was registered for; empty for the device code.
    pub grants: Vec<String>,
    redirect_uris: Vec<String>,
    scopes: Vec<String>,
}

#[derive(Debug)]
struct Code {
    client: String,
    redirect_uri: String,
    challenge: String,
}

impl Default for IdentityCenter {
    fn default() -> Self {
        let roles = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self {
            clients: HashMap::new(),
            codes: HashMap::new(),
            devices: HashMap::new(),
            refresh_tokens: HashMap::new(),
            access_tokens: HashSet::new(),
            token_seconds: 3600,
            accounts: vec![
                ("111122223333".into(), "Payments".into(), roles(&["Admin", "Dev", "ReadOnly"])),
                ("000123456789".into(), "Data Lake".into(), roles(&["Dev"])),
            ],
            page_size: 2,
            device_answers: VecDeque::new(),
            device_times: (600, 1),
            denies: false,
            rotates: true,
            requests_per_second: None,
            retry_after: None,
            refused: 0,
            recent: VecDeque::new(),
        }
    }
}

impl IdentityCenter {
    /// Makes an organization: so many accounts, with so many roles in each.
    pub fn make_accounts(&mut self, accounts: usize, roles: usize) {
        self.accounts = (0..accounts)
            .map(|account| {
                let names = (0..roles).map(|role| format!("Role{role}")).collect();
                (format!("{:012}", 200_000_000_000 + account), format!("Team {account:04}"), names)
            })
            .collect();
    }

    /// Whether the portal refuses a request that comes now.
    fn refuses(&mut self) -> bool {
        let Some(limit) = self.requests_per_second else { return false };
        let now = Instant::now();
        while self.recent.front().is_some_and(|at| now.duration_since(*at) > Duration::from_secs(1)) {
            self.recent.pop_front();
        }
        let is_refused = self.recent.len() >= limit;
        if is_refused {
            self.refused += 1
        } else {
            self.recent.push_back(now)
        }
        is_refused
    }
}

/// The name of the action if the request is for one of these services.
pub(crate) fn name(request: &Request) -> Option<&'static str> {
    Some(match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/client/register") => "RegisterClient",
        ("GET", "/authorize") => "Authorize",
        ("POST", "/device_authorization") => "StartDeviceAuthorization",
        ("POST", "/token") => "CreateToken",
        ("GET", "/assignment/accounts") => "ListAccounts",
        ("GET", "/assignment/roles") => "ListAccountRoles",
        ("GET", "/federation/credentials") => "GetRoleCredentials",
        ("POST", "/logout") => "Logout",
        _ => return None,
    })
}

/// The parameters of a request, from its query, its JSON body and the header with the token.
pub(crate) fn parameters(request: &Request) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    };
    let body: Map<String, Value> = serde_json::from_slice(&request.body).unwrap_or_default();
    let mut parameters = request.query_fields();
    parameters.extend(body.iter().map(|(name, value)| (name.clone(), text(value))));
    let token = request.header("x-amz-sso_bearer_token").map(|token| ("accessToken".into(), token.into()));
    parameters.extend(token);
    parameters
}

/// The answer if the request is for one of these services.
pub(crate) fn answer(world: &mut World, request: &Request) -> Option<Response> {
    let action = name(request)?;
    let fields = Fields(parameters(request));
    Some(match action {
        "RegisterClient" => register(world, &fields),
        "Authorize" => authorize(world, &fields),
        "StartDeviceAuthorization" => start_device(world, &fields),
        "CreateToken" => token(world, &fields).unwrap_or_else(oauth_error),
        _ if !is_signed_in(world, &fields) => {
            exception(401, "UnauthorizedException", "Session token not found or invalid")
        }
        "ListAccounts" | "ListAccountRoles" if world.identity_center.refuses() => {
            let mut response = exception(429, "TooManyRequestsException", "HTTP 429 Too Many Requests");
            let retry_after = world.identity_center.retry_after;
            response.headers.extend(retry_after.map(|time| ("Retry-After".into(), time.to_string())));
            response
        }
        "ListAccounts" => accounts(world, &fields),
        "ListAccountRoles" => roles(world, &fields),
        "GetRoleCredentials" => role_credentials(world, &fields),
        _ => logout(world, &fields),
    })
}

struct Fields(Vec<(String, String)>);

impl Fields {
    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.get(name).split_whitespace().map(str::to_owned).collect()
    }
}

/// An error of the portal.
pub(crate) fn exception(status: u16, name: &str, message: &str) -> Response {
    let mut response = json(status, &json!({ "message": message }));
    let header = format!("{name}:http://internal.amazon.com/coral/com.amazonaws.sso/");
    response.headers.push(("x-amzn-ErrorType".into(), header));
    response
}

/// An error of the OIDC service, by its code of OAuth.
fn oauth_error(error: &str) -> Response {
    let (error, reason) =
        error.split_once(' ').map_or((error, None), |(error, reason)| (error, Some(reason)));
    let words = error.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
    let name = format!("{}Exception", words.collect::<String>());
    let status = if error == "invalid_client" { 401 } else { 400 };
    let description = if error == "invalid_grant" { "Invalid refresh token provided" } else { "described" };
    let mut body = json!({ "error": error, "error_description": description });
    if let Some(reason) = reason {
        body["reason"] = reason.into();
    }
    let mut response = json(status, &body);
    response.headers.push(("x-amzn-ErrorType".into(), format!("{name}:http://internal.amazon.com/")));
    response
}

fn register(world: &mut World, fields: &Fields) -> Response {
    if fields.get("clientType") != "public" || fields.get("clientName").is_empty() {
        return oauth_error("invalid_client_metadata");
    }
    let (grants, redirect_uris) = (fields.list("grantTypes"), fields.list("redirectUris"));
    let is_browser = grants.iter().any(|grant| grant == "authorization_code");
    if is_browser && (redirect_uris.is_empty() || fields.get("issuerUrl").is_empty()) {
        return oauth_error("invalid_redirect_uri");
    }
    let (id, secret) = (random(22, ALPHABET), random(64, ALPHABET));
    let client = Client { secret: secret.clone(), grants, redirect_uris, scopes: fields.list("scopes") };
    let now = seconds(Some(world.now()));
    world.identity_center.clients.insert(id.clone(), client);
    json(
        200,
        &json!({
            "clientId": id, "clientSecret": secret, "clientIdIssuedAt": now,
            "clientSecretExpiresAt": now + 90 * 86_400,
        }),
    )
}

fn page(status: u16, text: &str) -> Response {
    let headers = vec![("Content-Type".into(), "text/html".into())];
    Response { status, headers, body: text.as_bytes().to_vec() }
}

/// The page where the user signs in. This user does so at once.
fn authorize(world: &mut World, fields: &Fields) -> Response {
    let redirect_uri = fields.get("redirect_uri").to_owned();
    let center = &mut world.identity_center;
    let Some(client) = center.clients.get(fields.get("client_id")) else {
        return page(400, "no such client");
    };
    let is_valid = fields.get("response_type") == "code"
        && fields.get("code_challenge_method") == "S256"
        && fields.get("code_challenge").len() == 43
        && !fields.get("state").is_empty()
        && client.redirect_uris.contains(&without_port(&redirect_uri));
    if !is_valid {
        return page(400, "not a valid request");
    }
    let query = if center.denies {
        "error=access_denied&error_description=The+user+said+%3Cno%3E".to_owned()
    } else {
        let code = random(32, ALPHABET);
        let stored = Code {
            client: fields.get("client_id").into(),
            redirect_uri: redirect_uri.clone(),
            challenge: fields.get("code_challenge").into(),
        };
        center.codes.insert(code.clone(), stored);
        format!("code={code}")
    };
    let mut response = page(302, "");
    let location = format!("{redirect_uri}?{query}&state={}", fields.get("state"));
    response.headers.push(("Location".into(), location));
    response
}

/// Removes the port of a loopback address, because any port is allowed there. Source: RFC 8252 section 7.3.
fn without_port(uri: &str) -> String {
    let Some(rest) = uri.strip_prefix("http://127.0.0.1:") else { return uri.to_owned() };
    format!("http://127.0.0.1{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
}

fn start_device(world: &mut World, fields: &Fields) -> Response {
    let center = &mut world.identity_center;
    let is_known =
        center.clients.get(fields.get("clientId")).is_some_and(|c| c.secret == fields.get("clientSecret"));
    if !is_known {
        return oauth_error("invalid_client");
    }
    if fields.get("startUrl").is_empty() {
        return oauth_error("invalid_request");
    }
    let code = random(40, ALPHABET);
    center.devices.insert(code.clone(), fields.get("clientId").into());
    let (lasts, interval) = center.device_times;
    json(
        200,
        &json!({
            "deviceCode": code, "userCode": "ABCD-EFGH", "expiresIn": lasts, "interval": interval,
            "verificationUri": "https://device.sso.eu-west-1.amazonaws.com/",
            "verificationUriComplete": "https://device.sso.eu-west-1.amazonaws.com/?user_code=ABCD-EFGH",
        }),
    )
}

fn token(world: &mut World, fields: &Fields) -> Result<Response, &'static str> {
    let center = &mut world.identity_center;
    let (client_id, grant) = (fields.get("clientId"), fields.get("grantType"));
    // Tests write token files of other programs with this refresh token.
    if fields.get("refreshToken") == "refresh-me" {
        world.sso_token = "refreshed".into();
        let answer = json!({ "accessToken": "refreshed", "tokenType": "Bearer", "expiresIn": 28800, "refreshToken": "refresh-me" });
        return Ok(json(200, &answer));
    }
    if grant == "refresh_token" && fields.get("refreshToken") == "no" {
        return Err("invalid_grant");
    }
    let client = center.clients.get(client_id).filter(|client| client.secret == fields.get("clientSecret"));
    let client = client.ok_or("invalid_client")?.clone();
    match grant {
        "authorization_code" => {
            let code = center.codes.remove(fields.get("code")).ok_or("invalid_grant")?;
            let hash = digest::digest(&digest::SHA256, fields.get("codeVerifier").as_bytes());
            let fits = code.client == client_id
                && code.redirect_uri == fields.get("redirectUri")
                && code.challenge == base64url(hash.as_ref());
            if !fits {
                return Err("invalid_grant");
            }
        }
        "refresh_token" => {
            let owner = center.refresh_tokens.remove(fields.get("refreshToken")).ok_or("invalid_grant")?;
            if owner != client_id {
                return Err("invalid_grant");
            }
        }
        DEVICE_GRANT => {
            if center.devices.get(fields.get("deviceCode")).map(String::as_str) != Some(client_id) {
                return Err("invalid_grant");
            }
            if let Some(error) = center.device_answers.pop_front() {
                return Err(error);
            }
            center.devices.remove(fields.get("deviceCode"));
        }
        _ => return Err("unsupported_grant_type"),
    }
    let access_token = format!("aoa{}", random(60, ALPHABET));
    center.access_tokens.insert(access_token.clone());
    let mut answer =
        json!({ "accessToken": access_token, "tokenType": "Bearer", "expiresIn": center.token_seconds });
    let is_renewable =
        client.grants.iter().any(|grant| grant == "refresh_token") || !client.scopes.is_empty();
    if is_renewable && (center.rotates || grant != "refresh_token") {
        let refresh_token = format!("aor{}", random(60, ALPHABET));
        center.refresh_tokens.insert(refresh_token.clone(), client_id.to_owned());
        answer["refreshToken"] = refresh_token.into();
    } else if is_renewable {
        center.refresh_tokens.insert(fields.get("refreshToken").to_owned(), client_id.to_owned());
    }
    Ok(json(200, &answer))
}

fn base64url(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().fold(0u32, |n, &byte| n << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for index in 0..=chunk.len() {
            text.push(char::from(DIGITS[(number >> (18 - 6 * index) & 63) as usize]));
        }
    }
    text
}

fn is_signed_in(world: &World, fields: &Fields) -> bool {
    let token = fields.get("accessToken");
    !token.is_empty() && (token == world.sso_token || world.identity_center.access_tokens.contains(token))
}

/// One page of a list, and the token of the next one.
fn one_page<T: Clone>(items: &[T], size: usize, fields: &Fields) -> (Vec<T>, Option<String>) {
    let start: usize = fields.get("next_token").parse().unwrap_or(0);
    let end = (start + size).min(items.len());
    let next = (end < items.len()).then(|| end.to_string());
    (items.get(start..end).unwrap_or_default().to_vec(), next)
}

fn accounts(world: &World, fields: &Fields) -> Response {
    let center = &world.identity_center;
    let size = fields.get("max_result").parse().unwrap_or(center.page_size).min(center.page_size);
    let (page, next) = one_page(&center.accounts, size, fields);
    let listed = page.into_iter().map(|(id, name, _)| json!({ "accountId": id, "accountName": name, "emailAddress": format!("{id}@example.com") }));
    json(200, &json!({ "accountList": listed.collect::<Vec<_>>(), "nextToken": next }))
}

fn roles(world: &World, fields: &Fields) -> Response {
    let center = &world.identity_center;
    let account = fields.get("account_id");
    let Some((_, _, roles)) = center.accounts.iter().find(|(id, ..)| id == account) else {
        return exception(403, "ForbiddenException", "No access");
    };
    let (page, next) = one_page(roles, center.page_size, fields);
    let listed = page.into_iter().map(|role| json!({ "roleName": role, "accountId": account }));
    json(200, &json!({ "roleList": listed.collect::<Vec<_>>(), "nextToken": next }))
}

fn role_credentials(world: &mut World, fields: &Fields) -> Response {
    let (account, role) = (fields.get("account_id"), fields.get("role_name"));
    let accounts = &world.identity_center.accounts;
    let has_role = accounts.iter().any(|(id, _, roles)| id == account && roles.iter().any(|r| r == role));
    if !has_role {
        return exception(403, "ForbiddenException", "No access");
    }
    let (id, key) = issue(world, account, &format!("AWSReservedSSO_{role}_0123456789abcdef/ann"));
    let end = seconds(key.expires) * 1000;
    json(
        200,
        &json!({ "roleCredentials": {
            "accessKeyId": id, "secretAccessKey": key.secret, "sessionToken": key.token, "expiration": end,
        }}),
    )
}

fn logout(world: &mut World, fields: &Fields) -> Response {
    world.identity_center.access_tokens.remove(fields.get("accessToken"));
    world.identity_center.refresh_tokens.clear();
    if fields.get("accessToken") == world.sso_token {
        world.sso_token = String::new();
    }
    Response { status: 200, headers: Vec::new(), body: Vec::new() }
}
