//! A loopback STS, a home directory, and commands between them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use arl_sts::{Sts, World};

pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/Deploy";

pub(crate) struct Stage {
    pub(crate) sts: Sts,
    pub(crate) home: PathBuf,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench");
        // An earlier run may have left the directory.
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(home.join(".aws")).unwrap();
        let sts = Sts::start(World::demo(), 0, 0).unwrap();
        sts.change(|world| {
            for role in world.roles.values_mut() {
                role.trusts.push("*".into());
            }
        });
        let stage = Self { sts, home };
        stage.profiles(0);
        let system = fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
        fs::write(stage.one_root(), stage.sts.ca_pem()).unwrap();
        fs::write(stage.all_roots(), format!("{system}\n{}", stage.sts.ca_pem())).unwrap();
        stage
    }

    /// Writes the shared files, with `more` profiles that the benchmark does not use.
    pub(crate) fn profiles(&self, more: usize) {
        let role = "role_arn = arn:aws:iam::123456789012:role";
        let mut config = format!(
            "[profile deploy]\n{role}/Deploy\nsource_profile = default\nregion = us-east-1\n\
             [profile top]\n{role}/ReadOnly\nsource_profile = deploy\n"
        );
        for number in 0..more {
            config.push_str(&format!(
                "[profile other-{number}]\n{role}/Other{number}\nsource_profile = default\n"
            ));
        }
        fs::write(self.home.join(".aws/config"), config).unwrap();
        let (id, secret) = (World::ANN_KEY, World::ANN_SECRET);
        let keys = format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
        fs::write(self.home.join(".aws/credentials"), keys).unwrap();
    }

    pub(crate) fn one_root(&self) -> PathBuf {
        self.home.join("one.pem")
    }

    pub(crate) fn all_roots(&self) -> PathBuf {
        self.home.join("all.pem")
    }

    /// Copies a program, as `make install` does, and returns the copy: the kernel maps a copied file in larger pieces than
    /// one that the linker has just written, which makes it start faster.
    fn install(&self, program: &Path, name: &str) -> PathBuf {
        let installed = self.home.join(name);
        if !installed.exists() {
            fs::copy(program, &installed).unwrap();
        }
        installed
    }

    /// Returns a program of this package, as cargo builds it for the benchmark.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.install(&Path::new(env!("CARGO_BIN_EXE_arl")).with_file_name(name), &format!("own-{name}"))
    }

    /// The program that `make install` installs. `make bench` names the static one, where it can be built.
    pub(crate) fn installed_arl(&self) -> PathBuf {
        let built = std::env::var_os("ARL_BENCH_STATIC");
        self.install(&built.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_arl")), PathBuf::from), "arl")
    }

    /// Returns a command whose environment has only this stage.
    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .stdout(Stdio::null())
            .env("HOME", &self.home)
            .env("PATH", "/usr/bin:/bin")
            .env("AWS_ENDPOINT_URL_STS", self.sts.url())
            .env("AWS_ACCESS_KEY_ID", World::ANN_KEY)
            .env("AWS_SECRET_ACCESS_KEY", World::ANN_SECRET);
        command
    }

    pub(crate) fn arl(&self, args: &[&str]) -> Command {
        self.command(self.installed_arl().to_str().unwrap(), args)
    }

    /// arl for glibc, which `cargo install` builds.
    pub(crate) fn glibc_arl(&self, args: &[&str]) -> Command {
        self.command(self.program("arl").to_str().unwrap(), args)
    }

    /// The largest resident set of some calls of arl, each with its `ARL_CACHE`.
    pub(crate) fn memory(&self, calls: &[(&str, &[&str], &str)]) -> String {
        let one = |(name, args, cache): &(&str, &[&str], &str)| {
            let mut command = self.arl(args);
            command.env("ARL_CACHE", cache);
            format!("{name} {:.1} MB", self.usage("ru_maxrss", command) / 1024.0)
        };
        calls.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// The page faults of some commands.
    pub(crate) fn page_faults(&self, commands: Vec<(&str, Command)>) -> String {
        let one =
            |(name, command): (&str, Command)| format!("{name} {:.0}", self.usage("ru_minflt", command));
        commands.into_iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// Runs a command and returns a field of its getrusage(2).
    fn usage(&self, field: &str, command: Command) -> f64 {
        let code = "import os, resource, sys\n\
                    null = [(os.POSIX_SPAWN_OPEN, 1, '/dev/null', os.O_WRONLY, 0)]\n\
                    child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ, file_actions=null)\n\
                    status = os.waitpid(child, 0)[1]\n\
                    print(getattr(resource.getrusage(resource.RUSAGE_CHILDREN), sys.argv[1]))\n\
                    sys.exit(status)";
        let mut python = self.command("python3", &["-c", code, field]);
        python.arg(command.get_program()).args(command.get_args());
        python.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = python.stdout(Stdio::piped()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
    }
}
