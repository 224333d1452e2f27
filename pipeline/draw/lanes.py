"""The layout of a lattice as nodes and curves: nodes too near to be told apart are joined, and every arc has a lane.

The best path is a straight line, lane 0. Every other path leaves a node that is drawn already and comes back to one, an
ear in the sense of graph theory (Whitney 1932), and takes the nearest lane that is free for as long as it lasts. Ears
that pruning removes last are drawn first, so what the slider of the page leaves does not move.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.lattice import Lattice, best_path

NEAR = 2  # frames; ends of one phone no further than this from its likeliest end are one node
MIN_POSTERIOR = 0.01
MAX_ARCS = 1500  # the likeliest of a lattice, so that pages stay small


@dataclass
class Arc:
    """One arc between drawn nodes ``source`` < ``target``.

    ``posterior`` is the sum of the ``num_arcs`` arcs of the lattice it stands for; ``acoustic`` and ``language``,
    natural logs, are the likeliest one's. Pruning with a larger threshold than ``until`` removes it (see `survives`).
    ``lane``: 0 the best path, larger ones further from it.
    """

    source: int
    target: int
    label: str
    word: str
    posterior: float
    acoustic: float
    language: float
    num_arcs: int
    best: bool
    until: float = 0.0
    lane: int = 0


@dataclass
class Drawing:
    """Nodes by time: (N,) ``frames`` and ``lanes``; arcs by source."""

    frames: list[int]
    lanes: list[int]
    arcs: list[Arc]


def draw(lattice: Lattice, min_posterior: float = MIN_POSTERIOR, max_arcs: int = MAX_ARCS) -> Drawing:
    """The lattice pruned with ``min_posterior``, with at most ``max_arcs`` arcs beside the best path."""
    frames, arcs = _joined(lattice)
    survives(arcs, len(frames))
    likeliest = sorted((arc for arc in arcs if not arc.best), key=lambda arc: -arc.until)
    least = max(min_posterior, likeliest[max_arcs].until + 1e-12 if len(likeliest) > max_arcs else 0.0)
    arcs = [arc for arc in arcs if arc.best or arc.until >= least]
    used = sorted({node for arc in arcs for node in (arc.source, arc.target)})
    number = {node: i for i, node in enumerate(used)}
    for arc in arcs:
        arc.source, arc.target = number[arc.source], number[arc.target]
    frames = [frames[node] for node in used]
    return Drawing(frames, _lanes(arcs, frames), arcs)


# ---- nodes too near to be told apart


def _joined(lattice: Lattice) -> tuple[list[int], list[Arc]]:
    """Frames of the drawn nodes and the arcs between them, each for all arcs with its label between the same two.

    Nodes are joined that the same phone leads to (in a bigram lattice: the same history) at nearly the same frame, as
    Mangu et al. 2000 join arcs of one word before they align different words.
    """
    cluster = _clusters(lattice)
    order = sorted(set(cluster.tolist()), key=lambda node: (lattice.node_frame[node], node))
    number = {node: i for i, node in enumerate(order)}
    best = set(best_path(lattice))
    found: dict[tuple[int, int, str, str], Arc] = {}
    for arc in np.argsort(-lattice.posterior, kind="stable").tolist():
        source, target = (number[int(cluster[ends[arc]])] for ends in (lattice.arc_from, lattice.arc_to))
        word = "" if lattice.graph == "free" else lattice.word[arc]
        posterior = float(lattice.posterior[arc])
        drawn = found.setdefault(
            (source, target, lattice.label[arc], word),
            Arc(
                source,
                target,
                lattice.label[arc],
                word,
                0.0,
                float(lattice.acoustic[arc]),
                float(lattice.language[arc]),
                0,
                False,
            ),
        )
        drawn.posterior = min(drawn.posterior + posterior, 1.0)
        drawn.num_arcs += 1
        drawn.best |= arc in best
    return [int(lattice.node_frame[node]) for node in order], sorted(
        found.values(), key=lambda arc: (arc.source, arc.target)
    )


def _clusters(lattice: Lattice) -> np.ndarray:
    """(N,) for each node the one it is drawn as, the likeliest of those it is joined with."""
    mass = np.zeros(lattice.num_nodes)
    np.add.at(mass, lattice.arc_to, lattice.posterior)
    last = lattice.num_nodes - 1
    leads: list[set[str]] = [set() for _ in range(lattice.num_nodes)]
    for node, label in zip(lattice.arc_to.tolist(), lattice.label):
        leads[node].add(label)
    leads[0].add("start")  # no phone's name is that and an end at once
    leads[last].add("end")
    cluster = np.arange(lattice.num_nodes)
    heads: dict[frozenset[str], list[int]] = {}
    for node in np.argsort(-mass, kind="stable").tolist():
        known = heads.setdefault(frozenset(leads[node]), [])
        near = [head for head in known if abs(int(lattice.node_frame[head]) - int(lattice.node_frame[node])) <= NEAR]
        if near and node not in (0, last):
            cluster[node] = near[0]
        else:
            known.append(node)
    return _forward_only(cluster, lattice)


def _forward_only(cluster: np.ndarray, lattice: Lattice) -> np.ndarray:
    """Take clusters apart again until all arcs lead forward in time between them: nodes by themselves do."""
    while True:
        a, b = cluster[lattice.arc_from], cluster[lattice.arc_to]
        frame_a, frame_b = lattice.node_frame[a], lattice.node_frame[b]
        backward = (frame_a > frame_b) | ((frame_a == frame_b) & (a >= b))
        if not backward.any():
            return cluster
        alone = np.isin(cluster, np.concatenate([a[backward], b[backward]]))
        cluster[alone] = np.flatnonzero(alone)


# ---- what pruning leaves


def survives(arcs: list[Arc], num_nodes: int) -> None:
    """Fill ``until``: the largest threshold at which an arc still lies on a whole path of arcs that reach it.

    The best path always stays, as in `pipeline.lattice.prune`: this is the widest path through the arc (Pollack 1960),
    with arcs of the best path infinitely wide.
    """
    width = [1.0 if arc.best else arc.posterior for arc in arcs]
    ahead, behind = [0.0] * num_nodes, [0.0] * num_nodes
    ahead[0] = behind[-1] = 1.0
    for arc, wide in zip(arcs, width):
        ahead[arc.target] = max(ahead[arc.target], min(ahead[arc.source], wide))
    for arc, wide in zip(reversed(arcs), reversed(width)):
        behind[arc.source] = max(behind[arc.source], min(behind[arc.target], wide))
    for arc, wide in zip(arcs, width):
        arc.until = min(ahead[arc.source], wide, behind[arc.target])


# ---- lanes


def _lanes(arcs: list[Arc], frames: list[int]) -> list[int]:
    """Give every arc its lane; returns those of the nodes."""
    after: list[list[Arc]] = [[] for _ in frames]
    before: list[list[Arc]] = [[] for _ in frames]
    for arc in arcs:
        after[arc.source].append(arc)
        before[arc.target].append(arc)
    lanes: list[int | None] = [None] * len(frames)
    for arc in arcs:
        if arc.best:
            lanes[arc.source] = lanes[arc.target] = 0
    taken: list[list[tuple[int, int]]] = []
    waiting = sorted(
        (arc for arc in arcs if not arc.best), key=lambda arc: (-arc.until, -arc.posterior, arc.source, arc.target)
    )
    done: set[int] = set()
    for first in waiting:
        if id(first) in done:
            continue
        ear = _ear(first, after, before, lanes)
        span = (frames[ear[0].source], max(frames[ear[-1].target], frames[ear[0].source] + 1))
        lane = next(
            (i for i, spans in enumerate(taken) if all(span[1] <= a or b <= span[0] for a, b in spans)), len(taken)
        )
        if lane == len(taken):
            taken.append([])
        taken[lane].append(span)
        for arc in ear:
            arc.lane = lane + 1
            done.add(id(arc))
            for node in (arc.source, arc.target):
                lanes[node] = lane + 1 if lanes[node] is None else lanes[node]
    return [lane or 0 for lane in lanes]


def _ear(first: Arc, after: list[list[Arc]], before: list[list[Arc]], lanes: list[int | None]) -> list[Arc]:
    """The path through ``first`` between two nodes that have lanes, along the arcs that pruning removes last."""
    ear = [first]
    while lanes[ear[-1].target] is None:
        ear.append(max(after[ear[-1].target], key=lambda arc: (arc.until, arc.posterior)))
    while lanes[ear[0].source] is None:
        ear.insert(0, max(before[ear[0].source], key=lambda arc: (arc.until, arc.posterior)))
    return ear
