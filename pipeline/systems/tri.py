"""Triphones whose states are tied by decision trees, with mixtures of Gaussians."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.files import log_file, write_json
from lexicon.lang import Lang, load_lang
from lexicon.phones import SILENCE
from lexicon.text import same_ids
from pipeline.base.archive import Archive
from pipeline.base.curve import CURVE, Curve
from pipeline.base.meta import MODEL, write_model
from pipeline.base.spill import OnDisk
from pipeline.base.training import Material, setting
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import Features, front_end_for, front_end_of, measured
from pipeline.datadir.sets import align_again, aligned_ctm
from pipeline.hmm.gmm import VARIANCE_FLOOR, GmmHmm, load_gmm
from pipeline.hmm.graphs import Graph
from pipeline.hmm.mixture import FrameStore
from pipeline.hmm.set_graphs import set_graphs
from pipeline.hmm.tied import Labels, Rounds, count_transitions, initial, realign, train_tied
from pipeline.hmm.topology import Transitions
from pipeline.hmm.tree import Tree, grow_tree, sum_up, triphone_states
from pipeline.hmm.viterbi import Alignment
from pipeline.search.system import System, checked
from pipeline.search.topology import hmm_topology
from pipeline.sound.front_end import FrontEnd, FrontEndSettings
from pipeline.systems import load_system
from pipeline.times.clock import seconds_to_frame
from pipeline.times.segments import Segment

TREE = "tree.json"
ABOUT = (
    "Phones between their neighbours (triphones). What sounds alike is tied: of each state a decision tree asks about the"
    " phones before and after it (Young, Odell and Woodland 1994). Each leaf is a mixture of Gaussians."
)


@dataclass(frozen=True)
class Settings(FrontEndSettings):
    """What training depends on beside its material."""

    leaf_frames: float = setting(300.0, "frames of speech for each leaf of the trees", least=1)
    gaussian_frames: float = setting(40.0, "frames of speech for each Gaussian", least=1)
    min_leaf: float = setting(30.0, "frames that a leaf has at least", least=0)
    min_frames: float = setting(10.0, "frames that a Gaussian needs on average", least=0)
    rounds: int = setting(4, "alignments", least=1)
    passes: int = setting(8, "passes of EM on each alignment", least=1)


def load(directory: Path, meta: dict[str, Any]) -> System:
    """The model in ``directory``; UserError if it is damaged."""
    model, front_end = load_gmm(directory / MODEL), front_end_of(directory)
    scores = checked(directory, model.means.shape[1], model.log_likelihood)
    topology = hmm_topology(model.transitions)
    return System(directory.name, directory, front_end, scores, topology, front_end.step, 0.28, 0.1, hmms=model)


@dataclass(frozen=True)
class Taught:
    """What the teacher knows of train: its HMMs' ``transitions``, and its alignment of each utterance."""

    transitions: Transitions
    alignments: Mapping[str, Alignment]


def taught(material: Material, utterances: list[str]) -> Taught:
    """The teacher's alignment of train. UserError where there is none, or of other utterances."""
    if material.teacher is None:
        raise UserError("--teacher: no model directory given, whose alignment of train is the first; give one")
    hmms = load_system(material.teacher).hmms
    if hmms is None:
        raise UserError(f"{material.teacher}: no system of HMMs, whose states can be tied; give another --teacher")
    folder = material.teacher / "ali_train"
    pdfs, phones = Archive(folder / "ali.scp"), aligned_ctm(folder, "phones")
    same_ids(pdfs.path, pdfs, utterances, align_again(folder))

    def read() -> Iterator[tuple[str, Alignment]]:
        for utt in utterances:
            own = pdfs[utt]
            edges = [seconds_to_frame(phone.start) for phone in phones[utt]]
            placed = [Segment(phone.label, a, b) for phone, a, b in zip(phones[utt], edges, [*edges[1:], len(own)])]
            yield utt, Alignment(own, placed, 0.0)

    return Taught(hmms.transitions, OnDisk(material.out, read()))


def tied_labels(alignment: Alignment, before: Transitions, after: Transitions) -> np.ndarray:
    """The densities (T,) that the states of an alignment read by other decisions."""
    states = triphone_states(alignment.phones, alignment.pdfs, before.decisions)
    found = np.empty(len(states), np.int32)
    labels = ["", *(phone.label for phone in alignment.phones), ""]
    for left, phone, right in zip(labels, alignment.phones, labels[2:]):
        own = np.array(after.decisions.pdfs(phone.label, left, right), np.int32)
        found[phone.start : phone.end] = own[states[phone.start : phone.end, 1]]
    return found


def train(material: Material, settings: Settings) -> list[str]:
    """Grow the trees on the teacher's alignment, and train their densities. Returns lines to print, the last of which
    is the result."""
    began = time.monotonic()
    lang, front_end = load_lang(material.lang), front_end_for(material.train, settings, material.features)
    feats = Features(material.train, front_end)
    words = {utterance.id: utterance.words for utterance in feats.of(read_datadir(material.train))}
    lengths = measured(feats, words, front_end.dimension, material.train / "text")
    teacher = taught(material, list(words))
    store = FrameStore(material.out, ((utt, feats[utt]) for utt in words))
    tree, floor = tied_states(lang, teacher, store, settings)
    transitions = Transitions(lang.phones, teacher.transitions.topologies, tree.decisions)
    graphs = set_graphs(
        material.train / "text", words, lengths, lang.lexicon, transitions, material.out, material.jobs
    )
    model = initial(tree, transitions, floor)
    labels = {utt: tied_labels(teacher.alignments[utt], teacher.transitions, transitions) for utt in words}
    rounds = Rounds(settings.rounds, settings.passes, number_of(teacher, settings.gaussian_frames), settings.min_frames)
    scores: list[float] = []
    with (
        log_file(material.out / "train.log") as log,
        tqdm(total=settings.rounds * settings.passes, desc=material.out.name, disable=None) as bar,
    ):

        def renew(model: GmmHmm, number: int) -> tuple[FrameStore, Labels]:
            whole = {utt: store.of(utt, lengths[utt]) for utt in words}
            found = {}
            pairs = []
            for utt, alignment in realign(model, graphs, whole, material.jobs):
                found[utt] = alignment.pdfs
                pairs.append((alignment.phones, alignment.pdfs))
            transitions.reestimate(count_transitions(transitions, pairs))
            return store, found

        def on_pass(number: int, gaussians: int, score: float) -> None:
            scores.append(score)
            print(f"pass {number}: {gaussians} Gaussians, log likelihood {score:.6f} per frame", file=log, flush=True)
            bar.update()

        train_tied(model, store, labels, renew, rounds, material.jobs, on_pass)
    seconds = time.monotonic() - began
    meta = {
        "kind": "tri",
        "front_end": front_end.as_json(),
        "train_seconds": seconds,
        "parameters": model.num_parameters,
        "leaves": tree.decisions.num_pdfs,
        "gaussians": len(model.weights),
        CURVE: Curve("pass", "log likelihood, nats a frame", scores, len(scores)).as_json(),
    }
    write_json(material.out / TREE, tree.as_json())
    write_model(material.out, meta, model.save)
    return [
        f"{tree.decisions.num_pdfs} leaves, {len(model.weights)} Gaussians, {scores[-1]:.2f} per frame, {seconds:.0f} s"
    ]


def number_of(teacher: Taught, frames: float) -> int:
    """How many times so many frames of speech there are."""
    speech = sum(p.end - p.start for one in teacher.alignments.values() for p in one.phones if p.label != SILENCE)
    return max(1, round(speech / frames))


def tied_states(lang: Lang, teacher: Taught, store: FrameStore, settings: Settings) -> tuple[Tree, np.ndarray]:
    """The trees, and the least variance (D,) of each feature."""
    pieces = (
        (store.of(utt, len(own.pdfs)), triphone_states(own.phones, own.pdfs, teacher.transitions.decisions))
        for utt, own in teacher.alignments.items()
    )
    seen = sum_up(lang.phones, pieces, store.rows.shape[1])
    total, sums, squares = seen.counts.sum(), seen.sums.sum(0), seen.squares.sum(0)
    floor = VARIANCE_FLOOR * (squares / total - (sums / total) ** 2)
    sizes = {phone: teacher.transitions.num_states(phone) for phone in lang.phones}
    return grow_tree(seen, sizes, number_of(teacher, settings.leaf_frames), settings.min_leaf, floor), floor
