"""Whether arl and the shells with its hook grow while they renew sessions for an hour: python tests/proof/soak.py

Sessions last SESSION_SECONDS. `arl exec --server` renews them for a command that asks its endpoint four times a
second, and interactive shells with ARL_ON_EXPIRY=refresh renew theirs at their prompts. ARL_SOAK_SECONDS sets how
long. Memory (RSS), open descriptors and cached files are sampled each second. The first fifth is for warming up;
after it the fifth that follows is compared with the last fifth.
"""

import os
import pty
import re
import resource
import select
import shutil
import signal
import statistics
import subprocess
import sys
import time

from loopback import ARL, ROLE_ARN, Loopback, fail

DURATION = float(os.environ.get("ARL_SOAK_SECONDS", "3600"))
SESSION_SECONDS = 8
# What a heap may grow by without a leak: freed memory goes back to the kernel in pieces.
ALLOWED_GROWTH_KIB = 512

# Asks the endpoint as an SDK does, and writes each new key ID.
CLIENT = r"""
import json, os, time, urllib.request
request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
                                 headers={"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]})
last = None
while True:
    answer = json.load(urllib.request.urlopen(request, timeout=5))
    assert answer["RoleArn"] == "ROLE_ARN", answer
    if answer["AccessKeyId"] != last:
        last = answer["AccessKeyId"]
        print(last, flush=True)
    time.sleep(0.25)
""".replace("ROLE_ARN", ROLE_ARN)

SHELLS = {
    "bash": ["bash", "--noprofile", "--norc", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}


class Process:
    """One process that is watched."""

    def __init__(self, name, pid):
        self.name, self.pid = name, pid
        self.rss, self.descriptors = [], []
        self.keys = set()

    def sample(self):
        status = open(f"/proc/{self.pid}/status").read()
        self.rss.append(int(re.search(r"VmRSS:\s+(\d+)", status)[1]))
        self.descriptors.append(len(os.listdir(f"/proc/{self.pid}/fd")))


class Server(Process):
    def __init__(self, stage):
        command = [ARL, "exec", "deploy", "--server", "--", sys.executable, "-c", CLIENT]
        self.child = subprocess.Popen(command, env=stage.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        super().__init__("exec --server", self.child.pid)

    def work(self):
        while select.select([self.child.stdout], [], [], 0)[0]:
            line = self.child.stdout.readline()
            if not line:
                fail(f"exec --server ended: {self.child.stderr.read().decode()[-2000:]}")
            self.keys.add(line.strip())

    def stop(self):
        self.child.terminate()
        self.child.wait()


class Shell(Process):
    def __init__(self, name, stage):
        pid, self.terminal = pty.fork()
        if pid == 0:
            more = {"ARL_ON_EXPIRY": "refresh", "TERM": "dumb", "HISTFILE": "", "HISTSIZE": "1", "fish_history": ""}
            os.execvpe(SHELLS[name][0], SHELLS[name], stage.environment(**more))
        super().__init__(name, pid)
        self.screen = b""
        self.type("arl init fish | source" if name == "fish" else f'eval "$(arl init {name})"')
        self.type("arl assume deploy")

    def type(self, line):
        os.write(self.terminal, line.encode() + b"\r")

    def work(self):
        """Reads what the shell printed, and asks it for its key. Each line makes a prompt, at which the hook runs."""
        while select.select([self.terminal], [], [], 0)[0]:
            self.screen += os.read(self.terminal, 65536)
        self.keys.update(re.findall(rb"key:(\w+):", self.screen))
        self.screen = self.screen[-4096:]
        self.type('echo "key:$AWS_ACCESS_KEY_ID:"')

    def stop(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def report(process):
    """Prints first, last and largest values. Returns what has grown."""
    fifth = len(process.rss) // 5
    early, late = slice(fifth, 2 * fifth), slice(-fifth, None)
    rss = process.rss
    growth = statistics.median(rss[late]) - statistics.median(rss[early])
    fds = process.descriptors[fifth:]
    print(
        f"| {process.name} | {len(process.keys)} | {rss[fifth]} / {rss[-1]} / {max(rss[fifth:])} | {growth:+.0f} "
        f"| {fds[0]} / {fds[-1]} / {max(fds)} |"
    )
    # One session in three must have been seen, else the program did not renew.
    if len(process.keys) < DURATION / SESSION_SECONDS / 3:
        yield f"{process.name} renewed only {len(process.keys)} times"
    if growth > ALLOWED_GROWTH_KIB:
        yield f"{process.name} grew by {growth:.0f} KiB"
    if statistics.median(process.descriptors[late]) > statistics.median(process.descriptors[early]):
        yield f"{process.name} holds more descriptors at the end"


def main():
    with Loopback(SESSION_SECONDS) as stage:
        processes = [Server(stage)] + [Shell(name, stage) for name in SHELLS if shutil.which(name)]
        cached = []
        end = time.monotonic() + DURATION
        while time.monotonic() < end:
            for process in processes:
                process.work()
                process.sample()
            cached.append(sum(len(files) for _, _, files in os.walk(stage.home / ".cache")))
            time.sleep(1)
        for process in processes:
            process.stop()
        print(f"{DURATION:.0f} s, sessions of {SESSION_SECONDS} s, one sample per second; the last fifth is compared\n")
        print("| process | sessions seen | RSS in KiB: first / last / max | growth | descriptors: first / last / max |")
        print("|---|---|---|---|---|")
        grown = [what for process in processes for what in report(process)]
        fifth = len(cached) // 5
        print(f"\nfiles in the cache directory: {cached[fifth]} first, {cached[-1]} last, {max(cached)} at most")
        if max(cached[-fifth:]) > max(cached[fifth : 2 * fifth]):
            grown.append("the cache directory has more files at the end")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        print(f"largest process started here: {peak} KiB")
        if grown:
            fail("; ".join(grown))


if __name__ == "__main__":
    main()
