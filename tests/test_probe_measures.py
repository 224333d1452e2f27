"""PNMI, CKA, ABX and boundaries against scikit-learn, other formulas, brute force, and examples worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score

from pipeline.probe.abx import Discrimination, Token, abx, macro_average, rows, tokens_of
from pipeline.probe.boundaries import (
    Segmentation,
    align_phones,
    change,
    one_state_phones,
    peaks,
    segmentation,
)
from pipeline.probe.cka import LinearCka
from pipeline.probe.dtw import dtw_distances
from pipeline.probe.units import cluster_purity, fit_units, joint_counts, nearest_unit, phone_purity, pnmi
from pipeline.times.intervals import Interval


def directions(*degrees: float) -> np.ndarray:
    """A frame (2,) for each: an example in one dimension, the angle."""
    return np.stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], axis=1).astype(np.float32)


# ---- units


def test_pnmi_by_hand():
    """Two phones, two frames each: H = ln 2. Unit 0 has both frames of the first and one of the other."""
    counts = joint_counts(np.array([0, 0, 1, 1, -1]), np.array([0, 0, 0, 1, 1]), 2, 2)
    assert counts.tolist() == [[2, 0], [1, 1]]
    left = 0.75 * (2 / 3 * np.log(3 / 2) + 1 / 3 * np.log(3))
    assert pnmi(counts) == pytest.approx((np.log(2) - left) / np.log(2))
    assert phone_purity(counts) == cluster_purity(counts) == 0.75
    assert pnmi(counts[:1]) == pnmi(np.zeros((2, 2))) == 0.0  # nothing to tell


def test_pnmi_is_scikit_learns_mutual_information():
    rng = np.random.default_rng(0)
    phones, units = rng.integers(7, size=500), rng.integers(5, size=500)
    expected = mutual_info_score(phones, units) / entropy(np.bincount(phones))
    assert pnmi(joint_counts(phones, units, 7, 5)) == pytest.approx(expected)


def test_units_are_where_the_frames_are():
    rng = np.random.default_rng(0)
    spots = 10 * np.eye(4, 6)
    labels = rng.integers(4, size=400)
    x = spots[labels] + 0.1 * rng.normal(size=(400, 6))
    centres = fit_units(x, 4, seed=1)
    counts = joint_counts(labels, nearest_unit(centres, x), 4, 4)
    assert pnmi(counts) == pytest.approx(1) and phone_purity(counts) == cluster_purity(counts) == 1
    assert np.array_equal(fit_units(x, 4, seed=1), centres)
    assert len(fit_units(x[:3], 4)) == 3


# ---- CKA


def gram_cka(x: np.ndarray, y: np.ndarray) -> float:
    """Kornblith et al. 2019, eq. 3: by the kernels K = XX' and L = YY' of all frames with all."""
    centre = np.eye(len(x)) - 1 / len(x)
    k, other = centre @ x @ x.T @ centre, centre @ y @ y.T @ centre
    return np.trace(k @ other) / np.sqrt(np.trace(k @ k) * np.trace(other @ other))


def test_cka_is_that_of_gram_matrices():
    rng = np.random.default_rng(0)
    x = 50 + rng.normal(size=(30, 5))
    y = np.c_[x[:, :2] ** 2, rng.normal(size=(30, 2))]
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    layers = [x, y, 3 * x @ turn + 7, np.full((30, 2), 0.1)]
    cka = LinearCka()
    for part in (slice(0, 11), slice(11, 30)):
        cka.add([layer[part] for layer in layers])
    found = cka.matrix()
    assert found[0, 1] == found[1, 0] == pytest.approx(gram_cka(x, y))
    assert found[0, 2] == pytest.approx(1) and np.diag(found)[:3] == pytest.approx(1)
    assert found[3].tolist() == [0, 0, 0, 0]  # it never changes
    scaled = [layer / np.where(np.ptp(layer, axis=0) > 0, layer.std(0), 1) for layer in layers]
    found = cka.matrix(standardised=True)
    assert found[0, 1] == pytest.approx(gram_cka(*scaled[:2])) and found[1, 2] == pytest.approx(gram_cka(*scaled[1:3]))
    assert found[3].tolist() == [0, 0, 0, 0]
    with pytest.raises(ValueError, match="layers of .10, 9. frames"):
        cka.add([x[:10], y[:9]])


# ---- ABX


def cheapest(cost: np.ndarray) -> tuple[float, int]:
    """Of all ways from the first cell to the last: sum and length of the cheapest, of equals the shortest."""
    n, m = cost.shape
    if n == m == 1:
        return cost[0, 0], 1
    before = [cost[: n - a, : m - b] for a, b in ((1, 1), (1, 0), (0, 1)) if n > a and m > b]
    total, length = min(cheapest(part) for part in before)
    return total + cost[-1, -1], length + 1


def distance(first: np.ndarray, second: np.ndarray) -> float:
    out, offset = np.empty(1), np.array([0, len(first), len(first) + len(second)])
    dtw_distances(np.concatenate([first, second]), offset, np.array([[0, 1]]), out)
    return out[0]


def test_distance_by_hand():
    """Half turns: 60 degrees are a third; a slower token is no other; 0 and 90 against 90 alone are 45 on average."""
    assert distance(directions(0), directions(60)) == pytest.approx(1 / 3)
    assert distance(directions(0, 90), directions(0, 0, 90, 90)) == pytest.approx(0, abs=1e-3)
    assert distance(directions(0, 90), directions(90)) == pytest.approx(0.25, abs=1e-3)


def test_distance_is_that_of_the_cheapest_of_all_paths():
    rng = np.random.default_rng(0)
    for n, m in ((1, 4), (3, 2), (4, 5), (5, 5)):
        first, second = directions(*rng.uniform(0, 90, n)), directions(*rng.uniform(0, 90, m))
        total, length = cheapest(np.arccos(np.clip(first.astype(float) @ second.T, -1, 1)) / np.pi)
        assert distance(first, second) == pytest.approx(total / length, abs=1e-4)


def token(phone: str, speaker: str, degrees: float, after: str = "K") -> Token:
    return Token(phone, "SIL", after, speaker, directions(degrees))


def test_abx_within_by_hand():
    """A and X of AE at 0, 20, 28 degrees, B of IH at 45, 33: of 12 triples four are wrong, X = 20 with A = 0 and
    B = 33, X = 28 with A = 0 and either, X = 28 with A = 20 and B = 33. The other way round one of six: X = 33, B = 28.
    A phone between other neighbours, or of another speaker, has no part in it."""
    tokens = [token("AE", "s", d) for d in (0, 20, 28)] + [token("IH", "s", d) for d in (45, 33)]
    tokens += [token("AE", "s", 46, after="T"), token("AE", "other", 34)]
    found = abx(tokens, across=False)
    assert list(found) == [("AE", "IH")] and found["AE", "IH"].triples == 18
    assert found["AE", "IH"].error == pytest.approx((4 / 12 + 1 / 6) / 2) == macro_average(found)


def test_abx_across_by_hand():
    """Only X = AE of the second speaker, at 25, lies nearer to the first one's IH, at 40, than to his AE, at 0."""
    tokens = [token("AE", "1", 0), token("IH", "1", 40), token("AE", "2", 25), token("IH", "2", 50)]
    found = abx(tokens, across=True)
    assert found["AE", "IH"].error == pytest.approx((1 / 2 + 0 / 2) / 2) and found["AE", "IH"].triples == 4
    assert abx(tokens, across=False) == {} and np.isnan(macro_average({}))


def test_contrasts_with_most_errors_come_first():
    found = {
        ("AE", "IH"): Discrimination(0.1, 7),
        ("K", "T"): Discrimination(0.25, 3),
        ("AE", "K"): Discrimination(0.1, 1),
    }
    assert rows(found) == [["K", "T", "25.0", "3"], ["AE", "IH", "10.0", "7"], ["AE", "K", "10.0", "1"]]


def test_what_is_as_near_is_half_an_error():
    tokens = [token("AE", "s", 0), token("AE", "s", 90), token("IH", "s", 0), token("IH", "s", 90)]
    assert abx(tokens, across=False)["AE", "IH"].error == pytest.approx(0.75)  # X = B, or as far from both


def test_abx_of_many_tokens_draws_the_same_few():
    rng = np.random.default_rng(0)
    tokens = [token(p, s, rng.uniform(0, 90), k) for p in ("AE", "IH") for s in "123" for k in "KTP" for _ in range(9)]
    found = abx(tokens, across=True)
    assert found["AE", "IH"].triples <= 2 * 20 * 5**3 and abx(tokens, across=True) == found
    assert abx(tokens, across=True, seed=1) != found


def test_tokens_have_the_frames_within_them_or_the_nearest():
    gold = [Interval(0, 0.03, "SIL"), Interval(0.03, 0.08, "AE"), Interval(0.082, 0.095, "T")]
    feats = np.arange(6.0)[:, None]
    first, second = tokens_of(gold, 0.02 * np.arange(6), feats, "s")
    assert first[:4] == ("AE", "SIL", "T", "s") and first.frames.ravel().tolist() == [2, 3]  # 40 and 60 ms
    assert second[:3] == ("T", "AE", "SIL") and second.frames.ravel().tolist() == [4]  # the middle is at 88.5 ms


# ---- boundaries

PHONES = ["AE", "SIL", "T"]


def test_known_phones_are_placed_where_the_scores_have_them():
    """Frames of 20 ms: SIL SIL AE AE AE T T SIL; half-way between two frames lies a time of the grid."""
    labels = np.array([1, 1, 0, 0, 0, 2, 2, 1])
    scores = np.log(np.full((8, 3), 0.01) + 0.97 * np.eye(3)[labels])
    transitions = one_state_phones(PHONES, [labels])
    aligned = align_phones(scores, 0.02 * np.arange(8), [["AE", "T"]], transitions)
    assert [i.label for i in aligned] == ["SIL", "AE", "T", "SIL"]
    assert [i.start for i in aligned][1:] == pytest.approx([0.03, 0.09, 0.13], abs=0.0051)
    assert aligned[-1].end == pytest.approx(0.145)
    assert align_phones(scores, 0.02 * np.arange(8), [["AE", "T"]] * 10, transitions) is None


def test_phones_last_as_long_as_their_labels():
    """AE: runs of three and one frames and, so that nothing is impossible, one more: 3 runs of 5."""
    transitions = one_state_phones(PHONES, [np.array([1, 0, 0, 0, 2, 0, -1])])
    assert np.exp(transitions.log_probs[:2]) == pytest.approx([1 - 3 / 5, 3 / 5])


def test_boundaries_are_where_a_layer_changes():
    """A turn of 30 degrees between the second and the third frame, one of 2 before the last."""
    size, times = change(directions(0, 0, 30, 30, 32, 32), 0.02 * np.arange(6))
    assert size == pytest.approx([0, 1 / 6, 0, 2 / 180, 0], abs=2e-3)
    assert peaks(size, times, 0.1).tolist() == pytest.approx([0.03])
    assert peaks(size, times, 0.005).tolist() == pytest.approx([0.03, 0.07])


def test_boundaries_are_paired_once():
    """20 ms exactly is near enough; a second one near the same is one too many. R-value by the formula of Räsänen."""
    found = segmentation(np.array([0.08, 0.09, 0.32, 0.55]), np.array([0.1, 0.3, 0.5, 0.7, 0.9]))
    assert found == Segmentation(4, 5, 2) and found + found == Segmentation(8, 10, 4)
    assert (found.precision, found.recall, found.f1) == pytest.approx((0.5, 0.4, 4 / 9))
    over = 4 / 5 - 1
    expected = 1 - (np.sqrt((1 - 0.4) ** 2 + over**2) + abs(-over + 0.4 - 1) / np.sqrt(2)) / 2
    assert found.r_value == pytest.approx(expected)
    assert Segmentation(5, 5, 5).r_value == pytest.approx(1)
