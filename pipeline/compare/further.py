"""Rows beside the systems, of some measures alone: what recognisers from outside wrote themselves, systems that were
combined or rescored, and Kaldi's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lexicon.errors import UserError
from lexicon.files import read_json
from lexicon.fold import Fold
from lexicon.lang import reference_lexicon_of, written_with
from lexicon.text import read_text
from lexicon.written import Written
from pipeline.base.edits import pair_up
from pipeline.compare.score import align_all, count
from pipeline.datadir.sets import read_spoken

COMBINED = "combined"  # the folder of an experiment with a folder for each combination
RESCORED = "rescored"  # and that with a folder for each system that was rescored
KALDI = "kaldi"  # and that with a folder for each decode of Kaldi's


@dataclass(frozen=True, eq=False)
class Further:
    """A row. ``errors``: measure -> (U,) errors of each utterance; ``note`` stands where other rows have more; ``of``:
    the systems that were combined, or the one that was rescored."""

    name: str
    errors: Mapping[str, np.ndarray]
    note: str
    of: Sequence[str] = ()


def own_words(data: Path, lang: Mapping[str, Any], words: Mapping[str, Sequence[str]]) -> Iterator[Further]:
    """What each recogniser from outside wrote itself of the test set, against the reference ``words`` of each
    utterance. ``lang`` is what lang.json says.

    `make encode` writes it with ``--words`` to DATA/test/ENCODER.txt, beside ENCODER.json, which says whose it is. It
    is read as any text of this corpus is, figures and spelling too. An utterance of which the recogniser has nothing
    counts as left out.
    """
    texts = [path for path in sorted((data / "test").glob("*.txt")) if path.with_suffix(".json").is_file()]
    if not texts:
        return
    written = written_with(reference_lexicon_of(data / "lang"), lang)
    for path in texts:
        try:
            name = str(read_json(path.with_suffix(".json"))["encoder"])
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{path.with_suffix('.json')}: does not say of which encoder; remove it and run make again")
        heard = read_text(path)
        errors = [count(pair_up(said, _words(written, heard.get(utt, ())))).errors for utt, said in words.items()]
        note = "without this lexicon and language model, and without phones"
        yield Further(f"{name}'s own words", {"wer": np.array(errors)}, note)


def _words(written: Written, text: Sequence[str]) -> list[str]:
    """As the corpus spells them; figures in another language than English stay as they are."""
    try:
        return written.words(" ".join(text))
    except UserError:
        return written.tokens(text)


def combinations(
    exp: Path, names: Sequence[str], references: Mapping[str, Mapping[str, Sequence[str]]], fold: Fold
) -> Iterator[Further]:
    """What `make combine` has made of systems that are all among ``names``. ``references``: "words" and "phones" of
    each utterance."""
    for path in sorted((exp / COMBINED).glob("*/combine.json")):
        try:
            systems = [str(name) for name in read_json(path)["systems"]]
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{path}: does not say of which systems; remove {path.parent} and run: make combine")
        if not set(systems) <= set(names):
            continue
        yield _combined(path, systems, "", "over the lattices of all of them", references, fold)
        if path.with_name("rover.txt").is_file():
            yield _combined(path, systems, "rover", "a vote of their best strings (ROVER)", references, fold)


def _combined(
    path: Path,
    systems: Sequence[str],
    way: str,
    note: str,
    references: Mapping[str, Mapping[str, Sequence[str]]],
    fold: Fold,
) -> Further:
    words, free = ("rover.txt", "rover_free.txt") if way else ("hyp.txt", "free.txt")
    heard = {
        "wer": ("words", path.with_name(words), read_text),
        "free_per": ("phones", path.with_name(free), lambda text: read_spoken(text, fold)),
    }
    errors = {
        measure: np.array([count(pairs).errors for pairs in align_all(references[kind], read(text), text).values()])
        for measure, (kind, text, read) in heard.items()
    }
    return Further(" + ".join(systems) + (", ROVER" if way else ""), errors, note, systems)


def second_passes(exp: Path, names: Sequence[str], words: Mapping[str, Sequence[str]]) -> Iterator[Further]:
    """What `make rescore` has made of systems among ``names``, against the reference ``words`` of each utterance."""
    for name in names:
        path = exp / RESCORED / name / "hyp.txt"
        if path.is_file():
            errors = [count(pairs).errors for pairs in align_all(words, read_text(path), path).values()]
            note = "what its search kept, scored with n-gram and neural language model"
            yield Further(f"{name}, rescored", {"wer": np.array(errors)}, note, [name])


def of_kaldi(exp: Path, references: Mapping[str, Mapping[str, Sequence[str]]], fold: Fold) -> Iterator[Further]:
    """What KALDI_EXP named: one row for each experiment, of the words and of the phones that its decodes hold; further
    decodes of the same have rows of their own."""
    rows: dict[str, dict[str, tuple[np.ndarray, str]]] = {}
    for path in sorted((exp / KALDI).glob("*/kaldi.json")):
        try:
            told = read_json(path)
            name, decode = (str(told[key]) for key in ("experiment", "decode"))
            words, note = {"words": True, "phones": False}[told["level"]], _kaldi_note(told)
        except (ValueError, KeyError, TypeError, ZeroDivisionError):
            raise UserError(f"{path}: damaged; remove {path.parent}, or make it again with KALDI_EXP") from None
        text = path.with_name("hyp.txt" if words else "free.txt")
        heard, kind = (read_text(text), "words") if words else (read_spoken(text, fold), "phones")
        errors = np.array([count(pairs).errors for pairs in align_all(references[kind], heard, text).values()])
        row = rows.setdefault(f"Kaldi's {name}", {})
        measure = "wer" if words else "free_per"
        (rows.setdefault(f"Kaldi's {name}/{decode}", {}) if measure in row else row)[measure] = errors, note
    for name, found in rows.items():
        notes = dict.fromkeys(note for _, note in found.values())
        yield Further(name, {measure: errors for measure, (errors, _) in found.items()}, "; ".join(notes))


def _kaldi_note(told: Mapping[str, Any]) -> str:
    """Scale, and what its times and lattices hold, of what kaldi.json says."""
    penalty = f", insertion penalty {told['penalty']}" if told["penalty"] else ""
    parts = [f"LM weight {told['weight']}{penalty}, chosen on {told['chosen_on']}"]
    if told["missing"]:
        parts.append(f"{told['missing']} utterances missing, which count as deleted")
    if told.get("right"):
        parts.append(
            f"{100 * told['near'] / told['right']:.0f} % of its right words begin within 20 ms of the reference"
        )
    if told.get("frames") and told.get("words"):
        parts.append(
            f"lattices of {told['arc_frames'] / told['frames']:.1f} arcs a frame, the nearest path with a WER of "
            f"{100 * told['errors'] / told['words']:.1f} %"
        )
    return ", ".join(parts)
