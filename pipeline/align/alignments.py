"""Forced alignments of a set by one system, and their file, alignment.json.

{utterance: {"num_frames": T, "phones": [{"phone", "start", "end", "word", "score", "confidence", "gop"}, ...],
"words": [{"word", "start", "end", "confidence"}, ...]}}, frames of 10 ms, an utterance a line. A phone's "word" is the
index of its word, -1 for a pause; "score" its log score per row (`pipeline.align.gop`), "confidence" in [0, 1]
(`forced_alignment.Path`), "gop" at most 0; a CTC network's phones have their "spike" as well, [start, end]. An
utterance too short for its words is null.
"""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from lexicon.dictionary import Weighted
from lexicon.errors import UserError
from lexicon.files import atomic_write, parse_json
from lexicon.phones import BLANK
from lexicon.text import same_ids, unfit
from pipeline.align.forced_alignment import force_align
from pipeline.align.gop import Goodness
from pipeline.lattice import LARGEST
from pipeline.times.clock import frame_to_seconds
from pipeline.times.intervals import Interval, Intervals
from pipeline.times.segments import Segment, word_segments

MOST_FRAMES = 2**31  # of an utterance: 248 days


@dataclass(frozen=True)
class PlacedPhone:
    """A phone where a system placed it, with its score, confidence and goodness of pronunciation; of a CTC network also
    its spike, the frames (from, to, exclusive) in which the network emits it."""

    segment: Segment
    score: float
    confidence: float
    gop: float
    spike: tuple[int, int] | None = None


@dataclass(frozen=True)
class PlacedUtterance:
    """The phones of an utterance of ``num_frames`` frames in order, and its words, each with its confidence."""

    num_frames: int
    phones: list[PlacedPhone]
    words: list[tuple[Segment, float]]

    def moved(self, segments: Sequence[Segment]) -> PlacedUtterance:
        """The same phones at other times; scores and confidences stay."""
        phones = [replace(phone, segment=segment) for phone, segment in zip(self.phones, segments, strict=True)]
        words = word_segments(segments, [word.label for word, _ in self.words])
        sure = [confidence for _, confidence in self.words]
        return replace(self, phones=phones, words=list(zip(words, sure, strict=True)))

    @property
    def segments(self) -> list[Segment]:
        """The phones without their scores."""
        return [phone.segment for phone in self.phones]


def place_utterance(
    goodness: Goodness, name: str, scores: np.ndarray, num_frames: int, words: Sequence[str], lexicon: Weighted
) -> PlacedUtterance | None:
    """Align an utterance whose text is known with a system's scores (T', columns); None if it is too short for it.

    Raises UserError for a word that the lexicon lacks, or one with phones that the system does not know.
    """
    known = set(goodness.system.topology.phones)
    for word in words:
        if word not in lexicon:
            raise UserError(
                f'{name}: word "{word}" is not in lexicon.txt; add it to lexicon/extra.txt and run make again'
            )
        if strange := sorted({phone for _, said in lexicon[word] for phone in said} - known):
            raise UserError(
                f'{name}: word "{word}": {goodness.system.directory} was not trained on {" ".join(strange)};'
                " train it again with this lexicon"
            )
    path = force_align(goodness.system, scores, num_frames, words, lexicon, name)
    if path is None:
        return None
    phones = [
        PlacedPhone(segment, score, sure, gop, spike if BLANK in goodness.index and segment.word >= 0 else None)
        for segment, sure, spike in zip(path.phones, path.phone_confidence, path.spikes)
        for score, gop in [goodness.of(scores, segment)]
    ]
    return PlacedUtterance(num_frames, phones, list(zip(word_segments(path.phones, words), path.word_confidence)))


def write_alignment(path: Path, placed: Iterable[tuple[str, PlacedUtterance]], unplaced: Iterable[str] = ()) -> None:
    """Write alignment.json; null stands for the ``unplaced`` utterances, which were too short for their words."""
    lines = chain(((utt, as_json(u)) for utt, u in placed), ((utt, None) for utt in unplaced))
    with atomic_write(path) as stream:
        stream.write("{")
        for number, (utt, value) in enumerate(lines):
            stream.write(f"{',' if number else ''}\n{json.dumps(utt, ensure_ascii=False)}: ")
            json.dump(value, stream, ensure_ascii=False)
        stream.write("\n}\n")


def as_json(placed: PlacedUtterance) -> dict[str, Any]:
    """An utterance as plain values."""
    return {
        "num_frames": placed.num_frames,
        "phones": [
            {
                "phone": p.segment.label,
                "start": p.segment.start,
                "end": p.segment.end,
                "word": p.segment.word,
                "score": round(p.score, 4),
                "confidence": round(p.confidence, 4),
                "gop": round(p.gop, 4),
                **({"spike": p.spike} if p.spike else {}),
            }
            for p in placed.phones
        ],
        "words": [
            {"word": word.label, "start": word.start, "end": word.end, "confidence": round(sure, 4)}
            for word, sure in placed.words
        ],
    }


def place_again(path: Path) -> str:
    """How an alignment of a system, or what lies beside it, is made anew."""
    return f"remove {path.with_name('alignment.json')} and run make again"


def alignments_in(folder: Path) -> dict[str, Path]:
    """Where a system's alignments of a set are, by aligner (`System.aligners`): EXP/SYSTEM/ali_SET holds alignment.json
    for SYSTEM and alignment.raw.json for SYSTEM.raw. The system's own, which comes first, may not be there yet."""
    paths = sorted({folder / "alignment.json", *folder.glob("alignment.*.json")}, key=lambda path: path.stem)
    return {path.stem.replace("alignment", folder.parent.name, 1): path for path in paths}


def uncorrected_ctm(path: Path) -> Path:
    """The CTM beside an alignment with its phones as the system itself had placed them."""
    return path.with_name(path.stem.replace("alignment", "uncorrected", 1) + ".ctm")


class Alignments(Mapping[str, PlacedUtterance]):
    """An alignment.json, of which each utterance is read from disk when it is asked for; those that are too short for
    their words are not there.

    UserError for anything that `write_alignment` would not have written, and if it is not of the ``known`` utterances,
    where they are given.
    """

    def __init__(self, path: Path, known: Collection[str] | None = None):
        self.path = path
        self._places: dict[str, tuple[int, int]] = {}
        every: set[str] = set()
        try:
            for utt, item, place in _lines(path):
                if utt in every:
                    raise ValueError(f"{utt}: for the second time")
                every.add(utt)
                if item is not None:
                    _utterance(utt, item)
                    self._places[utt] = place
        except (OSError, ValueError, KeyError, TypeError) as error:
            what = error.strerror if isinstance(error, OSError) else str(error) or type(error).__name__
            raise UserError(f"{path}: no alignment ({what}); {place_again(path)}") from None
        if known is not None:
            same_ids(path, every, known, place_again(path))

    def __getitem__(self, utt: str) -> PlacedUtterance:
        start, size = self._places[utt]
        with open(self.path, "rb") as stream:
            stream.seek(start)
            return _utterance(utt, _item(stream.read(size))[1])

    def __contains__(self, utt: object) -> bool:
        return utt in self._places  # without reading it

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _lines(path: Path) -> Iterator[tuple[str, Any, tuple[int, int]]]:
    """Utterance and value of each line of an alignment.json, and where in the file it is; ValueError if it is none."""
    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, "no such file")  # a pipe in its place would be waited for
    with open(path, "rb") as stream:
        if stream.readline() != b"{\n":
            raise ValueError("no object with a line for each utterance")
        start = stream.tell()
        for line in iter(stream.readline, b"}\n"):
            if not line:
                raise ValueError("cut short")
            yield *_item(line), (start, len(line))
            start += len(line)
        if stream.read(1):
            raise ValueError("something behind its end")


def _item(line: bytes) -> tuple[str, Any]:
    """Utterance and value of a line."""
    ((utt, item),) = parse_json(b"{" + line.rstrip(b",\n") + b"}").items()
    return utt, item


def _utterance(utt: str, item: Any) -> PlacedUtterance:
    total = item["num_frames"]
    if type(total) is not int or not 0 <= total < MOST_FRAMES:
        raise ValueError(f"{utt}: num_frames {total!r:.40}")
    words = [
        (_segment(utt, word["word"], word, index, total), _number(utt, word, "confidence"))
        for index, word in enumerate(item["words"])
    ]
    phones = []
    for phone in item["phones"]:
        if type(phone["word"]) is not int or not -1 <= phone["word"] < len(words):
            raise ValueError(f"{utt}: word {phone['word']!r} of {len(words)}")
        phones.append(
            PlacedPhone(
                _segment(utt, phone["phone"], phone, phone["word"], total),
                _number(utt, phone, "score"),
                _number(utt, phone, "confidence"),
                _number(utt, phone, "gop"),
                _spike(utt, phone, total),
            )
        )
    for segments in ([phone.segment for phone in phones], [word for word, _ in words]):
        for before, after in zip(segments, segments[1:]):
            if before.end > after.start:
                raise ValueError(f"{utt}: {after.label!r} begins at {after.start}, before {before.label!r} ends")
    return PlacedUtterance(total, phones, words)


def _segment(utt: str, label: Any, item: Any, word: int, total: Any) -> Segment:
    start, end = item["start"], item["end"]
    good = isinstance(label, str) and not unfit(label)
    if not (good and type(start) is type(end) is type(total) is int and 0 <= start < end <= total):
        raise ValueError(f"{utt}: {label!r} from {start!r} to {end!r} of {total!r} frames")
    return Segment(sys.intern(label), start, end, word)


def _spike(utt: str, phone: Any, total: int) -> tuple[int, int] | None:
    if "spike" not in phone:
        return None
    start, end = phone["spike"]
    if not (type(start) is type(end) is int and 0 <= start < end <= total):
        raise ValueError(f"{utt}: spike from {start!r} to {end!r} of {total} frames")
    return start, end


def _number(utt: str, item: Any, name: str) -> float:
    value = item[name]
    if type(value) not in (int, float) or not abs(value) < LARGEST:
        raise ValueError(f"{utt}: {name} {value!r}")
    return float(value)


def has_spikes(placed: Mapping[str, PlacedUtterance]) -> bool:
    """Whether a CTC network placed them."""
    return any(phone.spike for u in placed.values() for phone in u.phones)


def intervals(placed: Mapping[str, PlacedUtterance]) -> Intervals:
    """The phones in seconds."""
    return {utt: in_seconds(u.segments) for utt, u in placed.items()}


def in_seconds(segments: Sequence[Segment]) -> list[Interval]:
    """Segments, which count frames, in seconds."""
    return [Interval(float(frame_to_seconds(s.start)), float(frame_to_seconds(s.end)), s.label) for s in segments]
