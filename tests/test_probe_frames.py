"""Labels of frames whose times are known, by hand; learning curves and control tasks."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.align.boundaries import join_closures
from pipeline.classifier.labels import UNKNOWN
from pipeline.probe.control import control_labels, known_types, portions
from pipeline.probe.frames import (
    feature_centres,
    folded,
    frame_labels,
    interval_at,
    nearest_frames,
    scaling,
    triphones,
)
from pipeline.times.intervals import Interval

FOLD = {"h#": "SIL", "tcl": "SIL", "ae": "AE", "t": "T"}
GOLD = [
    Interval(0.0, 0.04, "h#"),
    Interval(0.04, 0.1, "ae"),
    Interval(0.1, 0.13, "tcl"),
    Interval(0.13, 0.15, "t"),
    Interval(0.17, 0.2, "q"),
]
PHONES = ["AE", "SIL", "T"]


def test_when_frames_of_features_are():
    """A window of 25 ms every 10 ms: the first is centred on 12.5 ms."""
    assert feature_centres(3).tolist() == pytest.approx([0.0125, 0.0225, 0.0325])


def test_labels_of_frames_on_whispers_clock():
    """Frames at 0, 20, ... ms: one on a boundary (40 ms) belongs to what begins there, one in a gap (160) to silence,
    one at the very end (200) to nothing any more, one of a label without a phone (180) is unknown."""
    centres = 0.02 * np.arange(11)
    assert interval_at(GOLD, centres).tolist() == [0, 0, 1, 1, 1, 2, 2, 3, -1, 4, -1]
    labels = frame_labels(folded(GOLD, FOLD), centres, PHONES)
    assert labels.tolist() == [1, 1, 0, 0, 0, 1, 1, 2, 1, UNKNOWN, 1]


def test_a_closure_may_belong_to_its_stop():
    labels = frame_labels(folded(join_closures(GOLD), FOLD), np.array([0.09, 0.1, 0.125, 0.14]), PHONES)
    assert labels.tolist() == [0, 2, 2, 2]


def test_labels_on_the_clock_of_features():
    """12.5, 22.5, 32.5 | 42.5 ms, the last in the vowel."""
    assert frame_labels(folded(GOLD, FOLD), feature_centres(4), PHONES).tolist() == [1, 1, 1, 0]


def test_nothing_placed_is_silence():
    assert frame_labels([], np.arange(2.0), PHONES).tolist() == [1, 1]
    assert triphones([], np.arange(2.0)).tolist() == ["SIL-SIL+SIL"] * 2


def test_triphones():
    named = triphones(folded(GOLD[:4], FOLD), np.array([0.0, 0.05, 0.12, 0.14, 1.0]))
    assert named.tolist() == ["SIL-SIL+AE", "SIL-AE+SIL", "AE-SIL+T", "SIL-T+SIL", "SIL-SIL+SIL"]


def test_nearest_frames_of_another_clock():
    """Whisper's frames at 0, 20, 40 ms for MFCC's at 12.5, 22.5, ...: 12.5 is nearer to 20, 32.5 to 40."""
    assert nearest_frames(0.02 * np.arange(3), feature_centres(5)).tolist() == [1, 1, 2, 2, 2]
    assert nearest_frames(np.array([0.0, 1.0]), np.array([-1.0, 0.5, 9.0])).tolist() == [0, 0, 1]


def test_scaling_is_that_of_all_frames():
    """One dimension is far from nought, one never changes."""
    x = np.c_[np.random.default_rng(0).normal(1000, 3, size=(50, 2)), np.full(50, 0.1)].astype(np.float16)
    found = scaling([x[:20], x[20:]])
    assert found.mean == pytest.approx(x.astype(float).mean(0)) and found.deviation[2] == 1
    assert found(x)[:, :2].std(0) == pytest.approx(1, abs=1e-4) and found(x).mean(0) == pytest.approx(0, abs=1e-4)


def test_control_labels_belong_to_types_and_are_as_frequent_as_phones():
    types = np.array([f"t{i}" for i in range(4000)])
    labels = control_labels(types, np.array([1, 0, 3]), seed=0)
    assert np.bincount(labels) / 4000 == pytest.approx([0.25, 0, 0.75], abs=0.02)
    assert control_labels(types[[7, 7, 1999]], np.array([1, 0, 3]), 0).tolist() == labels[[7, 7, 1999]].tolist()
    assert (control_labels(types, np.array([1, 0, 3]), seed=1) != labels).any()


def test_types_that_were_never_trained_do_not_count():
    assert known_types(np.array([3, 4, 5]), np.array(["a", "b", "c"]), np.array(["c", "a"])).tolist() == [3, UNKNOWN, 5]


def test_a_learning_curve_takes_from_each_speaker_in_turn():
    seconds = {f"{speaker}{i}": 10.0 for speaker in "abc" for i in range(5)}
    found = portions(seconds, {utt: utt[0] for utt in seconds}, (0.5, 1, 9))
    assert list(found) == [0.5, 1, 2.5] and [len(utts) for utts in found.values()] == [3, 6, 15]
    assert sorted(utt[0] for utt in found[0.5]) == ["a", "b", "c"] and sorted(found[2.5]) == sorted(seconds)
    assert found[1][:3] == found[0.5] and found[2.5][:6] == found[1]
    assert portions(dict(reversed(seconds.items())), {utt: utt[0] for utt in seconds}, (0.5, 1, 9)) == found
    assert portions({}, {}) == {}
