//! Which endpoints arl talks to.

use std::net::IpAddr;

/// Checks an endpoint that somebody configured. An error says what is wrong with it.
///
/// Plain http shows the session token and the MFA code to everybody on the way, and believes whoever
/// answers, so it is for this machine only.
pub(super) fn check(url: &str, allow_insecure: bool) -> Result<(), String> {
    let is_url_char = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b);
    if !url.bytes().all(is_url_char) {
        return Err("is no URL".into());
    }
    let (scheme, rest) = url.split_once("://").ok_or("is no URL")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("carries a user name, which STS has no use for".into());
    }
    if rest.contains(['?', '#']) {
        return Err("carries a query, which would not be sent".into());
    }
    // The colons of an IPv6 address stand in brackets.
    let end_of_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match authority[end_of_host..].find(':') {
        Some(colon) => (&authority[..end_of_host + colon], Some(&authority[end_of_host + colon + 1..])),
        None => (authority, None),
    };
    if host.is_empty() || host.contains(['%', '\'', '(', ')', '*', '+', ',', ';', '=', '$', '&', '!', '~']) {
        return Err("is no URL with a host".into());
    }
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("has a port that is none".into());
    }
    match scheme {
        "https" => Ok(()),
        "http" if allow_insecure || is_loopback(host) => Ok(()),
        "http" => Err("is plain http to another machine, which would show it the session token".into()),
        _ => Err("is neither https nor http".into()),
    }
}

fn is_loopback(host: &str) -> bool {
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || literal.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for url in [
            "https://sts.example.com",
            "http://127.0.0.1:4566/",
            "http://localhost:1",
            "http://[::1]:1",
            "http://127.9.9.9",
        ] {
            assert_eq!(check(url, false), Ok(()), "{url}");
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
            assert!(check(url, false).is_err(), "{url}");
        }
        assert_eq!(check("http://10.0.0.1", true), Ok(()));
    }
}
