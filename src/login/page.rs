//! The pages that the browser shows at the end of a sign-in.
//!
//! The pages contain no script and load nothing. Their Content-Security-Policy allows only the style below,
//! by its hash.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;

const STYLE: &str = "
:root { color-scheme: light dark; --back: #f3f4f6; --card: #fff; --text: #1b1f24; --soft: #57606a; --mark: #1a7f37 }
@media (prefers-color-scheme: dark) {
  :root { --back: #14161a; --card: #1f2228; --text: #e8eaed; --soft: #a3abb5; --mark: #3fb950 }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--back);
  color: var(--text); font: 17px/1.5 system-ui, sans-serif }
main { box-sizing: border-box; width: min(30rem, 100vw - 2rem); padding: 2rem; border-radius: 10px;
  border-top: 5px solid var(--mark); background: var(--card); overflow-wrap: anywhere }
main.failed { --mark: #cf222e }
h1 { margin: 0 0 1rem; font-size: 1.4rem; line-height: 1.3 }
p { margin: .6rem 0 0 }
footer { margin-top: 1.6rem; color: var(--soft); font-size: .85rem }
";

/// A page.
#[derive(Debug, Clone, Copy)]
pub(super) enum Page<'a> {
    /// The user is signed in. Holds the name of the sign-in.
    SignedIn(&'a str),
    /// The user is not signed in. Holds the name of the sign-in.
    Failed(&'a str),
    /// The browser delivered the answer of another sign-in.
    Other,
}

impl Page<'_> {
    fn html(self) -> String {
        let (class, title, text) = match self {
            Self::SignedIn(name) => (
                "done",
                format!("You are signed in to {}", escape(name)),
                "You can close this tab and go back to your terminal.",
            ),
            Self::Failed(name) => (
                "failed",
                format!("You are not signed in to {}", escape(name)),
                "Your terminal shows why. You can close this tab.",
            ),
            Self::Other => (
                "failed",
                "arl is not waiting for this sign-in".to_owned(),
                "This tab may belong to an earlier sign-in. You can close it. Your terminal shows the address to open.",
            ),
        };
        // A failure may come after the token was written, so its page says nothing about other programs.
        let next = match self {
            Self::SignedIn(_) => "The AWS CLI and the AWS SDKs on this machine use the same sign-in.<br>",
            Self::Failed(_) | Self::Other => "",
        };
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n<main class=\"{class}\">\n<h1>{title}</h1>\n<p>{text}</p>\n\
             <footer>{next}This page is from arl, on this machine.</footer>\n</main>\n</html>\n"
        )
    }
}

/// Returns a response. Its headers keep the browser from caching the page and from sending its address to
/// other sites.
pub(super) fn response(status: &str, headers: &str, page: Option<Page<'_>>) -> String {
    let body = page.map(Page::html).unwrap_or_default();
    let style = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'\r\n\
         Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Escapes text for HTML. It drops control characters, and encodes `<>&"'` and every character beyond ASCII.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars().filter(|character| !character.is_control()) {
        match character {
            ' '..='~' if !"<>&\"'".contains(character) => escaped.push(character),
            _ => {
                let _ = write!(escaped, "&#{};", u32::from(character));
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_page_may_be_framed_or_kept_or_run_anything() {
        for page in [None, Some(Page::SignedIn("corp")), Some(Page::Failed("corp")), Some(Page::Other)] {
            let reply = response("200 OK", "", page);
            for header in ["Cache-Control: no-store", "Referrer-Policy: no-referrer", "default-src 'none'"] {
                assert!(reply.contains(header), "{reply}");
            }
            let (head, body) = reply.split_once("\r\n\r\n").expect("a response");
            assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
            for word in ["<script", "href", "src=", "url(", "http"] {
                assert!(!body.contains(word), "{word}: {body}");
            }
        }
    }

    #[test]
    fn the_name_of_a_sign_in_is_only_text() {
        let reply = response("200 OK", "", Some(Page::SignedIn("<b onclick='x'>&\"\u{1b}\u{e9}")));
        assert!(reply.contains("signed in to &#60;b onclick=&#39;x&#39;&#62;&#38;&#34;&#233;<"), "{reply}");
    }
}
