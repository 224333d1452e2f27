"""What was heard in a recording of one's own, piece by piece: as tiers with times, and as lines for people."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field

from lexicon.phones import SILENT, PhoneSet
from pipeline.compare.listen import Heard
from pipeline.sound.pauses import Piece
from pipeline.times.clock import frame_to_seconds
from pipeline.times.lines import HEADER, WIDTH, phone_lines, word_lines
from pipeline.times.segments import Segment, in_ipa

TIERS = ("words", "phones", "free")
IPA = "ipa"  # the phones of the free search once more, in IPA

Tier = tuple[list[Segment], list[float]]  # segments, and the confidence of each


@dataclass
class Transcript:
    """What systems heard in the whole recording so far; ``phone_sets`` are theirs.

    ``tiers`` by system, in the order of TIERS; ``lost``: in which stretches of speech a system found no way;
    ``lines``: all of it; ``summary``: the words and the free phones alone.
    """

    phone_sets: Mapping[str, PhoneSet]
    tiers: dict[str, tuple[Tier, ...]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=lambda: [HEADER])
    summary: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tiers = {name: tuple(([], []) for _ in TIERS) for name in self.phone_sets}

    def add(self, title: str, heard: Mapping[str, Heard]) -> None:
        """The next piece, with its title, and what was heard in it; nothing where there is no speech."""
        self.lines += ["", title]
        self.summary += [title, *summary_lines(heard, self.phone_sets)]
        for name, one in heard.items():
            self.lines += [f"{name}:", *system_lines(one, self.phone_sets[name])]
            self.lost += [f"{name} {title}"] if not one.words.phones and not one.words.words else []
            for (segments, confidence), (more, sure) in zip(self.tiers[name], tiers_of(one), strict=True):
                segments.extend(more)
                confidence.extend(sure)

    def grid(self) -> dict[str, list[Segment]]:
        """The tiers of a TextGrid."""
        found: dict[str, list[Segment]] = {}
        for name, tiers in self.tiers.items():
            found |= {f"{name} {tier}": segments for tier, (segments, _) in zip(TIERS, tiers, strict=True)}
            found[f"{name} {IPA}"] = in_ipa(tiers[-1][0], self.phone_sets[name])
        return found


def piece_title(number: int, total: int, piece: Piece) -> str:
    """Which piece it is, and when."""
    return f"piece {number} of {total}, {span(piece)}{'' if piece.speech else ': silence'}"


def span(piece: Piece) -> str:
    """When it is."""
    return f"{frame_to_seconds(piece.start):.2f} to {frame_to_seconds(piece.end):.2f} s"


def tiers_of(heard: Heard) -> tuple[Tier, ...]:
    """What one system heard in a piece, in the order of TIERS."""
    words, free, sure = heard.words, heard.free, heard.confidences
    return (
        (words.words, sure.words.confidence(words.word_posteriors())),
        (words.phones, sure.phones.confidence(words.posteriors)),
        (free.phones, sure.free.confidence(free.posteriors)),
    )


def system_lines(heard: Heard, phone_set: PhoneSet) -> list[str]:
    """All that a system heard in a piece."""
    (words, confidence), (phones, _), (free, _) = tiers_of(heard)
    return [
        *word_lines(words, confidence, phones),
        *phone_lines("free", free),
        *phone_lines(IPA, in_ipa(free, phone_set)),
    ]


def summary_lines(heard: Mapping[str, Heard], phone_sets: Mapping[str, PhoneSet]) -> list[str]:
    """The words of each system, and in IPA the phones of each search for phones, in which systems may share."""
    found = [(name, " ".join(word.label for word in one.words.words)) for name, one in heard.items()]
    sharing: dict[int, list[str]] = {}
    for name, one in heard.items():
        sharing.setdefault(id(one.free), []).append(name)
    for names in sharing.values():
        phones = [p for p in heard[names[0]].free.phones if p.label not in SILENT]
        signs = " ".join(phone.label for phone in in_ipa(phones, phone_sets[names[0]]))
        found.append((", ".join(names), f"[{signs}]"))
    width = max((len(names) for names, _ in found), default=0)
    return [line for names, text in found for line in _hanging(f"  {names:{width}}  ", text)]


def _hanging(head: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
    ) or [head.rstrip()]
