"""A lexicon that somebody gives: CMUdict's, Kaldi's lexicon.txt and lexiconp.txt, or plain `WORD P1 P2 ...` lines."""
from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from lexicon.dictionary import VARIANT, Pronunciations, Weighted
from lexicon.errors import UserError
from lexicon.phone_sets import normal, read_phone_set, recognise, without_stress
from lexicon.phones import PhoneSet
from lexicon.text import numbered_lines
from lexicon.written import Written

COMMENT = re.compile(r"(^|\s)#(\s.*)?$")
PROBABILITY = re.compile(r"[0-9]*\.[0-9]+([eE]-?[0-9]+)?$")  # with its point: a phone may be called 1
NOISE = {"SIL", "SPN", "NSN", "LAU"}  # what Kaldi's lexicons call no speech: entries of nothing else are left out


class _Entry(NamedTuple):
    number: int  # of its line
    word: str
    prob: float
    phones: tuple[str, ...]


@dataclass(frozen=True)
class Given:
    """A lexicon and its phones; ``entries`` by word as written, the largest probability of a word 1.0, its variants in
    order. ``left_out``: words that stand for noise or silence."""

    path: Path
    entries: Weighted
    phone_set: PhoneSet
    notation: str  # ARPAbet, IPA, or the name of the file with the phone set
    left_out: tuple[str, ...] = ()

    @cached_property
    def written(self) -> Written:
        """How text is read with this lexicon."""
        return Written(self.entries.keys(), self.left_out)

    def look_up(self, words: Collection[str]) -> Weighted:
        """The entries of the words, found as `Written.find` does."""
        return {word: self.entries[found] for word in words if (found := self.written.find(word))}

    def pronunciations(self) -> Pronunciations:
        """All words, in lower case (which, unlike upper case, keeps ß), without probabilities, to learn spelling
        from."""
        found: Pronunciations = {}
        for word, variants in self.entries.items():
            found.setdefault(normal(word).lower(), []).extend(phones for _, phones in variants)
        return {word: list(dict.fromkeys(variants)) for word, variants in found.items()}


def read_given(path: Path | str, phones: Path | str | None = None) -> Given:
    """Read a lexicon and, where ``phones`` names a file with one, its phone set (else ARPAbet or IPA is recognised).

    Lines are `WORD P1 P2 ...` or `WORD 0.8 P1 P2 ...`; `WORD(2)` is another variant of WORD; `;;;` at the beginning of
    a line and `#` before a space begin comments. Stress (AH0, ˈa) goes unless the phone set has it. Raises UserError
    with file and line for a word without phones, a probability that is none and a phone that the set lacks, and tells
    how many more lines have a mistake.
    """
    path = Path(path)
    entries, left_out = _read_entries(path)
    if phones is None:
        phone_set, notation = _recognised(path, entries)
    else:
        phone_set, notation = read_phone_set(phones), Path(phones).name
    # by the name in the lexicon: the name in the set
    names = {name: name if name in phone_set else without_stress(name)
             for entry in entries for name in entry.phones}
    wrong = [(entry, name) for entry in entries for name in entry.phones if names[name] not in phone_set]
    if wrong:
        _refuse(path, [(entry.number, f'phone "{name}" in word "{entry.word}" is not in {phones}; correct it, or add '
                        f"`{name} IPA` there") for entry, name in wrong])
    weighted: Weighted = {}
    for entry in entries:
        weighted.setdefault(entry.word, []).append((entry.prob, tuple(names[name] for name in entry.phones)))
    used = sorted({name for variants in weighted.values() for _, said in variants for name in said})
    return Given(path, {word: _scaled(variants) for word, variants in weighted.items()},
                 {name: phone_set[name] for name in used}, notation, tuple(left_out))


def written_with(path: Path | str | None) -> Written:
    """How text is read with the lexicon at ``path``, whose phones do not matter here; None: with the dictionary."""
    if path is None:
        return Written()
    entries, noise = _read_entries(Path(path))
    return Written({entry.word for entry in entries}, noise)


def _read_entries(path: Path) -> tuple[list[_Entry], list[str]]:
    """The lines with speech, and the words of those without."""
    entries: list[_Entry] = []
    left_out: list[str] = []
    wrong: list[tuple[int, str]] = []
    for number, line in numbered_lines(path):
        fields = COMMENT.sub("", line.removeprefix("\ufeff")).split()
        if not fields or line.startswith(";;;"):
            continue
        word, phones, prob = normal(VARIANT.sub("", fields[0]) or fields[0]), fields[1:], 1.0
        if phones and PROBABILITY.match(phones[0]):
            prob = float(phones.pop(0))
            if not 0 < prob <= 1:
                wrong.append((number, f'probability {fields[1]} of word "{word}"; it lies above 0 and is at most 1'))
        if not phones:
            wrong.append((number, f'word "{word}" has no phones; write `{word} P1 P2 ...`'))
        elif all(name.upper() in NOISE for name in phones):
            left_out.append(word)
        else:
            entries.append(_Entry(number, word, prob, tuple(map(normal, phones))))
    if wrong:
        _refuse(path, wrong)
    if not entries:
        raise UserError(f"{path}: no words; write one `WORD P1 P2 ...` line for each pronunciation")
    return entries, left_out


def _recognised(path: Path, entries: list[_Entry]) -> tuple[PhoneSet, str]:
    """The phone set of a lexicon that comes without one. UserError at the first phone that keeps it from being one."""
    stressed = dict.fromkeys(name for entry in entries for name in entry.phones)
    notation, known, strange = recognise(map(without_stress, stressed))
    if not strange:
        return known, notation
    entry, name = next((entry, name) for entry in entries for name in entry.phones if without_stress(name) in strange)
    hint = "; write 1.0 if it is a probability" if name.isdigit() else ""
    raise UserError(f'{path}:{entry.number}: phone "{name}" in word "{entry.word}" is not {notation}, as '
                    f"{len(known)} of {len(known) + len(strange)} phones here are{hint}; correct it, or describe all "
                    f"phones in a file of `PHONE IPA [class words]` lines: PHONES=FILE")


def _scaled(variants: list[tuple[float, tuple[str, ...]]]) -> list[tuple[float, tuple[str, ...]]]:
    """Each variant once, with its largest probability; the most probable first, and that 1.0."""
    best: dict[tuple[str, ...], float] = {}
    for prob, phones in variants:
        best[phones] = max(prob, best.get(phones, 0.0))
    largest = max(best.values())
    return sorted(((prob / largest, phones) for phones, prob in best.items()), key=lambda variant: -variant[0])


def _refuse(path: Path, wrong: list[tuple[int, str]]) -> None:
    """UserError of the first mistake that says on which other lines there are some."""
    number, message = wrong[0]
    others = [str(line) for line in sorted({line for line, _ in wrong[1:]} - {number})]
    named = ", ".join([*others[:10], *(["..."] if others[10:] else [])])
    more = f" (mistakes on {len(others)} more lines: {named})" if others else ""
    raise UserError(f"{path}:{number}: {message}{more}")
