"""Confidences: what is learned from answers whose chances are known, and what is kept of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from lexicon.errors import UserError
from pipeline.compare.reliability import bins, calibration_error, read_reliability
from pipeline.search.confidence import (
    Calibration,
    Confidences,
    as_json,
    calibrate,
    from_json,
    judged,
    log_odds,
    read_posteriors,
    write_posteriors,
)
from pipeline.search.tuning import read_tuning


def overconfident(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Posteriors, and whether each was right: its log odds are half those of the posterior."""
    generator = np.random.default_rng(seed)
    posterior = 1 / (1 + np.exp(-generator.normal(2, 3, number)))
    return posterior, generator.random(number) < 1 / (1 + np.exp(-0.5 * log_odds(posterior)))


def test_nine_of_ten_are_right_at_a_confidence_of_nine_tenths():
    learned = calibrate(list(zip(*overconfident(3000, 1))))
    posterior, right = overconfident(20_000, 2)
    sure = np.array(learned.confidence(posterior))
    near = abs(sure - 0.9) < 0.02
    assert near.sum() > 500 and right[near].mean() == pytest.approx(0.9, abs=0.02)
    assert calibration_error(posterior, right) > 8
    assert calibration_error(sure, right) < 1.5


def test_the_map_is_that_of_scikit_learn():
    """With so much data the prior counts for nothing."""
    posterior, right = overconfident(5000, 3)
    ours = calibrate(list(zip(posterior.tolist(), right.tolist())))
    theirs = LogisticRegression(C=np.inf).fit(log_odds(posterior)[:, None], right)
    assert ours == pytest.approx((theirs.coef_[0, 0], theirs.intercept_[0]), abs=0.01)


def test_order_is_kept_and_little_is_learned_of_little():
    posteriors = np.linspace(0, 1, 101)
    for of in (list(zip(*overconfident(300, 4))), [(0.1, True), (0.9, False)] * 50, [(0.5, True)]):
        confidence = calibrate(of).confidence(posteriors)
        assert all(0 <= a <= b <= 1 for a, b in zip(confidence, confidence[1:]))
    assert calibrate([]) == Calibration() and Calibration().confidence([0, 0.25, 1]) == [0, 0.25, 1]
    assert abs(np.array(calibrate([(0.8, True)]).confidence([0.8])) - 0.8) < 0.1


def test_rows_that_were_right_all_the_time_are_not_certain():
    sure = calibrate([(0.99, True)] * 20).confidence([0.99])[0]
    assert 0.98 < sure < 1


def test_what_was_right_by_hand():
    # THE CAT SAT, heard as THE SAT SAT DOWN: SAT stands for CAT, DOWN was not said.
    heard = ["THE", "SAT", "SAT", "DOWN"]
    assert judged(heard, [0.9, 0.4, 0.8, 0.3], ["THE", "CAT", "SAT"]) == [
        (0.9, True),
        (0.4, False),
        (0.8, True),
        (0.3, False),
    ]
    # Silence is not judged, and folded phones are.
    phones = judged(["SIL", "AX", "T", "SIL"], [1.0, 0.5, 0.25, 1.0], ["AH", "D"], {"AX": "AH"})
    assert phones == [(0.5, True), (0.25, False)]
    assert judged(["A"], [], ["A"]) == []


def test_the_calibration_error_by_hand():
    # Two bins: (0.65, 0.65) half right, off by 0.15; (0.95, 0.95) both right, off by 0.05.
    sure, right = np.array([0.65, 0.65, 0.95, 0.95]), np.array([True, False, True, True])
    assert bins(sure, right) == [(pytest.approx(0.65), 0.5, 2), (pytest.approx(0.95), 1.0, 2)]
    assert calibration_error(sure, right) == pytest.approx(10)
    assert calibration_error(np.zeros(0), np.zeros(0, bool)) == 0


def test_tuning_keeps_them(tmp_path):
    maps = Confidences(Calibration(0.5, 1.0), Calibration(0.6, -1.0), Calibration(0.7, 0.25))
    settings = {"acoustic_scale": 0.1, "insertion_score": 0.0}
    of = {"words": [(0.5, True)], "phones": [(0.5, False), (0.4, True)], "free": []}
    written = {"search": "wfst", "words": settings, "free": settings, "confidence": as_json(maps, of)}
    path = tmp_path / "tuning.json"
    path.write_text(json.dumps(written))
    assert read_tuning(path).confidences == maps
    assert written["confidence"]["phones"] == {"slope": 0.6, "offset": -1.0, "labels": 2, "wrong": 1}
    path.write_text(json.dumps(written | {"confidence": None}))
    assert read_tuning(path).confidences == Confidences() == from_json(None)


@pytest.mark.parametrize(
    "damage",
    [
        [],
        "sure",
        {"words": {"slope": 1, "offset": 0}},
        {level: {"slope": -1, "offset": 0} for level in ("words", "phones", "free")},
        {level: {"slope": 1, "offset": float("nan")} for level in ("words", "phones", "free")},
        {level: {"slope": 10**400, "offset": 0} for level in ("words", "phones", "free")},
        {level: {"slope": [1], "offset": 0} for level in ("words", "phones", "free")},
    ],
)
def test_a_strange_confidence_is_one_line(tmp_path, damage):
    settings = {"acoustic_scale": 0.1, "insertion_score": 0.0}
    path = tmp_path / "tuning.json"
    path.write_text(json.dumps({"search": "wfst", "words": settings, "free": settings, "confidence": damage}))
    with pytest.raises(UserError, match="tuning.json: no tuned settings"):
        read_tuning(path)


def decode(folder, posteriors):
    """THE CAT was said; heard were THE (right) and SAT (wrong), and the phones DH and AH."""
    (folder / "words.ctm").write_text("u 1 0.1 0.2 THE 0.800\nu 1 0.3 0.2 SAT 0.600\n")
    (folder / "phones.ctm").write_text("u 1 0.0 0.1 SIL 0.990\nu 1 0.1 0.2 DH 0.700\n")
    (folder / "free.ctm").write_text("u 1 0.1 0.2 DH 0.500\nu 1 0.3 0.2 T 0.250\n")
    write_posteriors(folder, [("u", posteriors), ("empty", ([], [], []))])
    references = {"words": {"u": ("THE", "CAT"), "empty": ()}, "phones": {"u": ("DH", "AH"), "empty": ()}}
    return read_reliability(folder, references)


def test_before_and_after_of_a_decode(tmp_path):
    found = decode(tmp_path, ([0.9, 0.95], [1.0, 0.75], [0.5, 0.3]))
    assert [array.tolist() for array in found["words"]] == [[0.9, 0.95], [0.8, 0.6], [True, False]]
    assert [array.tolist() for array in found["phones"]] == [[0.75], [0.7], [True]]
    assert [array.tolist() for array in found["free"]] == [[0.5, 0.3], [0.5, 0.25], [True, False]]


def test_damaged_posteriors_are_one_line(tmp_path):
    with pytest.raises(UserError, match=r'1 words of utterance "u", words.ctm has 2; remove .*hyp.txt'):
        decode(tmp_path, ([0.9], [1.0, 0.75], [0.5, 0.3]))
    for line in ("", "{}", "[]", '{"utterance": "u", "words": [2], "phones": [], "free": []}', "{" * 9999):
        (tmp_path / "posteriors.jsonl").write_text(f"{line}\n")
        with pytest.raises(UserError, match="posteriors.jsonl:1: not posteriors"):
            read_posteriors(tmp_path)
    (tmp_path / "posteriors.jsonl").unlink()
    assert read_reliability(tmp_path, {"words": {}, "phones": {}}) == {}  # a decode of before
