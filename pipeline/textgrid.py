"""TextGrids: alignments as Praat reads them."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from praatio import textgrid

from lexicon.files import atomic_write
from pipeline.align import Segment
from pipeline.features import FRAME_SHIFT_MS, frame_to_seconds


def write_textgrid(path: Path | str, tiers: Mapping[str, Sequence[Segment]], num_frames: int) -> None:
    """Write one interval tier per name, boundaries in seconds; the last interval ends half a shift after its frame."""
    path = Path(path)
    end = frame_to_seconds(num_frames) + FRAME_SHIFT_MS / 2000
    grid = textgrid.Textgrid(0, end)
    for name, segments in tiers.items():
        entries = [(frame_to_seconds(s.start), frame_to_seconds(s.end), s.label) for s in segments]
        grid.addTier(textgrid.IntervalTier(name, entries, 0, end))
    # praatio writes by name, so it writes to a name of no consequence, and what it wrote is put in place at once.
    scratch = path.with_name(f".{path.name}.praatio")
    try:
        scratch.parent.mkdir(parents=True, exist_ok=True)
        grid.save(str(scratch), format="long_textgrid", includeBlankSpaces=True)
        with atomic_write(path) as stream:
            stream.write(scratch.read_text(encoding="utf-8"))
    finally:
        scratch.unlink(missing_ok=True)
