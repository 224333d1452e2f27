"""Training on whole utterances: sums over paths against all paths one by one, gradients against differences."""

from __future__ import annotations

import itertools
from dataclasses import replace

import kaldifst
import numpy as np
import pytest
import torch
from test_hybrid import SETTINGS, STATES, part_of

from pipeline.neural.arc_graph import READS_NOTHING, ArcGraph
from pipeline.neural.hybrid import HYBRID
from pipeline.neural.sequence import CHECKPOINT, Rivals, _Share, sequence_task
from pipeline.neural.train import Task, train
from pipeline.search.graph import arc_graph
from pipeline.search.topology import Labels

# (source, target, column, cost). States 2 and 3 are passed without reading, 3 after 2, though its number comes first.
ARCS = [
    (0, 1, 0, 0.2),
    (1, 1, 1, 0.9),
    (1, 4, 2, 0.4),
    (4, 4, 0, 0.7),
    (1, 3, READS_NOTHING, 0.3),
    (4, 3, READS_NOTHING, 0.6),
    (3, 2, READS_NOTHING, 0.1),
    (2, 1, 2, 1.3),
    (2, 4, 1, 0.8),
]
FINALS = {4: 0.5, 2: 1.1}


def all_paths(frames: int, state: int = 0):
    """Every path from ``state`` that reads so many frames: (its columns, its cost)."""
    if frames == 0 and state in FINALS:
        yield (), FINALS[state]
    for source, target, column, cost in ARCS:
        if source == state and column == READS_NOTHING:
            yield from ((columns, cost + rest) for columns, rest in all_paths(frames, target))
        elif source == state and frames:
            yield from (((column, *columns), cost + rest) for columns, rest in all_paths(frames - 1, target))


def by_hand(scores: np.ndarray) -> tuple[np.ndarray, float]:
    """What `ArcGraph.posteriors` gives, path by path."""
    occupancy, total = np.zeros(scores.shape), 0.0
    for columns, cost in all_paths(len(scores)):
        share = np.exp(sum(scores[t, column] for t, column in enumerate(columns)) - cost)
        total += share
        for t, column in enumerate(columns):
            occupancy[t, column] += share
    return occupancy / total, np.log(total)


@pytest.mark.parametrize("frames", [1, 2, 5, 7])
def test_sums_over_paths_are_those_of_all_paths_one_by_one(frames):
    scores = np.random.default_rng(frames).normal(-30, 3, (frames, 3))
    found, total = ArcGraph.of(ARCS, FINALS).posteriors(scores, unlikely=0.0)
    expected, expected_total = by_hand(scores)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert total == pytest.approx(expected_total, rel=1e-12)
    np.testing.assert_allclose(found.sum(1), 1)


def test_what_is_unlikely_is_given_up_and_little_is_lost():
    scores = np.random.default_rng(0).normal(0, 3, (8, 3))
    found, total = ArcGraph.of(ARCS, FINALS).posteriors(scores)
    expected, expected_total = by_hand(scores)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert total == pytest.approx(expected_total, abs=1e-3)


def test_a_graph_that_cannot_be_summed_is_refused():
    with pytest.raises(ValueError, match="circle"):
        ArcGraph.of([*ARCS, (2, 3, READS_NOTHING, 0.0)], FINALS)
    line = ArcGraph.of([(0, 1, 0, 0.0), (1, 2, 1, 0.0)], {2: 0.0})
    assert line.posteriors(np.log([[0.5, 0.1], [0.1, 0.25]]))[1] == pytest.approx(np.log(0.125))
    for frames in (1, 3):
        with pytest.raises(ValueError, match=f"no path .* {frames} frames"):
            line.posteriors(np.zeros((frames, 2)))


def test_a_decoding_graph_has_its_labels_columns():
    labels = Labels([("A",), ("B",)])
    inside, entry = labels.inside(1), labels.entry(0, "A")
    text = f"0 1 {entry} 1 0.25\n1 1 {inside} 0 0.5\n1 2 0 0 1.5\n1 0 {inside} 0\n2 0.75\n"
    graph = arc_graph(kaldifst.compile(text, keep_state_numbering=True), labels)
    scores = np.log([[0.9, 0.1], [0.4, 0.6]])
    assert graph.posteriors(scores)[1] == pytest.approx(np.log(0.9 * 0.6) - 0.25 - 0.5 - 1.5 - 0.75)


class _Whole(ArcGraph):
    """With all states, so that differences are smooth."""

    def posteriors(self, scores, unlikely=0.0):
        return super().posteriors(scores, unlikely)


def test_what_is_likely_may_come_to_no_end():
    ends_elsewhere = [(0, 1, 0, 0.0), (1, 1, 0, 0.0), (0, 2, 1, 0.0), (2, 2, 1, 0.0)]
    graph = ArcGraph.of(ends_elsewhere, {2: 0.0})
    assert graph.posteriors(np.tile([0.0, -9.0], (3, 1)))[1] == pytest.approx(-27)


def test_the_gradient_is_that_of_differences():
    rivals = Rivals(ArcGraph.of(ARCS, FINALS), np.log([0.5, 0.3, 0.2]), 0.7)
    states = np.array([0, 1, 1, 2, 0])
    rng = np.random.default_rng(1)
    values = torch.tensor(rng.normal(0, 1, (5, 3)), requires_grad=True)
    scores = 0.7 * (values.detach().numpy() - np.log([0.5, 0.3, 0.2]))
    costs = [cost for columns, cost in all_paths(5) if columns == tuple(states)]
    weight = np.log(np.exp(-np.array(costs)).sum())
    assert len(costs) > 1 and rivals.weight(states) == pytest.approx(weight)
    share = _Share.apply(values, states, weight, rivals)
    expected = weight + scores[np.arange(5), states].sum() - by_hand(scores)[1]
    assert share.item() == pytest.approx(expected, abs=1e-3) and expected < 0  # but for what is unlikely
    exact = replace(rivals, graph=_Whole(**vars(rivals.graph)))
    assert torch.autograd.gradcheck(lambda x: _Share.apply(x, states, weight, exact), (values,), eps=1e-5, atol=1e-6)


def loop() -> Rivals:
    """Any of three states after any."""
    arcs = [(a, b, b - 1, 0.2 if a == b else 2.0) for a in range(4) for b in range(1, 4)]
    return Rivals(ArcGraph.of(arcs, {state: 0.0 for state in range(1, 4)}), np.log(np.full(3, 1 / 3)), 0.5)


def test_it_goes_on_from_frames_to_utterances_and_to_the_same_numbers(tmp_path):
    (train_part, first), (dev_part, second) = part_of(2, 40), part_of(3, 10)
    settings, data, device = replace(SETTINGS, epochs=2), first + second, torch.device("cpu")
    frames = train(train_part, dev_part, STATES, settings, data, tmp_path / "a", device, task=HYBRID)

    def afterwards(folder: str, task: Task):
        told = replace(settings, epochs=6, warmup_epochs=0, learning_rate=1e-3, patience=4)
        return train(train_part, dev_part, STATES, told, data, tmp_path / folder, device, task=task, before=frames)

    task = sequence_task(loop())
    whole = afterwards("a", task)
    assert (tmp_path / "a" / CHECKPOINT).is_file() and whole.history[:2] == frames.history
    assert whole.epoch == 6 and whole.best_epoch > 2
    losses = [epoch.loss for epoch in whole.history[2:]]
    assert losses[-1] < losses[0] and whole.history[-1].dev_per < frames.history[-1].dev_per
    calls = itertools.count()

    def broken_off(*told) -> float:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return task.error_rate(*told)

    with pytest.raises(KeyboardInterrupt):
        afterwards("b", replace(task, error_rate=broken_off))
    again = afterwards("b", task)
    assert again.history == whole.history and again.best_epoch == whole.best_epoch
    assert all(torch.equal(value, again.best[name]) for name, value in whole.best.items())
