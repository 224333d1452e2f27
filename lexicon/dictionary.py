"""English pronunciations: the user's own file first, then the dictionary in the pocketsphinx wheel.

That dictionary is CMUdict without stress (BSD licence, 134,860 pronunciations, lower-case words, variants written
`word(2)`). It is read as a file: pocketsphinx itself, which wants audio libraries, is never imported.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from lexicon.errors import UserError
from lexicon.letters import upper
from lexicon.phones import PHONES
from lexicon.text import numbered_lines

Pronunciation = tuple[str, ...]
Pronunciations = dict[str, list[Pronunciation]]  # by word, the usual variant first
Weighted = dict[str, list[tuple[float, Pronunciation]]]  # by word: (probability, phones) of each variant

EXTRA = Path(__file__).with_name("extra.txt")
VARIANT = re.compile(r"\(\d+\)$")


def dictionary_path() -> Path:
    """The dictionary file of the installed pocketsphinx; UserError with the way to install it."""
    spec = find_spec("pocketsphinx")
    path = Path(spec.origin).parent / "model/en-us/cmudict-en-us.dict" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise UserError("pocketsphinx: its English dictionary is not installed; run: pip install pocketsphinx==5.1.1")
    return path


def read_dictionary(words: Collection[str] | None = None) -> Pronunciations:
    """The dictionary's entries for the given upper-case words (all of them without ``words``)."""
    wanted = None if words is None else set(words)
    found: Pronunciations = {}
    with open(dictionary_path(), encoding="utf-8") as stream:
        for line in stream:
            entry, *phones = line.split()
            word = VARIANT.sub("", entry).upper()
            if wanted is None or word in wanted:
                found.setdefault(word, []).append(tuple(phones))
    return {word: list(dict.fromkeys(variants)) for word, variants in found.items()}


@lru_cache(maxsize=1)
def dictionary_words() -> frozenset[str]:
    """All words of the dictionary, in upper case."""
    return frozenset(read_dictionary())


def read_lexicon(path: Path | str) -> Pronunciations:
    """Read `WORD P1 P2 ...` lines, one variant each; `#` begins a comment; words are taken in upper case.

    Raises UserError with file and line for a word without phones and a phone that is not one of the 39.
    """
    found: Pronunciations = {}
    for number, line in numbered_lines(path):
        word, *phones = line.partition("#")[0].split() or [""]
        if not word:
            continue
        if not phones:
            raise UserError(f'{path}:{number}: word "{word}" has no phones; write `{word} P1 P2 ...`')
        for phone in phones:
            if phone not in PHONES:
                bare = phone.upper().rstrip("012")
                hint = f"write {bare}" if bare in PHONES else f"use these: {' '.join(PHONES)}"
                raise UserError(f'{path}:{number}: unknown phone "{phone}" in word "{word}"; {hint}')
        variants = found.setdefault(word.upper(), [])
        if tuple(phones) not in variants:
            variants.append(tuple(phones))
    return found


def look_up(words: Collection[str], extra: Path | str | None = EXTRA) -> Pronunciations:
    """Pronunciations of those of the words, in any case, that ``extra`` (a file as in read_lexicon) or the dictionary
    holds.

    A word in ``extra`` has the pronunciations given there and no others. What is missing from the result has none.
    """
    own = read_lexicon(extra) if extra else {}
    capitals = {word: upper(word) for word in words}
    known = read_dictionary(set(capitals.values()) - own.keys()) | own
    return {word: known[name] for word, name in capitals.items() if name in known}
