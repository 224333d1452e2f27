"""Lattices of many utterances as the text that OpenFst's and Kaldi's own tools read.

A folder holds

    lat.txt     Kaldi's compact lattices, for `ark:lat.txt`: arcs are `from to label graph,acoustic,ids`, the costs
                natural logs and unscaled; a phone's number stands for each of its frames, Kaldi's transition-id
    symbols.txt what the labels of lat.txt are: `PHONE`, or `PHONE=WORD` where a word begins
    fst.txt     an OpenFst transducer for each utterance, a Kaldi table of them for `ark:fst.txt`: phones (or words) in,
                the words that begin there out, the cost of both scores together
    labels.txt, words.txt   the symbols of its two sides
    frames.txt  the frames of its states, for an FST has no times: a Kaldi table of integer vectors
    info.json   the system, the graph and the scales

Names are percent-coded as in SLF.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from lexicon.errors import UserError
from lexicon.files import atomic_write, read_json, write_json, write_lines
from lexicon.text import numbered_lines
from pipeline.lattice.formats import quote, unquoted
from pipeline.lattice.paths import forward_backward
from pipeline.lattice.schema import VERSION, Lattice, check_lattice

EPSILON = "<eps>"
SHARED = ("system", "graph", "frame_shift_ms", "acoustic_scale", "word_score")

Block = tuple[str, int, list[list[str]]]  # an utterance, the line that names it, and the fields of its lines


class _Symbols(dict):
    """Numbers names in the order they come, from 1; 0 is epsilon."""

    def __missing__(self, name: str) -> int:
        self[name] = len(self) + 1
        return self[name]

    def write(self, path: Path) -> None:
        write_lines(path, [f"{EPSILON} 0", *(f"{name} {number}" for name, number in self.items())])


def write_text_archives(folder: Path | str, lattices: Iterable[Lattice]) -> int:
    """Write the folder; returns how many lattices there were. ValueError unless all are of one system and graph."""
    folder = Path(folder)
    labels, words, symbols = _Symbols(), _Symbols(), _Symbols()
    shared: dict[str, Any] = {}
    utterances = {}
    with ExitStack() as files:
        kaldi, fst, frames = (
            files.enter_context(atomic_write(folder / f"{name}.txt")) for name in ("lat", "fst", "frames")
        )
        for lattice in lattices:
            own = {name: getattr(lattice, name) for name in SHARED}
            if own != (shared := shared or own):
                raise ValueError(f"{lattice.utterance}: {own}, the lattices before: {shared}")
            key = quote(lattice.utterance)
            beam = lattice.beam if np.isfinite(lattice.beam) else None
            utterances[key] = {"num_frames": lattice.num_frames, "beam": beam}
            frames.write(f"{key} {' '.join(map(str, lattice.node_frame.tolist()))}\n")
            fst.write(f"{key} \n{''.join(_fst_lines(lattice, labels, words))}\n")
            kaldi.write(f"{key} \n{''.join(_kaldi_lines(lattice, labels, symbols))}\n")
    for table, name in ((labels, "labels.txt"), (words, "words.txt"), (symbols, "symbols.txt")):
        table.write(folder / name)
    write_json(folder / "info.json", {"version": VERSION, **shared, "utterances": utterances})
    return len(utterances)


def _fst_lines(lattice: Lattice, labels: _Symbols, words: _Symbols) -> Iterator[str]:
    for a, b, label, word, score in zip(
        lattice.arc_from.tolist(), lattice.arc_to.tolist(), lattice.label, lattice.word, lattice.scores().tolist()
    ):
        yield f"{a} {b} {labels[quote(label)]} {words[quote(word)] if word else 0} {-score:.10g}\n"
    yield f"{lattice.num_nodes - 1}\n"


def _kaldi_lines(lattice: Lattice, labels: _Symbols, symbols: _Symbols) -> Iterator[str]:
    spans = lattice.node_frame[lattice.arc_to] - lattice.node_frame[lattice.arc_from]
    for a, b, label, word, acoustic, language, frames in zip(
        lattice.arc_from.tolist(),
        lattice.arc_to.tolist(),
        lattice.label,
        lattice.word,
        lattice.acoustic.tolist(),
        lattice.language.tolist(),
        spans.tolist(),
    ):
        symbol = quote(label) + (f"={quote(word)}" if word else "")
        ids = "_".join([str(labels[quote(label)])] * frames)
        yield f"{a} {b} {symbols[symbol]} {-language:.10g},{-acoustic:.10g},{ids}\n"
    yield f"{lattice.num_nodes - 1}\n"


# ---- reading


def read_kaldi(folder: Path | str) -> Iterator[Lattice]:
    """The lattices of lat.txt. Raises UserError (file:line) for what is none.

    Lattices of other programs are read as well: states may be in any order, and several may be final, with a cost, as
    long as all paths to a state have as many frames. A final state with a cost or frames becomes an arc without a
    label.
    """
    folder = Path(folder)
    yield from _compact(folder / "lat.txt", read_symbols(folder / "symbols.txt"), _info(folder))


def read_compact(path: Path, words: Mapping[int, str]) -> Iterator[Lattice]:
    """The lattices that Kaldi's `lattice-copy` has written as text, their arcs labelled by ``words`` (its words.txt);
    0 is no word. Raises UserError (file:line) for what is none."""
    info = {"system": "kaldi", "graph": "word_arcs", "frame_shift_ms": 10.0, "acoustic_scale": 1.0, "word_score": 0.0}
    yield from _compact(path, {number: quote(word) for number, word in words.items()} | {0: ""}, info)


def _compact(path: Path, symbols: Mapping[int, str], info: dict[str, Any]) -> Iterator[Lattice]:
    for key, number, lines in _blocks(path):
        try:
            yield _lattice(info, key, *_kaldi_arcs(lines, symbols))
        except (KeyError, ValueError, IndexError, TypeError, OverflowError) as error:
            raise UserError(f"{path}:{number}: no compact lattice ({error!r}); write it again") from error


def read_openfst(folder: Path | str) -> Iterator[Lattice]:
    """The lattices of fst.txt, with the frames of frames.txt; both scores are together in ``language``.

    Raises UserError (file:line) for what is none."""
    folder = Path(folder)
    info, labels, words = _info(folder), read_symbols(folder / "labels.txt"), read_symbols(folder / "words.txt")
    frames = dict(line.split(maxsplit=1) for _, line in numbered_lines(folder / "frames.txt") if " " in line.strip())
    path = folder / "fst.txt"
    for key, number, lines in _blocks(path):
        try:
            arcs = [
                (int(a), int(b), labels[int(i)], words[int(o)], 0.0, -float(cost)) for a, b, i, o, cost in lines[:-1]
            ]
            yield _lattice(info, key, np.array(frames[key].split(), np.int32), arcs)
        except (KeyError, ValueError, IndexError, TypeError, OverflowError) as error:
            raise UserError(f"{path}:{number}: no lattice ({error!r}); write it again") from error


def _info(folder: Path) -> dict[str, Any]:
    path = folder / "info.json"
    try:
        info = read_json(path)
        if info["version"] != VERSION or not isinstance(info["utterances"], dict):
            raise ValueError(f"version {info['version']}, this program reads {VERSION}")
        kinds = dict(zip(SHARED, (str, str, float, float, float)))
        return {name: kind(info[name]) for name, kind in kinds.items()} | {"utterances": info["utterances"]}
    except (OSError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{path}: does not say what the lattices are ({error!r}); write them again") from error


def read_symbols(path: Path) -> dict[int, str]:
    """A symbol table of OpenFst: number -> name as it is in the file; 0 is "". UserError with file and line."""
    names: dict[int, str] = {}
    for number, line in numbered_lines(path):
        try:
            name, index = line.split()
            names[int(index)] = name
        except ValueError:
            raise UserError(f"{path}:{number}: {line[:80]!r} is not `SYMBOL NUMBER`; write them again") from None
    return names | {0: ""}


def _blocks(path: Path) -> Iterator[Block]:
    """Kaldi's text tables: a line with the key, the lines of its value, an empty line."""
    key, began = "", 0
    lines: list[list[str]] = []
    for number, line in numbered_lines(path):
        fields = line.split()
        if not began and len(fields) == 1:
            key, began, lines = fields[0], number, []
        elif began and fields:
            lines.append(fields)
        elif began:
            yield key, began, lines
            began = 0
        elif fields:
            raise UserError(f"{path}:{number}: {line[:80]!r} where an utterance should begin; write the lattices again")
    if began:
        yield key, began, lines


def _kaldi_arcs(lines: list[list[str]], symbols: Mapping[int, str]) -> tuple[np.ndarray, list[tuple]]:
    """Frames of the nodes and (from, to, label, word, acoustic, language) of the arcs, nodes in the order of time."""
    arcs, ends, start = [], {}, int(lines[0][0])
    for fields in lines:
        if len(fields) <= 2:
            ends[int(fields[0])] = _weight(fields[1] if len(fields) == 2 else "0,0,")
        else:
            label, _, word = symbols[int(fields[2])].partition("=")
            weight = _weight(fields[3] if len(fields) == 4 else "0,0,")
            arcs.append((int(fields[0]), int(fields[1]), label, word, *weight))
    if len(ends) != 1 or next(iter(ends.values())) != (0.0, 0.0, 0) or any(arc[0] in ends for arc in arcs):
        end = max(max(arc[:2]) for arc in arcs) + 1
        arcs += [(state, end, "", "", *weight) for state, weight in ends.items()]
    else:
        end = next(iter(ends))
    frame, order = _times(arcs, start)
    if all(a < b for a, b, *_ in arcs):
        order = {state: state for state in order}  # they are in order, and stay in theirs
    number = {state: i for i, state in enumerate(sorted(order, key=lambda s: (s == end, frame[s], order[s])))}
    return (
        np.array([frame[state] for state in number], np.int32),
        [(number[a], number[b], label, word, -acoustic, -graph) for a, b, label, word, graph, acoustic, _ in arcs],
    )


def _weight(text: str) -> tuple[float, float, int]:
    """Graph cost, acoustic cost and frames of `graph,acoustic,id_id_...`."""
    graph, acoustic, ids = text.split(",")
    return float(graph), float(acoustic), len(ids.split("_")) if ids else 0


def _times(arcs: list[tuple], start: int) -> tuple[dict[int, int], dict[int, int]]:
    """Frame and topological rank of every state (Kahn 1962). Raises ValueError if a cycle or two lengths lead there."""
    leaving: dict[int, list[tuple[int, int]]] = {}
    waiting: dict[int, int] = {}
    for a, b, *_, frames in arcs:
        leaving.setdefault(a, []).append((b, frames))
        waiting[b] = waiting.get(b, 0) + 1
    frame, ready = {start: 0}, [start]
    order: dict[int, int] = {}
    while ready:
        state = ready.pop()
        order[state] = len(order)
        for after, frames in leaving.get(state, ()):
            if frame.setdefault(after, frame[state] + frames) != frame[state] + frames:
                raise ValueError(f"ways of different lengths to state {after}")
            waiting[after] -= 1
            if not waiting[after]:
                ready.append(after)
    if any(waiting.values()):
        raise ValueError("a cycle, or a state that the start does not reach")
    return frame, order


def _lattice(info: dict[str, Any], key: str, frames: np.ndarray, arcs: list[tuple]) -> Lattice:
    own = info["utterances"][key] if "utterances" in info else {"num_frames": frames[-1], "beam": None}
    start, end, label, word, acoustic, language = zip(*sorted(arcs, key=lambda arc: arc[0]))
    lattice = Lattice(
        utterance=unquoted(key),
        num_frames=int(own["num_frames"]),
        **{name: info[name] for name in SHARED},
        node_frame=frames,
        arc_from=np.array(start, np.int32),
        arc_to=np.array(end, np.int32),
        label=[unquoted(name) for name in label],
        word=[unquoted(name) for name in word],
        acoustic=np.array(acoustic, float),
        language=np.array(language, float),
        posterior=np.zeros(len(arcs)),
        beam=np.inf if own["beam"] is None else float(own["beam"]),
    )
    check_lattice(lattice)
    forward_backward(lattice)
    return lattice
