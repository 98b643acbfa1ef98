//! `arl-sts`: the loopback STS as a program, for the demonstration and for manual experiments.

#![allow(clippy::disallowed_methods, reason = "the tests are their own outside")]

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use arl_sts::{Fault, Sts, World};

const USAGE: &str =
    "usage: arl-sts [--port N] [--https-port N] [--ca-file PATH] [--session-seconds N] [--accounts NxROLES]
               [--portal-rate N] [--fault NAME[=VALUE][:TIMES]]...

Prints its endpoints and Ann's keys as shell assignments, then answers until its standard input ends.
";

#[derive(Default)]
struct Options {
    port: u16,
    https_port: u16,
    ca_file: Option<PathBuf>,
    session_seconds: Option<u32>,
    faults: Vec<(Fault, usize)>,
    /// How many accounts IAM Identity Center has, with how many roles in each.
    accounts: Option<(usize, usize)>,
    /// How many requests a second its portal answers.
    portal_rate: Option<usize>,
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        // A failed write to a closed stderr does not matter.
        let _ = std::io::stderr().write_all(USAGE.as_bytes());
        return ExitCode::from(2);
    };
    match serve(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "arl-sts: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Option<Options> {
    let mut options = Options::default();
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let value = args.next()?;
        match flag.as_str() {
            "--port" => options.port = value.parse().ok()?,
            "--https-port" => options.https_port = value.parse().ok()?,
            "--session-seconds" => options.session_seconds = Some(value.parse().ok()?),
            "--accounts" => {
                let (accounts, roles) = value.split_once('x')?;
                options.accounts = Some((accounts.parse().ok()?, roles.parse().ok()?));
            }
            "--portal-rate" => options.portal_rate = Some(value.parse().ok()?),
            "--ca-file" => options.ca_file = Some(value.into()),
            "--fault" => {
                let times = value.rsplit_once(':').and_then(|(name, n)| Some((name, n.parse().ok()?)));
                let (name, times) = times.unwrap_or((&value, 1));
                options.faults.push((Fault::parse(name)?, times));
            }
            _ => return None,
        }
    }
    Some(options)
}

fn serve(options: Options) -> std::io::Result<()> {
    let world = World { session_seconds: options.session_seconds, ..World::demo() };
    let sts = Sts::start(world, options.port, options.https_port)?;
    sts.change(|world| {
        let center = &mut world.identity_center;
        if let Some((accounts, roles)) = options.accounts {
            center.make_accounts(accounts, roles);
            center.page_size = 100;
        }
        center.requests_per_second = options.portal_rate;
    });
    for (fault, times) in options.faults {
        sts.inject(fault, times);
    }
    if let Some(path) = options.ca_file {
        std::fs::write(path, sts.ca_pem())?;
    }
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "AWS_ENDPOINT_URL_STS={}", sts.url())?;
    writeln!(stdout, "HTTPS_ENDPOINT={}", sts.https_url())?;
    writeln!(stdout, "AWS_ACCESS_KEY_ID={}", World::ANN_KEY)?;
    writeln!(stdout, "AWS_SECRET_ACCESS_KEY={}", World::ANN_SECRET)?;
    stdout.flush()?;
    // Standard input ends when the process that started this one ends.
    let mut line = String::new();
    while std::io::stdin().read_line(&mut line)? > 0 {
        line.clear();
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
