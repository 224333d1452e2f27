"""A frame classifier of scikit-learn, whose posteriors take the place of the Gaussians of an HMM (a hybrid).

It learns from frames labelled by gold phones or by the alignment of its teacher. Several are tried; each is
judged on dev as it will be used: posteriors divided by priors, searched through the HMMs with a phone bigram.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.files import folder_from, log_file, write_lines
from lexicon.fold import read_fold
from lexicon.lang import load_lang
from lexicon.text import same_ids
from pipeline.base.archive import Archive
from pipeline.base.curve import CURVE, Curve
from pipeline.base.meta import MODEL, write_model
from pipeline.base.parallel import each
from pipeline.base.training import Material, setting
from pipeline.classifier.calibration import calibrated, temperature
from pipeline.classifier.candidates import Candidate, choice_table, judge
from pipeline.classifier.frames import Frames
from pipeline.classifier.labels import labelled
from pipeline.classifier.model import FrameClassifier, load_frame_classifier, log_priors
from pipeline.classifier.reduction import NONE, REDUCTIONS, folded
from pipeline.classifier.training import CLASSIFIERS
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import Features, front_end_for, front_end_of
from pipeline.datadir.sets import align_again, read_gold, read_spoken
from pipeline.hmm.gmm import GmmHmm, load_gmm
from pipeline.hmm.topology import Transitions
from pipeline.search.system import ScoredHmms, System, checked
from pipeline.search.topology import hmm_topology
from pipeline.sound.front_end import FrontEnd, FrontEndSettings
from pipeline.tied.teacher import adapted_by

ABOUT = (
    "The hidden Markov models of the GMM, but a classifier of scikit-learn says how likely each phone is in a frame"
    " with its neighbours (a hybrid: Bourlard and Morgan 1994). It learns from frames that an alignment or a person"
    " has labelled."
)


@dataclass(frozen=True)
class Settings(FrontEndSettings):
    """What training depends on beside its material."""

    context: tuple[int, ...] = setting((5,), "frames on each side that it sees too; of several dev decides", least=0)
    classifiers: tuple[str, ...] = setting(tuple(sorted(CLASSIFIERS)), "candidates", choices=sorted(CLASSIFIERS))
    reduction: tuple[str, ...] = setting(
        (NONE,), "maps to fewer numbers before, as dev decides", choices=sorted(REDUCTIONS)
    )
    reduced: int = setting(120, "numbers that are left of a frame and its neighbours then", least=1)
    seed: int = setting(0, "of the perceptron's initial weights and shuffling", least=0)


class Labelled(NamedTuple):
    """A set with a label for each frame, and how many of its utterances have gold phones."""

    frames: Frames
    gold: int


class Choice(NamedTuple):
    """What a candidate is: classifier, frames on each side, and map to fewer numbers before it."""

    classifier: str
    context: int
    reduction: str

    def name(self, settings: Settings) -> str:
        """What tells it from the other candidates."""
        reduction = [] if self.reduction == NONE else [self.reduction]
        return " ".join([*reduction, self.classifier, *([f"±{self.context}"] if len(settings.context) > 1 else [])])


class Trained(NamedTuple):
    """A candidate, the temperature that its posteriors were divided by, the seconds that it took, and its
    cross-entropy on dev (nats a frame) after each epoch."""

    name: str
    model: FrameClassifier
    temperature: float
    seconds: float
    entropies: list[float]


def load(directory: Path, meta: dict[str, Any]) -> System:
    """The model in ``directory``, and the HMMs whose states it tells apart; UserError if one of the two is damaged."""
    model = load_frame_classifier(directory / MODEL)
    hmms = hmms_of(directory, meta)
    if len(model.log_prior) != hmms.transitions.decisions.num_pdfs:
        raise UserError(
            f"{directory}: {len(model.log_prior)} densities, the HMMs in {meta['hmm']} have"
            f" {hmms.transitions.decisions.num_pdfs}; run: make {directory.name}"
        )
    return system_of(directory, front_end_of(directory), model, hmms.transitions)


def hmms_of(directory: Path, meta: dict[str, Any]) -> GmmHmm:
    """The HMMs that the model in ``directory`` was trained with."""
    if not isinstance(meta.get("hmm"), str):
        raise UserError(
            f"{directory}/meta.json: hmm {meta.get('hmm')!r} is no model directory; run: make {directory.name}"
        )
    try:
        return load_gmm(folder_from(directory, meta["hmm"]) / MODEL)
    except UserError as error:
        raise UserError(f"{directory}/meta.json: its HMMs: {error}") from error


def system_of(directory: Path, front_end: FrontEnd, model: FrameClassifier, transitions: Transitions) -> System:
    """A classifier of the states of ``transitions`` as the searches see it."""
    scores = checked(directory, model.dimension, model.scaled_likelihoods)
    hmms, topology = ScoredHmms(transitions, scores), hmm_topology(transitions)
    return System(directory.name, directory, front_end, scores, topology, front_end.step, 0.5, 0.28, hmms=hmms)


def train(material: Material, settings: Settings) -> list[str]:
    """Train the candidates, choose the one with the lowest free PER on dev. Returns lines to print, the last of which
    is the result."""
    began = time.monotonic()
    if material.teacher is None:
        raise UserError("--teacher: no model directory given, whose alignment labels the frames; give one")
    hmms, front_end = load_gmm(material.teacher / MODEL), _front_end(material, settings)
    adapted = material.out if front_end.adaptation else None  # which knows where the maps of the speakers are
    train_set, dev_set = (
        _labelled(Features(data, front_end, adapted), material.teacher / f"ali_{name}", hmms, material.gold)
        for name, data in (("train", material.train), ("dev", material.dev))
    )
    priors = log_priors(train_set.frames.counts)
    choices = [Choice(*one) for one in product(settings.classifiers, settings.context, settings.reduction)]
    with (
        log_file(material.out / "train.log") as log,
        tqdm(total=0, desc="classifier", bar_format="{desc}", disable=None) as bar,
    ):

        def trained(choice: Choice) -> Trained:
            name, start, entropies = choice.name(settings), time.process_time(), list[float]()

            def on_epoch(epoch: int, rate: float, entropy: float) -> None:
                entropies.append(entropy)
                line = f"{name}: epoch {epoch}, learning rate {rate:.2g}, dev cross-entropy {entropy:.4f}"
                print(line, file=log, flush=True)
                bar.set_description_str(line)

            own, own_dev = (one.frames.with_context(choice.context) for one in (train_set, dev_set))
            seen, seen_dev, reduce = own, own_dev, REDUCTIONS[choice.reduction]
            if reduce:
                first = reduce(own, settings.reduced)
                seen, seen_dev = own.through(first), own_dev.through(first)
            layers, classes = CLASSIFIERS[choice.classifier](seen, seen_dev, settings.seed, on_epoch)
            model = FrameClassifier(choice.context, folded(first, layers) if reduce else layers, classes, priors)
            by = temperature(model, own_dev)
            return Trained(name, calibrated(model, by), by, time.process_time() - start, entropies)

        found = list(each(trained, choices, material.jobs))
    candidates = _judged(found, material, front_end, hmms, dev_set.frames)
    best = min(candidates, key=lambda candidate: candidate[:2])
    write_lines(material.out / "choice.txt", table := choice_table(candidates, best))
    seconds = time.monotonic() - began
    meta = {
        "kind": "classifier",
        "classifier": best.name,
        "hmm": os.path.relpath(material.teacher, material.out),
        "front_end": front_end.as_json(),
        "train_seconds": seconds,
        "parameters": best.model.num_parameters,
    } | _curve(next(one.entropies for one in found if one.name == best.name))
    write_model(material.out, meta, best.model.save)
    gold = train_set.gold + dev_set.gold
    with_gold = f", {gold} utterances with gold phones" if gold else ""
    return [
        *table,
        f"{best.name} chosen of {len(candidates)}, dev free PER {best.free_per:.1f} %,"
        f" {best.model.num_parameters} parameters{with_gold}, {seconds:.0f} s",
    ]


def _curve(entropies: Sequence[float]) -> dict[str, Any]:
    """What meta.json says of the training; nothing of a classifier that knows no epochs."""
    if not entropies:
        return {}
    kept = 1 + min(range(len(entropies)), key=entropies.__getitem__)
    return {CURVE: Curve("epoch", "dev cross-entropy, nats a frame", list(entropies), kept).as_json()}


def _front_end(material: Material, settings: Settings) -> FrontEnd:
    """That of the settings, but where the teacher's features are adapted to the speakers, the teacher's."""
    assert material.teacher is not None
    theirs = adapted_by(material.teacher, material.out)
    return theirs if theirs.adaptation else front_end_for(material.train, settings, material.features)


def _labelled(feats: Features, ali: Path, hmms: GmmHmm, gold: bool) -> Labelled:
    """The frames of a set with their labels; UserError where alignment and features are not of the same utterances."""
    data, alignment = feats.datadir, Archive(ali / "ali.scp")
    utterances = [utterance.id for utterance in feats.of(read_datadir(data))]
    same_ids(alignment.path, alignment, utterances, align_again(ali))
    placed = read_gold(data, "phones") if gold else {}
    read = labelled(feats, alignment, front_end_of(ali.parent).step, hmms, placed, read_fold(data.parent))
    return Labelled(Frames(list(alignment), read, 0, hmms.transitions.decisions.num_pdfs), len(placed))


def _judged(
    found: Sequence[Trained],
    material: Material,
    front_end: FrontEnd,
    hmms: GmmHmm,
    dev: Frames,
) -> list[Candidate]:
    """Each candidate as it searches dev."""
    assert material.teacher is not None  # `train` has seen to it
    path = material.teacher / "ali_dev" / "reference.txt"
    references = read_spoken(path)
    same_ids(path, references, dev.utterances, align_again(path.parent))
    lang, fold = load_lang(material.lang), read_fold(material.dev.parent)
    return [
        judge(
            one.name,
            one.model,
            system_of(material.out, front_end, one.model, hmms.transitions),
            one.temperature,
            one.seconds,
            dev.with_context(one.model.context),
            references,
            lang,
            fold,
            material.out,
            material.jobs,
        )
        for one in found
    ]
