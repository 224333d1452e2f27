"""An experiment of two systems, ``old`` and ``new``, with all that other stages leave for the report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from helpers.features import as_it_is, write_feats
from helpers.trees import (
    HEARD_WORDS,
    ODD_ID,
    ODD_WORD,
    STEP,
    SYSTEMS,
    WORDS,
    chain_lattice,
    make_trees,
    phones_of,
    run_stage,
)

from lexicon.files import write_json
from lexicon.phones import INVENTORY
from pipeline.align.alignments import PlacedPhone, PlacedUtterance, write_alignment
from pipeline.align.boundaries import TSV
from pipeline.align.peaks import HEADER
from pipeline.compare import cause_tables
from pipeline.compare.causes import Wrong
from pipeline.hmm.gmm import flat_start
from pipeline.lattice import difference, packed_lattice, write_lattices
from pipeline.lattice.difference import Tally
from pipeline.neural import history
from pipeline.neural.config import EncoderConfig
from pipeline.neural.model import CtcModel, Encoder, save_model
from pipeline.times.segments import Segment

__all__ = ["HEARD_WORDS", "ODD_ID", "ODD_WORD", "STEP", "SYSTEMS", "WORDS", "make_trees", "phones_of", "run_stage"]

LEARNED = [history.Epoch(4.0, 100.0, 0.001, 1.7e9), history.Epoch(2.5, 40.0, 0.002, 1.7e9 + 60)]
LEARNED += [history.Epoch(0.5, 60.0, 0.001, 1.7e9 + 120)]
TOKENS = ["<blk>", "AE", "AH", "DH", "EH", "K", "S", "T"]


def with_models(exp: Path, data: Path) -> None:
    """A GMM that is sure of the phone of each frame behind ``old``, a sharp but untrained CTC network behind ``new``.

    Feature number i is high where the i-th phone is spoken; the GMM's states of that phone expect so.
    """
    phones = ["SIL", *TOKENS[1:]]
    gmm = flat_start(phones, np.zeros(39), np.ones(39))
    for number, phone in enumerate(phones):
        gmm.means[list(gmm.transitions.decisions.pdfs(phone)), number] = 6.0
    gmm.save(exp / "old" / "model.safetensors")
    described = {"front_end": as_it_is().as_json()}
    meta = json.loads((exp / "old" / "meta.json").read_text())
    (exp / "old" / "meta.json").write_text(json.dumps(meta | {"kind": "gmm", **described}))
    torch.manual_seed(1)
    network = Encoder(EncoderConfig("tdnn", 39, len(TOKENS), 8, 1, 0, 3, 0.1)).eval()
    with torch.no_grad():
        network.output.weight *= 40
    save_model(
        exp / "new",
        CtcModel(network, TOKENS, np.log(np.full(8, 1 / 8, np.float32))),
        {"train_seconds": 2.5, "prior_scale": 0.6, **described, "best_epoch": 2, "history": history.as_json(LEARNED)},
    )
    decode = exp / "new" / "decode_test" / "decode.json"
    decode.write_text(json.dumps(json.loads(decode.read_text()) | {"model": str(exp / "new")}))
    feats = {}
    for name, words in WORDS.items():
        spoken = ["SIL", *phones_of(words), "SIL"]
        feats[name] = np.zeros((8 * len(spoken), 39), np.float32)
        feats[name][np.arange(len(feats[name])), np.repeat([phones.index(phone) for phone in spoken], 8)] = 6.0
    write_feats(data / "test", dict(sorted(feats.items())))


def with_placements(exp: Path) -> None:
    """The known text as both place it: new puts the first vowel of u1 30 ms later, everything else 10 ms."""
    for system in SYSTEMS:
        table = {}
        for name, words in WORDS.items():
            said = ["SIL", *phones_of(words), "SIL"]
            late = [
                0 if system == "old" or i == 0 else 3 if (name, i) == ("u1", 2) else 1 for i in range(len(said))
            ] + [0]
            segments = [
                Segment(phone, 8 * i + late[i], 8 * (i + 1) + late[i + 1], -1 if phone == "SIL" else 0)
                for i, phone in enumerate(said)
            ]
            table[name] = PlacedUtterance(
                8 * len(said),
                [PlacedPhone(s, -4.5, 0.625, -1.5) for s in segments],
                [(Segment(words[0], 8, 8 * len(said) - 8, 0), 0.5)],
            )
        write_alignment(exp / system / "ali_test" / "alignment.json", table.items())


def with_word_lattices(exp: Path, system: str, utterances: Sequence[str]) -> None:
    """The words heard, each on its first phone; A, which is said UH, in place of each."""
    with write_lattices(exp / system / "decode_test" / "lattices" / "words") as append:
        for name in utterances:
            words = HEARD_WORDS[system][name]
            lattice = chain_lattice(name, system, phones_of(words))
            begins = {1 + sum(len(phones_of((word,))) for word in words[:i]): word for i, word in enumerate(words)}
            words_on_arcs = [
                begins.get(node, "") and ("A" if label == "UH" else begins[node])
                for node, label in zip(lattice.arc_from.tolist(), lattice.label)
            ]
            append(name, packed_lattice(replace(lattice, graph="words", word=words_on_arcs)))


def with_findings(exp: Path) -> None:
    """What other stages would leave: causes of old's errors, what only one considered, and a matrix."""
    found = {
        "words": {"u1": [Wrong(("CAT",), ("SAT",), 0.2475, 0.4875, (("CAT", "SAT"),), "search")]},
        "free": {
            "u1": [
                Wrong(
                    ("AE",),
                    ("EH",),
                    0.3275,
                    0.4075,
                    (("AE", "EH"),),
                    "kept",
                    {"acoustic": 1.25, "lexicon": -0.5, "language": 3.0},
                    ("language",),
                )
            ]
        },
    }
    write_json(exp / "old" / "decode_test" / "errors.json", cause_tables.as_json("old", found, INVENTORY))
    vowels = Tally(
        4,
        {"both": np.array([2, 1.0, 2.0]), "first": np.array([1, 0.5, 0]), "neither": np.zeros(3) + (1, 0, 0)},
        {"second": np.array([3, 0.0, 1.5])},
    )
    write_json(
        exp / "lattice_difference.json",
        {"systems": SYSTEMS, "utterances": 4, "classes": {"vowel": difference.as_json(vowels)}},
    )
    (exp / "matrix.tsv").write_text("system\tloop\tLM & all\nold\t50.0\t25.5\n")
    rows = [
        TSV,
        ["gold", "old", "all", "10", "12", "+1.5", *"abcdef"],
        ["gold", "old", "vowel", "4", "4", "+2.5", *"abcdef"],
        ["old", "new", "all", "9", "12", "-3.5", *"abcdef"],
    ]
    (exp / "boundaries.tsv").write_text("\n".join("\t".join(row) for row in rows) + "\n")
    rows = [HEADER, ["new", "50.0", "3.5", "0.30", "0.25", "90.0"], ["new.raw", "60.0", "1.5", "0.40", "0.35", "80.0"]]
    (exp / "peaks.tsv").write_text("\n".join("\t".join(row) for row in rows) + "\n")


def with_copies(exp: Path, number: int) -> list[str]:
    """As many systems: old and new, and copies of them with models of their own. Returns their names."""
    names = [*SYSTEMS]
    for copy in range(2, number):
        system, name = SYSTEMS[copy % 2], f"{SYSTEMS[copy % 2]}_{copy}"
        shutil.copytree(exp / system, exp / name)
        decode = exp / name / "decode_test" / "decode.json"
        decode.write_text(json.dumps(json.loads(decode.read_text()) | {"system": name, "model": str(exp / name)}))
        names.append(name)
    return names
