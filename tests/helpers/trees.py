"""An experiment of two systems, hand-made."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile

from pipeline.datadir import Utterance, write_datadir
from pipeline.lattice import Lattice, forward_backward, packed_lattice, write_lattices

ROOT = Path(__file__).parents[2]


SYSTEMS = ("old", "new")


# An id and a word that would break a careless page.
ODD_ID, ODD_WORD = 'u4<i>&"x', "</SCRIPT><B>'\"&"


WORDS = {"u1": ("THE", "CAT"), "u2": ("SAT",), "u3": ("THE", "CAT", "SAT"), ODD_ID: (ODD_WORD,)}


PRONUNCIATIONS = {"THE": "DH AH", "CAT": "K AE T", "SAT": "S AE T", ODD_WORD: "AH"}


HEARD_WORDS = {
    "old": {"u1": ("THE", "SAT"), "u2": (), "u3": ("THE", "CAT", "SAT"), ODD_ID: (ODD_WORD, ODD_WORD)},
    "new": {"u1": ("THE", "CAT"), "u2": ("SAT",), "u3": ("THE", "CAT"), ODD_ID: (ODD_WORD,)},
}


HEARD_FREE = {
    "old": {"u1": "DH AH K EH T", "u2": "S AE", "u3": "DH AH K AE T S EH T", ODD_ID: "AH"},
    "new": {"u1": "DH AH K AE T", "u2": "S AE T T", "u3": "DH AH K AE T S AE T", ODD_ID: "AH"},
}


STEP = 0.08  # seconds a phone


def phones_of(words: tuple[str, ...]) -> list[str]:
    return " ".join(PRONUNCIATIONS[word] for word in words).split()


def spoken(phones: list[str]) -> list[tuple[str, float, float]]:
    """Silence, the phones one after another, silence."""
    return [(phone, round(STEP * i + 0.01, 3), STEP) for i, phone in enumerate(["SIL", *phones, "SIL"])]


def word_times(words: tuple[str, ...]) -> list[tuple[str, float, float]]:
    times, start = [], STEP + 0.01
    for word in words:
        length = STEP * len(PRONUNCIATIONS[word].split())
        times.append((word, round(start, 3), length))
        start += length
    return times


def write_table(path: Path, table: dict[str, list[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(" ".join([key, *values]) + "\n" for key, values in sorted(table.items())))


def write_ctm(path: Path, table: dict[str, list[tuple[str, float, float]]]) -> None:
    path.write_text(
        "".join(
            f"{key} 1 {start:.3f} {length:.3f} {label} 0.500\n"
            for key, segments in sorted(table.items())
            for label, start, length in segments
        )
    )


def chain_lattice(utterance: str, system: str, phones: list[str]) -> Lattice:
    """The given phones in a chain; beside each but the silences a UH with a quarter of the posterior."""
    arcs = [
        (i, phone, score)
        for i, phone in enumerate(["SIL", *phones, "SIL"])
        for phone, score in ([(phone, 0.75), ("UH", 0.25)] if phone != "SIL" else [(phone, 1.0)])
    ]
    number = len(phones) + 2
    lattice = Lattice(
        utterance,
        system,
        "free",
        10.0,
        8 * number,
        0.1,
        0.0,
        8 * np.arange(number + 1, dtype=np.int32),
        np.array([i for i, _, _ in arcs], np.int32),
        np.array([i + 1 for i, _, _ in arcs], np.int32),
        [phone for _, phone, _ in arcs],
        [""] * len(arcs),
        np.full(len(arcs), -400.0),
        np.log([score for _, _, score in arcs]),
    )
    forward_backward(lattice)
    return lattice


def make_trees(root: Path) -> tuple[Path, Path]:
    """Write ``exp/tiny`` and ``data/tiny`` as the other stages would; returns both."""
    exp, data = root / "exp" / "tiny", root / "data" / "tiny"
    utterances, rng = [], np.random.default_rng(0)
    for number, (name, words) in enumerate(WORDS.items()):
        length = round(8000 * (STEP * (len(phones_of(words)) + 2) + 0.02))
        tone = 0.4 * np.sin(2 * np.pi * 1000 * np.arange(length) / 8000) + 0.001 * rng.standard_normal(length)
        wav = root / f"{number}.wav"
        soundfile.write(wav, tone, 8000, subtype="PCM_16")
        utterances.append(Utterance(name, "s1", wav, words, length))
    write_datadir(data / "test", utterances)
    (data / "lang").mkdir()
    (data / "lang" / "lang.json").write_text(
        json.dumps({"vocab": "closed", "order": 3, "test_oov_rate": 12.5, "test_perplexity": 61.25})
    )
    (data / "lang" / "phones.txt").write_text(
        "".join(f"{phone} {number}\n" for number, phone in enumerate("<eps> SIL AE AH DH IY K S T".split()))
    )
    pronunciations = [*PRONUNCIATIONS.items(), ("THE", "DH IY")]
    (data / "lang" / "reference_lexicon.txt").write_text(
        "".join(f"{word} 1.0 {phones}\n" for word, phones in pronunciations)
    )
    aligned = {name: spoken(phones_of(words)) for name, words in WORDS.items()}
    write_table(exp / "gmm" / "ali_test" / "reference.txt", {k: [p for p, _, _ in v] for k, v in aligned.items()})
    write_table(exp / "gmm" / "ali_test" / "phones.txt", {k: [p for p, _, _ in v] for k, v in aligned.items()})
    write_ctm(exp / "gmm" / "ali_test" / "phones.ctm", aligned)
    write_ctm(exp / "gmm" / "ali_test" / "words.ctm", {name: word_times(words) for name, words in WORDS.items()})
    for system in SYSTEMS:
        write_decode(exp, system)
    (exp / "old" / "meta.json").write_text(json.dumps({"system": "old", "train_seconds": 3.14, "parameters": 1234}))
    return exp, data


def write_decode(exp: Path, system: str) -> None:
    decode, words = exp / system / "decode_test", HEARD_WORDS[system]
    write_table(decode / "hyp.txt", {k: list(v) for k, v in words.items()})
    write_table(decode / "phones.txt", {k: ["SIL", *phones_of(v)] for k, v in words.items()})
    write_table(decode / "free.txt", {k: [*v.split(), "SIL"] for k, v in HEARD_FREE[system].items()})
    write_ctm(decode / "words.ctm", {k: word_times(v) for k, v in words.items()})
    write_ctm(decode / "phones.ctm", {k: spoken(phones_of(v)) for k, v in words.items()})
    write_ctm(decode / "free.ctm", {k: spoken(v.split()) for k, v in HEARD_FREE[system].items()})
    # The new system searches with the old one's model: its training figures are the old one's.
    (decode / "decode.json").write_text(json.dumps({"system": system, "rtf": 0.0123, "model": str(exp / "old")}))
    with write_lattices(decode / "lattices" / "free") as append:
        for name, phones in HEARD_FREE[system].items():
            append(name, packed_lattice(chain_lattice(name, system, phones.split())))


def run_stage(stage: str, exp: Path, data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"stages.{stage}", "--exp", str(exp), "--data", str(data)]
        + ["--reference", "gmm", *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
