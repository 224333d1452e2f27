"""Lattices against the list of all their paths; files there and back; files that are damaged."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from helpers.lattices import all_paths, random_lattice, same, with_odd_words
from hypothesis import given, settings
from hypothesis import strategies as st

from lexicon.errors import UserError
from pipeline.lattice import (
    Lattice,
    best_path,
    depth,
    forward_backward,
    from_json,
    prune,
    read_json_lattice,
    read_slf,
    to_json,
    write_json_lattice,
    write_slf,
)


def path_scores(lattice: Lattice) -> dict[tuple[int, ...], float]:
    return {
        tuple(path): math.fsum(0.3 * lattice.acoustic[a] + lattice.language[a] for a in path)
        for path in all_paths(lattice)
    }


@pytest.mark.parametrize("seed", range(12))
def test_posteriors_and_best_path_by_listing_all_paths(seed):
    lattice = random_lattice(seed)
    scores = path_scores(lattice)
    assert len(scores) > 5
    total = forward_backward(lattice)
    assert total == pytest.approx(np.logaddexp.reduce(list(scores.values())), abs=1e-9)
    expected = np.zeros(len(lattice.label))
    for path, score in scores.items():
        expected[list(path)] += math.exp(score - total)
    np.testing.assert_allclose(lattice.posterior, expected, atol=1e-12)
    assert tuple(best_path(lattice)) == max(scores, key=scores.get)


@pytest.mark.parametrize("seed", range(6))
def test_each_slice_of_time_holds_one_phone(seed):
    lattice = random_lattice(seed, num_nodes=12)
    forward_backward(lattice)
    begin, end = lattice.node_frame[lattice.arc_from], lattice.node_frame[lattice.arc_to]
    for t in range(20):
        assert lattice.posterior[(begin <= t) & (t < end)].sum() == pytest.approx(1, abs=1e-9)
    assert depth(lattice) == pytest.approx(sum(end - begin) / 20)


def test_scores_of_any_size(seed=3):
    lattice = random_lattice(seed)
    forward_backward(lattice)
    shifted = replace(
        lattice, language=lattice.language - 1e5
    )  # longer paths lose by far: as if there were the shortest
    forward_backward(shifted)
    assert np.isfinite(shifted.posterior).all() and shifted.posterior.max() <= 1
    shortest = min(map(len, all_paths(lattice)))
    assert len(best_path(shifted)) == shortest


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("least", [0.0, 1e-3, 0.2, 0.9, 2.0])
def test_pruning_keeps_the_best_path_and_whole_paths_only(seed, least):
    lattice = random_lattice(seed, num_nodes=9)
    forward_backward(lattice)
    kept = prune(lattice, least)

    def said(one: Lattice) -> list[tuple]:
        return [
            (one.label[a], one.word[a], one.node_frame[one.arc_from[a]], one.node_frame[one.arc_to[a]], one.acoustic[a])
            for a in best_path(one)
        ]

    assert said(kept) == said(lattice)
    on_paths = {arc for path in all_paths(kept) for arc in path}
    assert on_paths == set(range(len(kept.label)))
    best = set(best_path(kept))
    assert all(kept.posterior[arc] >= least or arc in best for arc in range(len(kept.label)))
    if least == 2.0:
        assert len(kept.label) == len(best) and kept.num_nodes == len(best) + 1
    if least == 0.0:
        assert len(kept.label) == len(lattice.label)
    assert kept.node_frame[0] == 0 and kept.node_frame[-1] == 20


def test_slf_there_and_back(tmp_path):
    lattice = with_odd_words()
    write_slf(lattice, tmp_path / "a.slf")
    again = read_slf(tmp_path / "a.slf")
    same(lattice, again, 1e-6)
    assert best_path(again) == best_path(lattice)


def test_slf_as_htk_writes_it(tmp_path):
    """Fields as in the HTK Book, chapter 20: one item a field, no blank within, times in frames with their scale."""
    lattice = with_odd_words()
    write_slf(lattice, tmp_path / "a.slf")
    lines = (tmp_path / "a.slf").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "VERSION=1.0" and "tscale=0.01" in lines and "lmscale=1.0" in lines and "acscale=0.3" in lines
    assert f"N={lattice.num_nodes} L={len(lattice.label)}" in lines
    nodes = [dict(field.split("=") for field in line.split(" ")) for line in lines if line.startswith("I=")]
    assert [int(node["t"]) for node in nodes] == lattice.node_frame.tolist()
    arcs = [dict(field.split("=") for field in line.split(" ")) for line in lines if line.startswith("J=")]
    assert [arc["W"] for arc in arcs] == lattice.label and len(arcs) == len(lattice.label)
    assert [float(arc["a"]) for arc in arcs] == pytest.approx(lattice.acoustic.tolist(), rel=1e-8)
    assert arcs[lattice.word.index("")]["w"] == "!NULL" and arcs[lattice.word.index("100%")]["w"] == "100%25"


def test_json_there_and_back(tmp_path):
    lattice = with_odd_words()
    write_json_lattice(lattice, tmp_path / "a.json")
    same(lattice, read_json_lattice(tmp_path / "a.json"), 1e-4)
    value = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert value["best"] == best_path(lattice) and value["version"] == 2
    assert value["nodes"] == lattice.node_frame.tolist() and value["arcs"][0] == {
        "from": 0,
        "to": 1,
        "label": lattice.label[0],
        "word": lattice.word[0],
        "acoustic": pytest.approx(lattice.acoustic[0], abs=1e-4),
        "language": pytest.approx(lattice.language[0], abs=1e-4),
        "posterior": pytest.approx(lattice.posterior[0], abs=1e-6),
    }
    same(from_json(value), lattice, 1e-4)


@settings(max_examples=60, deadline=None)
@given(words=st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=6), min_size=3, max_size=3))
def test_any_words_survive_both_files(words, tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    lattice = Lattice(
        words[0],
        "gmm",
        "free",
        10.0,
        3,
        1.0,
        0.0,
        np.array([0, 1, 3], np.int32),
        np.array([0, 1]),
        np.array([1, 2]),
        ["AH", "B"],
        words[1:],
        np.zeros(2),
        np.zeros(2),
        np.ones(2),
    )
    write_slf(lattice, folder / "a.slf")
    write_json_lattice(lattice, folder / "a.json")
    for again in (read_slf(folder / "a.slf"), read_json_lattice(folder / "a.json")):
        assert (again.utterance, again.word) == (words[0], words[1:])


def damaged_json():
    good = to_json(random_lattice_with_posteriors())
    arcs = good["arcs"]
    yield "not JSON", "{"
    yield "not JSON", "[" * 100_000
    for value in (
        [],
        {},
        {**good, "version": 1},
        {**good, "version": None},
        {**good, "beam": -1},
        {**good, "beam": math.nan},
        {**good, "arcs": []},
        {**good, "nodes": [0]},
        {**good, "nodes": "x"},
        {**good, "arcs": [[1, 0, *arcs[0][2:]]]},
        {**good, "arcs": [arc[:6] for arc in arcs]},
        {**good, "arcs": [*arcs, [0, 99, *arcs[0][2:]]]},
        {**good, "arcs": [[-1, 1, *arcs[0][2:]], *arcs]},
        {**good, "arcs": arcs[:-1]},
        {**good, "arcs": [[*arcs[0][:4], "loud", 0, 0], *arcs[1:]]},
        {**good, "arcs": [[*arcs[0][:4], math.nan, 0, 0], *arcs[1:]]},
        {**good, "acoustic_scale": math.nan},
        {**good, "word_score": math.inf},
        {**good, "frame_shift_ms": math.nan},
        {**good, "num_frames": None},
        {**good, "arcs": [[*arcs[0][:4], -1e308, -1e308, 0], *arcs[1:]]},
        {**good, "nodes": [10**12, *good["nodes"][1:]]},
        {**good, "nodes": good["nodes"][::-1]},
        {key: value for key, value in good.items() if key != "utterance"},
    ):
        yield "not a phone lattice", json.dumps(value)


def random_lattice_with_posteriors() -> Lattice:
    lattice = random_lattice(0)
    forward_backward(lattice)
    return lattice


@pytest.mark.parametrize("says,text", list(damaged_json()))
def test_damaged_json_is_one_line(tmp_path, says, text):
    path = tmp_path / "u.json"
    path.write_text(text)
    with pytest.raises(UserError, match="u.json: .*decode again") as caught:
        read_json_lattice(path)
    assert says in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "spoil,where",
    [
        (lambda lines: lines[:-1], ""),
        (lambda lines: lines[1:2], ""),
        (lambda lines: [], ""),
        (lambda lines: [*lines[:9], lines[9].replace("I=", "I ="), *lines[10:]], ":10"),
        (lambda lines: [line.replace("a=-", "a=x") for line in lines], ""),
        (lambda lines: [line.replace(" p=", " p=nan") for line in lines], ""),
        (lambda lines: [line.replace("acscale=0.3", "acscale=nan") for line in lines], ""),
        (lambda lines: [line.replace(" E=", " E=9") for line in lines], ""),
        (lambda lines: [line.replace(" t=", " t=x") for line in lines], ":10"),
        (lambda lines: [line.replace("W=SIL", "W=%FF") for line in lines], ""),
        (lambda lines: ["<html>404</html>"], ":1"),
    ],
)
def test_damaged_slf_is_one_line(tmp_path, spoil, where):
    path = tmp_path / "u.slf"
    write_slf(random_lattice_with_posteriors(), path)
    path.write_text("\n".join(spoil(path.read_text().splitlines())))
    with pytest.raises(UserError, match=f"u.slf{where}: not an SLF lattice") as caught:
        read_slf(path)
    assert "\n" not in str(caught.value)


def test_missing_and_binary_files(tmp_path):
    for read in (read_json_lattice, read_slf):
        with pytest.raises(UserError, match="no such lattice; decode again"):
            read(tmp_path / "nowhere")
        (tmp_path / "noise").write_bytes(bytes(range(256)))
        with pytest.raises(UserError, match="noise"):
            read(tmp_path / "noise")
