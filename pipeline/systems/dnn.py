"""A network in the place of the Gaussians of adapted, tied triphones: a hybrid, trained frame by frame."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lexicon.errors import UserError
from lexicon.lang import load_lang
from lexicon.text import same_ids
from pipeline.base.archive import Archive
from pipeline.base.meta import CHECKPOINT, MODEL
from pipeline.base.training import Material, otherwise, setting
from pipeline.classifier.labels import check_alignment
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import Features, front_end_of
from pipeline.datadir.sets import align_again
from pipeline.hmm.gmm import GmmHmm, load_gmm
from pipeline.neural.settings import TrainSettings
from pipeline.search.decode import free_knowledge
from pipeline.search.graph import arc_graph, decoding_graph
from pipeline.search.system import ScoredHmms, System, checked
from pipeline.search.topology import hmm_topology
from pipeline.sound.front_end import FrontEnd
from pipeline.systems.classifier import hmms_of
from pipeline.systems.ctc import device_for, recipe
from pipeline.tied.teacher import adapted_by

if TYPE_CHECKING:
    from pipeline.neural.data import Part
    from pipeline.neural.sequence import Rivals

# PyTorch, and all that is made of it, is imported where something is computed: it is slow to import.

FLOOR = -20.0  # natural log: one frame must not forbid a path
SCALE = 0.2  # acoustic scale in training on whole utterances: about what is best in the search for words
ABOUT = (
    "The states of sat, told apart by a neural network on the same adapted features (a hybrid: Bourlard and Morgan"
    " 1994; Dahl 2012), trained on sat's alignment, and then to tell what was said from what else could have been"
    " (lattice-free MMI: Povey 2016); words are found in the same graph."
)


@dataclass(frozen=True)
class Settings(TrainSettings):
    """What training depends on beside its material."""

    device: str = setting("auto", "where to train", choices=("auto", "cpu", "cuda"))
    epochs: int = otherwise(TrainSettings, "epochs", 20)
    patience: int = otherwise(TrainSettings, "patience", 8)
    sequence_epochs: int = setting(
        4, "passes over the data after those by frame, in which whole utterances are told from others", least=0
    )
    sequence_rate: float = setting(1e-3, "learning rate of AdamW in the passes on whole utterances", least=0.0)


def load(directory: Path, meta: dict[str, Any]) -> System:
    """The network in ``directory``, and the HMMs whose states it tells apart; UserError if one of them is damaged."""
    from pipeline.neural.model import load_model

    model, hmms, front_end = load_model(directory), hmms_of(directory, meta), front_end_of(directory)
    if len(model.tokens) != hmms.transitions.decisions.num_pdfs:
        raise UserError(
            f"{directory}: {len(model.tokens)} densities, the HMMs in {meta['hmm']} have"
            f" {hmms.transitions.decisions.num_pdfs}; run: make {directory.name}"
        )

    def scaled(feats: np.ndarray) -> np.ndarray:
        return np.maximum(model.log_posteriors(feats)[: len(feats)], FLOOR) - model.log_prior

    scores = checked(directory, front_end.dimension, scaled)
    topology = hmm_topology(hmms.transitions)
    return System(
        directory.name,
        directory,
        front_end,
        scores,
        topology,
        front_end.step,
        0.5,
        0.17,
        hmms=ScoredHmms(hmms.transitions, scores),
    )


def train(material: Material, settings: Settings) -> list[str]:
    """Train the network on the teacher's alignment. Returns lines to print, the last of which is the result. A run that
    is broken off goes on from the checkpoint in the model directory."""
    from pipeline.neural.hybrid import HYBRID
    from pipeline.neural.model import save_model
    from pipeline.neural.sequence import CHECKPOINT as SEQUENCE_CHECKPOINT
    from pipeline.neural.sequence import sequence_task
    from pipeline.neural.train import finish
    from pipeline.neural.train import train as train_network

    if material.teacher is None:
        raise UserError("--teacher: no model directory given, whose alignment labels the frames; give one")
    hmms, front_end = load_gmm(material.teacher / MODEL), adapted_by(material.teacher, material.out)
    (train_part, first), (dev_part, second) = (
        _part(data, front_end, material, hmms) for data in (material.train, material.dev)
    )
    device = device_for(settings.device)
    tokens = [str(pdf) for pdf in range(hmms.transitions.decisions.num_pdfs)]
    learn = partial(train_network, train_part, dev_part, tokens)
    where = material.out, device, material.jobs
    state = learn(recipe(settings), first + second, *where, task=HYBRID)
    if settings.sequence_epochs:
        rivals = _rivals(train_part, material, hmms)
        data = first + second + rivals.fingerprint
        state = learn(_afterwards(settings, state.epoch), data, *where, task=sequence_task(rivals), before=state)
    model, meta = finish(state, train_part, tokens, recipe(settings), device, material.jobs)
    meta |= {
        "kind": "dnn",
        "hmm": os.path.relpath(material.teacher, material.out),
        "front_end": front_end.as_json(),
        "device": device.type,
        "measure": HYBRID.measure,
        "sequence": {"epochs": settings.sequence_epochs, "rate": settings.sequence_rate, "scale": SCALE},
    }
    save_model(material.out, model, meta)
    for checkpoint in (CHECKPOINT, SEQUENCE_CHECKPOINT):
        (material.out / checkpoint).unlink(missing_ok=True)
    return [
        f"{settings.encoder}, {model.encoder.num_parameters():,} parameters, {len(tokens)} states, {state.epoch} epochs"
        f" (best {state.best_epoch}), dev frame error rate {state.best_per:.1f} %, {state.seconds:.0f} s"
    ]


def _afterwards(settings: Settings, epoch: int) -> TrainSettings:
    """Settings for the epochs on whole utterances, after ``epoch``. The learning rate hardly falls."""
    return replace(
        recipe(settings),
        epochs=epoch + settings.sequence_epochs,
        patience=settings.sequence_epochs,
        learning_rate=settings.sequence_rate,
        warmup_epochs=0,
        init="",
    )


def _rivals(part: Part, material: Material, hmms: GmmHmm) -> Rivals:
    """What the utterances might have been: any phones, by their bigram. The prior of a state is its share of the
    frames."""
    from pipeline.neural.sequence import Rivals

    topology = hmm_topology(hmms.transitions)
    counts = np.zeros(hmms.transitions.decisions.num_pdfs)
    for states in part.targets.values():
        np.add.at(counts, np.array(states), 1)
    graph = decoding_graph(*free_knowledge(topology, load_lang(material.lang).phone_lm))
    prior = np.maximum(counts, 1) / counts.sum()
    return Rivals(arc_graph(graph, topology.labels), np.log(prior), SCALE)


def _part(data: Path, front_end: FrontEnd, material: Material, hmms: GmmHmm) -> tuple[Part, str]:
    """A set with the state of each frame, and its fingerprint."""
    from pipeline.neural.data import survey
    from pipeline.neural.hybrid import as_targets

    assert material.teacher is not None
    feats, folder = Features(data, front_end, material.out), material.teacher / f"ali_{data.name}"
    utterances = [utterance.id for utterance in feats.of(read_datadir(data))]
    alignment = Archive(folder / "ali.scp")
    same_ids(alignment.path, alignment, utterances, align_again(folder))
    number = hmms.transitions.decisions.num_pdfs
    labels: Mapping[str, np.ndarray] = {
        utt: check_alignment(alignment[utt], feats[utt], number, f"{alignment.path}: {utt}") for utt in utterances
    }
    return survey(feats, as_targets(labels, utterances), front_end.dimension)
