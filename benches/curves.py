#!/usr/bin/env python3
"""Draws what `cargo bench --bench speed -- --contacts N --json` has told of lists of several sizes: CPU a contact and
contacts applied a second, of the server and of the bare engine.

benches/curves.py OUT.svg RESULT.json..."""

import json
import math
import sys

WIDTH, HEIGHT, LEFT, TOP = 380, 240, 60, 40
# Colours that are told apart on light and on dark, and by those who do not see red and green.
LINES = [("insert", "server", "#2563eb", ""), ("insert", "bare", "#2563eb", "5 4"),
         ("update", "server", "#d97706", ""), ("update", "bare", "#d97706", "5 4")]
PANELS = [("CPU a contact, µs", "MicrosPerContact"), ("applied a second, thousands", "AppliedPerSecond")]


def main(out, results):
    results = sorted((json.load(open(path)) for path in results), key=lambda result: result["server"]["contacts"])
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * (WIDTH + LEFT) + 60} {HEIGHT + 105}" '
             'font-family="sans-serif" font-size="12" fill="#6b7280">']
    for number, (title, key) in enumerate(PANELS):
        parts += panel(LEFT + number * (WIDTH + LEFT + 10), title, key, results)
    for number, (load, who, colour, dash) in enumerate(LINES):
        x, y = LEFT + number * 200, HEIGHT + 95
        parts.append(f'<path d="M{x} {y - 4}h30" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
                     f'<text x="{x + 36}" y="{y}">{load}, {"the server" if who == "server" else "bare engine"}</text>')
    open(out, "w").write("\n".join(parts + ["</svg>", ""]))


def panel(left, title, key, results):
    scale = 1000 if key == "AppliedPerSecond" else 1
    series = {line: list(points(line, key, scale, results)) for line in LINES}
    top = max(value for found in series.values() for _, value in found) * 1.1
    sizes = [result["server"]["contacts"] for result in results]
    low, high = math.log10(sizes[0]), math.log10(sizes[-1])

    def place(size, value):
        return left + (math.log10(size) - low) / (high - low) * WIDTH, TOP + HEIGHT * (1 - value / top)

    yield f'<text x="{left}" y="{TOP - 16}" font-weight="bold">{title}</text>'
    for step in range(5):
        value = top / 1.1 * step / 4
        y = place(sizes[0], value)[1]
        yield f'<path d="M{left} {y:.1f}h{WIDTH}" stroke="#6b7280" stroke-opacity=".3"/>'
        yield f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.0f}</text>'
    for size in sizes:
        yield f'<text x="{place(size, 0)[0]:.1f}" y="{TOP + HEIGHT + 20}" text-anchor="middle">{size:,}</text>'
    for (_, _, colour, dash), found in series.items():
        line = " ".join("%.1f,%.1f" % place(*point) for point in found)
        yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'


def points(line, key, scale, results):
    """By size, the mean of what was measured."""
    load, who = line[:2]
    for result in results:
        found = [pair[who + key] for pair in result["pairs"] if pair["name"] == load]
        yield result["server"]["contacts"], sum(found) / len(found) / scale


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
