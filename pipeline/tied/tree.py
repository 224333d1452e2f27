"""Decision trees that tie the states of triphones, grown from an alignment (Young, Odell & Woodland 1994)."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lexicon.phones import SILENCE
from pipeline.hmm.decisions import EDGE, Decisions, Question
from pipeline.tied.questions import Sums, cluster, log_likelihood, with_silence
from pipeline.times.segments import Segment

MIDDLE = 1  # of three states: that whose frames say which phones sound alike


@dataclass(frozen=True)
class Triphones:
    """What is summed up of the frames of each state of each triphone that was seen: its ``phone``, ``state``, ``left``
    and ``right`` (K,), as numbers (of neighbours that in ``contexts``), and ``counts`` (K,), ``sums`` and ``squares``
    (K, D)."""

    phones: list[str]
    contexts: list[str]  # EDGE, and then the phones
    phone: np.ndarray
    state: np.ndarray
    left: np.ndarray
    right: np.ndarray
    counts: np.ndarray
    sums: np.ndarray
    squares: np.ndarray

    def of(self, chosen: np.ndarray) -> Sums:
        """Counts, sums and squares of those that are chosen."""
        return self.counts[chosen], self.sums[chosen], self.squares[chosen]


def triphone_states(segments: Sequence[Segment], pdfs: np.ndarray, decisions: Decisions) -> np.ndarray:
    """(T, 4) int32 of each frame of an alignment, the densities ``pdfs`` (T,) of the ``segments``: its phone, state,
    the phone before and the phone after (0 for EDGE, and then the phones from 1). KeyError for a density that is none
    of its phone's, ValueError for frames of no phone."""
    phones = list(decisions.roots)
    number = {phone: i for i, phone in enumerate(phones)} | {EDGE: -1}
    labels = [EDGE, *(segment.label for segment in segments), EDGE]
    found = np.full((len(pdfs), 4), -1, np.int32)
    for before, segment, after in zip(labels, segments, labels[2:]):
        own = decisions.pdfs(segment.label, before, after)
        states = {pdf: state for state, pdf in reversed(list(enumerate(own)))}
        rows = slice(segment.start, segment.end)
        found[rows, 0], found[rows, 2], found[rows, 3] = number[segment.label], number[before] + 1, number[after] + 1
        found[rows, 1] = [states[pdf] for pdf in pdfs[rows].tolist()]
    if found.min(initial=0) < 0:
        raise ValueError("frames that belong to no phone")
    return found


def sum_up(phones: Sequence[str], pieces: Iterable[tuple[np.ndarray, np.ndarray]], dimension: int) -> Triphones:
    """The sums of all frames, which come as (features (T, D), `triphone_states` (T, 4))."""
    size = len(phones) + 1
    places: dict[int, int] = {}
    counts, sums = np.zeros(0), np.zeros((0, 2 * dimension))
    for feats, states in pieces:
        codes = np.ravel_multi_index(tuple(states.T), (size, 16, size, size))
        order = np.argsort(codes, kind="stable")
        found, begins, number = np.unique(codes[order], return_index=True, return_counts=True)
        x = feats[order].astype(np.float64)
        own = np.add.reduceat(np.hstack([x, x**2]), begins)
        rows = np.array([places.setdefault(code, len(places)) for code in found.tolist()])
        more = len(places) - len(counts)
        if more > 0:
            room = max(more, len(counts))
            counts, sums = np.append(counts, np.zeros(room)), np.vstack([sums, np.zeros((room, 2 * dimension))])
        counts[rows] += number
        sums[rows] += own
    codes = np.array(list(places), int)
    order = np.argsort(codes)
    phone, state, left, right = np.unravel_index(codes[order], (size, 16, size, size))
    counts, sums = counts[order], sums[order]
    named = list(phones)
    return Triphones(named, [EDGE, *named], phone, state, left, right, counts, sums[:, :dimension], sums[:, dimension:])


class Split(NamedTuple):
    """The best question of a leaf: what it gains in log likelihood, and the answers of its triphones."""

    gain: float
    about: str
    among: frozenset[str]
    yes: np.ndarray


class Node:
    """A node of a tree that grows: its triphones (rows of `Triphones`), and, once it is split, the question."""

    def __init__(self, rows: np.ndarray, frames: float):
        self.rows, self.frames = rows, frames
        self.split: Split | None = None
        self.children: tuple[Node, Node] | None = None


@dataclass(frozen=True)
class Tree:
    """The ``decisions``, of each node the ``gain`` of its question in log likelihood (0: a leaf) and its ``frames``,
    and the ``sums`` of each density's frames."""

    decisions: Decisions
    gain: list[float]
    frames: list[float]
    sums: Sums

    def as_json(self) -> dict[str, Any]:
        """For tree.json: of each state of each phone the node where it begins; nodes with their frames, and questions
        with their gain or the number of the density."""
        nodes: list[dict[str, Any]] = []
        for node, gain, frames in zip(self.decisions.nodes, self.gain, self.frames):
            said: dict[str, Any] = {"frames": round(frames)}
            if isinstance(node, Question):
                said |= {"about": node.about, "among": sorted(map(str, node.among)), "yes": node.yes, "no": node.no}
                said["gain"] = round(gain, 3)
            else:
                said["density"] = node
            nodes.append(said)
        return {"roots": {phone: list(own) for phone, own in self.decisions.roots.items()}, "nodes": nodes}


def grow_tree(seen: Triphones, sizes: Mapping[str, int], leaves: int, min_frames: float, floor: np.ndarray) -> Tree:
    """Split the states of phones, one tree for each state, by the question that gains most, until there are so many
    ``leaves`` or none can be split. Each leaf has at least ``min_frames`` frames. The states of silence stay whole.

    sizes: how many states each phone has. Of equal gains the first question of the first leaf is taken.
    """
    asked = _asked(seen, floor)
    roots = [
        Node(rows, float(seen.counts[rows].sum()))
        for number, phone in enumerate(seen.phones)
        for state in range(sizes[phone])
        for rows in [np.flatnonzero((seen.phone == number) & (seen.state == state))]
    ]
    owners = [phone for phone in seen.phones for _ in range(sizes[phone])]
    waiting: list[tuple[float, int, Node]] = []
    order = 0

    def wait(node: Node) -> None:
        nonlocal order
        node.split = _best_split(seen, node, asked, min_frames, floor)
        if node.split:
            heapq.heappush(waiting, (-node.split.gain, order, node))
        order += 1

    for phone, root in zip(owners, roots):
        if phone != SILENCE:
            wait(root)
    number = len(roots)
    while waiting and number < leaves:
        _, _, node = heapq.heappop(waiting)
        assert node.split
        parts = (node.rows[node.split.yes], node.rows[~node.split.yes])
        yes, no = (Node(rows, float(seen.counts[rows].sum())) for rows in parts)
        node.children = yes, no
        wait(yes)
        wait(no)
        number += 1
    return _tree(seen, sizes, roots)


def _asked(seen: Triphones, floor: np.ndarray) -> list[frozenset[str]]:
    """The questions: sets of phones whose middle states are alike, and silence."""
    known = [phone for phone in seen.phones if phone != SILENCE]
    middle = [np.flatnonzero((seen.phone == seen.phones.index(p)) & (seen.state == MIDDLE)) for p in known]
    counts, sums, squares = (
        np.array([part[rows].sum(0) for rows in middle]) for part in seen.of(np.arange(len(seen.counts)))
    )
    return with_silence(cluster(known, (counts, sums, squares), floor), SILENCE)


def _best_split(
    seen: Triphones, node: Node, asked: Sequence[frozenset[str]], min_frames: float, floor: np.ndarray
) -> Split | None:
    """The question that gains most; None if none leaves enough frames on both sides."""
    if node.frames < 2 * min_frames:
        return None
    counts, sums, squares = seen.of(node.rows)
    whole = counts.sum(), sums.sum(0), squares.sum(0)
    before = float(log_likelihood(whole[0], whole[1], whole[2], floor))
    best: Split | None = None
    for about, neighbours in (("left", seen.left[node.rows]), ("right", seen.right[node.rows])):
        answers = np.array([[context in among for context in seen.contexts] for among in asked])
        by_context = [np.zeros((len(seen.contexts), *part.shape[1:])) for part in (counts, sums, squares)]
        for total, part in zip(by_context, (counts, sums, squares)):
            np.add.at(total, neighbours, part)
        yes = [answers.astype(np.float64) @ total for total in by_context]
        no = [all_ - part for all_, part in zip(whole, yes)]
        gains = log_likelihood(yes[0], yes[1], yes[2], floor) + log_likelihood(no[0], no[1], no[2], floor) - before
        gains[(yes[0] < min_frames) | (no[0] < min_frames)] = -np.inf
        at = int(np.argmax(gains))
        if gains[at] > (best.gain if best else 0.0):
            best = Split(float(gains[at]), about, asked[at], answers[at][neighbours])
    return best


def _tree(seen: Triphones, sizes: Mapping[str, int], roots: Sequence[Node]) -> Tree:
    """The nodes in one list, each before its children; densities are numbered from left to right."""
    nodes: list[Question | int] = []
    flat: list[Node] = []
    leaves: list[Node] = []

    def add(node: Node) -> int:
        place = len(nodes)
        nodes.append(0)
        flat.append(node)
        if node.children:
            assert node.split
            yes, no = (add(child) for child in node.children)
            nodes[place] = Question(node.split.about, node.split.among, yes, no)
        else:
            nodes[place] = len(leaves)
            leaves.append(node)
        return place

    places = iter([add(root) for root in roots])
    decisions = Decisions({phone: [next(places) for _ in range(sizes[phone])] for phone in seen.phones}, nodes)
    gains = [node.split.gain if node.children and node.split else 0.0 for node in flat]
    sums = [np.array([part[leaf.rows].sum(0) for leaf in leaves]) for part in (seen.counts, seen.sums, seen.squares)]
    return Tree(decisions, gains, [node.frames for node in flat], (sums[0], sums[1], sums[2]))
