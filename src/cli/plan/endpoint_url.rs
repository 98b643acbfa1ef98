//! Finds and checks the URL of the STS endpoint.

use std::fmt;
use std::net::IpAddr;

use arl::internal::{Section, SharedConfig};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::vars;
use crate::cli::ui::error::CliError;

/// The hosts to which arl may send requests over plain http. Every host on the way can read the session token
/// and the MFA code of such a request, and can answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlainHttp {
    /// This host only.
    LoopbackOnly,
    /// Any host: the user passed `--allow-insecure-endpoint`.
    Anywhere,
}

impl PlainHttp {
    pub(crate) fn from_flag(allow_insecure: bool) -> Self {
        if allow_insecure { Self::Anywhere } else { Self::LoopbackOnly }
    }
}

/// What is wrong with the URL of an endpoint. `Display` phrases it to follow the name of the setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UrlFault {
    NotUrl,
    UserName,
    Query,
    NoHost,
    BadPort,
    PlainHttp,
    OtherScheme,
}

impl fmt::Display for UrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUrl => "is not a URL",
            Self::UserName => "contains a user name, which STS does not use",
            Self::Query => "contains a query, which arl would not send",
            Self::NoHost => "is not a URL with a host",
            Self::BadPort => "has an invalid port",
            Self::PlainHttp => {
                "is plain http to another machine, so the network could read the session token"
            }
            Self::OtherScheme => "is neither an https nor an http URL",
        })
    }
}

/// Checks the URL of an endpoint.
pub(crate) fn check_url(url: &str, plain_http: PlainHttp) -> Result<(), UrlFault> {
    let is_url_char = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b);
    if !url.bytes().all(is_url_char) {
        return Err(UrlFault::NotUrl);
    }
    let (scheme, rest) = url.split_once("://").ok_or(UrlFault::NotUrl)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(UrlFault::UserName);
    }
    if rest.contains(['?', '#']) {
        return Err(UrlFault::Query);
    }
    // An IPv6 address has its colons in brackets.
    let end_of_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match authority[end_of_host..].find(':') {
        Some(colon) => (&authority[..end_of_host + colon], Some(&authority[end_of_host + colon + 1..])),
        None => (authority, None),
    };
    if host.is_empty() || host.contains(['%', '\'', '(', ')', '*', '+', ',', ';', '=', '$', '&', '!', '~']) {
        return Err(UrlFault::NoHost);
    }
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err(UrlFault::BadPort);
    }
    match scheme {
        "https" => Ok(()),
        "http" if plain_http == PlainHttp::Anywhere || is_loopback(host) => Ok(()),
        "http" => Err(UrlFault::PlainHttp),
        _ => Err(UrlFault::OtherScheme),
    }
}

fn is_loopback(host: &str) -> bool {
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || literal.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// A service with an endpoint of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Sts,
    /// The access portal of IAM Identity Center.
    Sso,
    /// The service that issues its tokens.
    SsoOidc,
}

impl Service {
    /// Returns the variable with the endpoint.
    fn variable(self) -> &'static str {
        match self {
            Self::Sts => vars::AWS_ENDPOINT_URL_STS,
            Self::Sso => vars::AWS_ENDPOINT_URL_SSO,
            Self::SsoOidc => vars::AWS_ENDPOINT_URL_SSO_OIDC,
        }
    }

    /// Returns the name of the service's block in a `[services]` section.
    fn block(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::Sso => "sso",
            Self::SsoOidc => "sso_oidc",
        }
    }
}

/// Returns the endpoint of a service, with the setting that names it. The flag `--endpoint-url` is for STS.
pub(crate) fn find(
    service: Service,
    args: &EndpointArgs<'_>,
    config: &SharedConfig<'_>,
    profile: Option<&Section<'_>>,
) -> Result<Option<(&'static str, String)>, CliError> {
    let key = |name: &str| profile.and_then(|profile| profile.get_non_empty(name)).map(str::to_owned);
    let ignored = vars::get(vars::AWS_IGNORE_CONFIGURED_ENDPOINT_URLS);
    let ignored = ignored.or_else(|| key("ignore_configured_endpoint_urls"));
    let ignored = is_true(
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS (or `ignore_configured_endpoint_urls` of the profile)",
        ignored,
    )?;
    let variable = |name: &'static str| vars::get(name).map(|url| (name, url));
    let of_services = |name: String| match config.services(&name) {
        Some(services) => Ok(services.get_nested(service.block(), "endpoint_url").map(str::to_owned)),
        // The endpoint in that section may be meant to keep the keys inside a network, so a missing section
        // is an error.
        None => Err(CliError::new(format!("the profile's `services` is `{name}`, which does not exist"))
            .hint(format!(
                "add [services {name}] to the shared config file, or remove `services` from the profile"
            ))),
    };
    let configured = || -> Result<_, CliError> {
        if let Some(found) = variable(service.variable()).or_else(|| variable(vars::AWS_ENDPOINT_URL)) {
            return Ok(Some(found));
        }
        let of_services = key("services").map(of_services).transpose()?.flatten();
        Ok(of_services
            .map(|url| ("the profile's `services`", url))
            .or_else(|| Some(("the profile's `endpoint_url`", key("endpoint_url")?))))
    };
    let found = match args.url.filter(|_| service == Service::Sts) {
        Some(url) => Some(("--endpoint-url", url.to_owned())),
        None if ignored => None,
        None => configured()?,
    };
    let Some((origin, url)) = found else { return Ok(None) };
    let Err(fault) = check_url(&url, args.plain_http) else {
        return Ok(Some((origin, url)));
    };
    // A user name may have a password beside it, and a query may be a token.
    let url_text = if url.contains(['@', '?', '#']) { String::new() } else { format!(" `{url}`") };
    let error = CliError::usage(format!("{origin}{url_text} {fault}"));
    Err(match fault {
        UrlFault::PlainHttp => {
            error.hint("use https, or pass --allow-insecure-endpoint if you trust the network")
        }
        UrlFault::NotUrl => {
            let with_scheme = ["http", "https"].map(|scheme| format!("{scheme}://{url}"));
            let meant = with_scheme.iter().find(|url| check_url(url, PlainHttp::LoopbackOnly).is_ok());
            match meant.filter(|_| !url.contains("://") && url.contains(['.', ':'])) {
                Some(meant) => error.hint(format!("did you mean `{meant}`?")),
                None => error.hint("for example --endpoint-url https://sts.us-east-1.amazonaws.com"),
            }
        }
        _ => error,
    })
}

/// The flags about endpoints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EndpointArgs<'a> {
    /// `--endpoint-url`.
    pub(crate) url: Option<&'a str>,
    pub(crate) plain_http: PlainHttp,
}

impl<'a> EndpointArgs<'a> {
    pub(crate) fn of(args: &'a RoleArgs) -> Self {
        let plain_http = PlainHttp::from_flag(args.allow_insecure_endpoint);
        Self { url: args.endpoint_url.as_deref(), plain_http }
    }
}

/// Reads a setting that the AWS SDKs take as `true` or `false`, ignoring case. Other values are errors here.
/// The SDKs read them as `false`, so `1` would mean no.
pub(crate) fn is_true(origin: &str, text: Option<String>) -> Result<bool, CliError> {
    let text = text.unwrap_or_default();
    match text.trim().to_ascii_lowercase().as_str() {
        "" | "false" => Ok(false),
        "true" => Ok(true),
        _ => Err(CliError::usage(format!("{origin} must be true or false, not `{}`", text.trim()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_allowed_for_loopback_only() {
        for url in [
            "https://sts.example.com",
            "http://127.0.0.1:4566/",
            "http://localhost:1",
            "http://[::1]:1",
            "http://127.9.9.9",
        ] {
            assert_eq!(check_url(url, PlainHttp::LoopbackOnly), Ok(()), "{url}");
        }
        for url in [
            "http://sts.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "ftp://127.0.0.1",
            "http://",
            "notaurl",
            "",
            "https://u:p@x",
            "http://10.0.0.1",
            "http://[::1",
            "http://127.0.0.1@evil.example",
            "http://127.0.0.1:80:80",
            "http://127.0.0.1:99999",
            "http://127.0.0.1?x",
            "https://a b",
            "https://a\u{1b}[2J",
            "https://*",
        ] {
            assert!(check_url(url, PlainHttp::LoopbackOnly).is_err(), "{url}");
        }
        assert_eq!(check_url("http://10.0.0.1", PlainHttp::Anywhere), Ok(()));
    }
}
