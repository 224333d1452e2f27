"""Damaged models, features and alignments of frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bad_inputs.damage import BYTES, JSON, TENSORS, TEXT
from helpers.features import CEPSTRA, as_it_is, write_feats
from helpers.models import save_frames, save_gmm, save_in_context

from fuzz.reader import Reader, check_reader
from lexicon.files import write_json
from pipeline.base.archive import Archive, write_archive
from pipeline.datadir.feats import Features, read_feats
from pipeline.neural.config import EncoderConfig
from pipeline.neural.model import CtcModel, Encoder, save_model
from pipeline.sound.front_end import FrontEnd
from pipeline.systems import load_system

DESCRIBED = {"front_end": as_it_is().as_json()}


def gmm(folder: Path) -> None:
    (folder / "gmm").mkdir()
    save_gmm(folder / "gmm/model.safetensors")
    write_json(folder / "gmm/meta.json", {"kind": "gmm", **DESCRIBED})


def in_context(folder: Path) -> None:
    gmm(folder)
    save_in_context(folder / "gmm/model.safetensors")


def frames(folder: Path) -> None:
    gmm(folder)
    (folder / "classifier").mkdir()
    save_frames(folder / "classifier/model.safetensors")
    write_json(folder / "classifier/meta.json", {"kind": "classifier", "hmm": str(folder / "gmm"), **DESCRIBED})


def neural(folder: Path) -> None:
    (folder / "neural").mkdir()
    tokens = ["<blk>", "AH", "B"]
    network = Encoder(EncoderConfig("tdnn", 39, len(tokens), 8, 1, 0, 3, 0.1))
    model = CtcModel(network, tokens, np.log(np.full(3, 1 / 3)).astype(np.float32))
    save_model(folder / "neural", model, {"prior_scale": 0.6, **DESCRIBED})


def system(name: str) -> Callable[[Path], None]:
    def read(folder: Path) -> None:
        found = load_system(folder / name)
        rows = found.scores(np.zeros((9, 39), np.float32))
        assert rows.shape == (-(-9 // found.step), len(found.topology.labels.readers)) and np.isfinite(rows).all()

    return read


def feats(folder: Path) -> None:
    (folder / "gmm").mkdir()
    write_json(folder / "gmm/meta.json", {"front_end": FrontEnd(raw=CEPSTRA).as_json()})
    (folder / "data").mkdir()
    rng = np.random.default_rng(0)
    write_feats(folder / "data", {f"u{n}": rng.normal(size=(n + 3, 13)).astype(np.float32) for n in range(3)})
    (folder / "data/utt2spk").write_text("".join(f"u{n} s\n" for n in range(3)))


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


READERS = [
    Reader("GMM", gmm, {"gmm/model.safetensors": TENSORS, "gmm/meta.json": JSON}, system("gmm")),
    Reader("GMM in context", in_context, {"gmm/model.safetensors": TENSORS}, system("gmm")),
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
        {
            "data/feats.scp": TEXT,
            "data/feats.ark": BYTES,
            "data/feats.json": JSON,
            "data/cmvn.scp": TEXT,
            "data/cmvn.ark": BYTES,
            "data/utt2spk": TEXT,
            "gmm/meta.json": JSON,
        },
        read_features,
    ),
    Reader("alignments", alignments, {"ali.scp": TEXT, "ali.ark": BYTES}, read_alignments),
]


@pytest.mark.filterwarnings("error")  # a stage would print them
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_whatever_comes_is_a_valid_value_or_one_line(reader: Reader, tmp_path: Path) -> None:
    check_reader(reader, tmp_path / "f")
