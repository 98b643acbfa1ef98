"""Who the clients of AWS are, in each of the ways in which arl hands out a role: python tests/proof/interop.py

A client that has STS asks the loopback STS for its caller. A client that has only S3 asks a server here, which notes
the access key ID of the request: the keys of sessions begin with ASIA, and the only sessions are those of the role.
In the control, the client runs as the profile of the user with the long-term key.

`make interop` installs the clients first (tests/install-interop.sh). A cell says `role`, or why not; the known
reasons are in EXPECTED, and anything else fails.
"""

import http.server
import os
import re
import subprocess
import sys
import threading

from loopback import ARL, CONFIG, ROLE_ARN, ROOT, Loopback, fail

TOOLS = ROOT / ".tools"
REGION = "eu-west-1"

BOTO3 = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
JAVASCRIPT = """
import { STSClient, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
const sts = new STSClient({ endpoint: process.env.AWS_ENDPOINT_URL_STS });
console.log((await sts.send(new GetCallerIdentityCommand({}))).Arn);
"""
RUBY = """
require "aws-sdk-core"
puts Aws::STS::Client.new(endpoint: ENV["AWS_ENDPOINT_URL_STS"], region: "eu-west-1").get_caller_identity.arn
"""
PYARROW = """
import os, pyarrow.fs
host = os.environ["S3"].removeprefix("http://")
s3 = pyarrow.fs.S3FileSystem(endpoint_override=host, scheme="http", region="eu-west-1", background_writes=False)
try: s3.get_file_info("bucket/x")
except OSError: pass
"""
OBSTORE = """
import os, obstore
store = obstore.store.S3Store("bucket", endpoint=os.environ["S3"], region="eu-west-1", client_options={"allow_http": True})
try: obstore.head(store, "x")
except Exception: pass
"""

# Their names, and how they are started. Where S3 stands in one, the key ID that arrives tells who the client is.
CLIENTS = {
    "boto3 1.44": [TOOLS / "venv/bin/python", "-c", BOTO3],
    "AWS CLI 1.45": [TOOLS / "peers/bin/aws", "sts", "get-caller-identity", "--query", "Arn", "--output", "text"],
    "AWS CLI 2.9": ["/usr/bin/aws", "--endpoint-url", "STS", "sts", "get-caller-identity", "--query", "Arn", "--output", "text"],
    "JavaScript v3": ["node", "--input-type=module", "-e", JAVASCRIPT],
    "Rust": [ROOT / "target/debug/examples/sdk_caller", "/dev/null"],
    "Ruby 3.168": ["ruby", "-e", RUBY],
    "Go v1 (rclone)": ["rclone", "lsd", ":s3:", "--s3-env-auth", "--s3-provider", "Other", "--s3-region", REGION,
                       "--s3-endpoint", "S3", "--low-level-retries", "1", "--retries", "1"],
    "minio-go (restic)": ["restic", "--no-cache", "-r", "s3:S3/bucket", "cat", "config"],
    "C++ (pyarrow)": [TOOLS / "interop/bin/python", "-c", PYARROW],
    "object_store (obstore)": [TOOLS / "interop/bin/python", "-c", OBSTORE],
}

SHELL = 'eval "$(arl assume deploy --shell posix)" && exec "$@"'
# The ways, with the command before the client's and the profile that is selected.
WAYS = {
    "environment": (["sh", "-c", SHELL, "sh"], None),
    "credential_process": ([], "process"),
    "write": ([], "written"),
    "exec --server": ([ARL, "exec", "deploy", "--server", "--"], None),
    "exec, AWS_PROFILE set": ([ARL, "exec", "deploy", "--"], "ann"),
}

NO_PROCESS = "it reads no `credential_process`"
NO_PROFILE = "it reads no profiles"
# Which cells cannot be the role, and why.
EXPECTED = {
    ("Ruby 3.168", "exec --server"): "it knows no `AWS_CONTAINER_CREDENTIALS_FULL_URI`",
    ("minio-go (restic)", "credential_process"): NO_PROCESS,
    ("object_store (obstore)", "credential_process"): NO_PROFILE,
    ("object_store (obstore)", "write"): NO_PROFILE,
}


class Recorder(http.server.BaseHTTPRequestHandler):
    """An S3 that has nothing, and notes who asks."""

    keys = []

    def answer(self):
        found = re.search(r"Credential=(\w+)/|AWS (\w+):", self.headers.get("Authorization", ""))
        if found:
            self.keys.append(found[1] or found[2])
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_PUT = answer

    def log_message(self, *_):
        pass


def caller(client, before, environment, s3):
    """Runs the client, and returns who it was: an ARN, or a key ID, or what it said."""
    Recorder.keys.clear()
    words = [str(word) for word in CLIENTS[client]]
    is_s3 = client not in ("boto3 1.44", "AWS CLI 1.45", "AWS CLI 2.9", "JavaScript v3", "Rust", "Ruby 3.168")
    if is_s3:
        words = [word.replace("S3", s3) if word in ("S3", "s3:S3/bucket") else word for word in words]
    words = [environment["AWS_ENDPOINT_URL_STS"] if word == "STS" else word for word in words]
    try:
        ran = subprocess.run(before + words, env=environment, cwd=TOOLS / "javascript", stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return "no answer within 60 s"
    if is_s3 and Recorder.keys:
        return Recorder.keys[-1]
    last = (ran.stdout.strip() or ran.stderr.strip()).splitlines() or [f"status {ran.returncode}"]
    return last[-1]


def identity(who):
    if who.startswith(ROLE_ARN.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")) or who.startswith("ASIA"):
        return "role"
    return "user" if ":user/" in who or who.startswith("AKIA") else f"none: {who[:100]}"


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    s3 = f"http://127.0.0.1:{server.server_port}"
    wrong = []
    with Loopback() as stage:
        (stage.home / ".aws/config").write_text(
            CONFIG + f"\n[profile process]\nregion = {REGION}\ncredential_process = {ARL} assume deploy --json\n"
            f"\n[profile written]\nregion = {REGION}\n"
        )
        common = stage.environment(AWS_REGION=REGION, AWS_DEFAULT_REGION=REGION, S3=s3, RESTIC_PASSWORD="x")
        subprocess.run([ARL, "write", "deploy", "--profile-name", "written", "--quiet"], env=common, check=True)
        print("| client | " + " | ".join(["control"] + list(WAYS)) + " |")
        print("|---" * (len(WAYS) + 2) + "|")
        for client in CLIENTS:
            control = identity(caller(client, [], {**common, **stage.keys}, s3))
            if control != "user":
                wrong.append(f"{client}, control: {control}")
            cells = [control]
            for way, (before, profile) in WAYS.items():
                environment = {**common, **({"AWS_PROFILE": profile} if profile else {})}
                # A client that uses the source of the role would be the user instead of failing.
                cell = identity(caller(client, before, environment, s3))
                expected = EXPECTED.get((client, way))
                if cell != "role" and (expected is None or cell == "user"):
                    wrong.append(f"{client}, {way}: {cell}")
                if cell == "role" and expected:
                    wrong.append(f"{client}, {way}: it is the role now; take it out of EXPECTED")
                cells.append("role" if cell == "role" else expected or cell)
            print(f"| {client} | " + " | ".join(cells) + " |", flush=True)
    if wrong:
        fail("\n  " + "\n  ".join(wrong))


if __name__ == "__main__":
    sys.exit(main())
