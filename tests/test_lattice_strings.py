"""Each string once: lattices against lists of all paths and against OpenFst; n-best, beams, counts, oracle,
sausages."""

from __future__ import annotations

import math
from dataclasses import replace

import kaldialign
import kaldifst
import numpy as np
import pytest
from helpers.lattices import all_paths, lattice_of, random_lattice

from lexicon.phones import spoken
from pipeline.lattice import (
    Lattice,
    best_path,
    depth,
    depths,
    determinize,
    expected_counts,
    forward_backward,
    frame_posteriors,
    nbest,
    prune,
    prune_beam,
)
from pipeline.lattice.oracle import oracle
from pipeline.lattice.sausage import expected_errors, sausage

Strings = dict[tuple, list[tuple[float, tuple]]]


def some_lattice(seed: int, num_nodes: int = 8, labels: tuple[str, ...] = ("AH", "B", "SIL", "<blk>")) -> Lattice:
    rng = np.random.default_rng(seed)
    lattice = random_lattice(seed, num_nodes)
    lattice = replace(
        lattice,
        label=[str(x) for x in rng.choice(labels, len(lattice.label))],
        acoustic=lattice.acoustic / 5,
        word=[str(x) for x in rng.choice(["", "", "", "BE"], len(lattice.label))],
    )
    forward_backward(lattice)
    return lattice


def strings(lattice: Lattice, silent: tuple[str, ...] = ("<blk>",)) -> Strings:
    """Every string with the score and the timed arcs of each of its paths."""
    scores, found = lattice.scores(), {}
    for path in all_paths(lattice):
        string = tuple(
            (lattice.label[a], lattice.word[a]) for a in path if lattice.label[a] not in silent or lattice.word[a]
        )
        timed = tuple(
            (
                lattice.label[a],
                int(lattice.node_frame[lattice.arc_from[a]]),
                int(lattice.node_frame[lattice.arc_to[a]]),
                float(lattice.acoustic[a]),
            )
            for a in path
        )
        found.setdefault(string, []).append((math.fsum(scores[path]), timed))
    return found


def test_two_alignments_of_one_string_leave_the_better():
    """A B with its border at 2 or at 3, and A C: hand-worked."""
    lattice = lattice_of(
        [0, 2, 3, 6], [(0, 1, "A", -1.0), (0, 2, "A", -2.0), (1, 3, "B", -4.0), (2, 3, "B", -2.5), (2, 3, "C", -3.0)]
    )
    found = determinize(lattice)
    assert strings(found) == {
        (("A", ""), ("B", "")): [(-4.5, (("A", 0, 3, 0.0), ("B", 3, 6, 0.0)))],
        (("A", ""), ("C", "")): [(-5.0, (("A", 0, 3, 0.0), ("C", 3, 6, 0.0)))],
    }
    assert found.node_frame.tolist() == [0, 3, 6] and found.label == ["A", "B", "C"]
    share = 1 / (1 + math.exp(-0.5))
    assert found.posterior == pytest.approx([1, share, 1 - share])


def test_a_blank_is_time_but_no_part_of_a_string():
    lattice = lattice_of([0, 2, 4, 6], [(0, 1, "A", -1.0), (0, 2, "A", -2.0), (1, 2, "<blk>", -0.5), (2, 3, "B", -1.0)])
    found = determinize(lattice)
    assert found.label == ["A", "<blk>", "B"] and found.scores().tolist() == [-1.0, -0.5, -1.0]  # -2.5 beats -3
    assert found.posterior == pytest.approx([1, 1, 1])
    assert len(strings(determinize(lattice, silent=()), ())) == 2  # as a label of its own it makes a second string


def test_a_word_is_a_part_of_the_string():
    lattice = lattice_of([0, 2, 4], [(0, 1, "A", -1.0, "TWO"), (0, 1, "A", -2.0, "TOO"), (1, 2, "B", 0.0)])
    assert sorted(determinize(lattice).word) == ["", "TOO", "TWO"]


@pytest.mark.parametrize("silent", [("<blk>",), ("<blk>", "SIL"), ()])
@pytest.mark.parametrize("seed", range(25))
def test_every_string_within_the_beam_once_on_its_best_alignment(seed, silent):
    lattice = some_lattice(seed, 4 + seed % 6)
    expected = strings(lattice, silent)
    best = max(max(paths) for paths in expected.values())[0]
    for beam in (np.inf, 6.0, 1.5, 0.0):
        found = determinize(lattice, beam, silent)
        got = strings(found, silent)
        assert all(len(paths) == 1 for paths in got.values())
        assert {string for string, paths in expected.items() if max(paths)[0] >= best - beam + 1e-5} <= set(got)
        for string, [(score, timed)] in got.items():
            top = max(expected[string])
            assert score == pytest.approx(top[0], abs=2e-3)
            assert timed in [path for total, path in expected[string] if total >= top[0] - 2e-3]
        assert found.beam == beam
        np.testing.assert_allclose(frame_posteriors(found)[1].sum(axis=0), 1, atol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_openfst_finds_the_same_strings_and_costs(seed):
    lattice = some_lattice(seed, 13, labels=("AH", "B", "T", "<blk>"))
    symbols: dict[tuple[str, str], int] = {}
    lines = []
    for a, b, label, word, score in zip(
        lattice.arc_from, lattice.arc_to, lattice.label, lattice.word, lattice.scores()
    ):
        symbol = symbols.setdefault((label, word), len(symbols) + 1) if label != "<blk>" or word else 0
        lines.append(f"{a} {b} {symbol} {symbol} {-score:.9g}")
    fst = kaldifst.compile("\n".join([*lines, f"{lattice.num_nodes - 1}"]) + "\n")
    kaldifst.rmepsilon(fst)
    best = kaldifst.convert_nbest_to_vector(kaldifst.shortest_path(kaldifst.determinize(fst), n=40))
    costs = sorted(
        sum(float(line.split()[-1]) for line in path.to_str().splitlines() if len(line.split()) in (2, 5))
        for path in best
    )
    ours = nbest(determinize(lattice), 40)
    assert len(ours) == len(costs) > 10
    np.testing.assert_allclose([-score for score, _ in ours], costs, atol=5e-3)


def test_too_many_subsets_shrink_the_beam_and_keep_what_is_better(seed=4):
    lattice = some_lattice(seed, 10)
    whole = strings(determinize(lattice))
    few = determinize(lattice, max_subsets=6)
    assert 0 <= few.beam < np.inf and len(few.label) < len(determinize(lattice).label)
    best = max(paths[0][0] for paths in whole.values())
    assert {string for string, paths in whole.items() if paths[0][0] > best - few.beam + 1e-6} <= set(strings(few))
    path = [few.label[arc] for arc in best_path(few)]
    assert path == [lattice.label[arc] for arc in best_path(lattice)]


@pytest.mark.parametrize("seed", range(6))
def test_nbest_is_the_sorted_list_of_paths(seed):
    lattice = some_lattice(seed)
    scores = lattice.scores()
    expected = sorted((math.fsum(scores[path]) for path in all_paths(lattice)), reverse=True)
    found = nbest(lattice, 12)
    assert [score for score, _ in found] == pytest.approx(expected[:12])
    assert all(math.fsum(scores[arcs]) == pytest.approx(score) for score, arcs in found)
    assert len(nbest(lattice, 10_000)) == len(expected)


@pytest.mark.parametrize("seed", range(6))
def test_a_beam_keeps_the_arcs_of_paths_within_it(seed):
    lattice = some_lattice(seed)
    scores, paths = lattice.scores(), all_paths(lattice)
    best = max(math.fsum(scores[path]) for path in paths)
    sizes = []
    for beam in (0.0, 2.0, 5.0, 50.0):
        wanted = {arc for path in paths if math.fsum(scores[path]) >= best - beam - 1e-9 for arc in path}
        kept = prune_beam(lattice, beam)
        assert sorted(kept.language.tolist()) == sorted(lattice.language[sorted(wanted)].tolist())
        assert kept.beam == beam
        sizes.append(len(kept.label))
    assert sizes == sorted(sizes) and prune_beam(prune_beam(lattice, 2.0), 5.0).beam == 2.0


def test_counts_and_depths_by_listing_all_paths(seed=2):
    lattice = some_lattice(seed)
    scores, paths = lattice.scores(), all_paths(lattice)
    weights = np.exp([math.fsum(scores[path]) for path in paths])
    weights /= weights.sum()
    for label, count in expected_counts(lattice).items():
        assert count == pytest.approx(
            sum(w * [lattice.label[a] for a in p].count(label) for w, p in zip(weights, paths))
        )
    assert depths(lattice).mean() == pytest.approx(depth(lattice))
    assert depths(lattice)[0] == sum(lattice.arc_from == 0)


# ---- oracle


def distance(a, b) -> int:
    return kaldialign.edit_distance(list(a), list(b))["total"]


@pytest.mark.parametrize("seed", range(30))
def test_the_oracle_is_the_nearest_of_all_paths(seed):
    lattice = some_lattice(seed, 4 + seed % 5, ("AH", "AX", "B", "SIL", "<blk>"))
    reference = [str(x) for x in np.random.default_rng(seed).choice(["AH", "B", "T"], seed % 7)]
    fold = {"AX": "AH"} if seed % 2 else {}
    said = {tuple(path): spoken([lattice.label[a] for a in path], fold) for path in all_paths(lattice)}
    errors, path = oracle(lattice, reference, fold)
    assert errors == min(distance(reference, string) for string in said.values())
    assert errors == distance(reference, said[tuple(path)])


def test_a_wider_beam_never_has_a_worse_oracle():
    for seed in range(10):
        lattice = some_lattice(seed, 9)
        errors = [oracle(prune_beam(lattice, beam), ["AH", "B", "AH"])[0] for beam in (0.0, 1.0, 3.0, 9.0, np.inf)]
        assert errors == sorted(errors, reverse=True)
        assert errors[0] == distance(["AH", "B", "AH"], spoken(lattice.label[a] for a in best_path(lattice)))


# ---- sausages


def test_a_sausage_by_hand():
    """A B (0.5), A C (0.3) and A (0.2): B has half of the second slot."""
    lattice = lattice_of(
        [0, 2, 6],
        [(0, 1, "A", 0.0), (1, 2, "B", math.log(0.5)), (1, 2, "C", math.log(0.3)), (1, 2, "SIL", math.log(0.2))],
    )
    found = sausage(lattice)
    assert [(slot.start, slot.end) for slot in found.slots] == [(0, 2), (2, 6)]
    assert found.slots[0].posteriors == pytest.approx({"A": 1.0})
    assert found.slots[1].posteriors == pytest.approx({"B": 0.5, "C": 0.3, "": 0.2})
    assert found.labels == ["A", "B"] and found.expected_errors == pytest.approx(0.5, abs=1e-4)


def test_the_string_of_least_error_is_not_the_best_path():
    """X Y (0.4) is the best path, but A B, A C and A D (0.2 each) agree on A."""
    lattice = lattice_of(
        [0, 2, 2, 4],
        [
            (0, 1, "X", 0.0),
            (0, 2, "A", 0.0),
            (1, 3, "Y", math.log(0.4)),
            *((2, 3, label, math.log(0.2)) for label in "BCD"),
        ],
    )
    found = sausage(lattice)
    assert found.labels[0] == "A" and [lattice.label[a] for a in best_path(lattice)] == ["X", "Y"]
    assert found.best_path_errors == pytest.approx(1.2, abs=1e-3) and found.expected_errors < 1.2


@pytest.mark.parametrize("seed", range(20))
def test_expected_errors_by_listing_all_paths(seed):
    lattice = some_lattice(seed, 4 + seed % 5, ("AH", "B", "T", "SIL", "<blk>"))
    scores, paths = lattice.scores(), all_paths(lattice)
    weights = np.exp([math.fsum(scores[path]) for path in paths])
    weights /= weights.sum()
    said = [spoken(lattice.label[a] for a in path) for path in paths]

    def exact(string) -> float:
        return sum(w * distance(string, other) for w, other in zip(weights, said))

    found = sausage(lattice)
    best = spoken(lattice.label[a] for a in best_path(lattice))
    assert found.expected_errors <= found.best_path_errors + 1e-9
    for string, claimed in ((found.labels, found.expected_errors), (best, found.best_path_errors)):
        assert exact(string) - 1e-9 <= claimed == pytest.approx(expected_errors(lattice, string), abs=1e-3)
        assert claimed - exact(string) < 0.2  # Xu's recursion aligns once for all paths through a node
    assert all(sum(slot.posteriors.values()) == pytest.approx(1) for slot in found.slots)
    assert [slot.start for slot in found.slots] == sorted(slot.start for slot in found.slots)
    assert all(0 <= slot.start <= slot.end <= 20 for slot in found.slots)
    if len(paths) == 1 or weights.max() > 0.999:
        assert tuple(found.labels) == best


def test_pruning_by_posterior_of_a_determinized_lattice_keeps_its_best_path():
    lattice = determinize(some_lattice(5, 10))
    kept = prune(lattice, 0.9)
    assert [kept.label[a] for a in best_path(kept)] == [lattice.label[a] for a in best_path(lattice)]
