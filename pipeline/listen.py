"""What the trained systems of an experiment hear in a piece of a recording."""
from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from lexicon.errors import UserError
from lexicon.lang import load_lang
from pipeline.decode import Decoder, Hypothesis, WfstDecoder, word_decoder
from pipeline.features import FeatureSettings, model_features
from pipeline.own_audio import Recording, shifted
from pipeline.segment import Piece
from pipeline.systems import System, load_system
from pipeline.tuning import read_tuning


class Ear(NamedTuple):
    """A system with both its searches."""

    system: System
    words: Decoder
    free: Decoder


class Candidate(NamedTuple):
    """A system that may be there: its name, its model, and the lang directory it searches with."""

    name: str
    model: Path
    lang: Path


def trained(exp: Path, systems: list[Candidate]) -> tuple[list[Candidate], list[str]]:
    """The systems that are trained and tuned, and the names of the others."""
    ready = [system for system in systems
             if (system.model / "meta.json").is_file() and (exp / system.name / "tuning.json").is_file()]
    names = [system.name for system in systems]
    if not ready:
        raise UserError(f"{exp}: none of {', '.join(names)} is trained and tuned yet; run: make")
    return ready, [name for name in names if name not in [system.name for system in ready]]


def common_features(systems: list[Candidate]) -> FeatureSettings:
    """The features of all systems; UserError if they differ, which they do only in an experiment half done again."""
    first, *others = systems
    settings = model_features(first.model)
    for other in others:
        if model_features(other.model) != settings:
            raise UserError(f"{other.model}: trained on other features than {first.model}; train both alike, run: make")
    return settings


def load_ear(exp: Path, chosen: Candidate) -> Ear:
    """A system with its tuned searches."""
    system, lang = load_system(chosen.model), load_lang(chosen.lang)
    search, words, free = read_tuning(exp / chosen.name / "tuning.json")
    return Ear(system, word_decoder(system, lang, search, words, word_arcs=False),
               WfstDecoder(system, lang, "free", free))


def listen(ear: Ear, recording: Recording, piece: Piece) -> tuple[Hypothesis, Hypothesis]:
    """Words, and free phones, of a piece, on the time axis of the recording."""
    start, end = recording.spoken(piece)
    scores = ear.system.scores(recording.feats(start, end))
    found = (decoder.decode(recording.name, scores, end - start) for decoder in (ear.words, ear.free))
    words, free = (Hypothesis(shifted(h.words, start), shifted(h.phones, start), h.confidence) for h in found)
    return words, free
