"""Trees, mixtures, LDA, MLLT and fMLLR against the frames themselves, scikit-learn, SciPy, and planted answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.mixture import GaussianMixture

from lexicon.errors import UserError
from lexicon.phones import INVENTORY
from pipeline.hmm.decisions import EDGE, Question, monophones
from pipeline.hmm.gmm import GmmHmm, flat_start, load_gmm
from pipeline.hmm.topology import Transitions, phone_topology, silence_topology
from pipeline.sound.front_end import affine
from pipeline.tied.fmllr import LEAST_FRAMES, Statistics, composed, estimate, identity
from pipeline.tied.lda import lda, mllt, turn
from pipeline.tied.mixture import FrameStore, Mixture, em_pass, fit_all, responsibilities, split, targets
from pipeline.tied.questions import cluster, log_likelihood
from pipeline.tied.rounds import Rounds, count_transitions, initial
from pipeline.tied.shown_tree import read_trees, tree_lines
from pipeline.tied.tree import grow_tree, sum_up, triphone_states
from pipeline.times.segments import Segment

FLOOR = np.full(2, 1e-3)


def sums_of(*groups: np.ndarray):
    return (
        np.array([float(len(x)) for x in groups]),
        np.array([x.sum(0) for x in groups]),
        np.array([(x**2).sum(0) for x in groups]),
    )


def by_scipy(x: np.ndarray) -> float:
    """The log likelihood of frames under the Gaussian that fits them best."""
    return float(norm.logpdf(x, x.mean(0), x.std(0)).sum())


def test_the_likelihood_of_a_set_is_that_of_its_frames():
    rng = np.random.default_rng(0)
    groups = [rng.normal(m, 2.0, (50, 2)) for m in (0, 5)]
    assert log_likelihood(*sums_of(*groups), FLOOR) == pytest.approx([by_scipy(x) for x in groups])


def test_phones_that_sound_alike_are_a_question():
    rng = np.random.default_rng(1)
    groups = [rng.normal(m, 1.0, (200, 2)) for m in (0, 0.2, 9, 9.3)]
    found = cluster(["P", "T", "M", "N"], sums_of(*groups), FLOOR)
    assert found == [{"P"}, {"T"}, {"M"}, {"N"}, {"P", "T"}, {"M", "N"}] or found[4:] == [{"M", "N"}, {"P", "T"}]
    assert cluster(["P", "Q"], sums_of(groups[0], groups[0][:0]), FLOOR) == [{"P"}, {"Q"}]


PHONES = ["SIL", "AH", "M", "T"]


def planted():
    """Utterances SIL X AH Y SIL, in which AH's second state depends on Y alone, and M and T on nothing."""
    rng = np.random.default_rng(2)
    transitions = Transitions(PHONES, {p: silence_topology() if p == "SIL" else phone_topology() for p in PHONES})
    pieces, frames = [], []
    for before in ("M", "T"):
        for following in ("M", "T"):
            for _ in range(12):
                labels = ["SIL", before, "AH", following, "SIL"]
                segments = [Segment(label, 6 * i, 6 * i + 6) for i, label in enumerate(labels)]
                pdfs = np.concatenate([np.repeat(transitions.decisions.pdfs(x)[:3], 2) for x in labels]).astype(
                    np.int32
                )
                x = rng.normal(0, 1, (30, 2)).astype(np.float32)
                x[14:16] += 8 if following == "M" else -8  # the second state of AH
                pieces.append((segments, pdfs.astype(np.int32)))
                frames.append(x)
    return transitions, pieces, frames


def test_a_tree_asks_what_makes_the_difference():
    transitions, pieces, frames = planted()
    states = [triphone_states(segments, pdfs, transitions.decisions) for segments, pdfs in pieces]
    assert states[0][0].tolist() == [0, 0, 0, 3] and states[0][14].tolist() == [1, 1, 3, 3]  # SIL; AH between M and M
    seen = sum_up(PHONES, zip(frames, states), 2)
    assert seen.counts.sum() == 48 * 30
    sizes = {phone: transitions.num_states(phone) for phone in PHONES}
    tree = grow_tree(seen, sizes, 15, 10, FLOOR)
    assert tree.decisions.num_pdfs == 15  # 14 states, and one that is split
    second = tree.decisions.nodes[tree.decisions.roots["AH"][1]]
    assert isinstance(second, Question) and second.about == "right"
    assert len({tree.decisions.pdfs("AH", left, "M")[1] for left in PHONES}) == 1
    assert tree.decisions.pdfs("AH", "M", "M")[1] != tree.decisions.pdfs("AH", "M", "T")[1]
    x = np.concatenate([x[14:16] for x in frames]).astype(np.float64)
    high = x[:, 0] > 0
    gain = tree.gain[tree.decisions.roots["AH"][1]]
    assert gain == pytest.approx(by_scipy(x[high]) + by_scipy(x[~high]) - by_scipy(x), rel=1e-6)
    leaf = tree.decisions.pdfs("AH", "T", "M")[1]
    assert tree.sums[0][leaf] == 48 and tree.sums[1][leaf] / 48 == pytest.approx(x[high].mean(0))
    whole = grow_tree(seen, sizes, 100, 200, FLOOR).decisions  # no leaf can have 200 frames of two
    assert whole.num_pdfs == 14 and whole.width == 1


def test_a_state_without_frames_has_those_of_all():
    transitions, pieces, frames = planted()
    states = [triphone_states(segments, pdfs, transitions.decisions) for segments, pdfs in pieces]
    phones = [*PHONES, "ZH"]
    seen = sum_up(phones, zip(frames, states), 2)
    sizes = {phone: 5 if phone == "SIL" else 3 for phone in phones}
    tree = grow_tree(seen, sizes, 17, 10, FLOOR)
    topologies = {p: silence_topology() if p == "SIL" else phone_topology() for p in phones}
    model = initial(tree, Transitions(phones, topologies, tree.decisions), FLOOR)
    everything = np.concatenate(frames)
    assert model.means[tree.decisions.pdfs("ZH")[0]] == pytest.approx(everything.mean(0), abs=1e-5)


def test_transitions_are_counted_along_the_states():
    transitions, pieces, _ = planted()
    counts = count_transitions(transitions, pieces[:1])
    for state, (stay, leave) in enumerate([(1, 1), (1, 1)]):
        assert counts[transitions.transition_id("AH", state, state)] == stay
        assert counts[transitions.transition_id("AH", state, state + 1)] == leave
    assert counts[transitions.transition_id("AH", 2, 3)] == 1  # the exit
    assert counts.sum() == 30


def test_em_is_that_of_scikit_learn():
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.normal(m, 1, (300, 3)) for m in (-3, 0, 4)]).astype(np.float32)
    begin = Mixture(np.full(3, 1 / 3), x[[0, 400, 800]].astype(float), np.ones((3, 3)))
    theirs = GaussianMixture(
        3,
        covariance_type="diag",
        reg_covar=0,
        max_iter=1,
        weights_init=begin.weights,
        means_init=begin.means,
        precisions_init=np.ones((3, 3)),
    )
    with pytest.warns(UserWarning):
        theirs.fit(x.astype(np.float64))
    found, likelihood = em_pass(x, begin, np.zeros(3))
    assert found.weights == pytest.approx(theirs.weights_)
    assert found.means == pytest.approx(theirs.means_)
    assert found.variances == pytest.approx(theirs.covariances_)
    assert likelihood == pytest.approx(responsibilities(x.astype(float), begin)[1].sum())
    assert em_pass(x, found, np.zeros(3))[1] > likelihood


def test_gaussians_go_where_the_frames_are():
    assert targets(np.array([100.0, 100, 0]), 8, 1).tolist() in ([3, 3, 1], [4, 4, 1], [3, 4, 1])
    assert targets(np.array([16.0, 1.0]), 6, 1).tolist() == [5, 1]  # twice as many, but one frame has one
    assert targets(np.array([10_000.0, 20.0]), 100, 10)[1] == 2
    grown = split(Mixture(np.array([0.75, 0.25]), np.array([[0.0], [9.0]]), np.ones((2, 1))), 3)
    assert grown.weights.tolist() == [0.375, 0.25, 0.375] and grown.means.ravel().tolist() == [0.2, 9.0, -0.2]
    assert Rounds(3, 2, 100, 10).totals(20, 0) == [40, 60] and Rounds(3, 2, 100, 10).totals(20, 2) == [100, 100]


def small_model(rng: np.random.Generator, dimension: int, phones=("AH", "M")) -> GmmHmm:
    model = flat_start(list(phones), np.zeros(dimension), np.ones(dimension))
    model.means = rng.normal(0, 4, model.means.shape)
    model.variances = rng.uniform(0.3, 2, model.means.shape)
    model.floor = np.full(dimension, 1e-4)
    return model


def drawn(rng: np.random.Generator, model: GmmHmm, count: int) -> tuple[np.ndarray, np.ndarray]:
    pdfs = rng.integers(0, len(model.weights), count).astype(np.int32)
    return rng.normal(model.means[pdfs], np.sqrt(model.variances[pdfs])), pdfs


def test_all_densities_are_fitted_whatever_the_number_of_processes(tmp_path):
    rng = np.random.default_rng(4)
    truth = small_model(rng, 3)
    x, pdfs = drawn(rng, truth, 6000)
    store, labels = FrameStore(tmp_path, [("a", x[:2500]), ("b", x[2500:])]), {"a": pdfs[:2500], "b": pdfs[2500:]}
    results = []
    for jobs in (1, 2):
        model = flat_start(["AH", "M"], np.zeros(3), np.ones(3))
        model.floor = np.full(3, 1e-4)
        likelihoods = fit_all(model, store, labels, [6, 12], 10, jobs)
        results.append((model.weights, model.means, likelihoods))
    assert all(np.array_equal(a, b) for a, b in zip(*results))
    assert len(results[0][0]) == 12 and results[0][2][1] > results[0][2][0]
    one = flat_start(["AH", "M"], np.zeros(3), np.ones(3))
    fit_all(one, store, labels, [6], 10)
    assert one.means == pytest.approx(np.array([x[pdfs == p].mean(0) for p in range(6)]), abs=1e-5)


def test_lda_is_that_of_scikit_learn():
    rng = np.random.default_rng(5)
    mixing = rng.normal(0, 1, (6, 6))
    labels = rng.integers(0, 4, 4000)
    x = (rng.normal(0, 1, (4000, 6)) + 3 * np.eye(6)[labels]) @ mixing
    found = lda([(x[:1000], labels[:1000]), (x[1000:], labels[1000:])], 5, 3)  # one class has no frames
    theirs = LinearDiscriminantAnalysis(solver="eigen").fit(x, labels).scalings_[:, :3].T
    cosines = [abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(found, theirs)]
    assert cosines == pytest.approx([1, 1, 1], abs=1e-4)
    y = x @ found.T
    within = np.mean([np.cov(y[labels == k].T) for k in range(4)], 0)
    assert within == pytest.approx(np.eye(3), abs=0.08)


def test_mllt_undoes_what_made_features_depend_on_each_other(tmp_path):
    rng = np.random.default_rng(6)
    truth = small_model(rng, 3)
    x, pdfs = drawn(rng, truth, 30_000)
    mixing = np.array([[1, 0.8, 0], [0, 1, 0.7], [0.3, 0, 1]])
    store, labels = FrameStore(tmp_path, [("a", x @ mixing.T)]), {"a": pdfs}
    model = flat_start(["AH", "M"], np.zeros(3), np.ones(3))
    model.floor = np.full(3, 1e-4)
    before = fit_all(model, store, labels, [6, 6], 10)[-1]
    transform = mllt(model, store, labels)
    turned = FrameStore(tmp_path, [("a", store.rows @ transform.T)])
    turn(model, transform)
    after_ = fit_all(model, turned, labels, [6, 6], 10)[-1] + np.log(abs(np.linalg.det(transform)))
    assert after_ > before + 0.1
    y = np.asarray(turned.rows, float)
    correlations = np.mean([np.corrcoef(y[pdfs == p].T) for p in range(6)], 0)
    assert np.abs(correlations - np.eye(3)).max() < 0.02


def test_fmllr_finds_the_map_that_was_undone():
    rng = np.random.default_rng(7)
    model = small_model(rng, 3)
    x, pdfs = drawn(rng, model, 40_000)
    planted_map = np.array([[1.2, 0.1, 0, 2], [0, 0.8, -0.2, -1], [0.1, 0, 1, 0.5]])
    spoken = (x - planted_map[:, 3]) @ np.linalg.inv(planted_map[:, :3]).T
    stats = Statistics(3)
    stats.add(model, spoken, pdfs, spoken)
    assert estimate(stats) == pytest.approx(planted_map, abs=0.03)
    assert affine(spoken, estimate(stats)) == pytest.approx(x, abs=0.2)
    few = Statistics(3)
    few.add(model, spoken[: int(LEAST_FRAMES) - 1], pdfs[: int(LEAST_FRAMES) - 1], spoken[: int(LEAST_FRAMES) - 1])
    assert np.array_equal(estimate(few), identity(3))


def test_maps_after_one_another():
    rng = np.random.default_rng(8)
    first, second, x = rng.normal(0, 1, (2, 5)), rng.normal(0, 1, (2, 3)), rng.normal(0, 1, (7, 5))
    assert affine(x, composed(first, second)) == pytest.approx(affine(x @ first.T, second), abs=1e-5)


def test_a_model_with_a_transform_is_read_as_it_was_written(tmp_path):
    rng = np.random.default_rng(9)
    model = small_model(rng, 2)
    model.transform = rng.normal(0, 1, (2, 6))
    model.save(tmp_path / "model.safetensors")
    read, x = load_gmm(tmp_path / "model.safetensors"), rng.normal(0, 1, (5, 6))
    assert read.dimension == 6 and np.array_equal(read.log_likelihood(x), model.log_likelihood(x))
    model.transform = None
    assert read.log_likelihood(x) == pytest.approx(model.log_likelihood(x @ read.transform.T))
    model.transform = np.full((3, 6), 1.0)
    model.save(tmp_path / "model.safetensors")
    with pytest.raises(UserError, match="transform"):
        load_gmm(tmp_path / "model.safetensors")


def test_trees_are_shown_and_damage_is_named(tmp_path):
    transitions, pieces, frames = planted()
    states = [triphone_states(segments, pdfs, transitions.decisions) for segments, pdfs in pieces]
    seen = sum_up(PHONES, zip(frames, states), 2)
    tree = grow_tree(seen, {p: transitions.num_states(p) for p in PHONES}, 15, 10, FLOOR)
    path = tmp_path / "tree.json"
    path.write_text(json.dumps(tree.as_json()))
    lines = tree_lines("AH", read_trees(path, "AH"), INVENTORY)
    assert lines[0] == "AH [ʌ], state 1 of 3: 1 leaves" and "├ yes density 6, 48 frames" in lines
    assert sum("nats, 96 frames" in line for line in lines) == 1
    with pytest.raises(UserError, match='PHONE="XX": none of the model'):
        read_trees(path, "XX")
    with pytest.raises(UserError, match="no such file; run: make"):
        read_trees(tmp_path / "none.json", "AH")
    value = json.loads(path.read_text())
    first = next(i for i, node in enumerate(value["nodes"]) if "about" in node)
    for damage in ({"yes": 0}, {"about": "above"}, {"frames": "many"}, {"no": 10**6}):
        path.write_text(
            json.dumps(
                value
                | {"nodes": [*value["nodes"][:first], value["nodes"][first] | damage, *value["nodes"][first + 1 :]]}
            )
        )
        with pytest.raises(UserError, match="no trees"):
            read_trees(path, "AH")
    assert EDGE == "" and monophones({"AH": 3}).num_pdfs == 3
