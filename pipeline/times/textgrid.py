"""TextGrids: alignments as Praat reads them."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from praatio import textgrid

from lexicon.errors import UserError, reading
from lexicon.files import atomic_write, scratch_dir
from pipeline.times.clock import FRAME_SHIFT_MS, frame_to_seconds
from pipeline.times.intervals import LONGEST, Interval
from pipeline.times.segments import Segment

# A value is a text in quotes, a flag or a number. The rest only names the values: comments to the end of a line, and
# other words (`xmin`, `=`, `[1]:`).
VALUE = re.compile(r'(?P<value>"[^"]*(?:""[^"]*)*"|<\w+>|[-+\u2212]?\.?\d[^\s"]*|[-+\u2212](?!\S))|![^\n]*|[^\s"=]+|=')
SAVE = "in Praat, save it as a text file"


@dataclass
class TextGrid:
    """What a TextGrid holds from ``start`` to ``end``, in seconds: its interval ``tiers`` by name, intervals without
    label having ""; the names of its point tiers; and names that several interval tiers have, with how many more (the
    second is NAME_2 in ``tiers``, and so on)."""

    start: float
    end: float
    tiers: dict[str, list[Interval]] = field(default_factory=dict)
    points: list[str] = field(default_factory=list)
    repeated: Counter[str] = field(default_factory=Counter)


def write_textgrid(
    path: Path | str, tiers: Mapping[str, Sequence[Segment]], num_frames: int, seconds: float | None = None
) -> None:
    """Write one interval tier per name, boundaries in seconds; the grid ends with the sound, which lasts ``seconds``,
    or half a shift after the last frame where that is not given."""
    path = Path(path)
    end = frame_to_seconds(num_frames) + FRAME_SHIFT_MS / 2000 if seconds is None else seconds
    grid = textgrid.Textgrid(0, end)
    for name, segments in tiers.items():
        entries = [(frame_to_seconds(s.start), frame_to_seconds(s.end), s.label) for s in segments]
        grid.addTier(textgrid.IntervalTier(name, entries, 0, end))
    # praatio opens files by name, so it writes into a scratch folder, and the result is then put in place atomically.
    with scratch_dir(path) as scratch:
        grid.save(str(scratch / "grid"), format="long_textgrid", includeBlankSpaces=True)
        with atomic_write(path) as stream:
            stream.write((scratch / "grid").read_text(encoding="utf-8"))


def read_textgrid(path: Path | str) -> TextGrid:
    """A TextGrid, UTF-8 or UTF-16, in any of Praat's text forms: long, short, free or chronological.

    Raises UserError for a file that is none or is damaged, and for intervals that overlap or last no time. The time it
    takes grows with the size of the file alone (praatio's reader takes 29 s for a file of 200 kB with 3,000 tiers of
    one name).
    """
    try:
        with reading(path):
            grid = _grid(_text(Path(path).read_bytes()))
    except (ValueError, StopIteration) as error:
        raise UserError(f"{path}: not a TextGrid ({str(error) or 'it ends too early'}); {SAVE} again") from None
    for name, intervals in grid.tiers.items():
        for interval in intervals:
            if not -LONGEST < interval.start < interval.end < LONGEST:
                raise UserError(
                    f'{path}: tier "{name}": "{interval.label}" from {interval.start:g} to {interval.end:g} s; '
                    f"correct it with Praat"
                )
        for before, after in zip(intervals, intervals[1:]):
            if before.end > after.start:
                raise UserError(
                    f'{path}: tier "{name}": "{before.label}" ends at {before.end:g} s, "{after.label}"'
                    f" begins at {after.start:g} s; correct it with Praat"
                )
    return grid


def _text(data: bytes) -> str:
    if data.startswith(b"ooBinaryFile"):
        raise ValueError("it is in Praat's binary form")
    try:
        return data.decode("utf-16" if data.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)) else "utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is neither UTF-8 nor UTF-16, which Praat writes with Preferences: Text writing") from None


def _grid(text: str) -> TextGrid:
    """ValueError, or StopIteration, for a text that is no TextGrid. The forms are those of Praat's manual ("TextGrid
    file formats"): long, short and free ones have the same values in the same order."""
    values = (found["value"] for found in VALUE.finditer(text) if found["value"])
    kind = next(values, "")
    if kind == '"Praat chronological TextGrid text file"':
        return _chronological(values)
    if not kind.startswith('"ooTextFile'):
        raise ValueError("it does not begin as one")
    if (kind := _label(next(values))) != "TextGrid":
        raise ValueError(f'it holds a "{kind}"')
    grid = TextGrid(_number(next(values)), _number(next(values)))
    if (flag := next(values)) not in ("<exists>", "<absent>"):
        raise ValueError(f"{flag} where <exists> should be")
    for _ in range(_count(next(values)) if flag == "<exists>" else 0):
        entries = _new_tier(grid, values)
        for _ in range(_count(next(values))):
            _add(entries, values)
    _refuse_more(values)
    return grid


def _chronological(values: Iterator[str]) -> TextGrid:
    """All tiers first, then what is in them in the order of time, each with the number of its tier before it."""
    grid = TextGrid(_number(next(values)), _number(next(values)))
    tiers = [_new_tier(grid, values) for _ in range(_count(next(values)))]
    for value in values:
        number = _count(value)
        if not 1 <= number <= len(tiers):
            raise ValueError(f"an interval of tier {number} of {len(tiers)}")
        _add(tiers[number - 1], values)
    return grid


def _new_tier(grid: TextGrid, values: Iterator[str]) -> list[Interval] | None:
    """Enter a tier's name; returns the list for its intervals, None for a tier of points."""
    kind, name = _label(next(values)), _label(next(values))
    _number(next(values)), _number(next(values))
    if kind not in ("IntervalTier", "TextTier"):
        raise ValueError(f'a tier of kind "{kind}"')
    if kind == "TextTier":
        grid.points.append(name)
        return None
    while name in grid.tiers:
        grid.repeated[name] += 1
        other = f"{name}_{grid.repeated[name] + 1}"
        name = name if other in grid.tiers else other
    return grid.tiers.setdefault(name, [])


def _add(entries: list[Interval] | None, values: Iterator[str]) -> None:
    """The next interval, or point, of a tier."""
    if entries is None:
        _number(next(values)), _label(next(values))
    else:
        entries.append(Interval(_number(next(values)), _number(next(values)), _label(next(values))))


def _refuse_more(values: Iterator[str]) -> None:
    if (more := next(values, None)) is not None:
        raise ValueError(f"it goes on with {more[:80]} after the last of its tiers")


def _label(value: str) -> str:
    if not value.startswith('"'):
        raise ValueError(f"{value} where a text should be")
    return value[1:-1].replace('""', '"').strip()


def _number(value: str) -> float:
    try:
        return float(value.replace("\u2212", "-"))
    except ValueError:
        raise ValueError(f"{value[:80]} where a number should be") from None


def _count(value: str) -> int:
    if not value.isdecimal():
        raise ValueError(f"{value[:80]} where the number of something should be")
    return int(value)
