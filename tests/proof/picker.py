"""How fast the picker is over many roles: python3 tests/proof/picker.py [ARL] (ARL_PICKER_ROLES, 10000).

Reads what a pseudo-terminal shows. A frame counts when its last byte has come.
"""

import fcntl
import os
import pty
import select
import shutil
import struct
import sys
import tempfile
import termios
import time

ARL = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "target/debug/arl")
ROLES = int(os.environ.get("ARL_PICKER_ROLES", "10000"))
TYPED = "payments 9 deploy3"
ROUNDS = 20
# A frame ends with the cursor's move back to the first line.
END = b"A"


def main():
    home = tempfile.mkdtemp()
    os.mkdir(f"{home}/.aws")
    with open(f"{home}/.aws/config", "w", encoding="utf-8") as config:
        config.write("[default]\nregion = eu-west-1\n")
        for number in range(ROLES):
            account = 111122220000 + number // 6
            role = f"arn:aws:iam::{account}:role/Deploy{number % 6}"
            config.write(f"[profile payments-支払い-{number}]\nrole_arn = {role}\nsource_profile = default\n")
    with open(f"{home}/.aws/credentials", "w", encoding="utf-8") as credentials:
        credentials.write("[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n")
    first, keys, memory = [], [], 0
    for _ in range(ROUNDS):
        began = time.perf_counter()
        child, terminal = pty.fork()
        if child == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            environment = {"HOME": home, "PATH": "/usr/bin:/bin", "TERM": "xterm", "LC_ALL": "C.UTF-8"}
            os.execve(ARL, [ARL, "exec", "--", "true"], environment)
        first.append(frame(terminal, began))
        for key in TYPED + "\x7f\x7f":
            began = time.perf_counter()
            os.write(terminal, key.encode())
            keys.append(frame(terminal, began))
        with open(f"/proc/{child}/status", encoding="utf-8") as status:
            peak = next(line for line in status if line.startswith("VmHWM"))
            memory = max(memory, int(peak.split()[1]))
        os.write(terminal, b"\x1b")
        while select.select([terminal], [], [], 1)[0]:
            try:
                os.read(terminal, 65536)
            except OSError:
                break
        os.waitpid(child, 0)
        os.close(terminal)
    shutil.rmtree(home)
    print(f"{ROLES} roles, {ROUNDS} runs of {len(TYPED) + 2} keys, peak memory {memory / 1024:.1f} MiB")
    print("| | p50 | p99 | worst |\n|---|---|---|---|")
    for name, times in (("first frame", first), ("a key", keys)):
        times.sort()
        p50, p99 = times[len(times) // 2], times[min(len(times) - 1, len(times) * 99 // 100)]
        print(f"| {name} | {p50:.1f} ms | {p99:.1f} ms | {times[-1]:.1f} ms |")


def frame(terminal, began):
    """Milliseconds until the terminal has a whole frame."""
    seen = b""
    while True:
        if not select.select([terminal], [], [], 10)[0]:
            sys.exit(f"no frame came after: {seen[-200:]!r}")
        seen += os.read(terminal, 65536)
        # `ESC [ rows A` moves up to the first line, and `ESC [ column C` to the cursor.
        if b"\x1b[J" in seen and END in seen.rsplit(b"\x1b[J", 1)[1]:
            return (time.perf_counter() - began) * 1000


main()
