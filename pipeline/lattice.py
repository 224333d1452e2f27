"""Phone lattices: one schema for every system, with posteriors, best paths, and HTK SLF and JSON files.

An arc is a phone between two nodes; nodes stand at frames. Scores are natural logarithms: ``acoustic`` is unscaled,
``language`` holds grammar, pronunciation, transition and word scores. A path scores
acoustic_scale x acoustic + language.
"""
from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lexicon.errors import UserError
from lexicon.files import atomic_write, read_json, write_lines
from lexicon.text import numbered_lines

VERSION = 1
NULL = "!NULL"  # HTK's name for an arc without a word
LARGEST = 1e30  # no score is; sums of larger ones might not be finite
LONGEST = 1e8   # frames, eleven days


@dataclass
class Lattice:
    """Nodes (N,) at frames ``node_frame``, topologically sorted, node 0 the start and node N-1 the end; arcs (A,) sorted by
    ``arc_from``. ``word`` names the words that an arc settles ("" for none). Posteriors are in [0, 1]."""

    utterance: str
    system: str
    graph: str
    frame_shift_ms: float
    num_frames: int
    acoustic_scale: float
    word_score: float
    node_frame: np.ndarray
    arc_from: np.ndarray
    arc_to: np.ndarray
    label: list[str]
    word: list[str]
    acoustic: np.ndarray
    language: np.ndarray
    posterior: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def num_nodes(self) -> int:
        """How many nodes there are."""
        return len(self.node_frame)

    def scores(self) -> np.ndarray:
        """(A,) acoustic_scale x acoustic + language."""
        return self.acoustic_scale * self.acoustic + self.language


def _sum_paths(lattice: Lattice, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Forward and backward log sums over paths at each node."""
    alpha, beta = np.full(lattice.num_nodes, -np.inf), np.full(lattice.num_nodes, -np.inf)
    alpha[0], beta[-1] = 0.0, 0.0
    bounds = np.searchsorted(lattice.arc_from, np.arange(lattice.num_nodes + 1))
    for node in range(lattice.num_nodes):
        arcs = slice(bounds[node], bounds[node + 1])
        if alpha[node] > -np.inf and arcs.stop > arcs.start:
            np.logaddexp.at(alpha, lattice.arc_to[arcs], alpha[node] + scores[arcs])
    for node in range(lattice.num_nodes - 2, -1, -1):
        arcs = slice(bounds[node], bounds[node + 1])
        if arcs.stop > arcs.start:
            beta[node] = np.logaddexp.reduce(beta[lattice.arc_to[arcs]] + scores[arcs])
    return alpha, beta


def forward_backward(lattice: Lattice) -> float:
    """Fill ``posterior`` and return the log sum over all paths (Wessel et al. 2001, eq. 3)."""
    scores = lattice.scores()
    alpha, beta = _sum_paths(lattice, scores)
    with np.errstate(invalid="ignore"):
        posterior = np.exp(alpha[lattice.arc_from] + scores + beta[lattice.arc_to] - beta[0])
    lattice.posterior = np.clip(np.nan_to_num(posterior), 0.0, 1.0)
    return float(beta[0])


def best_path(lattice: Lattice) -> list[int]:
    """The arcs of the path that scores best, in order (of equals, the first)."""
    scores = lattice.scores()
    best = np.full(lattice.num_nodes, -np.inf)
    back = np.full(lattice.num_nodes, -1)
    best[0] = 0.0
    for arc in range(len(scores)):  # sorted by source, so each node is settled before its arcs are used
        reached = best[lattice.arc_from[arc]] + scores[arc]
        if reached > best[lattice.arc_to[arc]]:
            best[lattice.arc_to[arc]], back[lattice.arc_to[arc]] = reached, arc
    path, node = [], lattice.num_nodes - 1
    while node:
        path.append(int(back[node]))
        node = int(lattice.arc_from[back[node]])
    return path[::-1]


def prune(lattice: Lattice, min_posterior: float) -> Lattice:
    """Without the arcs below ``min_posterior``, except those of the best path; posteriors stay as they were.

    Arcs that no longer lie on a whole path are dropped as well."""
    keep = lattice.posterior >= min_posterior
    keep[best_path(lattice)] = True
    reach, useful = np.zeros(lattice.num_nodes, bool), np.zeros(lattice.num_nodes, bool)
    reach[0] = useful[-1] = True
    for arc in np.flatnonzero(keep):
        reach[lattice.arc_to[arc]] |= reach[lattice.arc_from[arc]]
    for arc in np.flatnonzero(keep)[::-1]:
        useful[lattice.arc_from[arc]] |= useful[lattice.arc_to[arc]]
    keep &= reach[lattice.arc_from] & useful[lattice.arc_to]
    return _subset(lattice, np.flatnonzero(keep))


def _subset(lattice: Lattice, arcs: np.ndarray) -> Lattice:
    nodes = np.unique(np.concatenate([lattice.arc_from[arcs], lattice.arc_to[arcs], [0, lattice.num_nodes - 1]]))
    number = np.full(lattice.num_nodes, -1)
    number[nodes] = np.arange(len(nodes))
    return replace(lattice, node_frame=lattice.node_frame[nodes], arc_from=number[lattice.arc_from[arcs]],
                   arc_to=number[lattice.arc_to[arcs]], label=[lattice.label[a] for a in arcs],
                   word=[lattice.word[a] for a in arcs], acoustic=lattice.acoustic[arcs],
                   language=lattice.language[arcs], posterior=lattice.posterior[arcs])


def depth(lattice: Lattice) -> float:
    """Mean number of arcs that cover a frame."""
    spans = lattice.node_frame[lattice.arc_to] - lattice.node_frame[lattice.arc_from]
    return float(spans.sum() / max(lattice.num_frames, 1))


def to_json(lattice: Lattice) -> dict[str, Any]:
    """The lattice as plain values; arcs are [from, to, phone, word, acoustic, language, posterior]."""
    arcs = [[int(a), int(b), label, word, round(float(ac), 4), round(float(lm), 4), round(float(post), 6)]
            for a, b, label, word, ac, lm, post in zip(lattice.arc_from, lattice.arc_to, lattice.label, lattice.word,
                                                       lattice.acoustic, lattice.language, lattice.posterior)]
    return {"version": VERSION, "utterance": lattice.utterance, "system": lattice.system, "graph": lattice.graph,
            "frame_shift_ms": lattice.frame_shift_ms, "num_frames": lattice.num_frames,
            "acoustic_scale": lattice.acoustic_scale, "word_score": lattice.word_score,
            "nodes": [int(frame) for frame in lattice.node_frame], "arcs": arcs, "best": best_path(lattice)}


def from_json(value: dict[str, Any], source: Path | str = "lattice") -> Lattice:
    """Read what `to_json` gave. Raises UserError naming ``source`` if it is no such lattice."""
    try:
        if value["version"] != VERSION:
            raise ValueError(f"version {value['version']}, this program reads {VERSION}")
        start, end, label, word, acoustic, language, posterior = zip(*value["arcs"])
        lattice = Lattice(str(value["utterance"]), str(value["system"]), str(value["graph"]),
                          float(value["frame_shift_ms"]), int(value["num_frames"]), float(value["acoustic_scale"]),
                          float(value["word_score"]), np.array(value["nodes"], np.int32), np.array(start, np.int32),
                          np.array(end, np.int32), [str(x) for x in label], [str(x) for x in word],
                          np.array(acoustic, float), np.array(language, float), np.array(posterior, float))
        _check(lattice)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{source}: not a phone lattice of phonoscope ({error!r}); decode again") from error
    return lattice


def _check(lattice: Lattice) -> None:
    """Raise ValueError unless nodes and arcs make one acyclic graph with finite scores."""
    last = lattice.num_nodes - 1
    if any(array.ndim != 1 for array in (lattice.node_frame, lattice.arc_from, lattice.arc_to, lattice.acoustic,
                                         lattice.language, lattice.posterior)):
        raise ValueError("lists within lists")
    ends = np.concatenate([lattice.arc_from, lattice.arc_to])
    if last < 1 or ends.min() < 0 or ends.max() > last or (lattice.arc_from >= lattice.arc_to).any():
        raise ValueError("arcs do not lead forward between its nodes")
    if (np.diff(lattice.arc_from) < 0).any() or (np.diff(lattice.node_frame) < 0).any():
        raise ValueError("nodes or arcs are not sorted")
    first, last_frame = lattice.node_frame[[0, -1]]
    if not 0 <= first <= last_frame <= lattice.num_frames < LONGEST or lattice.frame_shift_ms <= 0:
        raise ValueError("frames outside the utterance")
    scale = [lattice.acoustic_scale, lattice.word_score, lattice.frame_shift_ms]
    if not all((np.abs(x) < LARGEST).all() for x in (lattice.acoustic, lattice.language, lattice.posterior, scale)):
        raise ValueError("scores are not finite")
    if len(set(lattice.arc_to)) != last or len(set(lattice.arc_from)) != last:
        raise ValueError("a node is not on a path from start to end")


def write_json_lattice(lattice: Lattice, path: Path | str) -> None:
    """Write one lattice as compact JSON (the viewer's format)."""
    with atomic_write(path) as stream:
        json.dump(to_json(lattice), stream, separators=(",", ":"), ensure_ascii=False)


def read_json_lattice(path: Path | str) -> Lattice:
    """Read one lattice. Raises UserError naming the file if there is none or it is damaged."""
    try:
        value = read_json(path)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such lattice; decode first: make compare") from error
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error}); decode again") from error
    return from_json(value, path)


def write_slf(lattice: Lattice, path: Path | str) -> None:
    """HTK Standard Lattice Format (HTK Book, ch. 20): one phone per arc, times in seconds, natural logs, posteriors."""
    quoted = {word: _quote(word) for word in {*lattice.label, *lattice.word}}
    shift = lattice.frame_shift_ms / 1000
    lines = ["VERSION=1.0", f"UTTERANCE={_quote(lattice.utterance)}", f"base={np.e:.8f}",
             f"acscale={lattice.acoustic_scale:.10g}", "lmscale=1.0", "wdpenalty=0.0", f"tscale={shift:.6g}",
             f"# system={lattice.system} graph={lattice.graph} word_score={lattice.word_score:.10g}"
             f" num_frames={lattice.num_frames}",
             f"N={lattice.num_nodes} L={len(lattice.label)}"]
    lines += [f"I={node} t={frame}" for node, frame in enumerate(lattice.node_frame)]
    lines += [f"J={arc} S={a} E={b} W={quoted[label]} w={quoted[word]} a={ac:.10g} l={lm:.10g} p={post:.8g}"
              for arc, (a, b, label, word, ac, lm, post) in enumerate(zip(
                  lattice.arc_from, lattice.arc_to, lattice.label, lattice.word, lattice.acoustic, lattice.language,
                  lattice.posterior))]
    write_lines(path, lines)


def _quote(word: str) -> str:
    """A name as one field: empty is !NULL; what would break the line is percent-coded (HTK has no rule for blanks)."""
    coded = "".join(c if c.isprintable() and c not in ' %="\'\\#' else "".join(f"%{byte:02X}" for byte in c.encode())
                    for c in word)
    return coded.replace("!", "%21") if coded == NULL else coded or NULL


def _unquote(field_value: str) -> str:
    from urllib.parse import unquote
    return "" if field_value == NULL else unquote(field_value, errors="strict")


def read_slf(path: Path | str) -> Lattice:
    """Read what `write_slf` wrote. Raises UserError (file:line) for what is no such lattice."""
    path = Path(path)
    header: dict[str, str] = {}
    nodes: list[int] = []
    arcs: list[dict[str, str]] = []
    number = 0
    if not path.is_file():
        raise UserError(f"{path}: no such lattice; decode first: make compare")
    try:
        for number, line in numbered_lines(path):
            fields = dict(item.split("=", 1) for item in line.lstrip("# ").split())
            if "I" in fields:
                nodes.append(int(fields["t"]))
            elif "J" in fields:
                arcs.append(fields)
            else:
                header.update(fields)
        number = 0
        lattice = Lattice(_unquote(header["UTTERANCE"]), header["system"], header["graph"],
                          float(header["tscale"]) * 1000, int(header["num_frames"]), float(header["acscale"]),
                          float(header["word_score"]), np.array(nodes, np.int32), *(
                              np.array([int(arc[key]) for arc in arcs], np.int32) for key in "SE"),
                          *([_unquote(arc[key]) for arc in arcs] for key in "Ww"),
                          *(np.array([float(arc[key]) for arc in arcs]) for key in "alp"))
        if int(header["N"]) != len(nodes) or int(header["L"]) != len(arcs):
            raise ValueError(f"{len(nodes)} nodes and {len(arcs)} arcs, N={header['N']} L={header['L']} promised")
        _check(lattice)
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        where = f"{path}:{number}" if number else f"{path}"
        raise UserError(f"{where}: not an SLF lattice of phonoscope ({error!r}); decode again") from error
    return lattice
