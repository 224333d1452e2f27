"""Checks of all lattices of an experiment.

    python bench/check_lattices.py exp/prompts data/prompts

For every system, graph and test utterance: the lattice names its system, the best path is the hypothesis, every string
is there once, the posteriors kept sum to 1 at every frame, and JSON, SLF, OpenFst's and Kaldi's text give the
same lattice; kaldifst reads OpenFst's text and prints Kaldi's arcs as they are written. Prints a line of checks for
each graph and a table of oracle error rates at three beams, depth and processor time; exits with 1 if anything is
wrong. Without the data folder no phones are folded, and words have no oracle.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import kaldifst
import numpy as np

from lexicon.files import read_json
from lexicon.fold import read_fold
from lexicon.phones import BLANK, spoken
from lexicon.text import read_text
from pipeline.base.edits import pair_up
from pipeline.compare.score import count
from pipeline.lattice import (
    Lattice,
    LatticeArchive,
    best_path,
    depth,
    frame_posteriors,
    nbest,
    prune_beam,
    read_json_lattice,
    read_slf,
    write_json_lattice,
    write_slf,
)
from pipeline.lattice.oracle import oracle
from pipeline.lattice.sausage import sausage
from pipeline.lattice.text_archives import read_kaldi, read_openfst, write_text_archives

# graph: the decode's file that its best path spells, the reference, and the labels that are no part of a string
GRAPHS = {"free": ("free.txt", "phones"), "words": ("phones.txt", "phones"), "word_arcs": ("hyp.txt", "words")}
BEAMS = (1.0, 3.0, 6.0)
STRINGS = 50  # best paths of each lattice that must be different strings


def same(a: Lattice, b: Lattice, parts: bool = True) -> bool:
    """Whether two lattices hold the same (``parts``: with both scores apart)."""
    names = ("utterance", "system", "graph", "frame_shift_ms", "num_frames", "word_score", "label", "word", "beam")
    scores = ("acoustic", "language") if parts else ()
    return (
        all(getattr(a, name) == getattr(b, name) for name in names)
        and all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("node_frame", "arc_from", "arc_to"))
        and all(np.allclose(getattr(a, name), getattr(b, name), rtol=1e-6, atol=1e-4) for name in scores)
        and np.allclose(a.scores(), b.scores(), rtol=1e-6, atol=1e-3)
        and np.allclose(a.posterior, b.posterior, atol=1e-3)
    )


def string(lattice: Lattice, arcs: list[int]) -> tuple:
    """The string of a path: in a lattice of words the words, else phones with silence, and where words begin."""
    if lattice.graph == "word_arcs":
        return spoken(lattice.label[arc] for arc in arcs)
    return tuple((lattice.label[arc], lattice.word[arc]) for arc in arcs if lattice.label[arc] != BLANK)


def kaldi_agrees(folder: Path, lattices: list[Lattice]) -> bool:
    """OpenFst's text as kaldifst reads it, and Kaldi's as it prints the same lattice."""
    reader, found = kaldifst.SequentialVectorFstReader(f"ark:{folder / 'fst.txt'}"), []
    while not reader.done:
        found.append((reader.key, shortest(reader.value)))
        reader.next()
    best = [(lattice.utterance, -float(lattice.scores()[best_path(lattice)].sum())) for lattice in lattices]
    blocks = (folder / "fst.txt").read_text(encoding="utf-8").split("\n\n")
    compiled = [shortest(kaldifst.compile(block.split("\n", 1)[1] + "\n")) for block in blocks if block.strip()]
    return (
        len(found) == len(best) == len(compiled)
        and all(
            a[0] == b[0] and np.isclose([a[1], c], b[1], atol=1e-2, rtol=1e-5).all()
            for a, b, c in zip(found, best, compiled)
        )
        and all(map(printed_alike, kaldi_blocks(folder / "lat.txt")))
    )


def shortest(fst: kaldifst.StdVectorFst) -> float:
    """The cost of the best path."""
    lines = [line.split() for line in kaldifst.shortest_path(fst).to_str().splitlines()]
    return sum(float(fields[-1]) for fields in lines if len(fields) in (2, 5))


def kaldi_blocks(path: Path) -> Iterator[list[list[str]]]:
    """The arcs (and the end) of each lattice, as fields."""
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        if block.strip():
            yield [line.split() for line in block.splitlines()[1:]]


def printed_alike(block: list[list[str]]) -> bool:
    """Whether Kaldi's Lattice, built of the arcs, prints the same arcs (the wheel reads no text of lattices)."""
    lattice = kaldifst.Lattice()
    for _ in range(int(block[-1][0]) + 1):
        lattice.add_state()
    lattice.start = 0
    for a, b, label, weight in block[:-1]:
        graph, acoustic, _ = weight.split(",")
        cost = kaldifst.LatticeWeight(float(graph), float(acoustic))
        lattice.add_arc(int(a), kaldifst.LatticeArc(int(label), int(label), cost, int(b)))
    lattice.set_final(int(block[-1][0]), kaldifst.LatticeWeight(0, 0))
    printed = [line.split() for line in lattice.to_str().splitlines()]
    costs = [[float(x) for x in fields[4].split(",")] if len(fields) == 5 else [0.0, 0.0] for fields in printed[:-1]]
    written = [[float(x) for x in fields[3].split(",")[:2]] for fields in block[:-1]]
    return (
        [fields[:3] for fields in printed[:-1]] == [fields[:3] for fields in block[:-1]]
        and np.allclose(costs, written, rtol=1e-4, atol=1e-2)
        and printed[-1] == block[-1]
    )


def folders(exp: Path) -> Iterator[Path]:
    """Where the lattices of each system and graph are; flashlight's word search has none."""
    for lattices in sorted(exp.glob("*/decode_test/lattices")):
        yield from (lattices / graph for graph in (GRAPHS if (lattices / "words").is_dir() else ("free",)))


def main(exp: Path, data: Path | None) -> int:
    fold = read_fold(data) if data else {}
    references = {"phones": read_text(next(exp.glob("*/ali_test/reference.txt")))}
    if data:
        references["words"] = read_text(data / "test" / "text")
    wrong, table = 0, []
    for folder in folders(exp):
        said_in, kind = GRAPHS[folder.name]
        hypotheses = read_text(folder.parents[1] / said_in)
        archive = LatticeArchive(folder)
        lattices = {utt: archive.read(utt) for utt in hypotheses if utt in archive}
        checks = dict.fromkeys(("named", "best path", "strings once", "JSON", "SLF", "OpenFst", "Kaldi"), 0)
        gap = 0.0
        for utt, lattice in lattices.items():
            path = best_path(lattice)
            said = [lattice.label[arc] for arc in path]
            checks["named"] += lattice.system == folder.parts[-4]
            checks["best path"] += (spoken(said) if kind == "words" else tuple(said)) == hypotheses[utt]
            strings = [string(lattice, arcs) for _, arcs in nbest(lattice, STRINGS)]
            checks["strings once"] += len(strings) == len(set(strings))
            gap = max(gap, float(np.abs(frame_posteriors(lattice)[1].sum(axis=0) - 1).max()))
        with tempfile.TemporaryDirectory() as scratch:
            for name, write, read in (("JSON", write_json_lattice, read_json_lattice), ("SLF", write_slf, read_slf)):
                for lattice in lattices.values():
                    write(lattice, Path(scratch) / name)
                    checks[name] += same(lattice, read(Path(scratch) / name))
            write_text_archives(scratch, lattices.values())
            checks["OpenFst"] = sum(same(a, b, False) for a, b in zip(lattices.values(), read_openfst(scratch)))
            checks["Kaldi"] = sum(map(same, lattices.values(), read_kaldi(scratch)))
            agrees = kaldi_agrees(Path(scratch), list(lattices.values()))
        missing = [utt for utt, labels in hypotheses.items() if labels and utt not in lattices]
        good = min(checks.values()) == len(lattices) and gap <= 1e-4 and agrees and not missing
        wrong += not good
        counted = ", ".join(f"{n} {name}" for name, n in checks.items())
        print(
            f"{folder.relative_to(exp)}: of {len(lattices)} lattices {counted}; posteriors sum to 1 within {gap:.1e};"
            f" kaldifst {'agrees' if agrees else 'DISAGREES'}"
            f"{'; none of ' + ' '.join(missing) if missing else ''}{'' if good else '   <-- WRONG'}",
            flush=True,
        )
        if kind in references:
            table.append(row(folder, lattices, references[kind], fold if kind == "phones" else {}))
    head = [
        "system, graph",
        "unit",
        "hyp %",
        "MBR %",
        *(f"oracle % at {beam:g}" for beam in BEAMS),
        "depth",
        "arcs",
        "beam kept",
        "ms/utt",
    ]
    print("\n".join(["", *aligned([head, *table])]))
    return int(wrong > 0)


def row(folder: Path, lattices: dict[str, Lattice], references: dict[str, tuple], fold: dict[str, str]) -> list[str]:
    """Error rates of the best path, of the string of least expected error, and of the oracle."""
    edits, length = np.zeros(2 + len(BEAMS)), 0
    for utt, lattice in lattices.items():
        wanted = spoken(references[utt], fold)
        length += len(wanted)
        for i, said in enumerate(([lattice.label[arc] for arc in best_path(lattice)], sausage(lattice, fold).labels)):
            edits[i] += count(pair_up(wanted, spoken(said, fold))).errors
        edits[2:] += [oracle(prune_beam(lattice, beam), wanted, fold)[0] for beam in BEAMS]
    seconds = read_json(folder.parents[1] / "decode.json")["lattice_seconds"]
    graph = "free" if folder.name == "free" else "words"
    return [
        f"{folder.parts[-4]}, {folder.name}",
        "WER" if folder.name == "word_arcs" else "PER",
        *(f"{100 * n / max(length, 1):.1f}" for n in edits),
        f"{np.mean([depth(x) for x in lattices.values()]):.1f}",
        f"{np.mean([len(x.label) for x in lattices.values()]):.0f}",
        f"{min(x.beam for x in lattices.values()):g}",
        f"{1000 * seconds[graph] / max(len(lattices), 1):.0f}" if folder.name != "word_arcs" else "",
    ]


def aligned(rows: list[list[str]]) -> list[str]:
    """Columns for a terminal."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return [
        "  ".join([cells[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:]))])
        for cells in rows
    ]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))
