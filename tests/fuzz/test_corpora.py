"""Damaged corpora: data directories, recordings and label files of one's own, the corpora that come built in."""

from __future__ import annotations

import gzip
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from bad_inputs.damage import BYTES, GZIPPED_JSON_LINES, TEXT
from helpers.corpora import ANN, BOB, chapter, language, small_tree

from fuzz.reader import Reader, check_reader, put, tone, write_grid
from lexicon.errors import at
from lexicon.given import written_with
from lexicon.text import numbered_lines, unfit
from pipeline.corpora import commonvoice, librispeech, own, timit
from pipeline.corpora.prepared import SETS
from pipeline.datadir import Utterance, read_datadir, write_datadir
from pipeline.datadir.check import Check


def datadir(folder: Path) -> None:
    utterances = [Utterance(f"u{n}", f"s{n % 2}", folder / "a.wav", ("BUGS", "BUNNY"), 1600) for n in range(4)]
    tone(folder / "a.wav")
    write_datadir(folder / "data", utterances)


def segmented(folder: Path) -> None:
    datadir(folder)
    (folder / "data/wav.scp").write_text(f"r {folder}/a.wav\n")
    (folder / "data/segments").write_text("".join(f"u{n} r 0.0{n} 0.1{n}\n" for n in range(4)))


def read_data(folder: Path) -> None:
    for utterance in read_datadir(folder / "data"):
        assert utterance.wav.is_file() and utterance.words and 0 < utterance.num_samples < 10**16
        assert utterance.cut is None or 0 <= utterance.cut.start < utterance.cut.end


def check_data(folder: Path) -> None:
    for problem in Check(folder / "data").problems():
        assert str(problem)


def kaldi(folder: Path) -> None:
    segmented(folder)
    (folder / "data/phones.ctm").write_text("u0 1 0.01 0.05 AH\nu0 1 0.06 0.02 B\n")


def recordings(folder: Path) -> None:
    for name in ("ann/one", "ann/two", "bob/one"):
        tone(folder / f"data/{name}.wav")
    (folder / "data/ann/one.txt").write_text("Bugs Bunny, 32 times.\n")
    (folder / "data/ann/two.lab").write_text("bunny\n")
    write_grid(folder / "data/bob/one.TextGrid")


def labelled(folder: Path) -> None:
    """Words and phones with times as HTK, Audacity and TIMIT write them."""
    for name in ("htk", "audacity", "timit"):
        tone(folder / f"data/{name}.wav")
    (folder / "data/htk.lab").write_text("0 1000000 bugs\n1000000 2000000 bunny\n")
    (folder / "data/audacity.txt").write_text("0.000000\t0.100000\tbugs\n0.100000\t0.200000\tbunny\n")
    (folder / "data/timit.wrd").write_text("0 800 bugs\n800 1600 bunny\n")
    (folder / "data/timit.phn").write_text("0 800 b\n800 1600 ah\n")


def laid_out(folder: Path) -> None:
    """Three corpora as their publishers lay them out, each in a folder."""
    tone(folder / "lj/wavs/LJ001-0001.wav")
    (folder / "lj/metadata.csv").write_text("LJ001-0001|Bugs, 2.|Bugs, two.\n")
    tone(folder / "vctk/wav48/p225/p225_001.wav")
    (folder / "vctk/txt/p225").mkdir(parents=True)
    (folder / "vctk/txt/p225/p225_001.txt").write_text("Bugs Bunny.\n")
    tone(folder / "libri/84/121/84-121-0000.flac")
    (folder / "libri/84/121/84-121.trans.txt").write_text("84-121-0000 BUGS BUNNY\n")


def read_layouts(folder: Path) -> None:
    for name in ("lj", "vctk", "libri"):
        for utterance in (u for members in own.read(folder / name).sets.values() for u in members):
            assert utterance.wav.is_file() and utterance.words


def read_written(folder: Path) -> None:
    """Every word is one, in NFC, and reads as itself."""
    written = written_with(folder / "lexicon.txt")
    for number, line in numbered_lines(folder / "a.txt"):
        with at(f"{folder}/a.txt:{number}"):
            words = written.words(line)
        assert all(not unfit(word) and unicodedata.is_normalized("NFC", word) for word in words)


def lhotse(folder: Path) -> None:
    tone(folder / "data/a.wav")
    recording = {
        "id": "r",
        "sources": [{"type": "file", "channels": [0], "source": str(folder / "data/a.wav")}],
        "sampling_rate": 8000,
        "num_samples": 1600,
        "duration": 0.2,
        "channel_ids": [0],
    }
    said = {
        "id": "u",
        "recording_id": "r",
        "start": 0.0,
        "duration": 0.15,
        "channel": 0,
        "text": "bunny",
        "speaker": "s",
    }
    for name, value in (("recordings", recording), ("supervisions", said)):
        (folder / f"data/{name}.jsonl.gz").write_bytes(gzip.compress(json.dumps(value).encode()))


def read_own(folder: Path) -> None:
    found = own.read(folder / "data")
    for utterance in (u for members in found.sets.values() for u in members):
        assert utterance.wav.is_file() and utterance.words


def corpus(module: ModuleType, root: str) -> Callable[[Path], None]:
    """A corpus that comes built in, prepared, written, and read again."""

    def read(folder: Path) -> None:
        prepared = module.prepare(folder / root)
        for name, utterances in prepared.sets.items():
            write_datadir(folder / name, utterances)
            assert read_datadir(folder / name) == utterances
        assert all(0 <= i.start < i.end for gold in prepared.gold.values() for i in (*gold.phones, *gold.words))

    return read


TABLES = ("wav.scp", "text", "utt2spk", "spk2utt", "utt2num_samples")


READERS = [
    Reader("data directory", datadir, {f"data/{name}": TEXT for name in TABLES}, read_data),
    Reader("segments", segmented, {f"data/{name}": TEXT for name in ("wav.scp", "segments", "text")}, read_data),
    Reader(
        "make check",
        segmented,
        {**{f"data/{name}": TEXT for name in (*TABLES, "segments")}, "a.wav": BYTES},
        check_data,
    ),
    Reader(
        "Kaldi's data directory",
        kaldi,
        {f"data/{name}": TEXT for name in ("wav.scp", "segments", "phones.ctm")},
        read_own,
    ),
    Reader(
        "label files",
        labelled,
        dict.fromkeys(("data/htk.lab", "data/audacity.txt", "data/timit.wrd", "data/timit.phn"), TEXT),
        read_own,
    ),
    Reader(
        "layouts",
        laid_out,
        dict.fromkeys(("lj/metadata.csv", "vctk/txt/p225/p225_001.txt", "libri/84/121/84-121.trans.txt"), TEXT),
        read_layouts,
    ),
    Reader(
        "written text",
        lambda folder: [
            put("a.txt", "Die Maße, l'été; नमस्ते दुनिया! [cough] th- a: ภาษา 3D\n")(folder),
            put("lexicon.txt", "Maße m\nl' l\nété e\nनमस्ते n\na: a\nภาษา p\n3D d\n[cough] NSN\n")(folder),
        ],
        {"a.txt": TEXT, "lexicon.txt": TEXT},
        read_written,
    ),
    Reader(
        "folder of recordings",
        recordings,
        {"data/ann/one.txt": TEXT, "data/ann/two.lab": TEXT, "data/bob/one.TextGrid": TEXT},
        read_own,
    ),
    Reader(
        "lhotse manifests",
        lhotse,
        {f"data/{name}.jsonl.gz": GZIPPED_JSON_LINES for name in ("recordings", "supervisions")},
        read_own,
    ),
    Reader(
        "timit",
        lambda folder: small_tree(folder / "timit"),
        {f"timit/TRAIN/DR1/FCJF0/SI648.{ending}": TEXT for ending in ("PHN", "WRD", "TXT", "WAV")},
        corpus(timit, "timit"),
    ),
    Reader(
        "librispeech",
        lambda folder: chapter(folder, "train-clean-100", 19, 198, 12),
        {"LibriSpeech/train-clean-100/19/198/19-198.trans.txt": TEXT},
        corpus(librispeech, "LibriSpeech"),
    ),
    Reader(
        "commonvoice",
        lambda folder: language(folder, "cy", {name: [(ANN, "Croeso"), (BOB, "Mae'r")] for name in SETS}),
        {f"cy/{name}.tsv": TEXT for name in SETS},
        corpus(commonvoice, "cy"),
    ),
]


@pytest.mark.filterwarnings("error")  # a stage would print them
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_whatever_comes_is_a_valid_value_or_one_line(reader: Reader, tmp_path: Path) -> None:
    check_reader(reader, tmp_path / "f")
