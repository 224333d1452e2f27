"""Where each word and phone of the known text is, by hand and by every system that aligned it, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lexicon.errors import UserError
from lexicon.fold import Fold
from lexicon.phones import BLANK, SILENT
from pipeline.align.alignments import Alignments, alignments_in
from pipeline.align.boundaries import compare_boundaries, join_closures
from pipeline.align.boundaries import table as boundary_table
from pipeline.base.edits import GAP
from pipeline.base.edits import pair_up as edit
from pipeline.draw.chart import MARGIN, counted, fit, frame_rulers, level, note, numbers, pad, table, wrap
from pipeline.show.place import Place, Shown
from pipeline.times.clock import frame_to_seconds
from pipeline.times.intervals import Interval
from pipeline.times.segments import Segment

FAR_MS = 20  # a start that differs by more is marked
MARK = "*"
WIDEST = 10  # columns of a word
CROWD = 4  # others, for whose lengths there is no room in a line
GOLD = "gold"
DOT = "·"  # a blank


@dataclass(frozen=True)
class Rated:
    """A phone or word in seconds; of a system also its acoustic log score a frame, its confidence in [0, 1], and its
    goodness of pronunciation, where there are such."""

    interval: Interval
    score: float | None = None
    confidence: float | None = None
    gop: float | None = None

    @property
    def ms(self) -> float:
        return 1000 * (self.interval.end - self.interval.start)


@dataclass(frozen=True)
class Aligned:
    """What one system, or a hand, made of an utterance."""

    name: str
    words: list[Rated]
    phones: list[Rated]

    def spoken(self, fold: Fold) -> list[tuple[str, Rated]]:
        """The phones without silence and blanks, each behind its folded label."""
        folded = [(fold.get(phone.interval.label, phone.interval.label), phone) for phone in self.phones]
        return [(label, phone) for label, phone in folded if label not in SILENT]


def align(place: Place) -> Shown:
    """Words and phones with their times by everybody; starts that lie far from the reference's are marked."""
    found = everybody(place)
    first, others = found[0], found[1:]
    lines = [place.title("align: the known text placed in the recording"), ""]
    lines += wrap("in", [f"{counted(len(place.utterance.words), 'word')}:", *place.utterance.words])
    lines += wrap(
        "out",
        [
            f"{counted(len(first.words), 'word')} and {counted(len(first.spoken(place.fold)), 'phone')}",
            "with start and length:",
            ", ".join(one.name for one in found),
        ],
    )
    lines += ["", *_timeline(place, found)]
    systems = [one for one in found if one.name != GOLD]
    lines += _alone(systems[0], first, place.fold) if len(systems) == 1 else _side_by_side(first, others, place.fold)
    return Shown([*lines, *_agreement(place, first, others)])


def everybody(place: Place) -> list[Aligned]:
    """Gold phones, where there are any; then the systems. UserError if nobody has."""
    found = []
    if phones := place.placed("phones"):
        found.append(
            Aligned(
                GOLD,
                [Rated(word) for word in place.placed("words")],
                [Rated(phone) for phone in join_closures(phones)],
            )
        )
    names = dict.fromkeys(place.systems)
    if len(names) != 1:
        names |= dict.fromkeys(sorted(path.parts[-3] for path in place.exp.glob(f"*/ali_{place.part}/alignment.json")))
    for name in names:
        there = alignments_in(place.exp / name / f"ali_{place.part}")
        if there[name].exists():
            ways = there if len(names) > 1 else [name]  # of one alone there is more to say than fits beside another
            found += [_aligned(there[way], way, place.id) for way in ways]
        elif name == place.yardstick and place.aligned("phones"):
            found.append(
                Aligned(name, [Rated(i) for i in place.aligned("words")], [Rated(i) for i in place.aligned("phones")])
            )
    if not [one for one in found if one.name != GOLD]:
        raise UserError(
            f'"{place.id}" is not aligned by {" ".join(names) or "any system"} in {place.exp}; run: make compare'
        )
    return found


def _aligned(path: Path, name: str, utterance: str) -> Aligned:
    """An utterance of an alignment.json. UserError if the file is damaged or lacks the utterance."""
    found = Alignments(path)
    if utterance not in found:
        raise UserError(f'{path}: "{utterance}" is not aligned there; remove the file and run: make compare')
    placed = found[utterance]
    return Aligned(
        name,
        [Rated(_interval(word), confidence=sure) for word, sure in placed.words],
        [Rated(_interval(p.segment), p.score, p.confidence, p.gop) for p in placed.phones],
    )


def _interval(segment: Segment) -> Interval:
    return Interval(frame_to_seconds(segment.start), frame_to_seconds(segment.end), segment.label)


# ---- pictures and tables


def _timeline(place: Place, found: Sequence[Aligned]) -> list[str]:
    """Everybody's phones on one axis of time."""
    lines, last = [], max(phone.interval.end for one in found for phone in one.phones)
    for ruler in frame_rulers(round((last - float(frame_to_seconds(0))) * 100)):
        lines += [ruler.axis(), *ruler.names([word.interval for word in found[0].words], "words")]
        for one in found:
            lines += ruler.names([_dotted(phone.interval) for phone in one.phones], one.name, 2)
        lines.append("")
    if any(phone.interval.label == BLANK for one in found for phone in one.phones):
        lines[-1:] = [f"{'':{MARGIN}}{DOT}: the network says nothing ({BLANK}).", ""]
    return lines


def _dotted(interval: Interval) -> Interval:
    """A blank as a dot, for which there is room."""
    return interval._replace(label=DOT) if interval.label == BLANK else interval


def _alone(one: Aligned, first: Aligned, fold: Fold) -> list[str]:
    """Words and phones of one system, with all it says of them, and how far from the hand's they are if ``first`` is
    that."""
    words = _beginning(one, fold)
    by_hand = iter(_matched(one.spoken(fold), first, fold)[0] if first is not one else ())
    rows = []
    for piece in one.phones:
        label = fold.get(piece.interval.label, piece.interval.label)
        hand = next(by_hand, None) if label not in SILENT else None
        later = _later(hand[1], piece) if hand else ""
        rows.append(
            [
                f"{piece.interval.start:.3f}",
                f"{piece.ms:.0f}",
                words.get(_key(piece), ""),
                piece.interval.label,
                *_optional(piece.score, 1),
                *_optional(piece.confidence),
                level(piece.confidence) if piece.confidence is not None else "",
                *_optional(piece.gop),
                later,
            ]
        )
    told = note(
        "score: log score per row of the model's output; confidence: share of the phone among all, by the sound alone;"
        " goodness: of pronunciation (GOP), 0 where no other phone fits better (Witt & Young 2000)"
    )
    return [
        *table(
            ["start s", "ms", "<word", "<phone", "score", "confidence", "<", "goodness", "<later than the hand"], rows
        ),
        *(told if any(p.confidence is not None for p in one.phones) else []),
    ]


def _later(mine: Rated, theirs: Rated) -> str:
    """How much later, in ms; marked where it is much."""
    later = round(1000 * (theirs.interval.start - mine.interval.start))
    return f"{later:+d}{MARK if abs(later) > FAR_MS else ''}"


def _optional(value: float | None, decimals: int = 2) -> list[str]:
    return [""] if value is None else numbers([value], decimals)


def _who(one: Aligned) -> str:
    """In a sentence."""
    return "the hand" if one.name == GOLD else one.name


def _key(piece: Rated) -> int:
    """Its start, in ms."""
    return round(1000 * piece.interval.start)


def _beginning(one: Aligned, fold: Fold) -> dict[int, str]:
    """The word that begins with a phone, by the start of that: a hand may have put a glottal stop before it."""
    starts = [_key(phone) for _, phone in one.spoken(fold)]
    return {
        min((start for start in starts if start >= _key(word)), default=_key(word)): fit(word.interval.label, WIDEST)
        for word in one.words
    }


def _side_by_side(first: Aligned, others: Sequence[Aligned], fold: Fold) -> list[str]:
    """A line for each phone of the first, with those of the others that match it: how much later they start (ms), how
    long they last, and how sure they are."""
    mine, words = first.spoken(fold), _beginning(first, fold)
    columns, more = zip(*(_matched(mine, other, fold) for other in others))
    rows = []
    for number, (label, piece) in enumerate(mine):
        rows.append(
            [
                words.get(_key(piece), ""),
                piece.interval.label,
                f"{piece.interval.start:.2f}",
                f"{piece.ms:.0f}",
                *_optional(piece.confidence),
                *(cell for column in columns for cell in _cells(label, piece, column[number])),
            ]
        )
    lengths = ["ms"] if len(others) < CROWD else []
    if not lengths:
        rows = [[cell for number, cell in enumerate(row) if number < 5 or (number - 5) % 3 != 1] for row in rows]
    head = [
        "<word",
        "<phone",
        "start s",
        "ms",
        "conf.",
        *(cell for one in others for cell in (f"<{one.name}", *lengths, "conf.")),
    ]
    lines = table(head, rows)
    for one, extra in zip(others, more):
        lines += (
            note(
                f"{one.name} has {', '.join(f'{p.interval.label} at {p.interval.start:.2f} s' for p in extra)}, which"
                f" match{'es' if len(extra) == 1 else ''} none of these."
            )
            if extra
            else []
        )
    return [
        *lines,
        *note(
            f"Starts are those of {_who(first)}; of the others how much later (ms), {MARK} by more than"
            f" {FAR_MS} ms, behind their own phone where it is another one. conf.: confidence, the"
            " share of the phone"
            " among all, by the sound alone."
        ),
    ]


def _matched(
    mine: Sequence[tuple[str, Rated]], other: Aligned, fold: Fold
) -> tuple[list[tuple[str, Rated] | None], list[Rated]]:
    """For each phone the other's that the fewest edits put in its place, and those of the other that are left over."""
    theirs = other.spoken(fold)
    found: list[tuple[str, Rated] | None] = []
    more, j = [], 0
    for ref, hyp in edit([label for label, _ in mine], [label for label, _ in theirs]):
        if ref != GAP:
            found.append(theirs[j] if hyp != GAP else None)
        else:
            more.append(theirs[j][1])
        j += hyp != GAP
    return found, more


def _cells(label: str, mine: Rated, theirs: tuple[str, Rated] | None) -> list[str]:
    if theirs is None:
        return ["-", "", ""]
    own, piece = theirs
    return [
        f"{'' if own == label else f'{piece.interval.label} '}{_later(mine, piece)}",
        f"{piece.ms:.0f}",
        *_optional(piece.confidence),
    ]


def _agreement(place: Place, first: Aligned, others: Sequence[Aligned]) -> list[str]:
    """Bias, mean and median distance of the phones' starts from the first's."""
    if not others:
        return []
    reference = {place.id: [phone.interval for phone in first.phones]}
    rows = {
        one.name: compare_boundaries(reference, {place.id: [phone.interval for phone in one.phones]}, place.fold)
        for one in others
    }
    return [
        "",
        f"Starts of phones against {_who(first)} (ms later, and the percentage within a limit):",
        *(f"  {pad(line, 98).rstrip()}" for line in boundary_table(rows)),
    ]
