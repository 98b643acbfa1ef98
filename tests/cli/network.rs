//! Proxies and certificates, with a real proxy and real TLS.

use std::io::Read;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::support::{DEPLOY, Run, Stage};

/// A stage whose STS is at a TLS address that uses proxies. arl always connects to `127.0.0.1` directly.
struct Away {
    stage: Stage,
    port: u16,
    ca: PathBuf,
}

impl Away {
    fn new() -> Self {
        let stage = Stage::new();
        let ca = stage.home.join("ca.pem");
        std::fs::write(&ca, stage.sts.ca_pem()).unwrap();
        let target = stage.sts.https_url().replace("https://", "");
        let port = forward(&["127.0.0.2", "127.0.0.3"], &target);
        Self { stage, port, ca }
    }

    fn url(&self) -> String {
        format!("https://127.0.0.2:{}", self.port)
    }

    fn arl(&self, url: &str) -> Command {
        let mut arl = self.stage.as_ann("arl");
        arl.args(["assume", DEPLOY, "--json"])
            .env("AWS_ENDPOINT_URL_STS", url)
            .env("AWS_CA_BUNDLE", &self.ca);
        arl
    }

    fn run(&self, variables: &[(&str, &str)]) -> Run {
        self.stage.run(self.arl(&self.url()).envs(variables.iter().copied()))
    }
}

/// Forwards connections from one port, free on all these addresses, to the target. Returns the port.
fn forward(addresses: &[&str], target: &str) -> u16 {
    let first = TcpListener::bind((addresses[0], 0)).unwrap();
    let port = first.local_addr().unwrap().port();
    let others = addresses[1..].iter().map(|address| TcpListener::bind((*address, port)).unwrap());
    for listener in std::iter::once(first).chain(others) {
        let target = target.to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Ok(other) = TcpStream::connect(&target) else { return };
                for (mut from, mut to) in
                    [(stream.try_clone().unwrap(), other.try_clone().unwrap()), (other, stream)]
                {
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Write);
                    });
                }
            }
        });
    }
    port
}

/// A running tinyproxy, from Debian's package.
struct Proxy {
    process: Child,
    log: PathBuf,
    port: u16,
}

impl Proxy {
    fn start(stage: &Stage, more: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (log, file) =
            (stage.home.join(format!("proxy-{port}.log")), stage.home.join(format!("proxy-{port}.conf")));
        let text = format!(
            "Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 30\nMaxClients 20\nLogLevel Connect\nLogFile \"{}\"\n{more}",
            log.display()
        );
        std::fs::write(&file, text).unwrap();
        let mut command = stage.bare("tinyproxy");
        let process = command
            .arg("-d")
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::yield_now();
        }
        Self { process, log, port }
    }

    /// The number of connections to the endpoint that went through this proxy.
    fn passed(&self, away: &Away) -> usize {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        log.matches(&format!("CONNECT 127.0.0.2:{}", away.port)).count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn proxy_variables_and_no_proxy_are_followed() {
    let away = Away::new();
    let proxy = Proxy::start(&away.stage, "");
    let url = format!("http://127.0.0.1:{}", proxy.port);
    let mut expected = 0;
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let _ = away.run(&[(name, &url)]).success();
        expected += 1;
        assert_eq!(proxy.passed(&away), expected, "{name}");
    }
    for (name, hosts) in [
        ("NO_PROXY", "127.0.0.2"),
        ("no_proxy", "example.com,127.0.0.2"),
        ("NO_PROXY", "127.0.0.0/8"),
        ("NO_PROXY", "*"),
    ] {
        let _ = away.run(&[("HTTPS_PROXY", &url), (name, hosts)]).success();
        assert_eq!(proxy.passed(&away), expected, "{name}={hosts}");
    }
    // Plain http is allowed to the local host only, and never goes through a proxy.
    let mut plain = away.stage.as_ann("arl");
    plain
        .args(["assume", DEPLOY, "--json"])
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("ALL_PROXY", "http://127.0.0.1:1");
    let _ = away.stage.run(&mut plain).success();
    // A proxy without a scheme is an http one, and the lower-case variable takes precedence.
    let _ = away.run(&[("HTTPS_PROXY", url.trim_start_matches("http://"))]).success();
    expected += 1;
    assert_eq!(proxy.passed(&away), expected);
    let _ = away.run(&[("HTTPS_PROXY", "http://127.0.0.1:1"), ("https_proxy", &url)]).success();
    expected += 1;
    assert_eq!(proxy.passed(&away), expected);
    let _ =
        away.run(&[("HTTPS_PROXY", &url), ("NO_PROXY", "127.0.0.2"), ("no_proxy", "x.example")]).success();
    expected += 1;
    assert_eq!(proxy.passed(&away), expected);
    // HTTPS_PROXY takes precedence over ALL_PROXY.
    let _ = away.run(&[("HTTPS_PROXY", &url), ("ALL_PROXY", "http://127.0.0.1:1")]).success();
    assert_eq!(proxy.passed(&away), expected + 1);
}

#[test]
fn a_failing_proxy_is_reported_without_its_password() {
    let away = Away::new();
    let run = away.run(&[("HTTPS_PROXY", "http://127.0.0.1:1")]);
    run.failure(1, "the connection failed");
    assert!(run.stderr.contains("HTTPS_PROXY"), "{run:?}");
    let proxy = Proxy::start(&away.stage, "BasicAuth ann proxy-password\n");
    let with = |user: &str| format!("http://{user}@127.0.0.1:{}", proxy.port);
    let _ = away.run(&[("HTTPS_PROXY", &with("ann:proxy-password"))]).success();
    let run = away.run(&[("HTTPS_PROXY", &with("ann:other-password"))]);
    run.failure(1, "the connection failed");
    assert!(!run.stderr.contains("other-password"), "{run:?}");
    let run = away.run(&[("HTTPS_PROXY", "http://ann:other-password@")]);
    assert!(run.status != 0 && !run.stderr.contains("other-password"), "{run:?}");
}

#[test]
fn a_private_certificate_authority_is_trusted_if_configured() {
    let away = Away::new();
    let ca = away.ca.display().to_string();
    let _ = away.run(&[]).success();
    let without = |variables: &[(&str, &str)]| {
        let mut arl = away.arl(&away.url());
        away.stage.run(arl.env_remove("AWS_CA_BUNDLE").envs(variables.iter().copied()))
    };
    let run = without(&[]);
    run.failure(1, "the connection failed");
    assert!(run.stderr.contains("UnknownIssuer") && run.stderr.contains("AWS_CA_BUNDLE"), "{run:?}");
    let _ = without(&[("SSL_CERT_FILE", &ca)]).success();
    away.stage.profiles(&format!("[default]\nca_bundle = {ca}\n"), "");
    let _ = without(&[]).success();
    away.stage.profiles("[default]\nca_bundle = ~/ca.pem\n", "");
    let _ = without(&[]).success();
}

/// Certificates as editors on Windows and OpenSSL's `x509 -trustout` save them.
#[test]
fn ca_bundles_may_have_a_byte_order_mark_or_trusted_certificates() {
    let away = Away::new();
    let pem = std::fs::read_to_string(&away.ca).unwrap();
    let with = |variable: &str, text: &str| {
        let path = away.stage.home.join("other.pem");
        std::fs::write(&path, text).unwrap();
        let mut arl = away.arl(&away.url());
        away.stage.run(arl.env_remove("AWS_CA_BUNDLE").env(variable, path))
    };
    let _ = with("AWS_CA_BUNDLE", &format!("\u{feff}{pem}")).success();
    let _ = with("REQUESTS_CA_BUNDLE", &pem).success();
    std::fs::write(away.stage.home.join("plain.pem"), &pem).unwrap();
    let mut openssl = away.stage.bare("openssl");
    openssl.args(["x509", "-in", "plain.pem", "-trustout", "-addtrust", "serverAuth"]);
    let trusted = away.stage.run(&mut openssl).success();
    assert!(trusted.contains("BEGIN TRUSTED CERTIFICATE"), "{trusted}");
    let _ = with("AWS_CA_BUNDLE", &trusted).success();
    with("AWS_CA_BUNDLE", &trusted.replace("MII", "MIX")).failure(1, "the CA bundle");
    // AWS_CA_BUNDLE takes precedence.
    let mut arl = away.arl(&away.url());
    let arl = arl.env("REQUESTS_CA_BUNDLE", "/no/such/file");
    let _ = away.stage.run(arl).success();
}

#[test]
fn invalid_ca_bundles_and_certificates_are_refused_with_the_reason() {
    let away = Away::new();
    let file = away.stage.home.join("bad.pem");
    let pem = std::fs::read_to_string(&away.ca).unwrap();
    for text in [
        "",
        "no PEM",
        &pem[..pem.len() / 2],
        &pem.replace("MII", "MIX"),
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
    ] {
        std::fs::write(&file, text).unwrap();
        let run = away.run(&[("AWS_CA_BUNDLE", file.to_str().unwrap())]);
        run.failure(1, "the CA bundle");
    }
    away.run(&[("AWS_CA_BUNDLE", "/no/such/file")]).failure(1, "cannot read the CA bundle `/no/such/file`");
    // The certificate is for another name.
    let run = away.stage.run(&mut away.arl(&format!("https://127.0.0.3:{}", away.port)));
    run.failure(1, "not valid for name");
    // The certificate has expired.
    let run = away.stage.run(&mut away.arl(&away.stage.sts.expired_https_url()));
    run.failure(1, "xpired");
    // The server does not speak TLS.
    let run = away.stage.run(&mut away.arl(&away.stage.sts.url().replace("http:", "https:")));
    run.failure(1, "the connection failed");
    assert_eq!(away.stage.sts.requests().len(), 0);
}

#[test]
fn environment_and_profile_settings_choose_the_endpoint() {
    let stage = Stage::new();
    let url = stage.sts.url();
    stage.profiles(
        &format!(
            "[profile by-services]\nservices = local\nregion = us-east-1\n[services local]\nsts =\n  endpoint_url = {url}\n\
             [profile by-url]\nendpoint_url = {url}\n\
             [profile ignoring]\nendpoint_url = {url}\nignore_configured_endpoint_urls = true\n\
             [profile misspelt]\nservices = locl\nendpoint_url = {url}\n"
        ),
        "",
    );
    let ask = |variables: &[(&str, &str)]| {
        let mut arl = stage.as_ann("arl");
        arl.args(["assume", DEPLOY, "--json"])
            .env_remove("AWS_ENDPOINT_URL_STS")
            .envs(variables.iter().copied());
        // If arl chooses AWS's own endpoint, this unreachable proxy prevents the connection.
        stage.run(arl.env("HTTPS_PROXY", "http://127.0.0.1:1"))
    };
    for variables in [
        &[("AWS_ENDPOINT_URL", &*url)][..],
        &[("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("AWS_ENDPOINT_URL_STS", &url)],
        &[("AWS_PROFILE", "by-services")],
        &[("AWS_PROFILE", "by-url")],
    ] {
        let _ = ask(variables).success();
    }
    for variables in [
        &[("AWS_ENDPOINT_URL", &*url), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")][..],
        &[("AWS_PROFILE", "by-services"), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE")],
        &[("AWS_PROFILE", "ignoring")],
        &[("AWS_USE_FIPS_ENDPOINT", "true")],
        &[("AWS_USE_DUALSTACK_ENDPOINT", "true")],
    ] {
        ask(variables).failure(1, "the connection failed");
    }
    ask(&[("AWS_PROFILE", "misspelt")]).failure(1, "`services` is `locl`, which does not exist");
    // A proxy that records the host names of AWS's own endpoints.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let names = std::thread::spawn(move || {
        let mut names = Vec::new();
        while names.len() < 4 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 512];
            let length = stream.read(&mut head).unwrap();
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            names.push(head.split(' ').nth(1).unwrap_or_default().to_owned());
        }
        names
    });
    for variables in [
        &[("AWS_REGION", "eu-west-1")][..],
        &[("AWS_REGION", "eu-west-1"), ("AWS_USE_FIPS_ENDPOINT", "true")],
        &[("AWS_REGION", "eu-west-1"), ("AWS_USE_DUALSTACK_ENDPOINT", "true")],
        &[("AWS_REGION", "cn-north-1")],
    ] {
        let mut arl = stage.as_ann("arl");
        arl.args(["assume", "123456789012/Deploy", "--json"])
            .env_remove("AWS_ENDPOINT_URL_STS")
            .env("AWS_MAX_ATTEMPTS", "0");
        arl.env("HTTPS_PROXY", format!("http://127.0.0.1:{port}")).envs(variables.iter().copied());
        stage.run(&mut arl).failure(1, "the connection failed");
    }
    assert_eq!(
        names.join().unwrap(),
        [
            "sts.eu-west-1.amazonaws.com:443",
            "sts-fips.eu-west-1.amazonaws.com:443",
            "sts.eu-west-1.api.aws:443",
            "sts.cn-north-1.amazonaws.com.cn:443",
        ]
    );
}

/// Answers DNS queries: two names have an address, every other name does not exist.
#[cfg(target_os = "linux")]
fn serve_dns(socket: &std::net::UdpSocket) {
    let mut query = [0; 512];
    while let Ok((_, client)) = socket.recv_from(&mut query) {
        // After the header of 12 bytes: each label of the name after its length, a zero, then the type of two
        // bytes.
        let mut labels: Vec<String> = Vec::new();
        let mut position = 12;
        while query[position] != 0 {
            let end = position + 1 + usize::from(query[position]);
            labels.push(String::from_utf8_lossy(&query[position + 1..end]).into_owned());
            position = end;
        }
        let address = match labels.join(".").as_str() {
            "dns.arl.test" => Some([127, 0, 0, 2]),
            "proxy.arl.test" => Some([127, 0, 0, 1]),
            _ => None,
        };
        let is_ipv4 = query[position + 1..][..2] == [0, 1];
        let answered = address.filter(|_| is_ipv4);
        // The query's own number; then "a response, recursion available", with "no such name" where that is
        // so; one question; one answer or none; and after the question the answer, which refers to its name.
        let no_such_name = if address.is_none() { 3 } else { 0 };
        let mut response = vec![query[0], query[1], 0x81, 0x80 | no_such_name];
        response.extend([0, 1, 0, u8::from(answered.is_some()), 0, 0, 0, 0]);
        response.extend(&query[12..position + 5]);
        if let Some(address) = answered {
            response.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
            response.extend(address);
        }
        socket.send_to(&response, client).unwrap();
    }
}

/// musl has a resolver of its own, without the modules of glibc's `nsswitch.conf`: it has to find the same
/// names.
#[cfg(target_os = "linux")]
#[test]
fn names_come_from_hosts_and_dns_with_its_search_domains() {
    let away = Away::new();
    let write = |name: &str, text: &str| {
        let path = away.stage.home.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let own = [
        ("hosts", write("hosts", "127.0.0.2 hosts.arl.test\n")),
        ("resolv.conf", write("resolv.conf", "nameserver 127.77.0.1\nsearch other.test arl.test\n")),
        ("nsswitch.conf", write("nsswitch.conf", "hosts: files dns\n")),
    ];
    // Only this command, in a mount namespace, sees these files in /etc.
    let mounts: String =
        own.iter().map(|(name, path)| format!("mount --bind '{path}' /etc/{name} && ")).collect();
    let in_namespace = |line: &str| {
        let mut command = away.stage.as_ann("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", &format!("{mounts} {line}")]);
        command.env("AWS_CA_BUNDLE", &away.ca);
        command
    };
    // Some containers forbid namespaces.
    if away.stage.run(&mut in_namespace("true")).status != 0 {
        return;
    }
    let assume = |host: &str, proxy: Option<&str>| {
        let mut command = in_namespace(&format!("exec arl assume {DEPLOY} --json"));
        command.env("AWS_ENDPOINT_URL_STS", format!("https://{host}:{}", away.port));
        command.envs(proxy.map(|proxy| ("HTTPS_PROXY", proxy)));
        away.stage.run(&mut command)
    };
    let _ = assume("hosts.arl.test", None).success();
    // Both resolvers ask port 53 alone, which only root may serve.
    let Ok(dns) = std::net::UdpSocket::bind("127.77.0.1:53") else { return };
    std::thread::spawn(move || serve_dns(&dns));
    let _ = assume("dns.arl.test", None).success();
    assume("nowhere.arl.test", None).failure(1, "the connection failed");
    let proxy = Proxy::start(&away.stage, "");
    for name in ["proxy", "proxy.arl.test"] {
        let _ = assume("127.0.0.2", Some(&format!("http://{name}:{}", proxy.port))).success();
    }
    assert_eq!(proxy.passed(&away), 2);
    assume("127.0.0.2", Some(&format!("http://nowhere:{}", proxy.port))).failure(1, "the connection failed");
}

/// Each fault of a certificate has its own remedy: only an unknown authority is one for AWS_CA_BUNDLE.
#[test]
fn a_rejected_certificate_gets_the_hint_for_its_fault() {
    let away = Away::new();
    let ca = away.ca.display().to_string();
    let sts = &away.stage.sts;
    let hint = |url: &str, bundle: Option<&str>| {
        let mut arl = away.arl(url);
        arl.env_remove("AWS_CA_BUNDLE").envs(bundle.map(|path| ("AWS_CA_BUNDLE", path)));
        let run = away.stage.run(&mut arl);
        run.failure(1, "the connection failed");
        let hints: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("hint: ")).collect();
        assert_eq!(hints.len(), 1, "{run:?}");
        hints[0].to_owned()
    };
    // The certificate of an authority, whether it is trusted or not.
    for bundle in [None, Some(ca.as_str())] {
        let hint = hint(&sts.authority_https_url(), bundle);
        assert!(
            hint.contains("uses a certificate for an authority") && !hint.contains("AWS_CA_BUNDLE"),
            "{hint}"
        );
    }
    assert!(hint(&sts.expired_https_url(), Some(&ca)).contains("renewed"));
    let other_name = format!("https://127.0.0.3:{}", away.port);
    assert!(hint(&other_name, Some(&ca)).contains("is not valid for"));
    assert!(hint(&away.url(), None).contains("AWS_CA_BUNDLE"));
}

/// The AWS SDKs refuse these combinations, or read `1` as no.
#[test]
fn endpoint_settings_that_cannot_be_followed_are_refused() {
    let stage = Stage::new();
    stage.profiles(
        "[profile fips]\nuse_fips_endpoint = true\n[profile odd]\nuse_dualstack_endpoint = on\n",
        "",
    );
    let own = stage.sts.url();
    for (variables, said) in [
        (
            vec![("AWS_USE_FIPS_ENDPOINT", "true")],
            "asks for AWS's FIPS endpoint, but AWS_ENDPOINT_URL_STS names",
        ),
        (vec![("AWS_PROFILE", "fips")], "(or `use_fips_endpoint`) asks for AWS's FIPS endpoint"),
        (vec![("AWS_USE_DUALSTACK_ENDPOINT", "TRUE")], "asks for AWS's dual-stack endpoint"),
        (vec![("AWS_USE_FIPS_ENDPOINT", "1")], "must be true or false, not `1`"),
        (vec![("AWS_USE_DUALSTACK_ENDPOINT", "yes")], "must be true or false, not `yes`"),
        (vec![("AWS_PROFILE", "odd")], "(or `use_dualstack_endpoint`) must be true or false, not `on`"),
        (vec![("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "1")], "must be true or false, not `1`"),
    ] {
        let mut arl = stage.as_ann("arl");
        arl.args(["assume", DEPLOY]).env("AWS_ENDPOINT_URL_STS", &own).envs(variables);
        stage.run(&mut arl).failure(2, said);
    }
    for value in ["false", "FALSE", ""] {
        let mut arl = stage.as_ann("arl");
        let _ =
            stage.run(arl.args(["assume", DEPLOY, "--json"]).env("AWS_USE_FIPS_ENDPOINT", value)).success();
    }
    assert_eq!(stage.assumed().len(), 3);
}
