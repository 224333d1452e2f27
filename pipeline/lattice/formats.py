"""A lattice as JSON, in which it is stored, and in HTK's Standard Lattice Format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from lexicon.errors import UserError
from lexicon.files import read_json, write_lines
from lexicon.text import numbered_lines
from pipeline.lattice.paths import best_path
from pipeline.lattice.schema import VERSION, Lattice, check_lattice

NULL = "!NULL"  # HTK's name for an arc without a word
FIELDS = ("from", "to", "label", "word", "acoustic", "language", "posterior")  # of an arc in JSON


def to_json(lattice: Lattice) -> dict[str, Any]:
    """The lattice as plain values, as `pipeline.lattice.schema` describes them: ``nodes`` are frames, ``arcs`` are
    [from, to, label, word, acoustic, language, posterior], ``best`` are the arcs of the best path in order, ``beam`` is
    null where it is infinite."""
    arcs = [
        [int(a), int(b), label, word, round(float(ac), 4), round(float(lm), 4), round(float(post), 6)]
        for a, b, label, word, ac, lm, post in zip(
            lattice.arc_from,
            lattice.arc_to,
            lattice.label,
            lattice.word,
            lattice.acoustic,
            lattice.language,
            lattice.posterior,
        )
    ]
    return {
        "version": VERSION,
        "utterance": lattice.utterance,
        "system": lattice.system,
        "graph": lattice.graph,
        "frame_shift_ms": lattice.frame_shift_ms,
        "num_frames": lattice.num_frames,
        "acoustic_scale": lattice.acoustic_scale,
        "word_score": lattice.word_score,
        "beam": lattice.beam if np.isfinite(lattice.beam) else None,
        "nodes": [int(frame) for frame in lattice.node_frame],
        "arcs": arcs,
        "best": best_path(lattice),
    }


def json_line(lattice: Lattice) -> str:
    """The lattice as compact JSON, without a line end."""
    return json.dumps(to_json(lattice), separators=(",", ":"), ensure_ascii=False)


def from_json(value: dict[str, Any], source: Path | str = "lattice") -> Lattice:
    """Read what `to_json` gave. Raises UserError naming ``source`` if it is no such lattice."""
    try:
        if value["version"] != VERSION:
            raise ValueError(f"version {value['version']}, this program reads {VERSION}")
        arcs = ([arc[name] for name in FIELDS] if isinstance(arc, dict) else arc for arc in value["arcs"])
        start, end, label, word, acoustic, language, posterior = zip(*arcs)
        lattice = Lattice(
            str(value["utterance"]),
            str(value["system"]),
            str(value["graph"]),
            float(value["frame_shift_ms"]),
            int(value["num_frames"]),
            float(value["acoustic_scale"]),
            float(value["word_score"]),
            np.array(value["nodes"], np.int32),
            np.array(start, np.int32),
            np.array(end, np.int32),
            [str(x) for x in label],
            [str(x) for x in word],
            np.array(acoustic, float),
            np.array(language, float),
            np.array(posterior, float),
            np.inf if value["beam"] is None else float(value["beam"]),
        )
        check_lattice(lattice)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        what = error if isinstance(error, ValueError) else repr(error)
        raise UserError(f"{source}: not a phone lattice of phonoscope ({what}); {again(source)}") from error
    return lattice


def again(source: Path | str) -> str:
    """How a lattice is made again, for messages."""
    folder = Path(source).parent.parent.parent  # of decode_test/lattices/GRAPH/lattices.jsonl.gz
    return (
        f"decode again: remove {folder / 'hyp.txt'} and run: make"
        if folder.name.startswith("decode_")
        else "decode again"
    )


def write_json_lattice(lattice: Lattice, path: Path | str) -> None:
    """Write one lattice as JSON for people and their programs: as `to_json`, but each arc is an object on a line of its
    own, with the names of its FIELDS."""
    value = to_json(lattice)
    arcs = [json.dumps(dict(zip(FIELDS, arc)), ensure_ascii=False) for arc in value.pop("arcs")]
    head = json.dumps(value, ensure_ascii=False).removesuffix("}")
    write_lines(path, [f'{head}, "arcs": [', *(f"{arc}," for arc in arcs[:-1]), *arcs[-1:], "]}"])


def read_json_lattice(path: Path | str) -> Lattice:
    """Read one lattice. Raises UserError naming the file if there is none or it is damaged."""
    try:
        value = read_json(path)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such lattice; {again(path)}") from error
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error}); {again(path)}") from error
    return from_json(value, path)


def write_slf(lattice: Lattice, path: Path | str) -> None:
    """HTK Standard Lattice Format (HTK Book, ch. 20): one phone per arc, times in seconds, natural logs, posteriors."""
    quoted = {word: quote(word) for word in {*lattice.label, *lattice.word}}
    shift = lattice.frame_shift_ms / 1000
    lines = [
        "VERSION=1.0",
        f"UTTERANCE={quote(lattice.utterance)}",
        f"base={np.e:.8f}",
        f"acscale={lattice.acoustic_scale:.10g}",
        "lmscale=1.0",
        "wdpenalty=0.0",
        f"tscale={shift:.6g}",
        f"# system={lattice.system} graph={lattice.graph} word_score={lattice.word_score:.10g}"
        f" num_frames={lattice.num_frames} version={VERSION} beam={lattice.beam:.10g}",
        f"N={lattice.num_nodes} L={len(lattice.label)}",
    ]
    lines += [f"I={node} t={frame}" for node, frame in enumerate(lattice.node_frame)]
    lines += [
        f"J={arc} S={a} E={b} W={quoted[label]} w={quoted[word]} a={ac:.10g} l={lm:.10g} p={post:.8g}"
        for arc, (a, b, label, word, ac, lm, post) in enumerate(
            zip(
                lattice.arc_from,
                lattice.arc_to,
                lattice.label,
                lattice.word,
                lattice.acoustic,
                lattice.language,
                lattice.posterior,
            )
        )
    ]
    write_lines(path, lines)


def quote(word: str) -> str:
    """A name as one field: empty is !NULL; what would break the line is percent-coded (HTK has no rule for blanks)."""
    coded = "".join(
        c if c.isprintable() and c not in " %=\"'\\#" else "".join(f"%{byte:02X}" for byte in c.encode()) for c in word
    )
    return coded.replace("!", "%21") if coded == NULL else coded or NULL


def unquoted(field_value: str) -> str:
    return "" if field_value == NULL else unquote(field_value, errors="strict")


def read_slf(path: Path | str) -> Lattice:
    """Read what `write_slf` wrote. Raises UserError (file:line) for what is no such lattice."""
    path = Path(path)
    header: dict[str, str] = {}
    nodes: list[int] = []
    arcs: list[dict[str, str]] = []
    number = 0
    if not path.is_file():
        raise UserError(f"{path}: no such lattice; {again(path)}")
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
        if header.get("version", "1") != str(VERSION):
            raise ValueError(f"version {header.get('version', '1')}, this program reads {VERSION}")
        lattice = Lattice(
            utterance=unquoted(header["UTTERANCE"]),
            system=header["system"],
            graph=header["graph"],
            frame_shift_ms=float(header["tscale"]) * 1000,
            num_frames=int(header["num_frames"]),
            acoustic_scale=float(header["acscale"]),
            word_score=float(header["word_score"]),
            node_frame=np.array(nodes, np.int32),
            arc_from=np.array([int(arc["S"]) for arc in arcs], np.int32),
            arc_to=np.array([int(arc["E"]) for arc in arcs], np.int32),
            label=[unquoted(arc["W"]) for arc in arcs],
            word=[unquoted(arc["w"]) for arc in arcs],
            acoustic=np.array([float(arc["a"]) for arc in arcs]),
            language=np.array([float(arc["l"]) for arc in arcs]),
            posterior=np.array([float(arc["p"]) for arc in arcs]),
            beam=float(header["beam"]),
        )
        if int(header["N"]) != len(nodes) or int(header["L"]) != len(arcs):
            raise ValueError(f"{len(nodes)} nodes and {len(arcs)} arcs, N={header['N']} L={header['L']} promised")
        check_lattice(lattice)
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        where = f"{path}:{number}" if number else f"{path}"
        raise UserError(f"{where}: not an SLF lattice of phonoscope ({error!r}); {again(path)}") from error
    return lattice
