"""Cost per hour of speech and peak memory against the size of the corpus, as an SVG picture with two panels."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from pipeline.draw.colours import COLOURS  # noqa: E402
from pipeline.draw.scale import round_values  # noqa: E402

LEFT, WIDTH, TOP, HEIGHT, BETWEEN, BELOW = 64, 620, 64, 180, 64, 52  # pixels
Point = tuple[float, float, float]  # hours of speech, processor seconds per hour, MB


def _style(names: Sequence[str]) -> str:
    light, dark = (
        "".join(
            f".s{i}{{stroke:{COLOURS[theme][i]}}}.d{i},text.n{i}{{fill:{COLOURS[theme][i]}}}" for i in range(len(names))
        )
        for theme in ("light", "dark")
    )
    return (
        "text{font:12px ui-sans-serif,system-ui,sans-serif;fill:#2b2a27}.axis{fill:#77736a;font-size:11px}"
        ".grid{stroke:#d9d5cb}.title{font-weight:600;font-size:14px}.ground{fill:#fbfaf7}"
        f".line{{fill:none;stroke-width:2}}{light}"
        "@media(prefers-color-scheme:dark){text{fill:#e6e2d8}.axis{fill:#98938a}.grid{stroke:#3a3a3e}"
        f".ground{{fill:#17181b}}{dark}}}"
    )


def growth_svg(found: Mapping[str, Sequence[Point]]) -> list[str]:
    """The lines of the picture: by name the points of each stage, of which the hours are on a logarithmic axis."""
    names, height = list(found), TOP + 2 * HEIGHT + BETWEEN + BELOW
    logs = [math.log2(point[0]) for points in found.values() for point in points]
    low, high = min(logs), max(max(logs), min(logs) + 1)
    title = "Cost per hour of speech, and peak memory, as the corpus grows"
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 40}" height="{height}"'
        f' viewBox="0 0 {LEFT + WIDTH + 40} {height}" role="img"><title>{title}</title><style>{_style(names)}</style>',
        '<rect class="ground" width="100%" height="100%"/>',
        f'<text class="title" x="16" y="24">{title}</text>',
    ]
    out += [f'<text class="n{i}" x="{LEFT + 80 * i}" y="44">{name}</text>' for i, name in enumerate(names)]

    def x(hours: float) -> float:
        return LEFT + WIDTH * (math.log2(hours) - low) / (high - low)

    out += _panel(found, TOP, 1, "processor seconds an hour", x)
    out += _panel(found, TOP + HEIGHT + BETWEEN, 2, "MB", x)
    for hours in sorted({point[0] for points in found.values() for point in points}):
        out.append(
            f'<text class="axis" x="{x(hours):.1f}" y="{height - BELOW + 16}" text-anchor="middle">{hours:.3g}</text>'
        )
    return [*out, f'<text class="axis" x="{LEFT}" y="{height - 16}">hours of speech</text></svg>']


def _panel(
    found: Mapping[str, Sequence[Point]], top: int, column: int, unit: str, x: Callable[[float], float]
) -> list[str]:
    """One of the two, from 0 to the most that there is."""
    most = 1.1 * max(point[column] for points in found.values() for point in points)
    out = [f'<text class="axis" x="{LEFT}" y="{top - 8}">{unit}</text>']
    for value in round_values(0, most, 5):
        y = top + HEIGHT * (1 - value / most)
        out += [
            f'<line class="grid" x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>',
            f'<text class="axis" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>',
        ]
    for i, points in enumerate(found.values()):
        places = [(x(point[0]), top + HEIGHT * (1 - point[column] / most)) for point in points]
        out.append(f'<polyline class="line s{i}" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in places)}"/>')
        out += [f'<circle class="d{i}" cx="{a:.1f}" cy="{b:.1f}" r="3"/>' for a, b in places]
    return out
