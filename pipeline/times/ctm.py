"""CTM files: one line per word or phone, `utterance channel start duration label [confidence]`, in seconds (NIST
sclite)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import write_lines
from lexicon.text import numbered_lines
from pipeline.times.clock import frame_to_seconds
from pipeline.times.intervals import Interval, ctm_interval
from pipeline.times.segments import Segment


def ctm_lines(utterance: str, segments: Sequence[Segment], confidence: Sequence[float] = ()) -> list[str]:
    """The lines of one utterance, times in seconds (`frame_to_seconds`). Without ``confidence`` the lines have no last
    field, as the format allows."""
    lines = []
    for index, segment in enumerate(segments):
        start, end = frame_to_seconds(segment.start), frame_to_seconds(segment.end)
        sure = f" {confidence[index]:.3f}" if confidence else ""
        lines.append(f"{utterance} 1 {start:.4f} {end - start:.4f} {segment.label}{sure}")
    return lines


def write_ctm(path: Path | str, utterances: Iterable[tuple[str, Sequence[Segment], Sequence[float]]]) -> None:
    """Write (utterance, segments, confidences) one after the other."""
    write_lines(
        path, (line for utt, segments, confidence in utterances for line in ctm_lines(utt, segments, confidence))
    )


def read_confidences(path: Path, utterances: Collection[str]) -> dict[str, list[float]]:
    """Of each of these ``utterances`` the confidences of what a CTM has of it, in its order; of lines without one none.
    UserError, with file and line, for what is no number."""
    found: dict[str, list[float]] = {}
    for number, line in numbered_lines(path):
        utterance, *fields = line.split()
        if utterance in utterances and len(fields) > 4:
            try:
                found.setdefault(utterance, []).append(float(fields[4]))
            except ValueError:
                raise UserError(f"{path}:{number}: confidence {fields[4]} is no number; make the file again") from None
    return found


def read_confident(path: Path) -> list[tuple[Interval, float]]:
    """All that a CTM of one recording has, each with its confidence. UserError, with file and line, for one without."""
    found = []
    for number, line in numbered_lines(path):
        try:
            found.append((ctm_interval(line)[1], float(line.split()[5])))
        except (ValueError, IndexError):
            raise UserError(f"{path}:{number}: no word or phone with its confidence; make the file again") from None
    return found
