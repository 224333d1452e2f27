"""Phones pulled out of a recogniser that was never told of them, by gold frame labels: one linear probe of a layer.

The probe is scikit-learn's (`pipeline.probe`), its posteriors divided by priors are the scores of phones of one state.
Of the layers on disk that is taken whose probe has the lowest PER of the free search on dev. Phones are those of the
lexicon; a corpus needs gold phones in train and dev.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lexicon.errors import UserError
from lexicon.fold import Fold, read_fold
from lexicon.lang import load_lang
from lexicon.phones import spoken
from lexicon.text import columns
from pipeline.base.meta import MODEL, write_model
from pipeline.base.training import Material, otherwise, setting
from pipeline.classifier.labels import UNKNOWN, gold_states
from pipeline.classifier.model import FrameClassifier, load_frame_classifier
from pipeline.datadir.feats import Features, front_end_for, front_end_of
from pipeline.datadir.sets import read_gold
from pipeline.encoders.layers import layer_kinds
from pipeline.hmm.topology import PhoneTopology, Transitions
from pipeline.probe.boundaries import one_state_phones
from pipeline.probe.frames import FrameData
from pipeline.probe.probe import MOST, hits, predicted, train_probe
from pipeline.search.system import ScoredHmms, System, checked
from pipeline.search.topology import hmm_topology
from pipeline.search.tuning import scored_on_disk, tune_free
from pipeline.sound.front_end import FrontEnd, FrontEndSettings, splice
from pipeline.times.intervals import Intervals

ABOUT = (
    "A recogniser from outside that was never told of phones and stays as it is: one linear map of one of its layers,"
    " trained with gold phones frame by frame, reads phones from it."
)


@dataclass(frozen=True)
class Settings(FrontEndSettings):
    """As others, with the defaults that suit a layer."""

    normalise: str = otherwise(FrontEndSettings, "normalise", "none")
    deltas: int = otherwise(FrontEndSettings, "deltas", 0)
    context: int = setting(0, "frames on each side that it sees too", least=0)


class Tried(NamedTuple):
    """A layer as it does on dev: PER of the free search and share of frames that are right, in percent."""

    free_per: float
    accuracy: float
    kind: str
    front_end: FrontEnd
    model: FrameClassifier
    transitions: Transitions


def load(directory: Path, meta: dict[str, Any]) -> System:
    """The probe in ``directory``; UserError if it is damaged."""
    model, leave = load_frame_classifier(directory / MODEL), meta.get("leave") or {}
    try:
        transitions = Transitions(list(leave), {phone: _state(share) for phone, share in leave.items()})
    except (TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{directory}/meta.json: leave {leave!r:.40}; run: make {directory.name}") from error
    if len(model.log_prior) != transitions.decisions.num_pdfs:
        raise UserError(
            f"{directory}: {len(model.log_prior)} densities for {len(leave)} phones; run: make {directory.name}"
        )
    return system_of(directory, front_end_of(directory), model, transitions)


def _state(leave: float) -> PhoneTopology:
    """One state, which is left with this probability."""
    if not 0 < leave < 1:
        raise ValueError(leave)
    return PhoneTopology(np.ones(1), np.array([[1 - leave]]), np.array([leave]))


def system_of(directory: Path, front_end: FrontEnd, model: FrameClassifier, transitions: Transitions) -> System:
    """A probe as the searches see it: a row counts as often as it stands for frames of the clock."""

    def scored(feats: np.ndarray) -> np.ndarray:
        return front_end.step * model.scaled_likelihoods(feats)

    scores = checked(directory, model.dimension, scored)
    hmms, topology = ScoredHmms(transitions, scores), hmm_topology(transitions)
    return System(directory.name, directory, front_end, scores, topology, front_end.step, 0.5, 0.28, hmms=hmms)


def train(material: Material, settings: Settings) -> list[str]:
    """Train a probe on each layer, take the one with the lowest free PER on dev. Returns lines to print, the last of
    which is the result."""
    began = time.monotonic()
    gold = {data: read_gold(data, "phones") for data in (material.train, material.dev)}
    for data, placed in gold.items():
        if not placed:
            raise UserError(f"{data}: no gold phones, which label the frames of a probe; use whisper_phones")
    tried = [_trained(material, settings, kind, gold) for kind in layer_kinds(material.train, material.features)]
    best = min(tried, key=lambda one: one.free_per)
    meta = {
        "kind": "layer_probe",
        "layers": {one.kind: {"dev_free_per": one.free_per, "dev_accuracy": one.accuracy} for one in tried},
        "layer": best.kind,
        "leave": {phone: float(own.exit[0]) for phone, own in best.transitions.topologies.items()},
        "front_end": best.front_end.as_json(),
        "train_seconds": time.monotonic() - began,
        "parameters": best.model.num_parameters,
    }
    write_model(material.out, meta, best.model.save)
    rows = [[t.kind, f"{t.free_per:.2f}", f"{t.accuracy:.2f}", "<- chosen" if t is best else ""] for t in tried]
    table = columns([["layer", "dev free PER %", "dev frame accuracy %", ""], *rows])
    return [
        *(line.rstrip() for line in table),
        f"{best.kind}, dev free PER {best.free_per:.1f} %, {best.model.num_parameters} parameters,"
        f" {len(gold[material.train])} utterances with gold phones, {meta['train_seconds']:.0f} s",
    ]


def _trained(material: Material, settings: Settings, kind: str, gold: dict[Path, Intervals]) -> Tried:
    """The probe of a layer."""
    lang, fold = load_lang(material.lang), read_fold(material.train.parent)
    front_end = front_end_for(material.train, settings, kind)
    feats = {data: Features(data, front_end) for data in gold}
    any_length = Transitions(lang.phones, dict.fromkeys(lang.phones, _state(0.5)))
    labels = {data: _labels(feats[data], gold[data], any_length, fold) for data in gold}
    transitions = one_state_phones(lang.phones, labels[material.train].values())
    train_set, dev_set = (_frames(feats[data], labels[data], settings.context) for data in gold)
    model = train_probe(train_set, dev_set, len(lang.phones), settings.context).model
    dev, known = feats[material.dev], labels[material.dev]
    references = {utt: spoken((one.label for one in gold[material.dev][utt]), fold) for utt in known}
    system = system_of(material.out, front_end, model, transitions)
    material.out.mkdir(parents=True, exist_ok=True)
    scored = scored_on_disk(system, dev.__getitem__, references, material.out, material.jobs)
    errors = min(tune_free(system, lang, scored, references, fold, material.jobs).values())
    right, frames = hits(list(known.values()), [predicted(model, dev[utt]) for utt in known])
    per = 100 * errors / sum(map(len, references.values()))
    return Tried(round(per, 2), round(100 * right.sum() / frames.sum(), 2), kind, front_end, model, transitions)


def _labels(feats: Features, gold: Intervals, transitions: Transitions, fold: Fold) -> dict[str, np.ndarray]:
    """The phone (T,) of each row of the utterances with gold phones."""
    step = feats.front_end.step
    known = {utt: len(feats[utt]) * step for utt in gold if utt in feats}
    return {utt: gold_states(gold[utt], transitions, fold, frames)[::step] for utt, frames in known.items()}


def _frames(feats: Features, labels: dict[str, np.ndarray], context: int) -> FrameData:
    """The rows that a probe learns from: evenly from all whose phones are known, as many as it wants, with their
    neighbours."""
    stride = -(-sum(np.count_nonzero(own != UNKNOWN) for own in labels.values()) // MOST)
    x, y, passed = [], [], 0
    for utt, own in labels.items():
        known = np.flatnonzero(own != UNKNOWN)
        kept, passed = known[-passed % stride :: stride], passed + len(known)
        x.append(splice(feats[utt], context)[kept])
        y.append(own[kept])
    return FrameData(np.concatenate(x), np.concatenate(y))
