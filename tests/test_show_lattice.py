"""Pictures of lattices small enough to work out by hand, and what must hold for any lattice."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from helpers.trees import ODD_ID, ROOT, make_trees, run_stage
from hypothesis import given, settings
from hypothesis import strategies as st

from lexicon.text import width_of
from pipeline.base.members import packed
from pipeline.draw.lattice_svg import LANE, THICKEST, lattice_dot, lattice_svg
from pipeline.draw.lattice_text import (
    depth_lines,
    lattice_page,
    lattice_text,
    nbest_lines,
    nearest_lines,
    sausage_lines,
    slots,
)
from pipeline.lattice import (
    Lattice,
    LatticeArchive,
    best_path,
    forward_backward,
    frame_posteriors,
    read_json_lattice,
    read_slf,
    write_lattices,
)
from pipeline.lattice.formats import json_line
from pipeline.lattice.sausage import sausage
from pipeline.lattice.text_archives import read_kaldi

SVG = "{http://www.w3.org/2000/svg}"


def build(num_frames: int, nodes: list[int], arcs: list[tuple[int, int, str, str, float]], name: str = "u1") -> Lattice:
    """A lattice whose arcs (from, to, phone, word, chance) score the log of their chance, with its posteriors."""
    start, end, label, word, chance = zip(*sorted(arcs, key=lambda arc: arc[0]))
    lattice = Lattice(
        name,
        "gmm",
        "words" if any(word) else "free",
        10.0,
        num_frames,
        0.1,
        0.0,
        np.array(nodes, np.int32),
        np.array(start, np.int32),
        np.array(end, np.int32),
        list(label),
        list(word),
        np.zeros(len(arcs)),
        np.log(chance),
    )
    forward_backward(lattice)
    return lattice


@pytest.fixture
def hat_or_hit() -> Lattice:
    """HH, then AE (3/4, of it 1/4 with its end a frame late) or IH (1/4), then T."""
    return build(
        24,
        [0, 6, 15, 16, 24],
        [
            (0, 1, "HH", "HAT", 1.0),
            (1, 2, "AE", "", 0.5),
            (1, 3, "AE", "", 0.25),
            (1, 2, "IH", "", 0.25),
            (2, 4, "T", "", 1.0),
            (3, 4, "T", "", 1.0),
        ],
    )


def test_slots_by_hand(hat_or_hit: Lattice) -> None:
    first, second, third = slots(hat_or_hit)
    assert (first.label, first.word, first.start, first.end, first.posteriors) == ("HH", "HAT", 0, 6, {"HH": 1.0})
    assert second.posteriors == pytest.approx({"AE": 0.75, "IH": 0.25})
    # In the first of the nine frames of T a quarter of the paths is still in AE.
    assert third.posteriors == pytest.approx({"T": 1 - 0.25 / 9, "AE": 0.25 / 9})


def test_text_is_what_a_person_reads(hat_or_hit: Lattice) -> None:
    assert (
        lattice_text(hat_or_hit)
        == """\
u1: gmm, words
0.24 s, 5 nodes, 6 arcs, 2.1 arcs a frame; acoustic scale 0.1

  start    ms  word  phone  posterior        rivals
  0.01s    60  HAT   HH     1.00 ██████████
  0.07s    90        AE     0.75 ███████▌··  IH 0.25
  0.16s    90        T      0.97 █████████▊  AE 0.03"""
    )


def test_free_lattices_have_no_words(hat_or_hit: Lattice) -> None:
    # A search over phones alone may name each phone as its own word.
    free = replace(hat_or_hit, graph="free", word=list(hat_or_hit.label))
    assert "word" not in lattice_text(free)
    assert 'label="HH 1.00"' in lattice_dot(free)


@pytest.fixture
def hat_or_hit_once() -> Lattice:
    """The same two strings, each once."""
    return build(
        24,
        [0, 6, 15, 24],
        [(0, 1, "HH", "HAT", 1.0), (1, 2, "AE", "", 0.75), (1, 2, "IH", "", 0.25), (2, 3, "T", "", 1.0)],
    )


def test_svg_thickness_is_the_posterior(hat_or_hit_once: Lattice) -> None:
    root = ElementTree.fromstring(lattice_svg(hat_or_hit_once))
    arcs = {group.find(f"{SVG}title").text.split(" ")[0].rstrip(","): group for group in root.iter(f"{SVG}g")}
    width = {label: float(group.find(f"{SVG}path").get("stroke-width")) for label, group in arcs.items()}
    assert width == pytest.approx(
        {"HH": THICKEST, "AE": 0.75 * THICKEST, "IH": 0.25 * THICKEST, "T": THICKEST}, abs=0.06
    )
    assert {label for label, group in arcs.items() if group.get("class") == "best"} == {"HH", "AE", "T"}
    assert "posterior 0.750" in arcs["AE"].find(f"{SVG}title").text
    assert "HAT" in [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "word"]


def test_svg_nodes_stand_at_their_time_and_the_best_path_is_straight(hat_or_hit_once: Lattice) -> None:
    root = ElementTree.fromstring(lattice_svg(hat_or_hit_once))
    x, y = zip(*((float(node.get("cx")), float(node.get("cy"))) for node in root.iter(f"{SVG}circle")))
    assert [(at - x[0]) / (x[-1] - x[0]) for at in x] == pytest.approx([0, 6 / 24, 15 / 24, 1], abs=0.001)
    assert len(set(y)) == 1
    rival = next(group for group in root.iter(f"{SVG}g") if group.find(f"{SVG}title").text.startswith("IH"))
    assert float(rival.find(f"{SVG}text").get("y")) - 4 - y[0] == LANE


def test_no_label_of_the_svg_is_dropped_or_lies_on_another() -> None:
    """Arcs of one and two frames, whose labels and words are wider than they are at the usual scale."""
    lattice = build(
        10,
        [0, 1, 3, 4, 10],
        [(0, 1, "AA", "ALPHABET", 1.0), (1, 2, "BB", "B", 0.6), (1, 2, "CC", "B", 0.4), (2, 3, "DH", "ETC", 1.0)]
        + [(3, 4, "EH", "", 1.0)],
    )
    texts = list(ElementTree.fromstring(lattice_svg(lattice)).iter(f"{SVG}text"))
    labels = [text for text in texts if (text.get("class") or "").startswith("label")]
    words = sorted((text for text in texts if text.get("class") == "word"), key=lambda text: float(text.get("x")))
    assert sorted(text.text for text in labels) == ["AA", "BB", "CC", "DH", "EH"]
    assert [text.text for text in words] == ["ALPHABET", "B", "ETC"]
    for row in ([text for text in labels if text.get("y") == y] for y in {text.get("y") for text in labels}):
        places = sorted((float(text.get("x")), 8 * len(text.text)) for text in row)
        assert all(x + a / 2 < z - b / 2 for (x, a), (z, b) in pairwise(places))
    assert all(float(a.get("x")) + 8 * len(a.text) < float(b.get("x")) for a, b in pairwise(words))


def test_the_page_by_hand(hat_or_hit_once: Lattice) -> None:
    assert nbest_lines(hat_or_hit_once)[1:] == ["   -0.3     0.00  HH AE T", "   -1.4    -1.10  · IH ·"]
    assert nearest_lines(hat_or_hit_once, ["HH", "IH", "T"])[0] == (
        "  best path 1 of 3 wrong (33.3 %), the path nearest to the reference 0 (0.0 %):"
    )
    assert sausage_lines(sausage(hat_or_hit_once))[:4] == ["  HH  AE  T", "  1   .75 1", "      IH", "      .25"]
    assert depth_lines(hat_or_hit_once)[1:5] == [
        "arcs       ▅▅▅▅▅▅█████████▅▅▅▅▅▅▅▅▅",
        "posterior  ██████▇▇▇▇▇▇▇▇▇█████████",
        "best path  │HH            │T",
        "                 │AE",
    ]
    page = lattice_page(hat_or_hit_once, ["HH", "IH", "T"])
    assert page[:2] == lattice_text(hat_or_hit_once).splitlines()[:2] and max(map(len, page)) <= 100


def test_names_are_escaped() -> None:
    lattice = build(4, [0, 4], [(0, 1, "AH", '</svg>"&', 1.0)], name=ODD_ID)
    root = ElementTree.fromstring(lattice_svg(lattice))
    assert root.find(f"{SVG}title").text == f"{ODD_ID}: gmm, words"
    assert '</svg>"&' in [text.text for text in root.iter(f"{SVG}text")]
    assert '[label="</svg>\\"&: AH 1.00", penwidth=4.00' in lattice_dot(lattice)


def test_dot_has_every_arc(hat_or_hit: Lattice) -> None:
    dot = lattice_dot(hat_or_hit)
    edges = re.findall(r'^  (\d+) -> (\d+) \[label="([^"]*)", penwidth=([\d.]+)(.*)\];$', dot, re.MULTILINE)
    assert [(int(a), int(b), label) for a, b, label, _, _ in edges] == [
        (0, 1, "HAT: HH 1.00"),
        (1, 2, "AE 0.50"),
        (1, 3, "AE 0.25"),
        (1, 2, "IH 0.25"),
        (2, 4, "T 0.75"),
        (3, 4, "T 0.25"),
    ]
    assert [i for i, edge in enumerate(edges) if "color" in edge[4]] == best_path(hat_or_hit) == [0, 1, 4]
    assert dot.count("{") == dot.count("}") == 1 and '4 [label="0.25", shape=doublecircle]' in dot


@st.composite
def lattices(draw: st.DrawFn) -> Lattice:
    """Layers of nodes, each with arcs of several phones from every node of the layer before."""
    sizes = [1, *draw(st.lists(st.integers(1, 3), min_size=1, max_size=6)), 1]
    nodes, layers = [], []
    for number, size in enumerate(sizes):
        layers.append(range(len(nodes), len(nodes) + size))
        nodes += [5 * number + extra for extra in range(size)]
    arcs = [
        (a, b, phone, "", draw(st.floats(0.01, 1.0)))
        for before, after in zip(layers, layers[1:])
        for a in before
        for b in after
        for phone in draw(st.sets(st.sampled_from(["AH", "K", "S"]), min_size=1))
    ]
    return build(nodes[-1], nodes, arcs)


@settings(max_examples=60, deadline=None)
@given(lattices())
def test_what_must_hold(lattice: Lattice) -> None:
    _, posteriors = frame_posteriors(lattice)
    assert np.allclose(posteriors.sum(axis=0), 1.0)
    assert all(sum(slot.posteriors.values()) == pytest.approx(1.0) for slot in slots(lattice))
    page = lattice_page(lattice, ["AH"] * 7)
    assert max(map(width_of, page)) <= 100 and page == lattice_page(lattice, ["AH"] * 7)
    assert max(map(len, lattice_text(lattice, 70).splitlines())) <= 70


# ---- the stage


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    return make_trees(tmp_path)


def test_stage_prints_and_writes(trees: tuple[Path, Path]) -> None:
    exp, data = trees
    result = run_stage("show_lattice", exp, data, "--utt", "u1", "--model", "old")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(
        "REF: THE CAT\nHYP: THE SAT\n         S\n\n"
        "REF: DH AH K AE T\nHYP: DH AH K EH T\n             S\n\nu1: old, free phones\n"
    )
    assert re.search(r"^  0\.33s    80  EH     0\.75 ███████▌··  UH 0\.25$", result.stdout, re.MULTILINE)
    assert max(map(len, result.stdout.splitlines()[:-1])) <= 100
    assert result.stdout.startswith((exp / "lattices" / "u1.old.free.txt").read_text())
    ElementTree.parse(exp / "lattices" / "u1.old.free.svg")
    assert (exp / "lattices" / "u1.old.free.dot").read_text().startswith("digraph lattice {")
    kept = LatticeArchive(exp / "old" / "decode_test" / "lattices" / "free").read("u1")
    for again in (
        read_slf(exp / "lattices" / "u1.old.free.slf"),
        read_json_lattice(exp / "lattices" / "u1.old.free.json"),
    ):
        assert again.label == kept.label and (again.arc_to == kept.arc_to).all() and again.system == "old"


def test_a_second_system_is_set_beside_the_first(trees: tuple[Path, Path]) -> None:
    exp, data = trees
    result = run_stage("show_lattice", exp, data, "--utt", "u1", "--model", "old", "--model2", "new")
    assert result.returncode == 0, result.stderr
    assert "What old and new considered:" in result.stdout
    # Of CAT's vowel old says EH, new AE, each with three quarters of the posterior.
    assert re.search(r"0\.75  EH +only old$", result.stdout, re.M)
    assert re.search(r" AE  0\.75 .* only new$", result.stdout, re.M)


def test_all_lattices_of_a_system_are_exported(trees: tuple[Path, Path]) -> None:
    exp, _ = trees
    folder, out = exp / "old" / "decode_test" / "lattices" / "free", exp / "lattices" / "old.free"
    options = ["--lattices", str(folder), "--out", str(out)]
    result = subprocess.run(
        [sys.executable, "-m", "stages.export_lattices", *options], capture_output=True, text=True, cwd=ROOT
    )
    assert result.returncode == 0, result.stderr
    archive = LatticeArchive(folder)
    assert sorted(path.name for path in out.glob("slf/*")) == sorted(f"{utterance}.slf" for utterance in archive)
    for utterance in archive:
        for again in (read_slf(out / f"slf/{utterance}.slf"), read_json_lattice(out / f"json/{utterance}.json")):
            assert json_line(again) == json_line(archive.read(utterance))
    assert [lattice.utterance for lattice in read_kaldi(out)] == list(archive)


def test_wrong_names_get_one_line(trees: tuple[Path, Path]) -> None:
    exp, data = trees
    result = run_stage("show_lattice", exp, data, "--utt", "U_1", "--model", "old")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f'show_lattice: UTT "U_1" is not in {data / "test" / "text"}; did you mean u1')
    assert result.stderr.count("\n") == 1
    result = run_stage("show_lattice", exp, data, "--utt", "u1", "--model", "gmm")
    assert (result.returncode, result.stderr) == (
        1,
        f'show_lattice: MODEL "gmm" has no free lattices in {exp}; those that do: new, old\n',
    )


def test_damaged_lattice_gets_one_line(trees: tuple[Path, Path]) -> None:
    exp, data = trees
    folder = exp / "old" / "decode_test" / "lattices" / "free"
    with write_lattices(folder) as append:
        append("u1", packed(json.dumps({"version": 1}).encode()))
    result = run_stage("show_lattice", exp, data, "--utt", "u1", "--model", "old")
    assert result.returncode == 1 and result.stderr.startswith(f"show_lattice: {folder}/lattices.jsonl.gz: u1: ")
    assert result.stderr.count("\n") == 1
