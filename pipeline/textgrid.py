"""TextGrids: alignments as Praat reads them."""
from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from praatio import textgrid

from lexicon.errors import UserError, reading
from lexicon.files import atomic_write, scratch_dir
from pipeline.align import Segment
from pipeline.features import FRAME_SHIFT_MS, frame_to_seconds
from pipeline.intervals import LONGEST, Interval

# A text in quotes, a flag, a comment to the end of its line, or a number that stands alone.
VALUE = re.compile(r'"[^"]*(?:""[^"]*)*"|<\w+>|(?<!\S)[-+]?\d[\d.]*(?:[eE][-+]?\d+)?(?!\S)')


def write_textgrid(path: Path | str, tiers: Mapping[str, Sequence[Segment]], num_frames: int,
                   seconds: float | None = None) -> None:
    """Write one interval tier per name, boundaries in seconds; the grid ends with the sound, which lasts ``seconds``,
    or half a shift after the last frame where that is not given."""
    path = Path(path)
    end = frame_to_seconds(num_frames) + FRAME_SHIFT_MS / 2000 if seconds is None else seconds
    grid = textgrid.Textgrid(0, end)
    for name, segments in tiers.items():
        entries = [(frame_to_seconds(s.start), frame_to_seconds(s.end), s.label) for s in segments]
        grid.addTier(textgrid.IntervalTier(name, entries, 0, end))
    # praatio writes by name, so it writes to a folder of no consequence, and what it wrote is put in place at once.
    with scratch_dir(path) as scratch:
        grid.save(str(scratch / "grid"), format="long_textgrid", includeBlankSpaces=True)
        with atomic_write(path) as stream:
            stream.write((scratch / "grid").read_text(encoding="utf-8"))


def read_textgrid(path: Path | str) -> dict[str, list[Interval]]:
    """The interval tiers of a TextGrid, long or short, UTF-8 or UTF-16, by name; intervals without label have "". Of
    tiers of one name the second is called NAME_2, and so on.

    Raises UserError for a file that is none, and for intervals that overlap or last no time. Takes time by the size of
    the file, whatever is in it (praatio's reader: 29 s for 3,000 tiers of one name, of 200 kB).
    """
    try:
        with reading(path):
            tiers = _tiers(_values(_text(Path(path).read_bytes())))
    except (ValueError, StopIteration) as error:
        raise UserError(f"{path}: not a TextGrid ({str(error) or 'it ends too early'}); save it again with Praat"
                        ) from None
    for name, intervals in tiers.items():
        for interval in intervals:
            if not 0 <= interval.start < interval.end < LONGEST:
                raise UserError(
                    f'{path}: tier "{name}": "{interval.label}" from {interval.start:g} to {interval.end:g} s; '
                    f"correct it with Praat")
        for before, after in zip(intervals, intervals[1:]):
            if before.end > after.start:
                raise UserError(f'{path}: tier "{name}": "{before.label}" ends at {before.end:g} s, "{after.label}"'
                                f" begins at {after.start:g} s; correct it with Praat")
    return tiers


def _text(data: bytes) -> str:
    return data.decode("utf-16" if data.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)) else "utf-8-sig")


def _values(text: str) -> Iterator[str]:
    """The texts (with the quote before them), numbers and flags of a Praat text file: all the rest says what they are
    (Praat's manual, "TextGrid file formats"), so long and short files are one."""
    for found in VALUE.finditer(text):
        value = found[0]
        yield value[:-1].replace('""', '"') if value[0] == '"' else value


def _tiers(values: Iterator[str]) -> dict[str, list[Interval]]:
    """ValueError, or StopIteration, for values that are no TextGrid."""
    kind = next(values, "")
    if not kind.startswith('"ooTextFile') or next(values, "") != '"TextGrid':
        raise ValueError("it does not begin as one")
    float(next(values)), float(next(values))  # begin and end of the whole
    found: dict[str, list[Interval]] = {}
    again: Counter[str] = Counter()
    for _ in range(int(next(values)) if next(values) == "<exists>" else 0):
        kind, name = next(values)[1:], _label(next(values))
        float(next(values)), float(next(values))
        if kind not in ("IntervalTier", "TextTier"):
            raise ValueError(f'a tier of kind "{kind}"')
        size = int(next(values))
        if kind == "TextTier":
            for _ in range(size):
                float(next(values)), _label(next(values))
            continue
        entries = [Interval(float(next(values)), float(next(values)), _label(next(values))) for _ in range(size)]
        while name in found:
            again[name] += 1
            name = f"{name}_{again[name] + 1}" if f"{name}_{again[name] + 1}" not in found else name
        found[name] = entries
    return found


def _label(value: str) -> str:
    if not value.startswith('"'):
        raise ValueError(f"{value} where a label should be")
    return value[1:].strip()
