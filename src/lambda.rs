//! Session names that identify the instance of a Lambda function.

use std::time::SystemTime;

use crate::arn::RoleSessionName;
use crate::arn::session::is_name_char;
use crate::error::Error;

/// The longest session name that STS accepts, in characters.
const MAX_NAME_LEN: usize = 64;
/// The longest prefix that leaves room for a dot and four characters of the instance.
const MAX_PREFIX_LEN: usize = 59;
/// The shortest part of a timestamp that still identifies a session: up to the seconds.
const MIN_TIME_LEN: usize = 14;

/// The facts about a Lambda function from which its session name is made. An empty text counts as missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LambdaFunction {
    /// `AWS_LAMBDA_FUNCTION_NAME`.
    pub function_name: String,
    /// `AWS_LAMBDA_FUNCTION_VERSION`; `$LATEST` counts as missing.
    pub function_version: String,
    /// `AWS_LAMBDA_LOG_STREAM_NAME`. Its end identifies the instance.
    pub log_stream_name: String,
    /// An identifier that the program chooses for the instance. It replaces the one from the log stream.
    pub identifier: String,
}

impl LambdaFunction {
    /// Reads what the Lambda runtime sets in the environment. The library reads no environment by itself:
    ///
    /// ```
    /// use std::time::SystemTime;
    ///
    /// use arl::RoleSessionName;
    /// use arl::lambda::LambdaFunction;
    ///
    /// # fn name() -> Result<RoleSessionName, arl::Error> {
    /// let function = LambdaFunction::from_env(|name| std::env::var(name).ok());
    /// RoleSessionName::for_lambda(&function, SystemTime::now())
    /// # }
    /// ```
    pub fn from_env(var: impl Fn(&str) -> Option<String>) -> Self {
        let var = |name: &str| var(name).unwrap_or_default();
        Self {
            function_name: var("AWS_LAMBDA_FUNCTION_NAME"),
            function_version: var("AWS_LAMBDA_FUNCTION_VERSION"),
            log_stream_name: var("AWS_LAMBDA_LOG_STREAM_NAME"),
            identifier: String::new(),
        }
    }
}

impl RoleSessionName {
    /// Creates a name of the form `FUNCTION.VERSION.INSTANCE`, cut to 64 characters so that as much as
    /// possible stays recognizable. A version that does not fit is dropped. A function name of up to 59
    /// characters leaves at least four for the instance, and a longer one none. If the instance is not known,
    /// the name ends with the time, or with random characters where the time does not fit.
    ///
    /// The algorithm is `generate_lambda_session_name` of aws-assume-role-lib 2.10.
    ///
    /// # Errors
    /// The function name is missing, or the result has fewer than 2 characters that STS accepts. (The
    /// original returns such a name, which STS then refuses.)
    pub fn for_lambda(function: &LambdaFunction, now: SystemTime) -> Result<Self, Error> {
        let LambdaFunction { function_name, function_version, log_stream_name: _, identifier: _ } = function;
        if function_name.is_empty() {
            return Err(Error::invalid("needs the name of a Lambda function"));
        }
        let version = match function_version.as_str() {
            "" | "$LATEST" => String::new(),
            version => format!(".{version}"),
        };
        let name_length = function_name.chars().count();
        let with_version = name_length + version.chars().count();
        let text = if name_length > MAX_PREFIX_LEN {
            function_name.clone()
        } else if with_version > MAX_PREFIX_LEN {
            format!("{function_name}.{}", function.instance_id(MAX_NAME_LEN - 1 - name_length, now))
        } else {
            format!("{function_name}{version}.{}", function.instance_id(MAX_NAME_LEN - 1 - with_version, now))
        };
        replace_invalid_runs(text.chars().take(MAX_NAME_LEN)).parse()
    }
}

impl LambdaFunction {
    fn instance_id(&self, max_len: usize, now: SystemTime) -> String {
        if !self.identifier.is_empty() {
            return self.identifier.to_owned();
        }
        let stream = self.log_stream_name.strip_suffix('\n').unwrap_or(&self.log_stream_name);
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let start = stream.trim_end_matches(is_word).len();
        if start < stream.len() {
            return stream[start..].chars().take(max_len).collect();
        }
        if max_len >= MIN_TIME_LEN {
            let time = humantime::format_rfc3339_micros(now).to_string();
            return time.chars().filter(char::is_ascii_digit).take(max_len).collect();
        }
        random_suffix(max_len)
    }
}

/// Returns random lowercase letters and digits.
fn random_suffix(length: usize) -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    (0..length).map(|_| char::from(ALPHABET[fastrand::usize(..ALPHABET.len())])).collect()
}

/// Replaces each run of characters that STS refuses with one `_`. It also replaces `+`, which STS accepts,
/// because the original does.
fn replace_invalid_runs(text: impl Iterator<Item = char>) -> String {
    let mut name = String::new();
    let mut in_run = false;
    for c in text {
        let is_bad = !is_name_char(c) || c == '+';
        if !(is_bad && in_run) {
            name.push(if is_bad { '_' } else { c });
        }
        in_run = is_bad;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "123456789a123456789b123456789c123456789d123456789e123456789f123456789g123456789";
    const STREAM: &str = "2020/01/31/[$LATEST]3893xmpl7fac4485b47bb75b671a283c";

    fn name(function_name: &str, version: &str, stream: &str, identifier: &str) -> String {
        let variables = [
            ("AWS_LAMBDA_FUNCTION_NAME", function_name),
            ("AWS_LAMBDA_FUNCTION_VERSION", version),
            ("AWS_LAMBDA_LOG_STREAM_NAME", stream),
        ];
        let var = |name: &str| {
            let set = variables.iter().find(|(variable, value)| *variable == name && !value.is_empty());
            set.map(|(_, value)| (*value).to_owned())
        };
        let mut function = LambdaFunction::from_env(var);
        identifier.clone_into(&mut function.identifier);
        // 2026-11-21T20:40:44.353611Z
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_micros(1_795_293_644_353_611);
        RoleSessionName::for_lambda(&function, now)
            .map_or_else(|error| format!("!! {error}"), |name| name.to_string())
    }

    #[test]
    fn names_match_aws_assume_role_lib() {
        let f = |length: usize| &LONG[..length];
        let of_name = |length: usize, rest: &str| format!("{}{rest}", f(length));
        for (row, made, expected) in [
            (
                1,
                name("MyFunction", "$LATEST", STREAM, ""),
                "MyFunction.3893xmpl7fac4485b47bb75b671a283c".to_owned(),
            ),
            (2, name("MyFunction", "7", STREAM, ""), "MyFunction.7.3893xmpl7fac4485b47bb75b671a283c".into()),
            (3, name("MyFunction", "", STREAM, ""), "MyFunction.3893xmpl7fac4485b47bb75b671a283c".into()),
            (4, name("Other", "9", STREAM, "abc"), "Other.9.abc".into()),
            (10, name("MyFunction", "", "", ""), "MyFunction.20261121204044353611".into()),
            (11, name(f(43), "", "", ""), of_name(43, ".20261121204044353611")),
            (12, name(f(44), "", "", ""), of_name(44, ".2026112120404435361")),
            (13, name(f(49), "", "", ""), of_name(49, ".20261121204044")),
            (16, name(f(59), "", "", LONG), of_name(59, ".1234")),
            (17, name(f(60), "", "", "abcd"), f(60).into()),
            (19, name(f(65), "1", "", "12345"), f(64).into()),
            (20, name(f(62), "5", "", LONG), f(62).into()),
            (21, name(f(57), "2", "", LONG), of_name(57, ".2.1234")),
            (22, name(f(58), "2", "", LONG), of_name(58, ".12345")),
            (23, name(f(59), "5", "", LONG), of_name(59, ".1234")),
            (24, name(f(50), "3", "", "12"), of_name(50, ".3.12")),
            (25, name("f", "", "2020/01/31/[$LATEST]", ""), "f.20261121204044353611".into()),
            (26, name("f", "", "2020/01/31/[$LATEST]abc-def", ""), "f.def".into()),
            (27, name("f", "", "2020/01/31/[1]abcdef\n", ""), "f.abcdef".into()),
            (28, name("f", "", "x/ünïcödé", ""), "f._n_c_d_".into()),
            (29, name("f", "", "", "a b/c:d"), "f.a_b_c_d".into()),
            (
                30,
                name("arn:aws:lambda:us-east-1:1:function:x", "", "", "id"),
                "arn_aws_lambda_us-east-1_1_function_x.id".into(),
            ),
            (31, name("f", "$OTHER", "", "id"), "f._OTHER.id".into()),
            (32, name("f", "", "", "i"), "f.i".into()),
            (33, name("MyFunction", "12", "", LONG), format!("MyFunction.12.{}", f(50))),
            (35, name("a///b", "", "", "c!!!d"), "a_b.c_d".into()),
            (36, name("f", &"9".repeat(60), "", LONG), format!("f.{}", f(62))),
            (
                37,
                name(f(32), "2", "", "0123456789abcdef0123456789abcdef"),
                of_name(32, ".2.0123456789abcdef0123456789abc"),
            ),
            (38, name(f(37), "2", "", ""), of_name(37, ".2.20261121204044353611")),
            (
                40,
                name(&format!("{}!!!!", "a".repeat(55)), "", "", "zzzzzz"),
                format!("{}_.zzzz", "a".repeat(55)),
            ),
        ] {
            assert_eq!(made, expected, "row {row}");
        }
        for (row, length, version, room) in [(14, 50, "", 13), (15, 59, "", 4), (39, 57, "2", 4)] {
            let made = name(f(length), version, "", "");
            let instance = made.rsplit('.').next().expect("an instance");
            assert_eq!((made.len(), instance.len()), (64, room), "row {row}: {made}");
        }
        // The original returns these names, and STS refuses them.
        for (row, made) in [(8, name("", "", STREAM, "id")), (34, name(&"é".repeat(60), "", "", ""))] {
            assert!(made.starts_with("!! "), "row {row}: {made}");
        }
    }
}
