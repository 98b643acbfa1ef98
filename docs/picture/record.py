"""Records the session of docs/demo.svg: the real program in bash at a terminal, against the loopback STS.

    python3 docs/picture/record.py > docs/demo.svg        (make pictures)

What is typed is in SCENES. The output is what the programs print; only the pauses are this script's.
"""

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import pyte

import svg

COLUMNS, ROWS = 92, 12
ROOT = Path(__file__).resolve().parents[2]
# The prompt contains an escape sequence that terminals ignore, so this script sees that bash is at its prompt.
READY = b"\x1b]133;A\x07"
PROMPT = r"\[\e]133;A\a\]\[\e[1;32m\]${ARL_ROLE:+$ARL_ROLE }\[\e[0m\]$ "
KEY_SECONDS = 0.035
TIMEOUT = 20

CONFIG = "".join(
    f"[profile {name}]\nrole_arn = arn:aws:iam::123456789012:role/{role}\nsource_profile = ann\nregion = eu-west-1\n"
    for name, role in [
        ("staging", "ReadOnly"),
        ("prod-deploy", "Deploy"),
        ("prod-admin", "Closed"),
        ("payments-api", "Deploy"),
        ("payments-web", "ReadOnly"),
    ]
)

# Each scene begins with an empty screen. It has the duration of sessions in seconds (None: an hour), and for each
# line what is typed, how many seconds there are to read the answer, and what is typed into the list of roles. An
# empty line comes after the session has expired; the wait for that is not shown.
SCENES = [
    (
        None,
        [
            ("arl assume", 1, "prod dep"),
            ("aws sts get-caller-identity --query Arn --output text", 1.5),
            ("arl assume staging --duration 24h && terraform apply", 2.2),
            ("arl assume staging", 1),
            ("arl assume -", 1.2),
            ("arl clear", 1.8),
        ],
    ),
    (None, [("arl each 'payments-*' -- aws sts get-caller-identity --query Arn --output text", 3)]),
    (
        4,
        [
            ("arl assume prod-deploy", 0.8),
            ("# an hour later (here: four seconds)", 0.4),
            ("", 2.2),
            ("arl status", 2.5),
        ],
    ),
]
# The frame for viewers without animation: the end of this scene.
STILL_SCENE = 0


class Sts:
    """The loopback STS, which exits when its standard input is closed."""

    def __init__(self, home, seconds):
        arguments = [ROOT / "target/debug/arl-sts"] + (["--session-seconds", str(seconds)] if seconds else [])
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        lines = [self.process.stdout.readline().strip().split("=", 1) for _ in range(4)]
        values = dict(lines)
        self.url = values["AWS_ENDPOINT_URL_STS"]
        keys = "[ann]\naws_access_key_id = {AWS_ACCESS_KEY_ID}\naws_secret_access_key = {AWS_SECRET_ACCESS_KEY}\n"
        (home / ".aws/credentials").write_text(keys.format(**values))

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Terminal:
    """bash at a pseudo-terminal. Each state of the screen is saved with its time."""

    def __init__(self, home, url, frames):
        self.frames, self.screen = frames, pyte.Screen(COLUMNS, ROWS)
        self.stream, self.now = pyte.ByteStream(self.screen), frames[-1][0] if frames else 0.0
        environment = {
            "PATH": f"{ROOT}/target/debug:{ROOT}/.tools/peers/bin:/usr/bin:/bin",
            "HOME": str(home),
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "PS1": PROMPT,
            "AWS_ENDPOINT_URL": url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "ARL_ROLE_SESSION_NAME": "ann",
        }
        (home / "rc").write_text(f'bind "set enable-bracketed-paste off"\nPS1=\'{PROMPT}\'\neval "$(arl init bash)"\n')
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe("bash", ["bash", "--noprofile", "--rcfile", str(home / "rc"), "-i"], environment)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def keep(self, seconds):
        """The screen stays as it is for a time."""
        self.frames.append((self.now, svg.rows(self.screen)))
        self.now += seconds

    def read_until(self, is_done, gap):
        """Reads what is printed. Each part of it is shown, at most `gap` seconds after the previous one."""
        seen, last = b"", time.monotonic()
        while not is_done(seen):
            if not select.select([self.fd], [], [], TIMEOUT)[0]:
                sys.exit(f"the terminal is silent after {seen!r}")
            part = os.read(self.fd, 65536)
            seen += part
            self.stream.feed(part)
            if gap:
                self.keep(min(time.monotonic() - last, gap))
                last = time.monotonic()

    def wait_for_prompt(self, gap=0.0):
        self.read_until(lambda seen: READY in seen and seen.endswith(b"$ "), gap)

    def type(self, text):
        for character in text:
            os.write(self.fd, character.encode())
            self.read_until(lambda seen: seen != b"", 0)
            self.keep(KEY_SECONDS)
        self.keep(0.4)
        os.write(self.fd, b"\r")

    def choose(self, words):
        """Types words into the list of roles, slowly enough to see what is left of it."""
        self.read_until(lambda seen: any("role>" in line for line in self.screen.display), 0)
        self.keep(1.2)
        for character in words:
            os.write(self.fd, character.encode())
            self.read_until(lambda seen: seen != b"", 0)
            self.keep(0.3)
        self.keep(0.7)
        os.write(self.fd, b"\r")

    def end(self):
        os.write(self.fd, b"\x04")
        try:
            while os.read(self.fd, 65536):
                pass
        except OSError:
            pass  # Linux reports a closed terminal this way.
        os.waitpid(self.pid, 0)


def record():
    frames, still = [], 0.0
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        (home / ".aws").mkdir()
        (home / ".aws/config").write_text(CONFIG)
        for number, (seconds, lines) in enumerate(SCENES):
            shutil.rmtree(home / ".cache", ignore_errors=True)
            sts = Sts(home, seconds)
            terminal = Terminal(home, sts.url, frames)
            terminal.wait_for_prompt()
            terminal.keep(0.8)
            for line, pause, *choice in lines:
                if not line:
                    time.sleep(seconds)
                terminal.type(line)
                for words in choice:
                    terminal.choose(words)
                terminal.wait_for_prompt(gap=0.3)
                terminal.keep(pause)
            if number == STILL_SCENE:
                still = frames[-1][0]
            frames.append((terminal.now, frames[-1][1]))
            terminal.end()
            sts.stop()
    return frames, still


def main():
    frames, still = record()
    picture = svg.draw(frames, still, COLUMNS, ROWS)
    for secret in [str(ROOT), tempfile.gettempdir(), os.environ.get("HOME", "/root"), "ASIA", "AKIA"]:
        if secret in picture:
            sys.exit(f"the picture shows {secret}")
    texts = re.sub(r"<[^>]*>", "", picture)
    for account in set(re.findall(r"\b\d{12}\b", texts)) - {"123456789012", "111122223333"}:
        sys.exit(f"the picture shows the account {account}")
    sys.stdout.write(picture)


main()
