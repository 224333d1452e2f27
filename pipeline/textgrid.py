"""TextGrids: alignments as Praat reads them."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from praatio import textgrid

from lexicon.errors import UserError
from lexicon.files import atomic_write, scratch_dir
from pipeline.align import Segment
from pipeline.features import FRAME_SHIFT_MS, frame_to_seconds
from pipeline.intervals import LONGEST, Interval


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
    """The interval tiers of a TextGrid, long or short, UTF-8 or UTF-16, by name; intervals without label have "".

    Raises UserError for a file that is none, and for intervals that overlap or last no time.
    """
    try:
        grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="silence",
                                     duplicateNamesMode="rename")
    except OSError:
        raise
    except Exception as error:  # praatio raises whatever it stumbles over, from IndexError to its own
        raise UserError(
            f"{path}: not a TextGrid ({str(error).strip() or type(error).__name__}); save it again with Praat"
        ) from None
    tiers = {name: [Interval(float(start), float(end), label) for start, end, label in grid.getTier(name).entries]
             for name in grid.tierNames if isinstance(grid.getTier(name), textgrid.IntervalTier)}
    for name, intervals in tiers.items():
        for interval in intervals:
            if not 0 <= interval.start < interval.end < LONGEST:
                raise UserError(
                    f'{path}: tier "{name}": "{interval.label}" from {interval.start:g} to {interval.end:g} s; '
                    f"correct it with Praat")
    return tiers
