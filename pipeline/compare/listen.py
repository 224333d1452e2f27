"""What the trained systems of an experiment hear in a piece of a recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lexicon.errors import UserError
from lexicon.lang import Lang, load_lang
from lexicon.phone_sets import phone_set_of
from lexicon.phones import PhoneSet
from pipeline.search.confidence import Confidences
from pipeline.search.decode import Decoder, Hypothesis, SearchSettings, WfstDecoder, word_decoder
from pipeline.search.graph import Lexicon
from pipeline.search.system import System
from pipeline.search.tuning import read_tuning
from pipeline.search.word_lm import import_own
from pipeline.sound.front_end import Raw
from pipeline.sound.pauses import Piece
from pipeline.sound.recording import Recording, shifted
from pipeline.systems import load_system


class Searches(NamedTuple):
    """A system with both its searches, the phones and pronunciations that these know, and what posteriors are
    worth."""

    system: System
    words: Decoder
    free: Decoder
    phone_set: PhoneSet
    lexicon: Lexicon
    lang: Lang
    confidences: Confidences = Confidences()


class Heard(NamedTuple):
    """What a system heard in a piece of a recording, on the time axis of the whole: in its search for words and in that
    for phones alone; the features (T, D) that it heard, from frame ``first`` on; and what its posteriors are worth."""

    words: Hypothesis
    free: Hypothesis
    feats: np.ndarray
    first: int
    confidences: Confidences = Confidences()


class ListedSystem(NamedTuple):
    """A system that may be there: its name, its model, and the lang directory it searches with."""

    name: str
    model: Path
    lang: Path


def trained(exp: Path, systems: list[ListedSystem]) -> tuple[list[ListedSystem], list[str]]:
    """The systems that are trained and tuned, and the names of the others."""
    ready = [
        system
        for system in systems
        if (system.model / "meta.json").is_file() and (exp / system.name / "tuning.json").is_file()
    ]
    names = [system.name for system in systems]
    if not ready:
        raise UserError(f"{exp}: none of {', '.join(names)} is trained and tuned yet; run: make")
    return ready, [name for name in names if name not in [system.name for system in ready]]


def raw_wanted(searches: Mapping[str, Searches]) -> set[Raw]:
    """What the front ends of the systems begin with."""
    return {one.system.front_end.raw for one in searches.values()}


def load_searches(exp: Path, chosen: list[ListedSystem], lm: Path | None = None) -> dict[str, Searches]:
    """The systems by name, with their tuned searches; what two of them have in common is there once. ``lm``: a Python
    object that scores words in place of the n-grams. UserError where a search cannot use it."""
    own_lm = import_own(str(lm)) if lm else None
    models: dict[Path, System] = {}
    langs: dict[Path, Lang] = {}
    frees: dict[tuple[Path, Path, SearchSettings], Decoder] = {}
    searches = {}
    for name, model, directory in chosen:
        system = models[model] = models.get(model) or load_system(model)
        lang = langs[directory] = langs.get(directory) or replace(load_lang(directory), own_lm=own_lm)
        search, words, free, confidences = read_tuning(exp / name / "tuning.json")
        key = model, directory, free
        frees[key] = frees.get(key) or WfstDecoder(system, lang, "free", free)
        by_words = word_decoder(system, lang, search, words, word_arcs=False)
        searches[name] = Searches(
            system, by_words, frees[key], phone_set_of(lang.info), lang.lexicon, lang, confidences
        )
    return searches


def listen(searches: Mapping[str, Searches], recording: Recording, piece: Piece) -> dict[str, Heard]:
    """What each system hears in a piece. What systems have in common (two searches with one network) is done once."""
    start, end = recording.spoken(piece)
    feats: dict[int, np.ndarray] = {}
    scores: dict[int, np.ndarray] = {}
    frees: dict[int, Hypothesis] = {}

    def heard(decoder: Decoder, scores: np.ndarray, begin: int) -> Hypothesis:
        return later(decoder.decode(recording.name, scores, end - begin), begin)

    result = {}
    for name, (system, words, free, *_) in searches.items():
        begin, key = start - start % system.front_end.step, id(system)
        if key not in scores:
            feats[key] = recording.feats(system.front_end, begin, end)
            scores[key] = system.scores(feats[key])
        if id(free) not in frees:
            frees[id(free)] = heard(free, scores[key], begin)
        result[name] = Heard(
            heard(words, scores[key], begin), frees[id(free)], feats[key], begin, searches[name].confidences
        )
    return result


def later(heard: Hypothesis, frames: int) -> Hypothesis:
    """A hypothesis of a piece that begins at frame ``frames`` of the whole, on the time axis of that."""
    lattice = heard.lattice
    return replace(
        heard,
        words=shifted(heard.words, frames),
        phones=shifted(heard.phones, frames),
        lattice=lattice
        and replace(lattice, node_frame=lattice.node_frame + frames, num_frames=lattice.num_frames + frames),
    )
