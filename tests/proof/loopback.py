"""What the programs of this directory share: a loopback STS, a home directory of their own, and the role in it."""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ARL = os.environ.get("ARL_TEST_BINARY") or str(ROOT / "target/debug/arl")
STS = str(ROOT / "target/debug/arl-sts")
ROLE_ARN = "arn:aws:iam::123456789012:role/Deploy"

CONFIG = f"""\
[profile ann]
region = eu-west-1

[profile deploy]
role_arn = {ROLE_ARN}
source_profile = ann
region = eu-west-1
"""


class Loopback:
    """A loopback STS whose sessions last `seconds`, and a home directory with Ann's keys and the profile `deploy`."""

    def __init__(self, seconds=None):
        self.directory = tempfile.TemporaryDirectory(prefix="arl-proof-")
        self.home = pathlib.Path(self.directory.name)
        options = ["--session-seconds", str(seconds)] if seconds else []
        self.sts = subprocess.Popen([STS, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        told = dict(self.sts.stdout.readline().strip().split("=", 1) for _ in range(4))
        self.url = told["AWS_ENDPOINT_URL_STS"]
        self.keys = {name: told[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        (self.home / ".aws").mkdir()
        (self.home / ".aws/config").write_text(CONFIG)
        (self.home / ".aws/credentials").write_text(
            "[ann]\n" + "".join(f"{name.lower()} = {value}\n" for name, value in self.keys.items())
        )

    def environment(self, **more):
        """An environment with nothing of the user's own, so that no program here reaches a real account."""
        return {
            "HOME": str(self.home),
            "PATH": f"{pathlib.Path(ARL).parent}:/usr/local/bin:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "AWS_ENDPOINT_URL_STS": self.url,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1",
            "AWS_EC2_METADATA_DISABLED": "true",
            **more,
        }

    def close(self):
        self.sts.stdin.close()
        self.sts.wait()
        self.directory.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def fail(message):
    sys.exit(f"FAILED: {message}")
