"""Pictures of lines, for every page: numbers along an axis, drawn by templates/curves.html."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.draw.scale import round_values
from pipeline.report.render import Named

WIDTH, HEIGHT = 460, 250  # of a picture; the plot lies within these margins
LEFT, RIGHT, TOP, BOTTOM = 34, 112, 12, 30
APART = 10.5  # pixels between two labels at the right
MOST_TICKS = 6


class Frame(NamedTuple):
    """The size of a picture and the edges of the plot in it."""

    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


class Dot(NamedTuple):
    """A place on a line, and what is said of it."""

    x: float
    y: float
    title: str


class Line(NamedTuple):
    """Of a picture: its system, the points (x, y), what is said of some of them, the ends of their intervals (x, y, y),
    its label and the height of that, how it looks (a class in report.css), and the radius of its dots."""

    system: Named
    points: list[tuple[float, float]]
    dots: list[Dot]
    label: str
    label_y: float
    whiskers: Sequence[tuple[float, float, float]] = ()
    look: str = ""
    radius: float = 3.2


class Picture(NamedTuple):
    """``ticks`` are at the left, those of a second scale, which the last line has, at the right; ``marks`` are upright
    lines with a word."""

    title: str
    note: str
    lines: list[Line]
    ticks: list[tuple[float, str]]
    places: list[tuple[float, str]]  # along the bottom
    bottom: str
    second_ticks: Sequence[tuple[float, str]] = ()
    marks: Sequence[tuple[float, str]] = ()
    frame: Frame = Frame()


def height(low: float, high: float, value: float) -> float:
    """Where a value is drawn on a scale from ``low`` to ``high``."""
    return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)


def ticks(low: float, high: float, least: float = 0.0) -> list[tuple[float, str]]:
    """Round values of a scale with their heights."""
    return [(height(low, high, value), f"{value:g}") for value in round_values(low, high, MOST_TICKS, least)]


def labelled(lines: list[Line]) -> list[Line]:
    """The lines with their labels moved apart, in the order of their heights."""
    placed: dict[int, float] = {}
    below = TOP - APART + 4
    for number, line in sorted(enumerate(lines), key=lambda item: item[1].label_y):
        below = max(line.label_y, below + APART)
        placed[number] = below
    over = max([0.0, *(y - (HEIGHT - BOTTOM + 4) for y in placed.values())])
    return [line._replace(label_y=placed[number] - over) for number, line in enumerate(lines)]
