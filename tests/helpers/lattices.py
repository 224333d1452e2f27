"""Random and hand-made lattices, and all paths through one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.lattice import (
    Lattice,
    forward_backward,
)

ODD = [
    "",
    "TWO WORDS",
    "DON'T",
    'SAY "HI"',
    "Ä",
    "日本",
    "100%",
    "%41",
    "back\\slash",
    "#0",
    "a=b",
    "\t",
    "\u2028",
    "\x00",
    "é\u0301",
    "!NULL",
]


def random_lattice(seed: int, num_nodes: int = 7) -> Lattice:
    """A random acyclic graph in which every node lies on a path from the first to the last."""
    rng = np.random.default_rng(seed)
    frames = np.sort(np.concatenate([[0, 20], rng.choice(np.arange(1, 20), num_nodes - 2, replace=False)]))
    arcs = {(a, a + 1) for a in range(num_nodes - 1)}
    arcs |= {(a, b) for a in range(num_nodes) for b in range(a + 1, num_nodes) if rng.random() < 0.4}
    arcs = sorted([*arcs, (0, 1), (2, 3)])  # two pairs of parallel arcs
    start, end = np.array(arcs, np.int32).T
    n = len(arcs)
    return Lattice(
        f"u{seed}",
        "gmm",
        "words",
        10.0,
        20,
        0.3,
        -0.5,
        frames.astype(np.int32),
        start,
        end,
        [str(p) for p in rng.choice(["AH", "B", "SIL"], n)],
        [str(w) for w in rng.choice(["", "A", "BE"], n)],
        rng.normal(-40, 20, n),
        rng.normal(-3, 2, n),
    )


def all_paths(lattice: Lattice) -> list[list[int]]:
    """Every path as its arcs."""
    paths, open_paths = [], [(0, [])]
    while open_paths:
        node, arcs = open_paths.pop()
        if node == lattice.num_nodes - 1:
            paths.append(arcs)
        open_paths += [(int(lattice.arc_to[a]), [*arcs, a]) for a in np.flatnonzero(lattice.arc_from == node).tolist()]
    return paths


def same(a: Lattice, b: Lattice, digits: float) -> None:
    for name in ("utterance", "system", "graph", "frame_shift_ms", "num_frames", "label", "word"):
        assert getattr(a, name) == getattr(b, name), name
    for name in (
        "acoustic_scale",
        "word_score",
        "node_frame",
        "arc_from",
        "arc_to",
        "acoustic",
        "language",
        "posterior",
    ):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=digits, atol=digits)


def with_odd_words() -> Lattice:
    lattice = random_lattice(1, num_nodes=9)
    n = len(lattice.label)
    assert n >= len(ODD)
    forward_backward(lattice)
    return replace(lattice, utterance='id with "quotes" & ünïcode', word=(ODD * n)[:n])


def lattice_of(frames: list[int], arcs: list[tuple]) -> Lattice:
    """From (from, to, label, score[, word])."""
    start, end, label, score, *_ = zip(*(arc[:4] for arc in arcs))
    words = [arc[4] if len(arc) > 4 else "" for arc in arcs]
    lattice = Lattice(
        "u",
        "gmm",
        "free",
        10.0,
        frames[-1],
        1.0,
        0.0,
        np.array(frames, np.int32),
        np.array(start),
        np.array(end),
        list(label),
        words,
        np.zeros(len(arcs)),
        np.array(score, float),
    )
    forward_backward(lattice)
    return lattice
