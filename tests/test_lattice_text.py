"""OpenFst's and Kaldi's text: read back equal, read by kaldifst, and damaged."""

from __future__ import annotations

import math
from dataclasses import replace

import kaldifst
import numpy as np
import pytest
from helpers.lattices import all_paths, lattice_of, random_lattice, same, with_odd_words

from lexicon.errors import UserError
from pipeline.lattice import best_path, determinize
from pipeline.lattice.text_archives import read_kaldi, read_openfst, write_text_archives


def some() -> list:
    lattices = [determinize(random_lattice(seed, 9), 8.0) for seed in range(3)]
    return [replace(lattice, system="gmm", graph="words") for lattice in lattices]


def test_both_texts_there_and_back(tmp_path):
    odd = with_odd_words()
    for lattices in (some(), [odd]):
        assert write_text_archives(tmp_path / "out", lattices) == len(lattices)
        for a, b in zip(lattices, read_kaldi(tmp_path / "out"), strict=True):
            same(a, b, 1e-4)
            assert a.beam == b.beam and best_path(a) == best_path(b)
        for a, b in zip(lattices, read_openfst(tmp_path / "out"), strict=True):
            assert (a.label, a.word, a.node_frame.tolist()) == (b.label, b.word, b.node_frame.tolist())
            np.testing.assert_allclose(a.scores(), b.scores(), atol=1e-4)
            np.testing.assert_allclose(a.posterior, b.posterior, atol=1e-4)


def test_the_texts_by_hand(tmp_path):
    """As Kaldi and OpenFst document them: costs, graph before acoustic, and an id for every frame."""
    lattice = replace(
        lattice_of([0, 2, 3], [(0, 1, "AH", -1.5, "A"), (1, 2, "B", -0.25)]),
        acoustic=np.array([-7.0, -8.0]),
        acoustic_scale=0.5,
    )
    write_text_archives(tmp_path, [lattice])
    assert (tmp_path / "lat.txt").read_text() == "u \n0 1 1 1.5,7,1_1\n1 2 2 0.25,8,2\n2\n\n"
    assert (tmp_path / "fst.txt").read_text() == "u \n0 1 1 1 5\n1 2 2 0 4.25\n2\n\n"
    assert (tmp_path / "symbols.txt").read_text() == "<eps> 0\nAH=A 1\nB 2\n"
    assert (tmp_path / "labels.txt").read_text() == "<eps> 0\nAH 1\nB 2\n"
    assert (tmp_path / "words.txt").read_text() == "<eps> 0\nA 1\n"
    assert (tmp_path / "frames.txt").read_text() == "u 0 2 3\n"


def test_kaldifst_reads_the_fsts_and_finds_our_best_paths(tmp_path):
    lattices = some()
    write_text_archives(tmp_path, lattices)
    reader = kaldifst.SequentialVectorFstReader(f"ark:{tmp_path / 'fst.txt'}")
    for lattice in lattices:
        assert reader.key == lattice.utterance and reader.value.num_states == lattice.num_nodes
        path = kaldifst.shortest_path(reader.value).to_str().splitlines()
        cost = sum(float(line.split()[-1]) for line in path if len(line.split()) in (2, 5))
        assert -cost == pytest.approx(lattice.scores()[best_path(lattice)].sum(), abs=1e-3)
        reader.next()
    assert reader.done
    block = (tmp_path / "fst.txt").read_text().split("\n\n")[0].split("\n", 1)[1]
    assert kaldifst.compile(block + "\n").num_states == lattices[0].num_nodes


def test_kaldi_prints_its_lattices_as_ours_are_written(tmp_path):
    """kaldifst has no reader of lattices in text: its Lattice of the same arcs is printed, without the ids."""
    lattice = some()[0]
    write_text_archives(tmp_path, [lattice])
    ours = [line.split() for line in (tmp_path / "lat.txt").read_text().split("\n\n")[0].splitlines()[1:]]
    theirs = kaldifst.Lattice()
    for _ in range(lattice.num_nodes):
        theirs.add_state()
    theirs.start = 0
    for a, b, graph, acoustic, line in zip(
        lattice.arc_from, lattice.arc_to, -lattice.language, -lattice.acoustic, ours
    ):
        cost = kaldifst.LatticeWeight(graph, acoustic)
        theirs.add_arc(int(a), kaldifst.LatticeArc(int(line[2]), int(line[2]), cost, int(b)))
    theirs.set_final(lattice.num_nodes - 1, kaldifst.LatticeWeight(0, 0))
    printed = [line.split() for line in theirs.to_str().splitlines()]
    assert [line[:3] for line in printed] == [line[:3] for line in ours]
    for (*_, costs), (*_, weight) in zip(printed[:-1], ours[:-1]):
        written = [float(x) for x in weight.split(",")[:2]]
        assert [float(x) for x in costs.split(",")] == pytest.approx(written, rel=1e-4)


def test_a_lattice_of_kaldis_own(tmp_path):
    """States in any order, two ends, one of them with a cost and frames of its own: what lattice-copy may write."""
    write_text_archives(tmp_path, [lattice_of([0, 4], [(0, 1, "AH", 0.0), (0, 1, "B", 0.0)])])
    (tmp_path / "lat.txt").write_text(
        "u \n0 2 1 1,2,7_7\n0 2 2 2,2,8_8\n2 1 2 0.5,0.25,9\n2 3 1 1,1,9_9\n1 0.5,0.125,4\n3\n\n"
    )
    [lattice] = read_kaldi(tmp_path)
    totals = {
        tuple(lattice.label[a] for a in path): (-lattice.language[path].sum(), -lattice.acoustic[path].sum())
        for path in all_paths(lattice)
    }
    assert totals == {
        ("AH", "B", ""): (2, 2.375),
        ("B", "B", ""): (3, 2.375),
        ("AH", "AH", ""): (2, 3),
        ("B", "AH", ""): (3, 3),
    }
    assert lattice.node_frame.tolist() == [0, 2, 3, 4, 4]
    for text, says in (
        ("u \n0 1 1 0,0,1\n0 1 2 0,0,1_1\n1\n\n", "different lengths to state 1"),
        ("u \n0 1 1 0,0,1\n1 2 1 0,0,1\n2 1 1 0,0,\n2\n\n", "a cycle"),
    ):
        (tmp_path / "lat.txt").write_text(text)
        with pytest.raises(UserError, match=f"lat.txt:1: no compact lattice .*{says}"):
            list(read_kaldi(tmp_path))


@pytest.mark.parametrize(
    "name,spoil,says",
    [
        ("lat.txt", lambda text: text.replace(",", ";", 1), "lat.txt:1: no compact lattice"),
        ("lat.txt", lambda text: text.replace("u0", "u9", 1), "lat.txt:1: no compact lattice"),
        ("lat.txt", lambda text: "0 1 1 0,0,1\n" + text, "lat.txt:1: '0 1 1 0,0,1' where an utterance should begin"),
        ("lat.txt", lambda text: text.replace(" 1 ", " 999 ", 1), "no compact lattice"),
        ("lat.txt", lambda text: text.replace("\n0 1 1 ", "\n0 1 1 nan", 1), "no compact lattice"),
        ("lat.txt", lambda text: "u0 \n\n", "no compact lattice"),
        ("symbols.txt", lambda text: text + "AH\n", "is not `SYMBOL NUMBER`"),
        ("info.json", lambda text: text.replace('"version": 2', '"version": 3'), "does not say what the lattices are"),
        ("info.json", lambda text: text.replace('"acoustic_scale"', '"scale"'), "does not say what the lattices are"),
    ],
)
def test_damaged_text_is_one_line(tmp_path, name, spoil, says):
    write_text_archives(tmp_path, some())
    path = tmp_path / name
    path.write_text(spoil(path.read_text()))
    with pytest.raises(UserError) as caught:
        list(read_kaldi(tmp_path))
    assert says in str(caught.value) and "; write" in str(caught.value) and "\n" not in str(caught.value)


def test_lattices_of_two_searches_do_not_go_into_one_folder(tmp_path):
    first, second, _ = some()
    with pytest.raises(ValueError, match="acoustic_scale"):
        write_text_archives(tmp_path / "out", [first, replace(second, acoustic_scale=math.pi)])
    assert not list((tmp_path / "out").iterdir())
