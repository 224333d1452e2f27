"""Everything that is measured of one layer, as counts of each utterance of the test set, so that those of several
splits add up, and have intervals over all their speakers.

Chosen and tuned on dev alone: the penalty of a probe, acoustic scale and phone score of the search. The probe that is
then judged on test has learnt from train and dev together, for every layer alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lexicon.lang import Lang
from pipeline.align.boundaries import compare_boundaries
from pipeline.classifier.model import FrameClassifier
from pipeline.probe.abx import Token, abx, macro_average, tokens_of
from pipeline.probe.boundaries import WITHIN, align_phones, one_state_phones
from pipeline.probe.cka import LinearCka
from pipeline.probe.frames import FrameData, nearest_frames, scaling
from pipeline.probe.probe import MOST, hits, predicted, probe_with, train_probe
from pipeline.probe.target import Target, centres_of
from pipeline.probe.units import fit_units, joint_counts, nearest_unit, pnmi
from pipeline.search.decode import SearchSettings, WfstDecoder
from pipeline.search.system import System
from pipeline.search.topology import hmm_topology
from pipeline.search.tuning import BEST_PATH_ONLY, best_of, count_errors, tune_free
from pipeline.search.wfst import Beams
from pipeline.sound.front_end import FrontEnd, Raw, splice
from pipeline.times.clock import FRAME_SHIFT_MS

CKA_FRAMES = 4000  # of the test set at most, evenly
START_SCALE = 1.6  # where tuning begins; on dev of timit_sample 1.1 to 3.0 are best for layers, 0.4 to 1.1 for MFCC

Counts = dict[str, tuple[float, float]]  # by utterance: a part, such as frames that are right, and of how many


class Layer(NamedTuple):
    """Something that has a row of numbers for every ``step`` frames of the clock. ``rows`` gives those of an utterance
    (T, D) by set and id; the probe sees ``context`` neighbours on each side beside them. ``group``: the encoder,
    control or system it is of."""

    name: str
    group: str
    step: int
    context: int
    rows: Callable[[str, str], np.ndarray]


@dataclass(frozen=True)
class Seen:
    """The rows of a layer in memory, with when each is and what is said then."""

    layer: Layer
    target: Target
    rows: Mapping[str, np.ndarray]
    centres: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, layer: Layer, target: Target) -> Seen:
        rows = {utt: layer.rows(name, utt) for utt, name in target.set_of.items()}
        return cls(layer, target, rows, {utt: centres_of(len(x), layer.step) for utt, x in rows.items()})

    def labels(self, whole: bool = False) -> dict[str, np.ndarray]:
        return {utt: self.target.labels(utt, own, whole) for utt, own in self.centres.items()}

    def frames(self, utts: Sequence[str], labels: Mapping[str, np.ndarray]) -> FrameData:
        """The frames of utterances as a probe sees them, evenly from all if there are more than it can use."""
        each = max(1, -(-sum(len(self.rows[utt]) for utt in utts) // (2 * MOST)))
        x = [splice(self.rows[utt], self.layer.context)[::each] for utt in utts]
        return FrameData(np.concatenate(x), np.concatenate([labels[utt][::each] for utt in utts]))


def measure(layer: Layer, target: Target, lang: Lang) -> dict[str, Any]:
    """The row of a layer, for `pipeline.compare.layers`: figures, and counts by utterance under their measures."""
    seen = Seen.of(layer, target)
    train, dev, test = (target.sets[name] for name in ("train", "dev", "test"))
    labels = seen.labels()
    of_train, of_dev = seen.frames(train, labels), seen.frames(dev, labels)
    fit = partial(train_probe, num_phones=len(target.names), context=layer.context)
    probe = fit(of_train, of_dev, with_dev=True)
    right = partial(_right, seen)
    search, free = _free_per(seen, probe.before_dev, probe.model, labels, lang)
    asked, control = target.controls(seen.centres)
    by_heart = fit(seen.frames(train, control), seen.frames(dev, control)).model
    counts = {
        "frame_accuracy": right(probe.model, test, labels),
        "balanced_accuracy": right(probe.model, test, labels, balanced=True),
        "free_per": free,
        "boundaries": _boundaries(seen, probe.penalty),
        "known_accuracy": right(probe.before_dev, test, asked),
        "control_accuracy": right(by_heart, test, control),
    }
    on_dev = right(probe.before_dev, dev, labels)
    return {
        "name": layer.name,
        "group": layer.group,
        "frame_shift_ms": FRAME_SHIFT_MS * layer.step,
        "dimension": next(iter(seen.rows.values())).shape[1],
        "context": layer.context,
        "penalty": probe.penalty,
        "acoustic_scale": search.acoustic_scale,
        "insertion_score": search.insertion_score,
        "dev_accuracy": 100 * sum(part for part, _ in on_dev.values()) / sum(whole for _, whole in on_dev.values()),
        **_untaught(seen, labels),
        "counts": counts,
    }


def learning_curve(layer: Layer, target: Target) -> dict[str, Counts]:
    """Frames of the test set that are right by the minutes of labels that the probe has learnt from, all of train being
    the last; the penalty chosen on dev each time, and dev not learnt from."""
    seen = Seen.of(layer, target)
    labels, points = seen.labels(), {}
    dev = seen.frames(target.sets["dev"], labels)
    for minutes, utts in target.portions.items():
        probe = train_probe(seen.frames(utts, labels), dev, len(target.names), layer.context)
        points[f"{minutes:.4g}"] = _right(seen, probe.model, target.sets["test"], labels)
    return points


def example(layer: Layer, target: Target) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
    """Of the first utterance of the test set, for a picture: the ``features`` (T, D), each with mean nought and
    variance one in training, the ``posteriors`` of the probe (T, P), the ``step`` of rows, and ``starts`` and ``ends``
    of the phones in seconds; and names of the ``columns``, the ``phones``, the ``layer`` and the ``utterance``."""
    seen, utt = Seen.of(layer, target), min(target.sets["test"])
    labels = seen.labels()
    train, dev = (seen.frames(target.sets[name], labels) for name in ("train", "dev"))
    model = train_probe(train, dev, len(target.names), layer.context).model
    posteriors = np.zeros((len(seen.rows[utt]), len(target.names)), np.float32)
    posteriors[:, model.classes] = np.exp(model.log_posteriors(seen.rows[utt]))
    phones = target.whole[utt]
    arrays = {
        "features": scaling(seen.rows[one] for one in target.sets["train"])(seen.rows[utt]).astype(np.float16),
        "posteriors": posteriors.astype(np.float16),
        "step": np.array(layer.step),
        "starts": np.array([phone.start for phone in phones]),
        "ends": np.array([phone.end for phone in phones]),
    }
    names = {"columns": list(target.names), "phones": [phone.label for phone in phones]}
    return arrays, {**names, "layer": [layer.name], "utterance": [utt]}


def alignment(first: Layer, second: Layer, target: Target) -> float:
    """Linear CKA in [0, 1] of two layers over the test set, each dimension of variance one, at the frames of the
    slower of the two."""
    slow, fast = sorted((first, second), key=lambda layer: -layer.step)
    sums = LinearCka()
    total = sum(target.seconds[utt] for utt in target.sets["test"]) * 1000 / FRAME_SHIFT_MS / slow.step
    thin = max(1, -(-int(total) // CKA_FRAMES))
    for utt in target.sets["test"]:
        x, y = (layer.rows("test", utt) for layer in (slow, fast))
        at = centres_of(len(x), slow.step)[::thin]
        sums.add([x[::thin], y[nearest_frames(centres_of(len(y), fast.step), at)]])
    return float(sums.matrix(standardised=True)[0, 1])


def _right(
    seen: Seen,
    model: FrameClassifier,
    utts: Sequence[str],
    labels: Mapping[str, np.ndarray],
    balanced: bool = False,
) -> Counts:
    """Frames that a probe names right, by utterance."""
    found = hits([labels[utt] for utt in utts], [predicted(model, seen.rows[utt]) for utt in utts], balanced)
    return {utt: (float(part), float(whole)) for utt, part, whole in zip(utts, *found)}


def _free_per(
    seen: Seen, tuned: FrameClassifier, judged: FrameClassifier, labels: Mapping[str, np.ndarray], lang: Lang
) -> tuple[SearchSettings, Counts]:
    """Errors of the free phone search of every system, with a state for each phone; tuned on dev with the probe that
    has not learnt from it."""
    target, layer = seen.target, seen.layer
    topology = hmm_topology(one_state_phones(target.names, [labels[utt] for utt in target.sets["train"]]))
    raw = Raw("layer", 16_000, seen.rows[target.sets["train"][0]].shape[1], FRAME_SHIFT_MS * layer.step)
    front_end = FrontEnd("none", 0, 0, raw=raw)

    def system(model: FrameClassifier) -> System:
        return System(layer.name, Path(), front_end, model.scaled_likelihoods, topology, layer.step, 0.5, START_SCALE)

    def scored(model: FrameClassifier, utts: Sequence[str]) -> dict[str, tuple[np.ndarray, int]]:
        return {utt: (model.scaled_likelihoods(seen.rows[utt]), len(seen.rows[utt]) * layer.step) for utt in utts}

    said, fold, dev = target.references, target.fold, target.sets["dev"]
    tried = tune_free(system(tuned), lang, scored(tuned, dev), {utt: said[utt] for utt in dev}, fold)
    settings = best_of(tried)
    decoder = WfstDecoder(system(judged), lang, "free", settings, Beams(lattice_beam=BEST_PATH_ONLY))
    counts = {}
    for utt, scores in scored(judged, target.sets["test"]).items():
        errors = count_errors(decoder, {utt: scores}, {utt: said[utt]}, words=False, fold=fold)
        counts[utt] = (float(errors), float(len(said[utt])))
    return settings, counts


def _boundaries(seen: Seen, penalty: float) -> Counts:
    """Phones that begin within 20 ms of where they are said to, by the forced alignment of the known phones. The probe
    is one that calls a stop's closure the stop, since there the stop begins."""
    target = seen.target
    whole = seen.labels(whole=True)
    learnt = seen.frames([*target.sets["train"], *target.sets["dev"]], whole)
    model = probe_with(penalty, learnt, len(target.names), seen.layer.context)
    transitions = one_state_phones(target.names, [whole[utt] for utt in target.sets["train"]])
    counts = {}
    for utt in target.sets["test"]:
        scores = model.scaled_likelihoods(seen.rows[utt])
        placed = align_phones(scores, seen.centres[utt], target.said(utt), transitions) or []
        found = compare_boundaries({utt: list(target.phones[utt])}, {utt: placed}, target.fold)
        counts[utt] = (float((np.abs(found.ms) <= 1000 * WITHIN).sum()), float(found.total))
    return counts


def _untaught(seen: Seen, labels: Mapping[str, np.ndarray]) -> dict[str, float]:
    """What is measured without teaching a layer anything: units of its frames, and whether equal phones are near each
    other, across speakers; of all sets, since in few frames units seem to tell phones that they do not. Each dimension
    counts as much, since a few huge ones decide everything otherwise."""
    target, names = seen.target, len(seen.target.names)
    scaled = scaling(seen.rows[utt] for utt in target.sets["train"])
    centres = fit_units(np.concatenate([scaled(seen.rows[utt]) for utt in target.sets["train"]]))
    joint = np.zeros((names, len(centres)), np.int64)
    tokens: list[Token] = []
    for utt in seen.rows:
        rows = scaled(seen.rows[utt])
        joint += joint_counts(labels[utt], nearest_unit(centres, rows), names, len(centres))
        tokens += tokens_of(target.whole[utt], seen.centres[utt], rows, target.speaker_of[utt])
    found = abx(tokens, across=True)
    return {
        "pnmi": 100 * pnmi(joint),
        "abx_error": 100 * macro_average(found),
        "abx_contrasts": len(found),
        "abx_triples": sum(one.triples for one in found.values()),
    }
