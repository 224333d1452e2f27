"""Small pictures in characters: a waveform, shaded matrices, and what stands where on an axis of time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lexicon.text import width_of
from pipeline.times.clock import FRAME_SHIFT_MS, frame_to_seconds
from pipeline.times.intervals import Interval

COLUMNS = 100
MARGIN = 11  # columns left of a picture, for the names of its rows
PLOT = COLUMNS - MARGIN
COARSEST_MS = 40  # of a column; a time that would need more for one line goes on in a further block
SHADES = " ░▒▓█"
# Dots of a braille character, from the top, in its left and right column (Unicode 15, chapter 21).
BRAILLE = np.array([[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]])


def fit(text: str, columns: int = COLUMNS) -> str:
    """``text``, cut where it is wider than ``columns``; a cut ends in "…"."""
    if width_of(text) <= columns:
        return text
    while text and width_of(text) > columns - 1:
        text = text[:-1]
    return f"{text}…"


def pad(text: str, columns: int) -> str:
    """``text`` cut or filled up with spaces to exactly ``columns``."""
    text = fit(text, columns)
    return text + " " * (columns - width_of(text))


def wrap(name: str, words: Iterable[str], indent: int = MARGIN) -> list[str]:
    """``name``, and beside it the words in as many lines as they need; a word longer than a line goes on in the
    next."""
    lines, room = [pad(name, indent)], COLUMNS - indent
    for word in words:
        while word:
            part = word
            while width_of(part) > room:
                part = part[:-1]
            if width_of(lines[-1]) + width_of(part) > COLUMNS:
                lines.append(" " * indent)
            lines[-1] += f"{part} "
            word = word[len(part) :]
    return [line.rstrip() for line in lines]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Columns two spaces apart, as wide as their widest cell. ``head`` names them: "<" before a name sets its column to
    the left, otherwise it stands right. Columns that are empty throughout are left out, lines that are too long are
    cut."""
    rows = list(rows)
    kept = [i for i in range(len(head)) if any(row[i] for row in rows)]
    head = [head[i] for i in kept]
    cells = [[name.lstrip("<") for name in head], *([row[i] for i in kept] for row in rows)]
    widths = [max(width_of(row[i]) for row in cells) for i in range(len(head))]
    lines = []
    for row in cells:
        spaces = [" " * (width - width_of(cell)) for cell, width in zip(row, widths)]
        filled = [
            cell + space if name.startswith("<") else space + cell for cell, space, name in zip(row, spaces, head)
        ]
        lines.append(fit("  " + "  ".join(filled).rstrip()))
    return lines


@dataclass(frozen=True)
class Ruler:
    """Time as columns of a picture: from ``start`` (s) on, ``columns`` of ``per_column`` seconds."""

    start: float
    per_column: float
    columns: int

    def column(self, seconds: float) -> int:
        """The column of a time; outside 0 .. columns - 1 where it does not lie on the ruler."""
        return math.floor((seconds - self.start) / self.per_column + 1e-6)

    def axis(self) -> str:
        """A bar at every round time, with the seconds behind it."""
        step = next(s for s in (m * 10.0**e for e in (-2, -1, 0, 1) for m in (1, 2, 5)) if s >= 9.5 * self.per_column)
        line, number = "", math.ceil(self.start / step - 1e-6)
        while (at := self.column(number * step)) < self.columns:
            text = f"│{number * step:.{2 if step < 0.1 else 1}f}"
            if at + len(text) + 2 <= PLOT:
                line = f"{line:<{at}}{text}"
            number += 1
        return f"{'':{MARGIN}}{line} s"

    def names(self, intervals: Sequence[Interval], name: str = "", lines: int = 1) -> list[str]:
        """The intervals' labels, each behind a bar where it begins, in turn on so many ``lines``; a label is cut where
        the next of its line begins."""
        rows = [""] * lines
        shown = [(self.column(i.start), i.label) for i in intervals if self.column(i.end - 1e-4) >= 0]
        shown = [(max(at, 0), label) for at, label in shown if at < self.columns]
        for number, (at, label) in enumerate(shown):
            row = number % lines
            room = (shown[number + lines][0] if number + lines < len(shown) else self.columns) - at
            if width_of(rows[row]) <= at:
                rows[row] += " " * (at - width_of(rows[row])) + _bar(label, room)
        return [f"{pad(name if not row else '', MARGIN)}{text}".rstrip() for row, text in enumerate(rows)]

    def pool(self, matrix: np.ndarray, times: np.ndarray, peaks: bool = False) -> np.ndarray:
        """(rows, T) values at ``times`` (T,) in seconds -> (rows, columns): the mean of each column, or its largest
        value if ``peaks`` are not to be lost; 0 where there is none."""
        at = np.floor((times - self.start) / self.per_column + 1e-6).astype(int)
        here = (at >= 0) & (at < self.columns)
        pooled = np.zeros((len(matrix), self.columns))
        (np.maximum if peaks else np.add).at(pooled.T, at[here], matrix[:, here].T)
        return pooled if peaks else pooled / np.maximum(np.bincount(at[here], minlength=self.columns), 1)


def _bar(label: str, room: int) -> str:
    text = f"│{label}"
    while len(text) > 1 and width_of(text) > room:
        text = text[:-1]
    return text


def rulers(first: float, last: float, unit_ms: float = FRAME_SHIFT_MS) -> list[Ruler]:
    """Rulers for the time from ``first`` to ``last`` (s): one if the columns need be no longer than COARSEST_MS, else
    several of that kind, one below the other. A column is a whole number of ``unit_ms``."""
    unit = unit_ms / 1000
    units = max(math.ceil((last - first) / unit - 1e-6), 1)
    lines = -(-units // (PLOT * max(int(COARSEST_MS // unit_ms), 1)))
    per_column = -(-units // (PLOT * lines))
    total = -(-units // per_column)
    each = -(-total // lines)
    return [
        Ruler(first + at * per_column * unit, per_column * unit, min(each, total - at)) for at in range(0, total, each)
    ]


def frame_rulers(num_frames: int, step: int = 1) -> list[Ruler]:
    """Rulers over so many feature frames; ``step`` of them stand in one row of scores."""
    first = float(frame_to_seconds(0)) - (step // 2) * FRAME_SHIFT_MS / 1000
    return rulers(first, float(frame_to_seconds(num_frames)), step * FRAME_SHIFT_MS)


def waveform(samples: np.ndarray, sample_rate: int, ruler: Ruler, peak: float, rows: int = 4) -> list[str]:
    """The samples (N,) as ``rows`` lines of braille, two columns of dots a character, from their lowest to their
    highest value; the top line is +peak, the bottom line -peak."""
    edges = np.round((ruler.start + np.arange(2 * ruler.columns + 1) * ruler.per_column / 2) * sample_rate).astype(int)
    dots = np.zeros((4 * rows, 2 * ruler.columns), bool)
    for column, (a, b) in enumerate(zip(edges, edges[1:])):
        part = samples[max(a, 0) : max(b, 0)]
        if len(part):
            top, bottom = ((1 - value / peak) * 2 * rows for value in (part.max(), part.min()))
            first = min(max(int(top), 0), 4 * rows - 1)
            dots[first : max(math.ceil(bottom), first + 1), column] = True
    cells = dots.reshape(rows, 4, ruler.columns, 2)
    codes = 0x2800 + np.einsum("rdcs,sd->rc", cells.astype(int), BRAILLE)
    return ["".join(map(chr, row)) for row in codes]


def shades(values: np.ndarray) -> list[str]:
    """(rows, columns) in [0, 1] -> lines, the darker the larger."""
    levels = np.clip((np.nan_to_num(values) * len(SHADES)).astype(int), 0, len(SHADES) - 1)
    return ["".join(SHADES[level] for level in row) for row in levels]


def shaded(ruler: Ruler, names: Sequence[str], matrix: np.ndarray, times: np.ndarray, peaks: bool = False) -> list[str]:
    """The rows of a matrix (rows, T) in [0, 1], each behind its name."""
    lines = shades(ruler.pool(matrix, times, peaks))
    return [f"{pad(name, MARGIN - 1)} {line}".rstrip() for name, line in zip(names, lines)]


def bars(shares: Iterable[float]) -> str:
    """Shares in [0, 1] as columns of block characters, an eighth high at least."""
    return "".join("▁▂▃▄▅▆▇█"[min(max(int(share * 8), 0), 7)] for share in shares)


def level(share: float, cells: int = 10) -> str:
    """A share in [0, 1] as a bar of block characters, an eighth of a cell fine."""
    eighths = round(min(max(share, 0.0), 1.0) * cells * 8)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (" ▏▎▍▌▋▊▉"[part] if part else "")).ljust(cells, "·")


def note(text: str) -> list[str]:
    """A remark below a table, in as many lines as it needs."""
    return wrap("", text.split(), 2)


def counted(number: int, what: str) -> str:
    """`1 word`, `2 words`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def numbers(values: Iterable[float], decimals: int = 2) -> list[str]:
    """Values as text, without a minus before zero."""
    return [f"{round(float(value), decimals) + 0.0:.{decimals}f}" for value in values]
