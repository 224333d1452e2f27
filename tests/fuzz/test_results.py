"""Damaged results: times, lattices, settings and tables."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from bad_inputs.damage import BYTES, JSON, TEXT
from helpers.trees import chain_lattice

from fuzz.reader import Reader, check_reader, put, write_grid
from lexicon.files import write_json
from pipeline.align.alignments import Alignments, PlacedPhone, PlacedUtterance, write_alignment
from pipeline.compare.results import read_fields
from pipeline.draw.lattice_svg import lattice_dot, lattice_svg
from pipeline.draw.lattice_text import lattice_page
from pipeline.lattice import (
    Lattice,
    LatticeArchive,
    best_path,
    depth,
    forward_backward,
    packed_lattice,
    read_json_lattice,
    read_slf,
    write_json_lattice,
    write_lattices,
    write_slf,
)
from pipeline.lattice.text_archives import read_kaldi, read_openfst, write_text_archives
from pipeline.report.others import difference_table, read_causes, tsv_table
from pipeline.search.confidence import read_posteriors, write_posteriors
from pipeline.search.tuning import read_tuning
from pipeline.times.intervals import read_ctm
from pipeline.times.segments import Segment
from pipeline.times.textgrid import read_textgrid, write_textgrid


def read_grid(folder: Path) -> None:
    for intervals in read_textgrid(folder / "a.TextGrid").tiers.values():
        assert all(0 <= i.start < i.end < 1e7 for i in intervals)


def aligned(folder: Path) -> None:
    phones = [
        PlacedPhone(Segment("<blk>", 0, 2), -1.5, 0.9, 0.0),
        PlacedPhone(Segment("B", 2, 9, 0), -2.5, 0.5, -0.1, (3, 5)),
    ]
    placed = PlacedUtterance(12, phones, [(Segment("BUNNY", 2, 9, 0), 0.5)])
    write_alignment(folder / "alignment.json", [("u1", placed)])


def read_aligned(folder: Path) -> None:
    found = Alignments(folder / "alignment.json")
    for utt, u in found.items():
        write_textgrid(folder / "a.TextGrid", {"phones": u.segments, "words": [w for w, _ in u.words]}, u.num_frames)
    write_alignment(folder / "again.json", found.items())
    assert Alignments(folder / "again.json").keys() == found.keys()


def lattices(folder: Path) -> None:
    lattice = chain_lattice("u1", "gmm", ["B", "AH", "N IY"])
    lattice.word[1] = "BUNNY"
    write_json_lattice(lattice, folder / "a.json")
    write_slf(lattice, folder / "a.slf")


def read_lattice(folder: Path) -> None:
    check_lattices((read_json_lattice(folder / "a.json"), read_slf(folder / "a.slf")))


def lattice_archive(folder: Path) -> None:
    with write_lattices(folder) as append:
        for utt in ("u1", "u2", "u3"):
            append(utt, packed_lattice(chain_lattice(utt, "gmm", ["B", "AH", "N IY"])))


def read_lattice_archive(folder: Path) -> None:
    archive = LatticeArchive(folder)
    check_lattices(map(archive.read, archive))


def check_lattices(lattices: Iterable[Lattice]) -> None:
    for lattice in lattices:
        assert lattice.node_frame[-1] <= lattice.num_frames and depth(lattice) >= 0
        assert np.isfinite(forward_backward(lattice)) and (lattice.posterior >= 0).all() and best_path(lattice)
        if lattice.num_frames < 10_000:
            assert lattice_page(lattice, ["B", "AH"]) and lattice_svg(lattice) and lattice_dot(lattice)


def lattice_texts(folder: Path) -> None:
    lattices = [chain_lattice(f"u{n}", "gmm", ["B", "AH", "N"]) for n in range(2)]
    lattices[1].word[1] = "BUNNY"
    write_text_archives(folder / "texts", lattices)


def read_lattice_texts(folder: Path) -> None:
    for read in (read_kaldi, read_openfst):
        for lattice in read(folder / "texts"):
            assert lattice.node_frame[-1] <= lattice.num_frames and np.isfinite(lattice.scores()).all()
            assert (0 <= lattice.posterior).all() and (lattice.posterior <= 1).all() and best_path(lattice)


TUNING = {"search": "wfst", **{name: {"acoustic_scale": 0.1, "insertion_score": 0.0} for name in ("words", "free")}}
TUNING["confidence"] = {name: {"slope": 0.5, "offset": 0.25} for name in ("words", "phones", "free")}


READERS = [
    Reader(
        "CTM",
        put("a.ctm", "u1 1 0.1 0.2 AH 0.9\nu1 1 0.3 0.2 B\n"),
        {"a.ctm": TEXT},
        lambda folder: read_ctm(folder / "a.ctm"),
    ),
    Reader("TextGrid", lambda folder: write_grid(folder / "a.TextGrid"), {"a.TextGrid": TEXT}, read_grid),
    Reader("alignment.json", aligned, {"alignment.json": JSON}, read_aligned),
    Reader("lattices", lattices, {"a.json": JSON, "a.slf": TEXT}, read_lattice),
    Reader(
        "lattice archive",
        lattice_archive,
        {"lattices.jsonl.gz": BYTES, "lattices.jsonl.gz.index": TEXT},
        read_lattice_archive,
    ),
    Reader(
        "lattices of Kaldi and OpenFst",
        lattice_texts,
        {
            **{f"texts/{name}.txt": TEXT for name in ("lat", "fst", "frames", "symbols", "labels", "words")},
            "texts/info.json": JSON,
        },
        read_lattice_texts,
    ),
    Reader(
        "tuning.json",
        lambda folder: write_json(folder / "tuning.json", TUNING),
        {"tuning.json": JSON},
        lambda folder: read_tuning(folder / "tuning.json"),
    ),
    Reader(
        "posteriors.jsonl",
        lambda folder: write_posteriors(folder, [("u1", ([0.5], [0.25, 1.0], [0.125]))]),
        {"posteriors.jsonl": TEXT},
        read_posteriors,
    ),
    Reader(
        "decode.json",
        lambda folder: write_json(folder / "decode.json", {"rtf": 0.1, "parameters": 7, "vocab": "closed"}),
        {"decode.json": JSON},
        lambda folder: read_fields(folder / "decode.json", rtf=float, parameters=int, vocab=str),
    ),
    Reader(
        "errors.json",
        lambda folder: write_json(
            folder / "errors.json",
            {
                "causes": {"a": "search"},
                "words": {"causes": {"a": 1}},
                "free": {"causes": {}},
                "wrong": {
                    "words": {},
                    "free": {
                        "u": [
                            {
                                "start": 0.5,
                                "end": 1.0,
                                "cause": "a",
                                "difference": {"acoustic": 1.0, "lexicon": 0.0, "language": -2.5},
                            }
                        ]
                    },
                },
            },
        ),
        {"errors.json": JSON},
        lambda folder: read_causes(folder / "errors.json"),
    ),
    Reader(
        "lattice_difference.json",
        lambda folder: write_json(
            folder / "a.json",
            {
                "systems": ["a", "b"],
                "classes": {
                    "vowel": {
                        "reference": 4,
                        "right": {"both": {"number": 2.0, "first": 1.5, "second": 0.0}},
                        "wrong": {},
                    }
                },
            },
        ),
        {"a.json": JSON},
        lambda folder: difference_table(folder / "a.json"),
    ),
    Reader(
        "matrix.tsv",
        put("a.tsv", "system\tloop\ngmm\t10.5\n"),
        {"a.tsv": TEXT},
        lambda folder: tsv_table(folder / "a.tsv", "a"),
    ),
]


@pytest.mark.filterwarnings("error")  # a stage would print them
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_whatever_comes_is_a_valid_value_or_one_line(reader: Reader, tmp_path: Path) -> None:
    check_reader(reader, tmp_path / "f")
