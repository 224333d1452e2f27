"""A lexicon of the user: CMUdict's, Kaldi's lexicon.txt, lexiconp.txt and lexiconp_silprob.txt, MFA's, or plain `WORD
P1 P2 ...` lines."""

from __future__ import annotations

import re
from collections.abc import Collection, Container
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from lexicon.dictionary import VARIANT, Pronunciations, Weighted
from lexicon.errors import UserError
from lexicon.letters import composed, nfc
from lexicon.phone_sets import read_phone_set, recognise, without_stress
from lexicon.phones import PhoneSet
from lexicon.text import numbered_lines
from lexicon.written import Written

COMMENT = re.compile(r"(^|\s)#(\s.*)?$")
NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$")
WHOLE = re.compile(r"[0-9]+$")  # the name of a phone may be a number in a described set: X-SAMPA has 2, 6 and 9
# The number columns between a word and its phones, in Kaldi's lexiconp_silprob.txt and MFA's dictionaries. All but the
# first are about a pause before or after the word. The value is the largest number allowed.
COLUMNS = {
    "probability": 1.0,
    "probability of silence after it": 1.0,
    "correction for silence before it": 1e6,
    "correction for no silence before it": 1e6,
}


class _Everything(Container[str]):
    """A phone set that has every name."""

    def __contains__(self, name: object) -> bool:
        return True


ANY_PHONE = _Everything()
NOISE = {"SIL", "SPN", "NSN", "LAU"}  # what Kaldi's lexicons call no speech: entries of nothing else are left out


class _Entry(NamedTuple):
    number: int  # of its line
    word: str
    prob: float
    phones: tuple[str, ...]


@dataclass(frozen=True)
class Given:
    """A lexicon and its phones. ``entries``: by word as written, its variants in order of probability, the largest of
    which is 1.0. ``left_out``: words that stand for noise or silence. ``columns``: how many of COLUMNS it has, of which
    only the first is used."""

    path: Path
    entries: Weighted
    phone_set: PhoneSet
    notation: str  # ARPAbet, IPA, or the name of the file with the phone set
    left_out: tuple[str, ...] = ()
    columns: int = 0

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
            found.setdefault(nfc(word).lower(), []).extend(phones for _, phones in variants)
        return {word: list(dict.fromkeys(variants)) for word, variants in found.items()}


def read_given(path: Path | str, phones: Path | str | None = None) -> Given:
    """Read a lexicon and, where ``phones`` names a file with one, its phone set (else ARPAbet or IPA is recognised).

    Lines are `WORD P1 P2 ...` or `WORD 0.8 P1 P2 ...`, with up to four numbers (COLUMNS); `WORD(2)` is another variant
    of WORD; `;;;` at the beginning of a line and `#` before a space begin comments. Stress (AH0, ˈa) goes unless the
    phone set has it. Raises UserError with file and line for a word without phones, a bad probability and a phone that
    the set lacks; it says which other lines have mistakes.
    """
    path = Path(path)
    described = None if phones is None else read_phone_set(phones)
    entries, left_out, columns = _read_entries(path, described or {})
    if phones is None or described is None:
        phone_set, notation = _recognised(path, entries)
    else:
        phone_set, notation = described, Path(phones).name
    # by the name in the lexicon: the name in the set
    names = {name: name if name in phone_set else without_stress(name) for entry in entries for name in entry.phones}
    wrong = [(entry, name) for entry in entries for name in entry.phones if names[name] not in phone_set]
    if wrong:
        _refuse(
            path,
            [
                (
                    entry.number,
                    f'phone "{name}" in word "{entry.word}" is not in {phones}; correct it, or add `{name} IPA` there',
                )
                for entry, name in wrong
            ],
        )
    weighted: Weighted = {}
    for entry in entries:
        weighted.setdefault(entry.word, []).append((entry.prob, tuple(names[name] for name in entry.phones)))
    used = sorted({name for variants in weighted.values() for _, said in variants for name in said})
    return Given(
        path,
        {word: _scaled(variants) for word, variants in weighted.items()},
        {name: phone_set[name] for name in used},
        notation,
        tuple(left_out),
        columns,
    )


def phones_in(path: Path | str) -> set[str]:
    """The names of the phones in a lexicon, without stress, whatever they are. UserError with file and line."""
    return {without_stress(name) for entry in _read_entries(Path(path), ANY_PHONE)[0] for name in entry.phones}


def written_with(path: Path | str | None) -> Written:
    """How text is read with the lexicon at ``path``, whose phones do not matter here; None: with the dictionary."""
    if path is None:
        return Written()
    entries, noise, _ = _read_entries(Path(path), ANY_PHONE)
    return Written({entry.word for entry in entries}, noise)


def _read_entries(path: Path, described: Container[str]) -> tuple[list[_Entry], list[str], int]:
    """The lines with speech, the words of those without, and how many number columns there are; ``described``: the
    phones that are known to be phones."""
    entries: list[_Entry] = []
    left_out: list[str] = []
    wrong: list[tuple[int, str]] = []
    most = 0
    for number, line in numbered_lines(path):
        line = COMMENT.sub("", line.removeprefix("\ufeff")).strip()
        fields = line.split()
        if not fields or line.startswith(";;;"):
            continue
        head, tab, _ = line.partition("\t")
        if tab and not all(map(NUMBER.match, head.split()[1:])):
            wrong.append(
                (
                    number,
                    f'"{head}" before the tab has a space in it, and a word has none; write it as one '
                    f"word, or leave it out",
                )
            )
            continue
        word = composed(VARIANT.sub("", fields[0]) or fields[0])
        columns = _num_columns(fields[1:], described)
        numbers, phones = fields[1 : columns + 1], fields[columns + 1 :]
        most = max(most, columns)
        if mistake := _mistake(word, numbers, phones, described):
            wrong.append((number, mistake))
        elif (named := {name.upper() for name in phones if not NUMBER.match(name)}) and named <= NOISE:
            left_out.append(word)
        else:
            entries.append(_Entry(number, word, float(numbers[0]) if numbers else 1.0, tuple(map(nfc, phones))))
    if wrong:
        _refuse(path, wrong)
    if not entries:
        raise UserError(f"{path}: no words; write one `WORD P1 P2 ...` line for each pronunciation")
    return entries, left_out, most


def _num_columns(fields: list[str], described: Container[str]) -> int:
    """How many numbers stand before the phones: up to the last with a point, for a phone may be called 1, or as many as
    there are columns, for Kaldi writes 1 as well."""
    first = next((place for place, field in enumerate(fields) if not NUMBER.match(field)), len(fields))
    if first >= len(COLUMNS) and not any(WHOLE.match(field) and field in described for field in fields[: len(COLUMNS)]):
        return len(COLUMNS)
    return max((place for place in range(1, first + 1) if not WHOLE.match(fields[place - 1])), default=0)


def _mistake(word: str, numbers: list[str], phones: list[str], described: Container[str]) -> str:
    """What is wrong with a line; "" if nothing is."""
    for text, (what, most) in zip(numbers, COLUMNS.items()):
        if not 0 <= float(text) <= most or (what == "probability" and not float(text)):
            limits = "it lies above 0 and is at most 1" if what == "probability" else f"it lies between 0 and {most:g}"
            return f'{what} {text} of word "{word}"; {limits}'
    if len(numbers) > len(COLUMNS):
        return f'word "{word}" has {len(numbers)} numbers; there are at most {len(COLUMNS)}: {", ".join(COLUMNS)}'
    if not phones:
        return f'word "{word}" has no phones; write `{word} P1 P2 ...`'
    strange = next((name for name in phones if NUMBER.match(name) and name not in described), None)
    if strange is None:
        return ""
    hint = f"; write {strange}.0 if it is a probability" if WHOLE.match(strange) else ""
    return f'"{strange}" in word "{word}" is a number, no phone{hint}; give the phone another name'


def _recognised(path: Path, entries: list[_Entry]) -> tuple[PhoneSet, str]:
    """The phone set of a lexicon that comes without one. UserError at the first phone that is not in its notation."""
    stressed = dict.fromkeys(name for entry in entries for name in entry.phones)
    notation, known, strange = recognise(map(without_stress, stressed))
    if not strange:
        if notation == "ARPAbet":
            _refuse_two_cases(path, entries, known)
        return known, notation
    entry, name = next((entry, name) for entry in entries for name in entry.phones if without_stress(name) in strange)
    raise UserError(
        f'{path}:{entry.number}: phone "{name}" in word "{entry.word}" is not {notation}, as '
        f"{len(known)} of {len(known) + len(strange)} phones here are; correct it, or describe all "
        f"phones in a file of `PHONE IPA [class words]` lines: PHONES=FILE"
    )


def _refuse_two_cases(path: Path, entries: list[_Entry], known: Collection[str]) -> None:
    """UserError where one phone of ARPAbet has two names, AH and ah, and would be two phones."""
    small = {name for name in known if name != name.upper() and name.upper() in known}
    found = next(((entry, name) for entry in entries for name in entry.phones if without_stress(name) in small), None)
    if found:
        entry, name = found
        raise UserError(
            f'{path}:{entry.number}: phone "{name}" in word "{entry.word}" is "{name.upper()}" in others; '
            f"write all phones in capitals, or all in small letters"
        )


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
