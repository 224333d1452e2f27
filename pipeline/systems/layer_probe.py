"""Phones pulled out of a recogniser that was never told of them, by hand-labelled frames: one linear probe of a layer.

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
from pipeline.base.training import Material, setting
from pipeline.classifier.labels import gold_states
from pipeline.classifier.model import FrameClassifier, FrameData, frame_data, load_frame_classifier
from pipeline.datadir.feats import Features, front_end_for, front_end_of
from pipeline.datadir.sets import read_gold
from pipeline.encoders.layers import layer_kinds
from pipeline.hmm.topology import PhoneTopology, Transitions
from pipeline.probe.boundaries import one_state_phones
from pipeline.probe.probe import hits, predicted, train_probe
from pipeline.search.system import ScoredHmms, System, checked
from pipeline.search.topology import hmm_topology
from pipeline.search.tuning import tune_free
from pipeline.sound.front_end import NORMALISE, FrontEnd, FrontEndSettings
from pipeline.times.intervals import Intervals


@dataclass(frozen=True)
class Settings(FrontEndSettings):
    """As others, with the defaults that suit a layer."""

    normalise: str = setting(
        "none", "row: each by itself; or by the speaker's mean, or variance too", choices=NORMALISE
    )
    deltas: int = setting(0, "time derivatives beside each coefficient: first, second and so on", least=0)
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
    """A probe as the searches see it."""
    scores = checked(directory, model.dimension, model.scaled_likelihoods)
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
        f" {len(gold[material.train])} utterances labelled by hand, {meta['train_seconds']:.0f} s",
    ]


def _trained(material: Material, settings: Settings, kind: str, gold: dict[Path, Intervals]) -> Tried:
    """The probe of a layer."""
    lang, fold = load_lang(material.lang), read_fold(material.train.parent)
    front_end = front_end_for(material.train, settings, kind)
    any_length = Transitions(lang.phones, dict.fromkeys(lang.phones, _state(0.5)))
    train_set, dev_set = (
        _labelled(Features(data, front_end), placed, any_length, fold) for data, placed in gold.items()
    )
    transitions = one_state_phones(lang.phones, train_set[1].values())
    model = train_probe(
        _frames(*train_set, settings.context), _frames(*dev_set, settings.context), len(lang.phones), settings.context
    ).model
    references = {
        utt: spoken((interval.label for interval in placed), fold) for utt, placed in gold[material.dev].items()
    }
    system = system_of(material.out, front_end, model, transitions)
    errors = min(tune_free(system, lang, dev_set[0], references, fold, material.jobs).values())
    right, frames = hits(list(dev_set[1].values()), [predicted(model, feats) for feats in dev_set[0].values()])
    per = 100 * errors / sum(map(len, references.values()))
    return Tried(round(per, 2), round(100 * right.sum() / frames.sum(), 2), kind, front_end, model, transitions)


def _labelled(
    feats: Features, gold: Intervals, transitions: Transitions, fold: Fold
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The rows (T, D) of each utterance with gold phones, and the phone (T,) of each row."""
    step = feats.front_end.step
    rows = {utt: feats[utt] for utt in gold if utt in feats}
    return rows, {utt: gold_states(gold[utt], transitions, fold, len(x) * step)[::step] for utt, x in rows.items()}


def _frames(rows: dict[str, np.ndarray], labels: dict[str, np.ndarray], context: int) -> FrameData:
    return frame_data(list(rows.values()), list(labels.values()), context)
