"""Boundary correction and gold frame labels, on sounds whose times are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.features import CEPSTRA

from lexicon.phones import INVENTORY
from pipeline.align.correction import Training, boundary_features, examples, learn, phone_classes
from pipeline.classifier.labels import UNKNOWN, gold_states
from pipeline.hmm.topology import Transitions, phone_topology, silence_topology
from pipeline.sound.front_end import FrontEnd
from pipeline.times.clock import frame_to_seconds, seconds_to_frame
from pipeline.times.intervals import Interval
from pipeline.times.segments import Segment

PHONES = ["SIL", "S", "AA", "M"]
FRONT_END = FrontEnd(raw=CEPSTRA)
CLASS_OF = phone_classes(INVENTORY, PHONES)
LEVEL = {"SIL": -3.0, "S": 0.0, "AA": 4.0, "M": 2.0}


def utterance(rng: np.random.Generator) -> tuple[np.ndarray, list[Interval]]:
    """Phones of random lengths, each at a level of its own: features (T, 39) and where the phones are."""
    labels, at, rows, gold = ["SIL", "S", "AA", "M", "AA", "S", "SIL"], 0, [], []
    for label in labels:
        length = int(rng.integers(6, 15))
        rows.append(LEVEL[label] + 0.3 * rng.normal(size=(length, 39)))
        gold.append(Interval(float(frame_to_seconds(at)), float(frame_to_seconds(at + length)), label))
        at += length
    return np.concatenate(rows).astype(np.float32), gold


def late(gold: list[Interval], frames: int) -> list[Segment]:
    """An aligner that puts each boundary so many frames too late."""
    starts = [0, *(seconds_to_frame(i.start) + frames for i in gold[1:])]
    ends = [*starts[1:], seconds_to_frame(gold[-1].end)]
    return [Segment(i.label, a, b, index) for index, (i, a, b) in enumerate(zip(gold, starts, ends))]


@pytest.mark.parametrize("frames", [3, -2])
def test_boundaries_that_are_always_off_are_put_right(frames):
    rng = np.random.default_rng(0)
    training = [Training(feats, late(gold, frames), gold) for feats, gold in (utterance(rng) for _ in range(40))]
    x, y = examples(boundary_features(training, {}, CLASS_OF), training[0], 5.0)
    assert y == pytest.approx([-frames] * 5) and len(x) == 5  # the spoken phones
    assert examples(boundary_features(training, {}, CLASS_OF), training[0], abs(frames) - 0.5) == ([], [])
    correction = learn(training, {}, CLASS_OF, FRONT_END)
    feats, gold = utterance(rng)
    found = correction.correct(feats, late(gold, frames))
    assert [(s.label, s.start) for s in found[1:-1]] == [(i.label, seconds_to_frame(i.start)) for i in gold[1:-1]]


def test_errors_that_differ_are_seen_in_the_sound():
    """Up to three frames early or late, each boundary by itself: most of it is gone afterwards."""
    rng = np.random.default_rng(1)

    def shaken(gold):
        starts = [s.start + int(d) for s, d in zip(late(gold, 0), [0, *rng.integers(-2, 3, len(gold) - 1)])]
        return [Segment(i.label, a, b) for i, a, b in zip(gold, starts, [*starts[1:], late(gold, 0)[-1].end])]

    training = [Training(feats, shaken(gold), gold) for feats, gold in (utterance(rng) for _ in range(60))]
    correction, before, after = learn(training, {}, CLASS_OF, FRONT_END), [], []
    for _ in range(20):
        feats, gold = utterance(rng)
        ours = shaken(gold)
        for kept, segments in ((before, ours), (after, correction.correct(feats, ours))):
            kept += [abs(s.start - seconds_to_frame(i.start)) for s, i in list(zip(segments, gold))[1:-1]]
    assert np.mean(after) < np.mean(before) / 3


def test_what_a_round_leaves_the_next_ones_put_right():
    """Boundaries up to seven frames off, in sounds nearly as near to one phone as to the other."""
    rng = np.random.default_rng(3)

    def blurred():
        feats, gold = utterance(rng)
        feats = feats + 3.0 * rng.normal(size=feats.shape).astype(np.float32)
        starts = [0]
        for segment in late(gold, 0)[1:]:
            starts.append(max(starts[-1] + 1, segment.start + int(rng.integers(-7, 8))))
        ends = [*starts[1:], max(starts[-1] + 1, len(feats))]
        return feats, [Segment(i.label, a, b) for i, a, b in zip(gold, starts, ends)], gold

    correction = learn([Training(*blurred()) for _ in range(60)], {}, CLASS_OF, FRONT_END)
    once, errors = replace(correction, forests=correction.forests[:1]), {}
    for _ in range(40):
        feats, ours, gold = blurred()
        for name, way in (("once", once), ("in rounds", correction)):
            found = way.correct(feats, ours)
            errors.setdefault(name, []).extend(
                abs(s.start - seconds_to_frame(i.start)) for s, i in list(zip(found, gold))[1:-1]
            )
    assert np.mean(errors["in rounds"]) < 0.9 * np.mean(errors["once"])


def test_no_phone_is_lost_however_far_boundaries_move():
    """Phones of one frame each, told to begin four frames earlier."""
    rng = np.random.default_rng(2)
    training = [Training(feats, late(gold, 4), gold) for feats, gold in (utterance(rng) for _ in range(20))]
    segments = [Segment(label, i, i + 1) for i, label in enumerate(["SIL", "S", "AA", "M", "AA", "S", "SIL"])]
    found = learn(training, {}, CLASS_OF, FRONT_END).correct(np.zeros((7, 39), np.float32), segments)
    assert found == segments


def test_states_by_hand():
    """K with its closure, AA without anything special, one label that no phone stands for, silence around."""
    trans = Transitions(["SIL", "K", "AA"], {"SIL": silence_topology(), "K": phone_topology(), "AA": phone_topology()})
    k, aa = trans.decisions.pdfs("K")[0], trans.decisions.pdfs("AA")[0]
    at = [float(frame_to_seconds(frame)) for frame in range(40)]
    gold = [
        Interval(at[4], at[8], "kcl"),
        Interval(at[8], at[12], "k"),
        Interval(at[12], at[18], "aa"),
        Interval(at[18], at[20], "zz"),
        Interval(at[20], at[25], "h#"),
    ]
    fold = {"k": "K", "kcl": "SIL", "aa": "AA", "h#": "SIL", "AA": "AA", "K": "K"}
    expected = [0] * 4 + [k] * 4 + [k + 1, k + 1, k + 2, k + 2] + [aa, aa, aa + 1, aa + 1, aa + 2, aa + 2]
    expected += [UNKNOWN] * 2 + [0, 1, 2, 3, 4] + [0] * 3
    assert gold_states(gold, trans, fold, 28).tolist() == expected
