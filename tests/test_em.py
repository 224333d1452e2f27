"""Training: equal to hmmlearn where that is defined, never falling, finite, and able to find what it was drawn from."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hmmlearn.hmm import GaussianHMM

from lexicon.errors import UserError
from pipeline.hmm.em import (
    Schedule,
    Statistics,
    accumulate,
    accumulate_again,
    check_step,
    grow,
    maximise,
    poor_phones,
    train,
)
from pipeline.hmm.gmm import GmmHmm, batches, flat_start
from pipeline.hmm.graphs import Graph, utterance_graph
from pipeline.hmm.topology import PhoneTopology
from pipeline.hmm.viterbi import align

PROJECT = Path(__file__).resolve().parents[1]


def prepare(speech) -> tuple[GmmHmm, dict[str, Graph]]:
    """A flat start on the real utterances, and their graphs."""
    everything = np.concatenate(list(speech.feats.values())).astype(np.float64)
    model = flat_start(speech.phones, everything.mean(0), everything.var(0))
    return model, {
        utt: utterance_graph(words, speech.lexicon, model.transitions) for utt, words in speech.words.items()
    }


@pytest.fixture(scope="module")
def history(speech):
    """A whole schedule on real speech: the model, its graphs, last statistics and (number of Gaussians, score) a
    pass."""
    model, graphs = prepare(speech)
    passes: list[tuple[int, float]] = []
    stats = train(
        model,
        graphs,
        speech.feats,
        speech.lengths,
        Schedule(4, 3, 2, 4, 6.0),
        on_pass=lambda number, score: passes.append((len(model.weights), score)),
    )
    return model, graphs, stats, passes


def full_graph(model: GmmHmm, start: np.ndarray) -> Graph:
    """The only phone as an HMM of hmmlearn's: every state may follow every other, any may be the last."""
    n = len(start)
    phone = model.transitions.phones[0]
    ids = [model.transitions.transition_id(phone, i, j) for i in range(n) for j in range(n)]
    return Graph(
        np.arange(n),
        np.log(start),
        np.zeros(n),
        np.full(n, -1),
        np.repeat(np.arange(n), n),
        np.tile(np.arange(n), n),
        np.array(ids),
        np.zeros(n * n),
        np.zeros(n, int),
        [(phone, 0)],
    )


def test_one_gaussian_a_state_equals_hmmlearn_on_real_speech(speech):
    """Ten EM iterations: the same likelihoods, means, variances and transitions."""
    feats = {utt: x.astype(np.float64) for utt, x in speech.feats.items()}
    x, lengths = np.concatenate(list(feats.values())), [len(x) for x in feats.values()]
    rng = np.random.default_rng(0)
    model = flat_start(["AH"], x.mean(0), x.var(0))
    model.means += rng.normal(size=model.means.shape) * x.std(0)
    model.floor[:] = 0
    start = np.array([0.5, 0.3, 0.2])
    model.transitions.set("AH", PhoneTopology(start, rng.dirichlet(np.ones(3), 3), np.zeros(3)))
    theirs = GaussianHMM(
        3, "diag", n_iter=1, params="tmc", init_params="", covars_prior=0, covars_weight=1, min_covar=0
    )
    theirs.startprob_, theirs.transmat_ = start, model.transitions.topologies["AH"].trans
    theirs.means_, theirs.covars_ = model.means.copy(), model.variances.copy()
    graphs = dict.fromkeys(feats, full_graph(model, start))
    for _ in range(10):
        stats = accumulate(model, graphs, feats, [list(graphs)])
        assert stats.log_likelihood == pytest.approx(theirs.score(x, lengths), rel=1e-11)
        maximise(model, stats)
        theirs.fit(x, lengths)
        np.testing.assert_allclose(model.means, theirs.means_, atol=1e-8)
        np.testing.assert_allclose(model.variances, np.array([np.diag(c) for c in theirs.covars_]), rtol=1e-7)
        np.testing.assert_allclose(model.transitions.topologies["AH"].trans, theirs.transmat_, atol=1e-10)


def test_likelihood_never_falls_over_a_whole_schedule(history):
    model, _, stats, passes = history
    assert len(passes) == Schedule(4, 3, 2, 4, 6.0).total() == 4 + 2 * 3 + 2
    for (size, before), (next_size, now) in zip(passes, passes[1:]):
        assert now >= before - 1e-9 or next_size > size
    assert passes[-1][1] > passes[3][1] + 1 and passes[-1][0] > passes[0][0]
    for array in (model.weights, model.means, model.variances, model.transitions.log_probs, stats.counts):
        assert np.isfinite(array).all()
    assert (model.variances >= model.floor).all()
    totals = np.add.reduceat(model.weights, model.bounds[:-1])
    np.testing.assert_allclose(totals, 1, atol=1e-9)
    assert stats.counts.sum() == pytest.approx(stats.frames, rel=1e-6)
    for topology in model.transitions.topologies.values():
        np.testing.assert_allclose(topology.trans.sum(1) + topology.exit, 1, atol=1e-12)


def test_any_number_of_jobs_give_the_same_numbers(speech, monkeypatch):
    monkeypatch.setattr("pipeline.hmm.gmm.BATCH_CELLS", 100_000)  # several batches
    results = []
    for jobs in (1, 2):
        model, graphs = prepare(speech)
        work = list(batches(list(graphs), graphs, speech.lengths))
        stats = accumulate(model, graphs, speech.feats, work, jobs)
        results.append((stats.log_likelihood, stats.counts, stats.sums, stats.squares, stats.transitions))
    assert all(np.array_equal(a, b) for a, b in zip(*results))


def test_frames_keep_their_states_between_alignments(speech, history, tmp_path):
    """The next step of the same model has the same statistics; once it is better, the likelihood is no larger than that
    of an alignment, and still rises."""
    model, graphs = copy.deepcopy(history[0]), history[1]
    work = list(batches(list(graphs), graphs, speech.lengths))
    aligned = accumulate(model, graphs, speech.feats, work, 1, tmp_path)
    again = accumulate_again(model, speech.feats, work, aligned)
    assert again.frames == aligned.frames and again.log_likelihood == pytest.approx(aligned.log_likelihood, rel=1e-6)
    for name in ("counts", "sums", "squares", "transitions"):
        np.testing.assert_allclose(getattr(again, name), getattr(aligned, name), rtol=1e-5, atol=1e-5)
    scores = [aligned.log_likelihood]
    for _ in range(3):
        maximise(model, again)
        again = accumulate_again(model, speech.feats, work, aligned, 2)
        scores.append(again.log_likelihood)
    assert scores == sorted(scores) and scores[-1] > scores[0]
    assert accumulate(model, graphs, speech.feats, work).log_likelihood >= scores[-1]
    assert not list(tmp_path.iterdir())


def test_passes_that_align():
    schedule = Schedule(2, 3, 4, 4, 6.0)
    assert [number for number in range(1, schedule.total() + 1) if schedule.aligns(number)] == [1, 2, 5, 8, 11]
    assert all(Schedule(2, 0, 2, 4, 6.0).aligns(number) for number in range(1, 5))


def test_a_schedule_that_seldom_aligns_never_falls(speech, tmp_path):
    """And gives the same numbers for any number of jobs."""
    found = []
    for jobs in (1, 2):
        model, graphs = prepare(speech)
        passes: list[tuple[int, float]] = []
        schedule, hear = Schedule(4, 3, 3, 4, 6.0), lambda number, score: passes.append((len(model.weights), score))
        train(model, graphs, speech.feats, speech.lengths, schedule, "baum-welch", jobs, hear, tmp_path)
        assert all(now >= before - 1e-5 or size > old for (old, before), (size, now) in zip(passes, passes[1:]))
        found.append((passes, model.means.tolist(), model.variances.tolist()))
    assert found[0] == found[1]


LONG = """
import resource, sys
import numpy as np
from pipeline.hmm.em import accumulate
from pipeline.hmm.viterbi import align
from pipeline.hmm.gmm import flat_start
from pipeline.hmm.graphs import utterance_graph
rng = np.random.default_rng(0)
x = rng.normal(size=(12_000, 39)).astype(np.float32)
model = flat_start(["SIL", "AH", "B", "T"], np.zeros(39), np.ones(39))
lexicon = {"A": [(1.0, ("AH",))], "BAT": [(1.0, ("B", "AH", "T")), (0.4, ("B", "T"))]}
graph = utterance_graph(["A", "BAT"] * 130, lexicon, model.transitions)
one = {"u": graph}, {"u": x}, [["u"]]
used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = used()
assert accumulate(model, *one).frames == len(x)
(_, found), = align(model, *one[:2], one[2][0])
assert len(found.pdfs) == len(x)
print(len(x) * len(graph.pdf) * 8 >> 20, used() - before)
"""


def test_a_long_utterance_takes_little_memory():
    """Two minutes, whose tables of frames and states would be 333 MB each, of which four were kept."""
    done = subprocess.run([sys.executable, "-c", LONG], cwd=PROJECT, text=True, capture_output=True, check=True)
    table, used = map(int, done.stdout.split())  # MB
    assert table > 300 and used < 250


def test_the_middle_states_of_silence_do_not_stay_the_same(speech):
    """They may follow each other in any order, so from equal starts Baum-Welch would never tell them apart."""
    model, graphs = prepare(speech)
    assert (model.means[:5, 0] < model.means[5:, 0].min()).all()  # silence starts quieter than the phones
    for _ in range(2):
        maximise(model, accumulate(model, graphs, speech.feats, [list(graphs)]))
    for a, b in ((1, 2), (2, 3), (1, 3)):
        assert np.abs(model.means[a] - model.means[b]).max() > 0.1


def test_mixtures_grow_where_frames_carry_them():
    model = flat_start(["SIL", "AH", "B"], np.zeros(2), np.ones(2))
    occupancy = np.array([500.0] * 5 + [35, 20, 35] + [9, 9, 9])
    stats = Statistics(occupancy, np.zeros((11, 2)), np.zeros((11, 2)), np.zeros(1))
    grow(model, stats, max_mix=3, min_frames=15)
    assert np.diff(model.bounds).tolist() == [2] * 8 + [1] * 3
    # Silence starts half a standard deviation below the mean, and is split 0.2 to both sides of that.
    assert model.means[:2, 0].tolist() == pytest.approx([-0.3, -0.7]) and model.weights[:2].tolist() == [0.5, 0.5]
    assert (model.variances == 1).all() and model.num_parameters > 0
    grown = np.repeat(occupancy, [2] * 8 + [1] * 3) * model.weights
    grow(model, Statistics(grown, model.means, model.means, np.zeros(1)), max_mix=3, min_frames=15)
    assert np.diff(model.bounds).tolist() == [3] * 5 + [2] * 3 + [1] * 3  # AH carries 30 / 15 = 2, SIL is capped
    assert np.add.reduceat(model.weights, model.bounds[:-1]).tolist() == pytest.approx([1.0] * 11)


def test_the_heaviest_gaussian_is_split():
    model = flat_start(["AH"], np.zeros(1), np.ones(1))
    model.bounds, model.weights = np.array([0, 2, 4, 6]), np.tile([0.3, 0.7], 3)
    model.means, model.variances = np.tile([[-5.0], [5.0]], (3, 1)), np.tile([[1.0], [4.0]], (3, 1))
    grow(model, Statistics(np.full(6, 100.0), model.means, model.means, np.zeros(1)), 3, 1)
    assert model.means[:3, 0].tolist() == pytest.approx([-5.0, 5.4, 4.6])  # 0.2 of a deviation of 2 to either side
    assert model.weights[:3].tolist() == pytest.approx([0.3, 0.35, 0.35]) and model.variances[2, 0] == 4


def test_a_gaussian_without_frames_stays_and_variances_keep_their_floor():
    model = flat_start(["AH"], np.zeros(1), np.ones(1))
    model.means[:] = [[1.0], [2.0], [3.0]]
    stats = Statistics(
        np.array([10.0, 0.5, 0.0]),
        np.array([[50.0], [4.0], [0.0]]),
        np.array([[250.0], [32.0], [0.0]]),
        np.zeros_like(model.transitions.log_probs),
    )
    maximise(model, stats)
    assert model.means[:, 0].tolist() == [5.0, 2.0, 3.0]
    assert model.variances[:, 0].tolist() == [0.01, 1.0, 1.0]  # ten equal frames: the floor, a hundredth of the start's


def test_poor_phones_are_named(history):
    model, _, stats, _ = history
    occupancy = np.add.reduceat(stats.counts, model.bounds[:-1])
    poor = poor_phones(model, stats, 12.0)
    for phone in model.transitions.phones:
        first = model.transitions.decisions.pdfs(phone)[0]
        fewest = occupancy[first : first + model.transitions.num_states(phone)].min()
        assert (phone in poor) == (fewest < 12) and poor.get(phone, fewest) == pytest.approx(fewest)
    assert poor and "SIL" not in poor


def test_a_fallen_likelihood_and_broken_parameters_are_errors():
    model = flat_start(["SIL", "AH"], np.zeros(2), np.ones(2))
    stats = Statistics(np.full(8, 7.0), model.means, model.variances, np.zeros(1), log_likelihood=-50.0, frames=10)
    assert check_step(model, -5.5, stats) == -5.0
    with pytest.raises(UserError, match="fell from -4.9000 to -5.0000"):
        check_step(model, -4.9, stats)
    stats.log_likelihood = np.nan
    with pytest.raises(UserError, match="per frame is nan"):
        check_step(model, None, stats)
    model.means[6, 1] = np.nan
    with pytest.raises(UserError, match=r"phone AH: a Gaussian is not finite \(7 frames in that state\)"):
        check_step(model, None, stats)


def test_an_utterance_with_too_few_frames_is_named(speech):
    model, graphs = prepare(speech)
    utt = next(iter(graphs))
    feats = {**speech.feats, utt: speech.feats[utt][:5]}
    lengths = {**speech.lengths, utt: 5}
    for trainer in ("baum-welch", "hmmlearn"):
        with pytest.raises(UserError, match=utt):
            train(model, graphs, feats, lengths, Schedule(1, 0, 0, 1, 1.0), trainer)


def test_the_hmmlearn_trainer_gives_similar_alignments(speech, history):
    """From the same start three passes of hmmlearn's own fit, on Viterbi segments: nearly the same phone boundaries."""
    _, graphs, _, _ = history
    start, _ = prepare(speech)
    train(start, graphs, speech.feats, speech.lengths, Schedule(4, 0, 0, 1, 10.0))
    found = {}
    for trainer in ("baum-welch", "hmmlearn"):
        model = copy.deepcopy(start)
        scores: list[float] = []
        train(
            model,
            graphs,
            speech.feats,
            speech.lengths,
            Schedule(3, 0, 0, 1, 10.0),
            trainer,
            on_pass=lambda number, score: scores.append(score),
        )
        assert scores == sorted(scores) and scores[-1] > scores[0]
        assert np.isfinite(model.means).all() and (model.variances >= model.floor).all()
        assert not np.array_equal(model.means, start.means)
        found[trainer] = {
            utt: np.repeat(
                [phone.label for phone in alignment.phones], [phone.end - phone.start for phone in alignment.phones]
            )
            for utt, alignment in align(model, graphs, speech.feats, speech.lengths)
        }
    same = np.concatenate([found["baum-welch"][utt] == found["hmmlearn"][utt] for utt in speech.feats])
    assert same.mean() > 0.8


def test_recovers_the_model_it_was_drawn_from():
    """Words over three phones, spoken by hmmlearn's sampler from a known HMM; trained from a flat start."""
    rng = np.random.default_rng(11)
    lexicon = {"PAN": [(1.0, ("P", "AE", "N"))], "NAP": [(1.0, ("N", "AE", "P"))], "AN": [(1.0, ("AE", "N"))]}
    phones = ["SIL", "AE", "N", "P"]
    truth = flat_start(phones, np.zeros(2), np.ones(2))
    truth.means[:] = rng.normal(size=truth.means.shape) * 6
    truth.variances[:] = rng.uniform(0.5, 1.5, truth.variances.shape)
    pdfs_of = truth.transitions.decisions.pdfs
    feats, words = {}, {}
    for n in range(80):
        words[f"u{n:03}"] = said = tuple(rng.choice(sorted(lexicon), rng.integers(1, 4)).tolist())
        pdfs = [pdf for word in said for phone in lexicon[word][0][1] for pdf in pdfs_of(phone)]
        chain = GaussianHMM(len(pdfs) + 1, "diag", init_params="")  # one more state: the end
        chain.startprob_, chain.transmat_ = np.eye(len(pdfs) + 1)[0], np.eye(len(pdfs) + 1)
        chain.transmat_[:-1] = 0.75 * np.eye(len(pdfs) + 1)[:-1] + 0.25 * np.eye(len(pdfs) + 1)[1:]
        chain.means_, chain.covars_ = (np.concatenate([x[pdfs], x[:1]]) for x in (truth.means, truth.variances))
        x, states = chain.sample(200, random_state=n)
        assert states[-1] == len(pdfs)
        feats[f"u{n:03}"] = x[states < len(pdfs)]
    everything = np.concatenate(list(feats.values()))
    model = flat_start(phones, everything.mean(0), everything.var(0))
    graphs = {utt: utterance_graph(said, lexicon, model.transitions, silence=False) for utt, said in words.items()}
    lengths = {utt: len(x) for utt, x in feats.items()}
    train(model, graphs, feats, lengths, Schedule(15, 0, 0, 1, 1.0))
    spoken = slice(pdfs_of("AE")[0], None)  # nobody paused, so silence was never seen
    np.testing.assert_allclose(model.means[spoken], truth.means[spoken], atol=0.25)
    np.testing.assert_allclose(model.variances[spoken], truth.variances[spoken], atol=0.35)
    for phone in phones[1:]:
        np.testing.assert_allclose(np.diag(model.transitions.topologies[phone].trans), 0.75, atol=0.06)
