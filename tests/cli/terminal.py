"""A terminal that answers what line editors ask it: python terminal.py COMMAND... <LINES

Types one line after the other, each when the shell waits for it: after every line it types `touch step-N`, waits
for that file, and for the prompt to be drawn, since some line editors throw away what is typed before. A line
FILE<tab>LINE makes FILE itself, and nothing is typed after it. What the screen showed goes to standard output.
"""

import os
import pty
import select
import signal
import sys
import termios

# How much the screen has shown.
shown = [0]
ANSWERS = {b"\x1b[6n": b"\x1b[1;1R", b"\x1b[c": b"\x1b[?62;c", b"\x1b]11;?": b"\x1b]11;rgb:0000/0000/0000\x1b\\"}


def main():
    # A shell that waits for something else must not hold the tests up for ever.
    signal.alarm(120)
    lines = sys.stdin.read().splitlines()
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    attributes = termios.tcgetattr(terminal)
    attributes[6][termios.VEOF] = b"\x04"
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
    seen = [0]
    pump(terminal, lambda: seen[0] > 0, seen)
    for number, line in enumerate(lines):
        file, tab, own = line.partition("\t")
        step = f"step-{number}"
        for typed, done in ((own, file),) if tab else ((line, None), (f"touch {step}", step)):
            settle(terminal)
            os.write(terminal, typed.encode() + b"\r")
            if done and not pump(terminal, lambda: os.path.exists(done)):
                sys.exit(f"the shell ended before: {line}")
    settle(terminal)
    os.write(terminal, b"exit\r")
    pump(terminal, lambda: False)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def settle(terminal):
    """Waits until the shell has nothing more to say."""
    quiet = 0
    while quiet < 10:
        seen = [0]
        if not pump(terminal, lambda: True, seen):
            return
        quiet = 0 if seen[0] else quiet + 1


def pump(terminal, is_done, seen=None):
    """Shows what comes and answers it, until done; False when the other end is gone."""
    while True:
        if select.select([terminal], [], [], 0.02)[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError:
                return False
            if not data:
                return False
            shown[0] += len(data)
            if shown[0] > 1_000_000:
                sys.exit("the shell never stops writing")
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            for question, answer in ANSWERS.items():
                os.write(terminal, answer * data.count(question))
            if seen:
                seen[0] += len(data)
        if is_done():
            return True


main()
