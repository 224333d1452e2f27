"""The words and phones of a recording, with times where they have some, from the files beside it: text, label files, a
TextGrid.

A TextGrid's tiers are recognised by their names: "words", or "ann - words" as the Montreal Forced Aligner writes those
of several speakers. The speech of each speaker is then cut into segments, which become utterances: the intervals of the
speaker's tier of sentences, or if there is none, what lies between pauses of PAUSE_S or more.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from lexicon.errors import UserError, at
from lexicon.nonspeech import is_nonspeech, is_pause, names_pause
from lexicon.phones import SILENCE
from lexicon.text import numbered_lines, unwritable
from lexicon.written import Written
from pipeline.corpora.label_file import MOST, are_phones, read_labels
from pipeline.corpora.prepared import Gold
from pipeline.datadir.check import GOLD_OVERSHOOT_S
from pipeline.sound.audio import AudioInfo, Cut
from pipeline.times.intervals import Interval
from pipeline.times.textgrid import TextGrid, read_textgrid

GRID = ".textgrid"
LABELS = PHN, WRD = (".phn", ".wrd")  # TIMIT's, which are no text
TEXTS = (".txt", ".lab", *LABELS)
WORDS, PHONES, SENTENCES, TEXT = "words", "phones", "sentences", "text"
TIERS = {  # whole names, in lower case; of several tiers of sentences the first in this order
    WORDS: ("words", "word", "wrd", "ort", "ort-mau", "tokensalign"),
    PHONES: ("phones", "phone", "phn", "phonemes", "phoneme", "mau", "segments", "segment", "phonalign"),
    SENTENCES: (
        "transcript",
        "transcripts",
        "transcription",
        "text",
        "sentence",
        "sentences",
        "utterance",
        "utterances",
        "ortho",
        "trn",
    ),
}
PAUSE_S = 0.5  # between two words of one speaker, that ends a segment
UTTERANCE = re.compile(r"\d\D|\D\d")  # the name of a recording that has this is neither word nor number
MARGIN_S = 0.1  # of the pause, kept on either side of a segment


class Turn(NamedTuple):
    """An utterance: words, gold counted from its beginning, the speaker's name where a tier gives it, which stretch of
    the recording it is (None: all of it), and its number among the speaker's segments where several speak."""

    words: tuple[str, ...]
    gold: Gold
    speaker: str | None = None
    cut: Cut | None = None
    number: int | None = None


class Said(NamedTuple):
    """A label with its times in seconds: its words, or its one phone."""

    start: float
    end: float
    words: tuple[str, ...]


@dataclass
class Tiers:
    """The content of one file, or of one speaker's tiers: ``tiers`` has WORDS, PHONES and SENTENCES with times, as far
    as there are some; ``text`` is without times."""

    path: Path
    tiers: dict[str, list[Said]] = field(default_factory=dict)
    text: tuple[str, ...] | None = None


def read_turns(files: Sequence[Path], sound: AudioInfo, written: Written) -> list[Turn]:
    """The utterances of a recording, their words as ``written`` spells them. UserError for files that contradict each
    other, the sound, or themselves."""
    parts: list[Tiers] = []
    speaker, whole = None, None
    for path in files:
        if path.suffix.lower() != GRID:
            parts.append(_text_or_labels(path, sound, written))
            continue
        speakers, whole = _speakers(path, sound.num_samples / sound.sample_rate, written)
        if len(speakers) > 1:
            return _dialogue(
                path, speakers, [other for other in files if other != path], sound.num_samples / sound.sample_rate
            )
        ((speaker, placed),) = speakers.items()
        parts.append(placed)
    return [_monologue(parts, speaker, whole)]


def _said(path: Path, kind: str, intervals: Iterable[Interval], written: Written) -> list[Said]:
    """The labels of one kind; those of words and sentences without any word are left out."""
    with at(path):
        found = [
            Said(
                i.start,
                i.end,
                (_phone(i.label),) if kind == PHONES else () if names_pause(i.label) else tuple(written.words(i.label)),
            )
            for i in intervals
        ]
    return [said for said in found if said.words]


def _phone(label: str) -> str:
    if is_pause(label):
        return SILENCE
    if why := unwritable(label := "_".join(label.split())):
        raise UserError(f'the label "{label}" {why}; correct it')
    return label


# Text and label files


def _text_or_labels(path: Path, sound: AudioInfo, written: Written) -> Tiers:
    labels = read_labels(path, sound)
    if labels is None:
        if path.suffix.lower() in LABELS:
            raise UserError(f"{path}: not lines of `first-sample last-sample label`; correct it, or take it away")
        return Tiers(path, text=words_of_file(path, written))
    if path.suffix.lower() == PHN or are_phones([i.label for i in labels]) and path.suffix.lower() != WRD:
        return Tiers(path, {PHONES: _said(path, PHONES, labels, written)})
    said = _said(path, WORDS, labels, written)
    return Tiers(path, {SENTENCES if sum(len(one.words) > 1 for one in said) > MOST * len(said) else WORDS: said})


def words_of_file(path: Path, written: Written) -> tuple[str, ...]:
    """The words of a transcript; UserError with the line of what cannot be read."""
    words: list[str] = []
    for number, line in numbered_lines(path):
        if number == 1 and UTTERANCE.search(path.stem) and line.startswith(f"{path.stem} "):
            raise UserError(
                f'{path}:1: begins with the name of the recording, "{path.stem}", as lines of Kaldi\'s do; '
                f"take it away (if it is said, write it in words)"
            )
        with at(f"{path}:{number}"):
            words += written.words(line.removeprefix("\ufeff"))
    return tuple(words)


def _monologue(parts: Sequence[Tiers], speaker: str | None, whole: Cut | None) -> Turn:
    """One utterance of the whole recording. Its words are those of a text, else of sentences in a file of their own,
    else words with times, else sentences."""
    said: dict[str, list[Said]] = {}
    source: dict[str, Path] = {}
    for part in parts:
        for kind in [*part.tiers, *([TEXT] if part.text is not None else [])]:
            if kind in source:
                raise UserError(f"{part.path}: {kind}, as {source[kind].name} has; keep one of them")
            source[kind] = part.path
        said |= part.tiers
    words: dict[str, Sequence[str]]
    words = {kind: [word for one in ones for word in one.words] for kind, ones in said.items() if kind != PHONES}
    words |= {TEXT: part.text for part in parts if part.text is not None}
    chosen = TEXT if TEXT in source else SENTENCES
    if chosen not in source or words.get(WORDS) and source[chosen] == source[WORDS]:
        chosen = WORDS
    if not words.get(chosen):
        raise UserError(
            f"{source.get(chosen, parts[0].path)}: no words; write what is said, or take the recording away"
        )
    if chosen != WORDS and words.get(WORDS):
        _refuse_strange(source[WORDS], words[WORDS], source[chosen], words[chosen])
    cut = whole if source[chosen].suffix.lower() == GRID else None  # other files are about the whole sound
    return Turn(tuple(words[chosen]), _gold(said, *(cut or (0.0, float("inf")))), speaker, cut)


def _refuse_strange(path: Path, words: Sequence[str], other: Path, text: Sequence[str]) -> None:
    """UserError for labels that may be words or phones, if the text beside them lacks most of them."""
    known = sum(word in set(text) for word in words)
    if path.suffix.lower() not in (GRID, WRD) and known <= MOST * len(words):
        raise UserError(
            f'{path}: labels such as "{words[0]}" are neither words of {other.name} nor phones of ARPAbet, '
            f"IPA or TIMIT; call it {path.stem}{PHN} if they are phones"
        )


def _gold(tiers: Mapping[str, Sequence[Said]], begin: float, end: float) -> Gold:
    """Phones and words between two times, counted from the first. A label of several words ("32") is left out, since
    the times of each are not known."""
    phones, words = (
        tuple(
            Interval(max(said.start - begin, 0.0), min(said.end, end) - begin, said.words[0])
            for said in tiers.get(name, ())
            if len(said.words) == 1 and said.end > begin and said.start < end
        )
        for name in (PHONES, WORDS)
    )
    return Gold(phones, words)


# TextGrids


def _speakers(path: Path, seconds: float, written: Written) -> tuple[dict[str | None, Tiers], Cut | None]:
    """Each speaker's tiers, by the name before " - " (None: there is none), with times from the beginning of the sound,
    which lasts ``seconds``; and the stretch of the sound that the grid covers, None for all."""
    grid = read_textgrid(path)
    offset, whole = _place(path, grid, seconds)
    found: dict[str | None, dict[str, list[str]]] = {}
    for name in grid.tiers:
        speaker, kind = _tier(name)
        if kind:
            found.setdefault(speaker, {}).setdefault(kind, []).append(name)
    for name in grid.points:
        speaker, kind = _tier(name)
        if kind and kind not in found.get(speaker, {}):
            raise UserError(
                f'{path}: tier "{name}" has points, no intervals, so nobody knows how long its {kind} '
                f"last; make it an interval tier, or give it another name"
            )
    if not found:
        raise UserError(
            f"{path}: no tier of words or phones (tiers: {', '.join([*grid.tiers, *grid.points]) or 'none'}"
            f'); name one "words" or "phones", or of several speakers "ann - words"'
        )
    speakers = {}
    for speaker, kinds in found.items():
        chosen = {kind: _chosen(path, grid, kind, names) for kind, names in kinds.items()}
        speakers[speaker] = Tiers(
            path,
            {
                kind: _said(
                    path,
                    kind,
                    (
                        Interval(max(i.start - offset, 0.0), min(i.end - offset, seconds), i.label)
                        for i in grid.tiers[name]
                        if i.start - offset < seconds
                    ),
                    written,
                )
                for kind, name in chosen.items()
            },
        )
    return speakers, whole


def _tier(name: str) -> tuple[str | None, str | None]:
    """(speaker, WORDS, PHONES or SENTENCES) of a tier's name, None for what it does not say."""
    speaker, _, last = name.rpartition(" - ")
    kind = next((kind for kind, names in TIERS.items() if last.strip().lower() in names), None)
    return speaker.strip() or None, kind


def _chosen(path: Path, grid: TextGrid, kind: str, names: list[str]) -> str:
    """The one tier of a kind and a speaker."""
    for name in names:
        if grid.repeated[name]:
            raise UserError(
                f'{path}: {grid.repeated[name] + 1} tiers "{name}"; name those of several speakers '
                f'"ann - {name}" and "bob - {name}", or take one away'
            )
    if len(names) > 1 and kind != SENTENCES:
        raise UserError(f'{path}: tiers "{names[0]}" and "{names[1]}" are both of {kind}; name one of them otherwise')
    return min(names, key=lambda name: TIERS[kind].index(name.rpartition(" - ")[2].strip().lower()))


def _place(path: Path, grid: TextGrid, seconds: float) -> tuple[float, Cut | None]:
    """The offset to subtract from the grid's times, and the stretch of the sound that it covers.

    Times of a grid within the sound count from the beginning of the sound, and only that stretch is used. Times of a
    grid as long as the sound that begins elsewhere (Praat cuts sounds and "preserves times") count from the beginning
    of the grid. UserError for other grids, and for labels that begin after the end of the sound.
    """
    inner = [interval for tier in grid.tiers.values() for interval in tier]
    start = min([grid.start, *(i.start for i in inner)])
    end = max([grid.end, *(i.end for i in inner)])
    if start >= 0 and end <= seconds + GOLD_OVERSHOOT_S:
        within = start > GOLD_OVERSHOOT_S or end < seconds - GOLD_OVERSHOOT_S
        offset, whole = 0.0, Cut(start, min(end, seconds)) if within else None
    elif abs(end - start - seconds) <= GOLD_OVERSHOOT_S:
        offset, whole = start, None
    else:
        raise UserError(
            f"{path}: a grid from {start:g} to {end:g} s, beside a sound of {seconds:.2f} s; it is another "
            f"recording's, or one of the two was cut: correct it with Praat"
        )
    if late := next((i for i in inner if i.start - offset >= seconds and not is_nonspeech(i.label)), None):
        raise UserError(
            f'{path}: "{late.label}" begins at {late.start:g} s, where the sound is over; correct it with Praat'
        )
    return offset, whole


# Several speakers


def _dialogue(path: Path, speakers: Mapping[str | None, Tiers], others: Sequence[Path], seconds: float) -> list[Turn]:
    """The segments of each speaker, speaker by speaker."""
    if others:
        raise UserError(
            f"{others[0]}: does not say which of the speakers of {path.name} says what; take it away, for the grid does"
        )
    turns = [turn for speaker, placed in speakers.items() for turn in _segments(path, speaker, placed.tiers, seconds)]
    if not turns:
        raise UserError(f"{path}: no words; write what is said, or take the recording away")
    return turns


def _segments(path: Path, speaker: str | None, tiers: Mapping[str, Sequence[Said]], seconds: float) -> list[Turn]:
    whose = f'of "{speaker}"' if speaker else "of the tiers without a speaker"
    if PHONES in tiers and not (WORDS in tiers or SENTENCES in tiers):
        raise UserError(f"{path}: phones {whose}, but no words; add a tier of words")
    words = tiers.get(WORDS, ())
    spans = tiers.get(SENTENCES) or _stretches(words, seconds)
    starts = [span.start for span in spans]
    within: list[list[Said]] = [[] for _ in spans]
    for word in words:
        at_most = bisect_right(starts, (word.start + word.end) / 2) - 1
        span = spans[max(at_most, 0)]
        if max(span.start - word.start, word.end - span.end) > GOLD_OVERSHOOT_S:
            raise UserError(
                f'{path}: "{" ".join(word.words)}" {whose}, {word.start:g} to {word.end:g} s, lies in no '
                f"sentence; correct the tiers with Praat"
            )
        within[max(at_most, 0)].append(word)
    turns = []
    for number, (span, inside) in enumerate(zip(spans, within), 1):
        said = tuple(word for one in inside or [span] for word in one.words)
        gold = _gold({PHONES: tiers.get(PHONES, ()), WORDS: inside}, span.start, span.end)
        turns.append(Turn(said, gold, speaker, Cut(span.start, span.end), number))
    return turns


def _stretches(words: Sequence[Said], seconds: float) -> list[Said]:
    """What lies between a speaker's pauses, with a margin."""
    spans: list[Said] = []
    for word in words:
        if spans and word.start - spans[-1].end < PAUSE_S:
            spans[-1] = spans[-1]._replace(end=word.end)
        else:
            spans.append(word)
    return [Said(max(span.start - MARGIN_S, 0.0), min(span.end + MARGIN_S, seconds), ()) for span in spans]
