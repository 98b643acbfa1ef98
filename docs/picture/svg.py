"""Draws the screens of a terminal as an animated SVG: each line of text is there for a part of the time."""

from html import escape

WIDTH, HEIGHT, MARGIN, BAR = 8.4, 19, 16, 30
COLORS = ["red", "green", "brown", "blue", "magenta", "cyan"]

STYLE = """
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:var(--text);white-space:pre}
svg{--back:#fff;--edge:#d0d7de;--text:#1f2328;--red:#cf222e;--green:#116329;--brown:#7d4e00;--blue:#0550ae;--magenta:#8250df;--cyan:#1b7c83}
@media(prefers-color-scheme:dark){svg{--back:#0d1117;--edge:#30363d;--text:#e6edf3;--red:#ff7b72;--green:#56d364;--brown:#e3b341;--blue:#79c0ff;--magenta:#d2a8ff;--cyan:#56d4dd}}
.b{font-weight:700}.w{fill:var(--back);stroke:var(--edge)}.d{fill:var(--edge)}.c{fill:var(--text);opacity:.55}
"""


def rows(screen):
    """The rows of a pyte screen as runs of (column, text, style), the cursor included."""
    result = []
    for y in range(screen.lines):
        runs, line = [], screen.buffer[y]
        for x in range(screen.columns):
            cell = line[x]
            style = (cell.fg.replace("bright", "") if cell.fg != "default" else "", cell.bold)
            if runs and runs[-1][2] == style and runs[-1][0] + len(runs[-1][1]) == x:
                runs[-1] = (runs[-1][0], runs[-1][1] + cell.data, style)
            elif cell.data != " ":
                runs.append((x, cell.data, style))
        runs = [(x, text.rstrip(), style) for x, text, style in runs]
        if y == screen.cursor.y and not screen.cursor.hidden:
            runs.append((screen.cursor.x, None, None))
        result.append(tuple(run for run in runs if run[1] != ""))
    return tuple(result)


def lifetimes(frames):
    """Yields each content of a row with the times at which it appears and disappears. Of several frames with
    the same time, only the last one counts."""
    end = frames[-1][0]
    shown = [frame for frame, following in zip(frames, frames[1:]) if following[0] > frame[0]]
    times = [time for time, _ in shown] + [end]
    for y in range(len(shown[0][1])):
        begin = 0
        for index in range(1, len(shown) + 1):
            if index == len(shown) or shown[index][1][y] != shown[begin][1][y]:
                if shown[begin][1][y]:
                    yield y, shown[begin][1][y], times[begin], times[index]
                begin = index


def line(y, runs):
    top = BAR + MARGIN + y * HEIGHT
    parts = []
    for x, text, style in runs:
        left = round(MARGIN + x * WIDTH, 1)
        if text is None:
            parts.append(f'<rect class="c" x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT - 2}"/>')
            continue
        color, is_bold = style
        look = (' class="b"' if is_bold else "") + (f' style="fill:var(--{color})"' if color in COLORS else "")
        length = round(len(text) * WIDTH, 1)
        parts.append(f'<text x="{left}" y="{top + 14}" textLength="{length}"{look}>{escape(text, quote=False)}</text>')
    return "".join(parts)


def draw(frames, still, columns, lines):
    width = round(columns * WIDTH + 2 * MARGIN)
    height = BAR + 2 * MARGIN + lines * HEIGHT
    total = frames[-1][0]
    groups = {}
    for y, runs, begin, end in lifetimes(frames):
        groups.setdefault((begin, end), []).append(line(y, runs))
    percent = lambda time: f"{round(100 * time / total, 2):g}%"
    rules, body = [], []
    for number, ((begin, end), parts) in enumerate(sorted(groups.items())):
        steps = "" if begin == 0 else "0%{visibility:hidden}"
        steps += f"{percent(begin)}{{visibility:visible}}"
        steps += "" if end >= total else f"{percent(end)}{{visibility:hidden}}"
        # Without animation, only the still frame is there.
        hidden = "" if begin <= still < end else ";visibility:hidden"
        rules.append(f"#l{number}{{animation-name:k{number}{hidden}}}@keyframes k{number}{{{steps}}}")
        body.append(f'<g id="l{number}">{"".join(parts)}</g>')
    style = STYLE + f"g{{animation:{total:.1f}s step-end infinite}}@media(prefers-reduced-motion){{g{{animation:none!important}}}}"
    dots = "".join(f'<circle class="d" cx="{MARGIN + 4 + 18 * n}" cy="{BAR // 2 + 2}" r="5"/>' for n in range(3))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<style>{style}{''.join(rules)}</style>"
        f'<rect class="w" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8"/>{dots}{"".join(body)}</svg>\n'
    )
