"""Accuracy against speed as an SVG picture: a line for each knob of a search, a mark for each of its values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import NamedTuple

from pipeline.draw.colours import COLOURS, look
from pipeline.draw.scale import round_values
from pipeline.search.sweep import Row, value_shown

LEFT, WIDTH, TOP, HEIGHT, BETWEEN, LEGEND = 56, 620, 76, 300, 64, 180  # pixels
MOST_RATES = 8  # at the side of a panel
R = 5.0  # of a mark, half its width
SHAPES = {
    "circle": f"M{-R} 0a{R} {R} 0 1 0 {2 * R} 0a{R} {R} 0 1 0 {-2 * R} 0z",
    "square": f"M{-R} {-R}h{2 * R}v{2 * R}h{-2 * R}z",
    "triangle": f"M0 {-R}L{R} {R}H{-R}z",
    "diamond": f"M0 {-1.3 * R}L{1.3 * R} 0L0 {1.3 * R}L{-1.3 * R} 0z",
    "cross": f"M{-R} -1.7h3.3v-3.3h3.4v3.3h3.3v3.4h-3.3v3.3h-3.4v-3.3h-3.3z",
}
_STYLE = """
text{font:12px ui-sans-serif,system-ui,sans-serif;fill:#2b2a27}.axis{fill:#77736a;font-size:11px}
.grid{stroke:#d9d5cb}.title{font-weight:600;font-size:14px}.ground{fill:#fbfaf7}
.used{fill:none;stroke:#2b2a27;pointer-events:none}
.line{fill:none;stroke-width:1.5}g:hover>.line{stroke-width:3.5}
@media(prefers-color-scheme:dark){text{fill:#e6e2d8}.axis{fill:#98938a}.grid{stroke:#3a3a3e}.ground{fill:#17181b}
.used{stroke:#e6e2d8}}
"""


class _Panel(NamedTuple):
    """A rate over speed: where its upper edge is, the rates at its lower and upper edge, the logarithms (base 10) of
    the speeds at its sides."""

    name: str
    top: float
    rates: tuple[float, float]
    speeds: tuple[float, float]

    def x(self, rtf: float) -> float:
        first, last = self.speeds
        return LEFT + WIDTH * (math.log10(rtf) - first) / (last - first)

    def y(self, rate: float) -> float:
        low, high = self.rates
        return self.top + HEIGHT * (1 - (min(rate, high) - low) / (high - low))


def sweep_svg(name: str, rows: Sequence[Row]) -> list[str]:
    """The lines of the picture: WER above, PER below, over the real-time factor. A ring is around the setting in use;
    pointing at a mark shows its numbers. Light or dark as the reader's system is set."""
    knobs = list(dict.fromkeys(row.knob for row in rows))
    logs = [math.log10(row.rtf) for row in rows]
    speeds = min(logs) - 0.05, max(logs) + 0.05
    wordless = list(dict.fromkeys(row.knob for row in rows if math.isnan(row.wer)))
    free = f" ({', '.join(wordless)}: free PER)" if wordless else ""
    panels: list[tuple[_Panel, list[tuple[Row, float]]]] = []
    for title, all_points in (
        ("WER %", [(row, row.wer) for row in rows if not math.isnan(row.wer)]),
        (f"PER %{free}", [(row, row.per) for row in rows]),
    ):
        if all_points:
            top = TOP + len(panels) * (HEIGHT + BETWEEN)
            panels.append((_Panel(title, top, _range(all_points), speeds), all_points))
    width, height = LEFT + WIDTH + LEGEND, TOP + len(panels) * (HEIGHT + BETWEEN)
    title = escape(f"{name} on dev: accuracy against speed, one knob at a time")
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' role="img"><title>{title}</title><style>{_STYLE}{_colours(knobs)}</style>',
        '<rect class="ground" width="100%" height="100%"/>',
        f'<text class="title" x="16" y="24">{title}</text>',
        '<text class="axis" x="16" y="42">a ring: the setting in use; a mark at the upper edge may lie above it</text>',
    ]
    for panel, points in panels:
        out += _axes(panel)
        for knob, own in groupby(points, lambda point: point[0].knob):
            out += _line(panel, list(own), knobs.index(knob))
        ring = [f'cx="{panel.x(row.rtf):.1f}" cy="{panel.y(rate):.1f}"' for row, rate in points if row.used][:1]
        out += [f'<circle class="used" r="{2 * R}" {place}/>' for place in ring]
    return [*out, *_legend(knobs), "</svg>"]


def _range(points: Sequence[tuple[Row, float]]) -> tuple[float, float]:
    """Of the rates that are drawn, so that the few very bad ones leave room for the others: up to thrice the one in
    use, or the median."""
    rates = sorted(rate for _, rate in points)
    middle = next((rate for row, rate in points if row.used), rates[len(rates) // 2])
    high = min(rates[-1], max(3 * middle, middle + 5))
    margin = max(high - rates[0], 1.0) / 20
    return max(rates[0] - margin, 0.0), high + margin


def _colours(knobs: Sequence[str]) -> str:
    """A class for each knob."""
    light, dark = (
        "".join(
            f".k{number}{{fill:{tones[look(number)[0]]};stroke:{tones[look(number)[0]]}}}"
            for number in range(len(knobs))
        )
        for tones in (COLOURS["light"], COLOURS["dark"])
    )
    return f"{light}@media(prefers-color-scheme:dark){{{dark}}}"


def _axes(panel: _Panel) -> list[str]:
    bottom, (low, high), (first, last) = panel.top + HEIGHT, panel.rates, panel.speeds
    out = [f'<text x="{LEFT}" y="{panel.top - 8:.0f}">{escape(panel.name)}</text>']
    for rate in round_values(low, high, MOST_RATES):
        y = panel.y(rate)
        out += [
            f'<line class="grid" x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>',
            f'<text class="axis" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{rate:g}</text>',
        ]
    many = last - first > 1.3
    for value in (m * 10.0**e for e in range(-7, 5) for m in ((1, 2, 5) if many else (1, 1.5, 2, 3, 4, 5, 6, 8))):
        if first <= math.log10(value) <= last:
            x = panel.x(value)
            out += [
                f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{panel.top}" y2="{bottom}"/>',
                f'<text class="axis" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>',
            ]
    return [*out, f'<text class="axis" x="{LEFT + WIDTH}" y="{bottom + 32}" text-anchor="end">real-time factor</text>']


def _line(panel: _Panel, points: Sequence[tuple[Row, float]], number: int) -> list[str]:
    """The values of one knob, in order."""
    at = [(panel.x(row.rtf), panel.y(rate)) for row, rate in points]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in at)
    out = ["<g>", f'<path class="line k{number}" d="{path}" style="fill:none"/>']
    for (x, y), (row, rate) in zip(at, points):
        out.append(
            f'<g transform="translate({x:.1f} {y:.1f})"><title>{escape(_description(row, rate, panel.name))}</title>'
            f'<path class="k{number}" d="{SHAPES[look(number)[1]]}"/></g>'
        )
    return [*out, "</g>"]


def _description(row: Row, rate: float, name: str) -> str:
    return f"{row.knob} {value_shown(row.value)}: {name.split()[0]} {rate:.1f} %, real-time factor {row.rtf:.4f}"


def _legend(knobs: Sequence[str]) -> list[str]:
    x = LEFT + WIDTH + 24
    return [
        f'<path class="k{number}" transform="translate({x} {TOP + 8 + 20 * number})" d="{SHAPES[look(number)[1]]}"/>'
        f'<text x="{x + 14}" y="{TOP + 12 + 20 * number}">{escape(knob)}</text>'
        for number, knob in enumerate(knobs)
    ]
