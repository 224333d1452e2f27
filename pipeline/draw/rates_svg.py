"""Loss against learning rate as an SVG picture: each update a dot, their moving average a line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from pipeline.draw.colours import COLOURS
from pipeline.draw.scale import round_values
from pipeline.neural.rates import Tried, least_of

LEFT, WIDTH, TOP, HEIGHT, RIGHT, BELOW = 56, 620, 76, 300, 24, 52  # pixels
MOST_LOSSES = 8  # at the side
_STYLE = f"""
text{{font:12px ui-sans-serif,system-ui,sans-serif;fill:#2b2a27}}.axis{{fill:#77736a;font-size:11px}}
.grid{{stroke:#d9d5cb}}.title{{font-weight:600;font-size:14px}}.ground{{fill:#fbfaf7}}
.line{{fill:none;stroke:{COLOURS["light"][0]};stroke-width:2}}.dot{{fill:{COLOURS["light"][0]};opacity:.35}}
.mark{{stroke:#77736a;stroke-dasharray:4 3}}
@media(prefers-color-scheme:dark){{text{{fill:#e6e2d8}}.axis{{fill:#98938a}}.grid{{stroke:#3a3a3e}}
.ground{{fill:#17181b}}.line{{stroke:{COLOURS["dark"][0]}}}.dot{{fill:{COLOURS["dark"][0]}}}.mark{{stroke:#98938a}}}}
"""


def rates_svg(name: str, tried: Sequence[Tried], used: float) -> list[str]:
    """The lines of the picture. Upright lines are where the loss is least, and the rate in use, which may lie outside.
    Losses beyond thrice the least are drawn at the upper edge. Light or dark as the reader's system is set."""
    logs = [math.log10(one.rate) for one in tried]
    high = min(1.05 * max(one.loss for one in tried), 3 * least_of(tried).smooth)
    low = 0.9 * min(min(one.loss, one.smooth) for one in tried)

    def x(rate: float) -> float:
        return LEFT + WIDTH * (math.log10(rate) - logs[0]) / (logs[-1] - logs[0])

    def y(loss: float) -> float:
        return TOP + HEIGHT * (high - min(loss, high)) / (high - low)

    width, height = LEFT + WIDTH + RIGHT, TOP + HEIGHT + BELOW
    title = escape(f"{name}: loss per phone while the learning rate rises")
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' role="img"><title>{title}</title><style>{_STYLE}</style>',
        '<rect class="ground" width="100%" height="100%"/>',
        f'<text class="title" x="16" y="24">{title}</text>',
    ]
    for loss in round_values(low, high, MOST_LOSSES):
        out += [
            f'<line class="grid" x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y(loss):.1f}" y2="{y(loss):.1f}"/>',
            f'<text class="axis" x="{LEFT - 8}" y="{y(loss) + 4:.1f}" text-anchor="end">{loss:g}</text>',
        ]
    for rate in (m * 10.0**e for e in range(-9, 0) for m in (1, 3)):
        if tried[0].rate <= rate <= tried[-1].rate:
            out.append(
                f'<text class="axis" x="{x(rate):.1f}" y="{TOP + HEIGHT + 16}" text-anchor="middle">{rate:g}</text>'
            )
    marks = {"least": least_of(tried).rate, "in use": used}
    inside = {word: rate for word, rate in marks.items() if tried[0].rate <= rate <= tried[-1].rate}
    for number, (word, rate) in enumerate(inside.items()):
        out += [
            f'<line class="mark" x1="{x(rate):.1f}" x2="{x(rate):.1f}" y1="{TOP}" y2="{TOP + HEIGHT}"/>',
            f'<text class="axis" x="{x(rate):.1f}" y="{TOP - 4 - 12 * number}" text-anchor="middle">{word}</text>',
        ]
    out += [f'<circle class="dot" cx="{x(one.rate):.1f}" cy="{y(one.loss):.1f}" r="2.5"/>' for one in tried]
    path = "M" + "L".join(f"{x(one.rate):.1f} {y(one.smooth):.1f}" for one in tried)
    out.append(f'<path class="line" d="{path}"/>')
    middle = LEFT + WIDTH / 2
    out.append(f'<text class="axis" x="{middle}" y="{TOP + HEIGHT + 36}" text-anchor="middle">learning rate</text>')
    return [*out, "</svg>"]
