"""The training that systems of tied states have in common: trees on the teacher's alignment, and then their densities,
while the alignment, and perhaps the features, are renewed now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from lexicon.files import log_file, write_json
from lexicon.lang import Lang, load_lang
from pipeline.base.curve import CURVE, Curve
from pipeline.base.meta import write_model
from pipeline.base.training import Material, otherwise, setting
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import Features, front_end_for, measured
from pipeline.hmm.gmm import VARIANCE_FLOOR, GmmHmm
from pipeline.hmm.set_graphs import set_graphs
from pipeline.hmm.topology import Transitions
from pipeline.sound.front_end import FrontEnd, FrontEndSettings
from pipeline.tied.mixture import FrameStore
from pipeline.tied.rounds import Labels, Rounds, count_transitions, initial, realign, train_tied
from pipeline.tied.teacher import Teacher, read_teacher, tied_labels
from pipeline.tied.tree import Tree, grow_tree, sum_up, triphone_states

TREE = "tree.json"


@dataclass(frozen=True)
class TiedSettings(FrontEndSettings):
    """What training depends on beside its material."""

    leaf_frames: float = setting(300.0, "frames of speech for each leaf of the trees", least=1)
    gaussian_frames: float = setting(40.0, "frames of speech for each Gaussian", least=1)
    min_leaf: float = setting(30.0, "frames that a leaf has at least", least=0)
    min_frames: float = setting(10.0, "frames that a Gaussian has at least", least=0)
    rounds: int = setting(4, "alignments", least=1)
    passes: int = setting(8, "passes of EM on each alignment", least=1)


@dataclass(frozen=True)
class SplicedSettings(TiedSettings):
    """The same, where LDA finds in seven frames together what derivatives would say."""

    deltas: int = otherwise(FrontEndSettings, "deltas", 0)
    splice: int = otherwise(FrontEndSettings, "splice", 3)


class Preparation:
    """What a training begins with: the material, the features of train as the system's front end makes them, and what
    the teacher knows."""

    def __init__(self, material: Material, settings: TiedSettings):
        self.began = time.monotonic()
        self.material, self.settings = material, settings
        self.lang: Lang = load_lang(material.lang)
        self.front_end: FrontEnd = front_end_for(material.train, settings, material.features)
        self.feats = Features(material.train, self.front_end)
        utterances = self.feats.of(read_datadir(material.train))
        self.words = {utterance.id: utterance.words for utterance in utterances}
        self.lengths = measured(self.feats, self.words, self.front_end.dimension, material.train / "text")
        self.teacher: Teacher = read_teacher(material.teacher, self.lengths, material.out)

    def store(self, change: Callable[[str, np.ndarray], np.ndarray] = lambda utt, rows: rows) -> FrameStore:
        """The features of train, each utterance's changed on the way."""
        return FrameStore(self.material.out, ((utt, change(utt, self.feats[utt])) for utt in self.words))


@dataclass(frozen=True)
class Trained:
    """The model, its trees, and the log likelihood per frame of each pass."""

    model: GmmHmm
    tree: Tree
    scores: list[float]


Update = Callable[[GmmHmm, Labels, int], FrameStore]


def train(prepared: Preparation, store: FrameStore, update: Update) -> Trained:
    """Trees and densities on the frames of ``store``; before each further round train is aligned again, and then
    ``update(model, labels, round)`` gives the frames, which it may have changed with the model."""
    material, settings = prepared.material, prepared.settings
    tree, floor = tied_states(prepared, store)
    transitions = Transitions(prepared.lang.phones, prepared.teacher.transitions.topologies, tree.decisions)
    text = material.train / "text"
    graphs = set_graphs(
        text, prepared.words, prepared.lengths, prepared.lang.lexicon, transitions, material.out, material.jobs
    )
    model = initial(tree, transitions, floor)
    before = prepared.teacher.transitions
    labels = {utt: tied_labels(one, before, transitions) for utt, one in prepared.teacher.alignments.items()}
    gaussians = prepared.teacher.number_of(settings.gaussian_frames)
    rounds = Rounds(settings.rounds, settings.passes, gaussians, settings.min_frames)
    scores: list[float] = []
    now = store
    total = settings.rounds * settings.passes
    with log_file(material.out / "train.log") as log, tqdm(total=total, desc=material.out.name, disable=None) as bar:

        def renew(model: GmmHmm, number: int) -> tuple[FrameStore, Labels]:
            nonlocal now
            whole = {utt: now.of(utt, prepared.lengths[utt]) for utt in prepared.words}
            found, pairs = {}, []
            for utt, alignment in realign(model, graphs, whole, material.jobs):
                found[utt] = alignment.pdfs
                pairs.append((alignment.phones, alignment.pdfs))
            transitions.reestimate(count_transitions(transitions, pairs))
            now = update(model, found, number)
            return now, found

        def on_pass(number: int, gaussians: int, score: float) -> None:
            scores.append(score)
            print(f"pass {number}: {gaussians} Gaussians, log likelihood {score:.6f} per frame", file=log, flush=True)
            bar.update()

        train_tied(model, store, labels, renew, rounds, material.jobs, on_pass)
    return Trained(model, tree, scores)


def tied_states(prepared: Preparation, store: FrameStore) -> tuple[Tree, np.ndarray]:
    """The trees, and the least variance (D,) of each feature."""
    teacher, settings, phones = prepared.teacher, prepared.settings, prepared.lang.phones
    pieces = (
        (store.of(utt, len(own.pdfs)), triphone_states(own.phones, own.pdfs, teacher.transitions.decisions))
        for utt, own in teacher.alignments.items()
    )
    seen = sum_up(phones, pieces, store.rows.shape[1])
    total, sums, squares = seen.counts.sum(), seen.sums.sum(0), seen.squares.sum(0)
    floor = VARIANCE_FLOOR * (squares / total - (sums / total) ** 2)
    sizes = {phone: teacher.transitions.num_states(phone) for phone in phones}
    return grow_tree(seen, sizes, teacher.number_of(settings.leaf_frames), settings.min_leaf, floor), floor


def finish(
    prepared: Preparation, kind: str, front_end: FrontEnd, trained: Trained, more: Mapping[str, Any] = {}
) -> list[str]:
    """Write the model with meta.json and tree.json; the lines to print."""
    model, tree, scores = trained.model, trained.tree, trained.scores
    seconds = time.monotonic() - prepared.began
    meta = {
        "kind": kind,
        "front_end": front_end.as_json(),
        "train_seconds": seconds,
        "parameters": model.num_parameters,
        "leaves": tree.decisions.num_pdfs,
        "gaussians": len(model.weights),
        CURVE: Curve("pass", "log likelihood, nats a frame", scores, len(scores)).as_json(),
    }
    write_json(prepared.material.out / TREE, tree.as_json())
    write_model(prepared.material.out, meta | dict(more), model.save)
    return [
        f"{tree.decisions.num_pdfs} leaves, {len(model.weights)} Gaussians, {scores[-1]:.2f} per frame, {seconds:.0f} s"
    ]
