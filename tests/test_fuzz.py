"""Whatever bytes come, a reader gives a sound value or a UserError, soon, and in little memory.

In `make test` a few examples, always the same; bench/fuzz.sh tries other ones for as long as it is told.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import resource
import shutil
import signal
import sys
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pytest
import soundfile
from bad_inputs.damage import BYTES, GZIPPED_JSON_LINES, JSON, TENSORS, TEXT
from helpers.corpora import ANN, BOB, chapter, language, small_tree
from helpers.langs import BUGS_ARPA, make_lang
from helpers.models import save_frames, save_gmm
from helpers.trees import chain_lattice
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lexicon.dictionary import read_lexicon
from lexicon.errors import UserError, at
from lexicon.files import write_json
from lexicon.fold import read_fold
from lexicon.given import read_given, written_with
from lexicon.lang import load_lang
from lexicon.ngram import read_arpa
from lexicon.pauses import Pauses, write_pauses
from lexicon.phone_sets import read_phone_set
from lexicon.text import numbered_lines, read_text, unfit
from pipeline.align.alignments import PlacedPhone, PlacedUtterance, read_alignment, write_alignment
from pipeline.base.archive import Archive, write_archive
from pipeline.compare.results import read_fields
from pipeline.corpora import commonvoice, librispeech, own, timit
from pipeline.corpora.prepared import SETS
from pipeline.corpora.unpack import extract
from pipeline.datadir import Utterance, read_datadir, write_datadir
from pipeline.datadir.check import Check
from pipeline.datadir.feats import Features, read_feats
from pipeline.draw.lattice_svg import lattice_dot, lattice_svg
from pipeline.draw.lattice_text import lattice_page
from pipeline.lattice import (
    Lattice,
    LatticeArchive,
    best_path,
    depth,
    forward_backward,
    packed_lattice,
    read_json_lattice,
    read_slf,
    write_json_lattice,
    write_lattices,
    write_slf,
)
from pipeline.lattice.text_archives import read_kaldi, read_openfst, write_text_archives
from pipeline.neural.model import CtcModel, Encoder, EncoderConfig, save_model
from pipeline.report.others import difference_table, read_causes, tsv_table
from pipeline.search.tuning import read_tuning
from pipeline.sound.audio import audio_info, read_audio
from pipeline.sound.mfcc import FeatureSettings
from pipeline.sound.recording import read_recording
from pipeline.systems import load_system
from pipeline.times.intervals import read_ctm
from pipeline.times.segments import Segment
from pipeline.times.textgrid import read_textgrid, write_textgrid

SECONDS, MEMORY = 60, 400 << 20  # for one file, beside what is imported
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", 0))  # of each reader; 0: a few, the same every time
PROFILE = settings(
    max_examples=EXAMPLES or 60,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
WORDS = ["BUGS 1.0 B AH G Z", "BUNNY 1.0 B AH N IY"]


class Reader(NamedTuple):
    """``build`` writes sound files into a folder, ``damages`` says how each may be damaged, ``read`` reads the folder
    and asserts that what it got is sound."""

    name: str
    build: Callable[[Path], object]
    damages: dict[str, st.SearchStrategy]
    read: Callable[[Path], object]


def tone(path: Path, seconds: float = 0.2, rate: int = 8000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.sin(np.arange(int(seconds * rate))), rate)


# ---- what is read, and that it is sound


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
    grid(folder / "data/bob/one.TextGrid")


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


def read_own_recording(folder: Path) -> None:
    recording = read_recording(folder / "a.wav", FeatureSettings(16000, True))
    assert np.isfinite(recording.static).all() and len(recording.pieces()) > 0


def lang(folder: Path) -> None:
    made = make_lang(folder / "lang", WORDS, BUGS_ARPA)
    write_pauses(
        made.path,
        Pauses(0.5, 0.5, {(w, phones): 0.25 for w, variants in made.lexicon.items() for _, phones in variants}),
    )


def read_lang(folder: Path) -> None:
    found = load_lang(folder / "lang")
    assert found.words == sorted(found.lexicon) and "SIL" in found.phones
    assert all(
        0 < prob <= 1 and set(phones) <= set(found.phones)
        for variants in found.lexicon.values()
        for prob, phones in variants
    )


def grid(path: Path) -> None:
    write_textgrid(path, {"words": [Segment("BUNNY", 1, 9)], "phones": [Segment("B", 1, 4), Segment("AH", 4, 9)]}, 12)


def read_grid(folder: Path) -> None:
    for intervals in read_textgrid(folder / "a.TextGrid").tiers.values():
        assert all(0 <= i.start < i.end < 1e7 for i in intervals)


def aligned(folder: Path) -> None:
    phones = [
        PlacedPhone(Segment("<blk>", 0, 2), -1.5, 0.9, 0.0),
        PlacedPhone(Segment("B", 2, 9, 0), -2.5, 0.5, -0.1, (3, 5)),
    ]
    write_alignment(folder / "alignment.json", {"u1": PlacedUtterance(12, phones, [(Segment("BUNNY", 2, 9, 0), 0.5)])})


def read_aligned(folder: Path) -> None:
    found = read_alignment(folder / "alignment.json")
    for utt, u in found.items():
        write_textgrid(folder / "a.TextGrid", {"phones": u.segments, "words": [w for w, _ in u.words]}, u.num_frames)
    write_alignment(folder / "again.json", found)
    assert read_alignment(folder / "again.json").keys() == found.keys()


def lattices(folder: Path) -> None:
    lattice = chain_lattice("u1", "gmm", ["B", "AH", "N IY"])
    lattice.word[1] = "BUNNY"
    write_json_lattice(lattice, folder / "a.json")
    write_slf(lattice, folder / "a.slf")


def read_lattice(folder: Path) -> None:
    check_lattices((read_json_lattice(folder / "a.json"), read_slf(folder / "a.slf")))


def lattice_archive(folder: Path) -> None:
    with write_lattices(folder) as append:
        for utt in ("u1", "u2", "u3"):
            append(utt, packed_lattice(chain_lattice(utt, "gmm", ["B", "AH", "N IY"])))


def read_lattice_archive(folder: Path) -> None:
    archive = LatticeArchive(folder)
    check_lattices(map(archive.read, archive))


def check_lattices(lattices: Iterable[Lattice]) -> None:
    for lattice in lattices:
        assert lattice.node_frame[-1] <= lattice.num_frames and depth(lattice) >= 0
        assert np.isfinite(forward_backward(lattice)) and (lattice.posterior >= 0).all() and best_path(lattice)
        if lattice.num_frames < 10_000:
            assert lattice_page(lattice, ["B", "AH"]) and lattice_svg(lattice) and lattice_dot(lattice)


def lattice_texts(folder: Path) -> None:
    lattices = [chain_lattice(f"u{n}", "gmm", ["B", "AH", "N"]) for n in range(2)]
    lattices[1].word[1] = "BUNNY"
    write_text_archives(folder / "texts", lattices)


def read_lattice_texts(folder: Path) -> None:
    for read in (read_kaldi, read_openfst):
        for lattice in read(folder / "texts"):
            assert lattice.node_frame[-1] <= lattice.num_frames and np.isfinite(lattice.scores()).all()
            assert (0 <= lattice.posterior).all() and (lattice.posterior <= 1).all() and best_path(lattice)


def gmm(folder: Path) -> None:
    (folder / "gmm").mkdir()
    save_gmm(folder / "gmm/model.safetensors")
    write_json(folder / "gmm/meta.json", {"kind": "gmm", "features": {"sample_rate": 8000, "norm_vars": True}})


def frames(folder: Path) -> None:
    gmm(folder)
    (folder / "classifier").mkdir()
    save_frames(folder / "classifier/model.safetensors")
    write_json(folder / "classifier/meta.json", {"kind": "classifier", "hmm": str(folder / "gmm")})


def neural(folder: Path) -> None:
    (folder / "neural").mkdir()
    tokens = ["<blk>", "AH", "B"]
    network = Encoder(EncoderConfig("tdnn", 39, len(tokens), 8, 1, 0, 3, 0.1))
    save_model(
        folder / "neural", CtcModel(network, tokens, np.log(np.full(3, 1 / 3)).astype(np.float32)), {"prior_scale": 0.6}
    )


def system(name: str) -> Callable[[Path], None]:
    def read(folder: Path) -> None:
        found = load_system(folder / name)
        rows = found.scores(np.zeros((9, 39), np.float32))
        assert rows.shape == (-(-9 // found.step), len(found.topology.label_phone)) and np.isfinite(rows).all()

    return read


def feats(folder: Path) -> None:
    gmm(folder)
    (folder / "data").mkdir()
    rng = np.random.default_rng(0)
    write_archive(
        folder / "data/feats.scp", ((f"u{n}", rng.normal(size=(n + 3, 5)).astype(np.float32)) for n in range(3))
    )
    FeatureSettings(8000, True).write(folder / "data")


def read_features(folder: Path) -> None:
    found = read_feats(folder / "data", folder / "gmm")
    for utterance in found:
        assert np.isfinite(found[utterance]).all() and "/" not in utterance
    assert isinstance(found, Features)


def alignments(folder: Path) -> None:
    write_archive(folder / "ali.scp", ((f"u{n}", np.arange(n + 2, dtype=np.int32)) for n in range(3)))


def read_alignments(folder: Path) -> None:
    for labels in Archive(folder / "ali.scp").values():
        assert np.isfinite(labels).all()


def sounds(folder: Path) -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, size=(900, 2))
    for name, kind in (
        ("a.wav", "PCM_16"),
        ("f.wav", "FLOAT"),
        ("a.flac", "PCM_16"),
        ("a.ogg", "VORBIS"),
        ("a.sph", "PCM_16"),
        ("a.mp3", "MPEG_LAYER_III"),
    ):
        soundfile.write(folder / name, samples, 8000, subtype=kind, format="NIST" if name == "a.sph" else None)


def read_sounds(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        info = audio_info(path)
        assert info.num_samples > 0
        samples = read_audio(path, 8000)
        assert np.isfinite(samples).all() and np.abs(samples).max() <= 1


def archives(folder: Path) -> None:
    source = folder / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep/a.txt").write_text("a" * 700)
    (source / "link").symlink_to("deep")
    for name, mode in (("a.tar", "w"), ("a.tar.gz", "w:gz"), ("a.tar.xz", "w:xz")):
        with tarfile.open(folder / name, mode) as tar:
            tar.add(source, "corpus")
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.write(source / "deep/a.txt", "corpus/a.txt")
    shutil.rmtree(source)


def unpack(folder: Path) -> None:
    outside = sorted(folder.iterdir())
    for path in outside:
        into = folder / "into"
        into.mkdir()
        try:
            extract(path, into)
        finally:
            shutil.rmtree(into, ignore_errors=True)
            assert sorted(folder.iterdir()) == outside


def put(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text, encoding="utf-8")


TABLES = ("wav.scp", "text", "utt2spk", "spk2utt", "utt2num_samples")
LANG_FILES = (
    "phones.txt",
    "words.txt",
    "tokens.txt",
    "lexicon.txt",
    "reference_lexicon.txt",
    "lm.arpa",
    "phone_lm.arpa",
    "silence.txt",
)
TUNING = {"search": "wfst", **{name: {"acoustic_scale": 0.1, "insertion_score": 0.0} for name in ("words", "free")}}
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
    Reader("own recording", lambda folder: tone(folder / "a.wav", 0.5), {"a.wav": BYTES}, read_own_recording),
    Reader("text", put("text", "u1 BUGS BUNNY\nu2\n"), {"text": TEXT}, lambda folder: read_text(folder / "text")),
    Reader("fold.txt", put("fold.txt", "AH AX\nAO AA\n"), {"fold.txt": TEXT}, read_fold),
    Reader(
        "CTM",
        put("a.ctm", "u1 1 0.1 0.2 AH 0.9\nu1 1 0.3 0.2 B\n"),
        {"a.ctm": TEXT},
        lambda folder: read_ctm(folder / "a.ctm"),
    ),
    Reader(
        "ARPA",
        put("lm.arpa", BUGS_ARPA),
        {"lm.arpa": TEXT},
        lambda folder: read_arpa(folder / "lm.arpa").score(["<s>"], "BUGS"),
    ),
    Reader(
        "extra.txt",
        put("a.txt", "BUGS B AH G Z # rabbit\n"),
        {"a.txt": TEXT},
        lambda folder: read_lexicon(folder / "a.txt"),
    ),
    Reader(
        "given lexicon",
        put("a.txt", ";;; mine\nBUGS 0.5 B AH0 G Z\nBUGS(2) B AH1 K S\nTHE DH AH\n"),
        {"a.txt": TEXT},
        lambda folder: read_given(folder / "a.txt"),
    ),
    Reader(
        "phone set",
        put("a.txt", "A a vowel\nB b voiced stop\n"),
        {"a.txt": TEXT},
        lambda folder: read_phone_set(folder / "a.txt"),
    ),
    Reader(
        "lang directory", lang, {**{f"lang/{name}": TEXT for name in LANG_FILES}, "lang/lang.json": JSON}, read_lang
    ),
    Reader("TextGrid", lambda folder: grid(folder / "a.TextGrid"), {"a.TextGrid": TEXT}, read_grid),
    Reader("alignment.json", aligned, {"alignment.json": JSON}, read_aligned),
    Reader("lattices", lattices, {"a.json": JSON, "a.slf": TEXT}, read_lattice),
    Reader(
        "lattice archive",
        lattice_archive,
        {"lattices.jsonl.gz": BYTES, "lattices.jsonl.gz.index": TEXT},
        read_lattice_archive,
    ),
    Reader(
        "lattices of Kaldi and OpenFst",
        lattice_texts,
        {
            **{f"texts/{name}.txt": TEXT for name in ("lat", "fst", "frames", "symbols", "labels", "words")},
            "texts/info.json": JSON,
        },
        read_lattice_texts,
    ),
    Reader("GMM", gmm, {"gmm/model.safetensors": TENSORS, "gmm/meta.json": JSON}, system("gmm")),
    Reader(
        "frame classifier",
        frames,
        {"classifier/model.safetensors": TENSORS, "classifier/meta.json": JSON},
        system("classifier"),
    ),
    Reader("network", neural, {"neural/model.safetensors": TENSORS, "neural/meta.json": JSON}, system("neural")),
    Reader(
        "features",
        feats,
        {"data/feats.scp": TEXT, "data/feats.ark": BYTES, "data/feats.json": JSON, "gmm/meta.json": JSON},
        read_features,
    ),
    Reader("alignments", alignments, {"ali.scp": TEXT, "ali.ark": BYTES}, read_alignments),
    Reader("audio", sounds, dict.fromkeys(("a.wav", "f.wav", "a.flac", "a.ogg", "a.sph", "a.mp3"), BYTES), read_sounds),
    Reader("archives", archives, dict.fromkeys(("a.tar", "a.tar.gz", "a.tar.xz", "a.zip"), BYTES), unpack),
    Reader(
        "tuning.json",
        lambda folder: write_json(folder / "tuning.json", TUNING),
        {"tuning.json": JSON},
        lambda folder: read_tuning(folder / "tuning.json"),
    ),
    Reader(
        "decode.json",
        lambda folder: write_json(folder / "decode.json", {"rtf": 0.1, "parameters": 7, "vocab": "closed"}),
        {"decode.json": JSON},
        lambda folder: read_fields(folder / "decode.json", rtf=float, parameters=int, vocab=str),
    ),
    Reader(
        "errors.json",
        lambda folder: write_json(
            folder / "errors.json",
            {
                "causes": {"a": "search"},
                "words": {"causes": {"a": 1}},
                "free": {"causes": {}},
                "wrong": {
                    "words": {},
                    "free": {
                        "u": [
                            {
                                "start": 0.5,
                                "end": 1.0,
                                "cause": "a",
                                "difference": {"acoustic": 1.0, "lexicon": 0.0, "language": -2.5},
                            }
                        ]
                    },
                },
            },
        ),
        {"errors.json": JSON},
        lambda folder: read_causes(folder / "errors.json"),
    ),
    Reader(
        "lattice_difference.json",
        lambda folder: write_json(
            folder / "a.json",
            {
                "systems": ["a", "b"],
                "classes": {
                    "vowel": {
                        "reference": 4,
                        "right": {"both": {"number": 2.0, "first": 1.5, "second": 0.0}},
                        "wrong": {},
                    }
                },
            },
        ),
        {"a.json": JSON},
        lambda folder: difference_table(folder / "a.json"),
    ),
    Reader(
        "matrix.tsv",
        put("a.tsv", "system\tloop\ngmm\t10.5\n"),
        {"a.tsv": TEXT},
        lambda folder: tsv_table(folder / "a.tsv", "a"),
    ),
]


@contextlib.contextmanager
def frugal() -> Iterator[None]:
    """No more than so many seconds and (on Linux) so much memory; beyond, a TimeoutError or a MemoryError."""

    def late(*_: object) -> None:
        raise TimeoutError(f"more than {SECONDS} s")

    old = signal.signal(signal.SIGALRM, late)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    signal.alarm(SECONDS)
    try:
        if sys.platform == "linux":
            size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)


@pytest.mark.filterwarnings("error")  # a stage would print them
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_whatever_comes_is_a_sound_value_or_one_line(reader: Reader, tmp_path: Path) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    reader.build(folder)
    reader.read(folder)  # sound as it is
    originals = {name: (folder / name).read_bytes() for name in reader.damages}

    @PROFILE
    @given(st.sampled_from(sorted(reader.damages)).flatmap(lambda name: st.tuples(st.just(name), reader.damages[name])))
    def damaged(case: tuple[str, Callable[[bytes], bytes]]) -> None:
        name, damage = case
        (folder / name).write_bytes(damage(originals[name]))
        try:
            with frugal():
                reader.read(folder)
        except UserError as error:
            assert str(error).isprintable() and str(folder) in str(error) and "; " in str(error)
            assert error.__cause__ is None or not isinstance(error.__cause__, (MemoryError, TimeoutError))
        finally:
            (folder / name).write_bytes(originals[name])

    damaged()
