"""Which density each state of a phone reads, by the phones beside it: decision trees (Young, Odell & Woodland 1994).

The type holds a tree, it grows none. Phones alone (monophones) are the tree without questions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

EDGE = ""  # what stands before the first phone of an utterance and after its last
ABOUT = ("left", "phone", "right", "state")
MOST_CELLS = 10**8  # states x phones before x phones after: 300 phones of three states, 400 MB


class Question(NamedTuple):
    """Is what stands ``about`` ("left": the phone before; "phone", "right", "state") ``among`` these? The next node if
    it is, and if not. States are numbers from 0, all else phones or EDGE."""

    about: str
    among: Collection[str | int]
    yes: int
    no: int


class Group(NamedTuple):
    """Phones before (``lefts``) and after (``rights``) a phone between which its densities ``pdfs`` (states,) do not
    differ."""

    pdfs: tuple[int, ...]
    lefts: frozenset[str]
    rights: frozenset[str]


class Decisions:
    """The map (phone before, phone, phone after, state) -> density, Kaldi's ContextDependency.

    ``nodes`` are questions and, as leaves, numbers of densities; ``roots`` of each phone has the node where each of its
    states begins. Phones and states may share roots, and leaves. ``width`` is how many phones a density depends on: 1
    or 3; ``phones_of[p]`` has the phones that read density p. Raises ValueError for what is no tree, and for densities
    that no state reads.
    """

    def __init__(self, roots: Mapping[str, Sequence[int]], nodes: Sequence[Question | int]):
        self.roots, self.nodes = {phone: tuple(own) for phone, own in roots.items()}, list(nodes)
        questions = [(i, node) for i, node in enumerate(self.nodes) if isinstance(node, Question)]
        if any(not i < child < len(self.nodes) for i, node in questions for child in (node.yes, node.no)):
            raise ValueError("a question leads to a node before it, or to none")
        self.width = 3 if {"left", "right"} & {node.about for _, node in questions} else 1
        self.contexts = [EDGE, *self.roots] if self.width == 3 else [EDGE]
        if sum(map(len, self.roots.values())) * len(self.contexts) ** 2 > MOST_CELLS:
            raise ValueError(f"{len(self.roots)} phones are too many to tell apart by both neighbours")
        self._index = {context: i for i, context in enumerate(self.contexts)}
        self._tables = {phone: self._table(phone) for phone in self.roots}
        self.num_pdfs = 1 + max(node for node in self.nodes if not isinstance(node, Question))
        readers: list[list[str]] = [[] for _ in range(self.num_pdfs)]
        for phone, table in self._tables.items():
            for pdf in np.unique(table):
                readers[pdf].append(phone)
        if not all(readers):
            raise ValueError(f"no state reads density {readers.index([])}")
        self.phones_of = [tuple(phones) for phones in readers]

    @property
    def plain(self) -> bool:
        """Whether these are monophones, their densities numbered phone by phone."""
        return self.nodes == [root for own in self.roots.values() for root in own] == list(range(self.num_pdfs))

    def _table(self, phone: str) -> np.ndarray:
        """(states, contexts before, contexts after) densities of a phone."""
        size = len(self.contexts)
        table = np.empty((len(self.roots[phone]), size, size), np.int32)
        for state, root in enumerate(self.roots[phone]):
            waiting = [(root, np.arange(size), np.arange(size))]
            while waiting:
                number, lefts, rights = waiting.pop()
                node = self.nodes[number]
                if not isinstance(node, Question):
                    table[state][np.ix_(lefts, rights)] = node
                elif node.about in ("phone", "state"):
                    known = phone if node.about == "phone" else state
                    waiting.append((node.yes if known in node.among else node.no, lefts, rights))
                else:
                    asked = lefts if node.about == "left" else rights
                    answer = np.array([self.contexts[i] in node.among for i in asked.tolist()], bool)
                    for child, some in ((node.yes, asked[answer]), (node.no, asked[~answer])):
                        if len(some):
                            waiting.append((child, some, rights) if node.about == "left" else (child, lefts, some))
        return table

    def pdfs(self, phone: str, left: str = EDGE, right: str = EDGE) -> tuple[int, ...]:
        """The density of each state of ``phone`` between two others; what is none of the phones counts as EDGE."""
        before, after = self._index.get(left, 0), self._index.get(right, 0)
        return tuple(self._tables[phone][:, before, after].tolist())

    def pdfs_of(self, phone: str) -> list[int]:
        """All densities that some state of ``phone`` reads, in order."""
        return np.unique(self._tables[phone]).tolist()

    def state_of(self, phone: str, pdf: int) -> int:
        """The state of ``phone`` that reads a density: the first, where several do, or where none does."""
        return int((self._tables[phone] == pdf).any((1, 2)).argmax())

    def groups(self, phone: str, lefts: Collection[str], rights: Collection[str]) -> list[Group]:
        """The phones that may stand before and after ``phone``, as far as they make a difference to it."""
        if self.width == 1:
            return [Group(self.pdfs(phone), frozenset(lefts), frozenset(rights))]
        before, after = sorted(lefts), sorted(rights)
        rows, columns = ([self._index[context] for context in side] for side in (before, after))
        there = self._tables[phone].transpose(1, 2, 0)[np.ix_(rows, columns)]  # (before, after, states)
        return [
            Group(self.pdfs(phone, left[0], right[0]), frozenset(left), frozenset(right))
            for left in _equal(before, there)
            for right in _equal(after, there[before.index(left[0])])
        ]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """For a model file: ``roots`` of all states; ``nodes`` (N, 3) of what a question is about (its place in ABOUT,
        -1: a leaf), where yes leads (or the density) and where no does; ``among`` (N, most) of the phones (EDGE is
        0, then their order) or states."""
        phones = [EDGE, *self.roots]
        most = max(len(phones), *(len(own) for own in self.roots.values()))
        nodes, among = np.full((len(self.nodes), 3), -1, np.int32), np.zeros((len(self.nodes), most), np.uint8)
        for i, node in enumerate(self.nodes):
            if isinstance(node, Question):
                nodes[i] = ABOUT.index(node.about), node.yes, node.no
                known: Sequence[str | int] = range(most) if node.about == "state" else phones
                among[i, [known.index(one) for one in node.among]] = 1
            else:
                nodes[i, 1] = node
        roots = np.array([root for own in self.roots.values() for root in own], np.int32)
        return {"roots": roots, "nodes": nodes, "among": among}

    @classmethod
    def from_arrays(cls, sizes: Mapping[str, int], arrays: Mapping[str, np.ndarray]) -> Decisions:
        """What `to_arrays` gave, for phones with these numbers of states; ValueError for anything else."""
        roots, nodes, among = (arrays[name] for name in ("roots", "nodes", "among"))
        phones = [EDGE, *sizes]
        ends = np.cumsum(list(sizes.values()))
        if roots.shape != (ends[-1],) or nodes.shape != (len(nodes), 3) or len(among) != len(nodes):
            raise ValueError("roots, nodes or among has a wrong shape")
        if any(not np.issubdtype(array.dtype, np.integer) for array in (roots, nodes, among)):
            raise ValueError("roots, nodes or among has a wrong type")
        if not len(nodes) or not (0 <= roots.min() and roots.max() < len(nodes)) or nodes[:, 0].max() >= len(ABOUT):
            raise ValueError("roots or nodes has a wrong value")
        found: list[Question | int] = []
        for (about, yes, no), row in zip(nodes.tolist(), among):
            if about < 0 <= yes < len(nodes):
                found.append(yes)
            elif about < 0:
                raise ValueError("nodes has a wrong value")
            else:
                chosen = np.flatnonzero(row).tolist()
                those = chosen if ABOUT[about] == "state" else [phones[i] for i in chosen]
                found.append(Question(ABOUT[about], frozenset(those), yes, no))
        split = np.split(roots, ends[:-1])
        return cls({phone: tuple(own.tolist()) for phone, own in zip(sizes, split)}, found)


def _equal(names: Sequence[str], rows: np.ndarray) -> list[list[str]]:
    """Names of equal rows together, in order."""
    together: dict[bytes, list[str]] = {}
    for name, row in zip(names, rows):
        together.setdefault(row.tobytes(), []).append(name)
    return list(together.values())


def monophones(sizes: Mapping[str, int]) -> Decisions:
    """Each state of each phone (of so many) its own density, whatever stands beside it, numbered phone by phone."""
    ends = np.cumsum(list(sizes.values())).tolist()
    roots = {phone: range(end - size, end) for (phone, size), end in zip(sizes.items(), ends)}
    return Decisions(roots, range(ends[-1]))
