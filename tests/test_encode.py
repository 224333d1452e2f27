"""make encode: layers of a data directory as features on disk, for any number of jobs, going on where it was."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lexicon.errors import UserError
from pipeline.base.archive import Archive, archive_writer, write_archive
from pipeline.datadir import Utterance, read_datadir, write_datadir
from pipeline.encoders import layers as on_disk
from pipeline.encoders.layers import encode_shard, on_the_clock, shards_of
from pipeline.encoders.load import load_encoder
from pipeline.sound.front_end import Raw
from pipeline.times.clock import FRAME_LENGTH_MS, FRAME_SHIFT_MS
from stages.encode import main
from tests.helpers.encoders import write_ctranslate2, write_wav2vec
from tests.test_encoder_files import vocabulary

PROJECT = Path(__file__).resolve().parents[1]
RANDOM = np.random.default_rng(4)


@pytest.fixture
def data(tmp_path) -> Path:
    """Six utterances of two speakers at 8 kHz, a quarter to a second and a half long, and two models."""
    utterances = []
    for number in range(6):
        wav = tmp_path / f"u{number}.wav"
        soundfile.write(wav, RANDOM.normal(0, 0.1, 2000 * (number + 1)), 8000)
        utterances.append(Utterance(f"u{number}", "ab"[number % 2], wav, ("WORD",), 2000 * (number + 1)))
    write_datadir(tmp_path / "data/test", utterances)
    (tmp_path / "data/splits.json").write_text('{"sample_rate": 8000}')
    write_ctranslate2(tmp_path / "models/small")
    (tmp_path / "models/small/vocabulary.txt").write_text("\n".join(vocabulary()), encoding="utf-8")
    write_wav2vec(tmp_path / "models/wave")
    return tmp_path / "data/test"


def encode(data: Path, *options: str) -> subprocess.CompletedProcess:
    out = data / f"{options[1].replace(':', '-')}.json"
    command = [sys.executable, "-m", "stages.encode", "--data", data, "--out", out]
    command += ["--models", data.parents[1] / "models", *options]
    return subprocess.run(list(map(str, command)), cwd=PROJECT, capture_output=True, text=True)


def test_stage(data):
    done = encode(data, "--encoder", "small:shuffled", "--layers", "block2", "norm", "--words", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert "6 utterances, 0.1 min, 2 layers of small:shuffled, 32 numbers every 20 ms" in done.stdout
    encoder = load_encoder("small:shuffled", data.parents[1] / "models")
    for layer in ("block2", "norm"):
        archive = Archive(data / f"small-shuffled.{layer}/feats.scp")
        sums = Archive(data / f"small-shuffled.{layer}/cmvn.scp")
        assert list(archive) == [f"u{number}" for number in range(6)] and set(sums) == {"a", "b"}
        rows = np.concatenate([archive[f"u{number}"] for number in (0, 2, 4)]).astype(np.float64)
        assert np.allclose(sums["a"], [[*rows.sum(0), len(rows)], [*(rows**2).sum(0), 0]])
        about = json.loads((data / f"small-shuffled.{layer}/feats.json").read_text())
        assert about == {
            "kind": f"small-shuffled.{layer}",
            "sample_rate": 16000,
            "coefficients": 32,
            "frame_shift_ms": 20.0,
            "encoder": f"small:shuffled@{encoder.sha256[:16]}",
            "missing": [],
        }
    about = json.loads((data / "small-shuffled.json").read_text())
    assert about["encoder"] == "small:shuffled" and about["sha256"] == encoder.sha256
    assert about["layers"] == ["block2", "norm"] and about["frame_shift_ms"] == 20
    assert len((data / "small-shuffled.txt").read_text(encoding="utf-8").splitlines()) == 6
    assert not (data / "small-shuffled.shards").exists()
    assert encode(data, "--encoder", "small", "--layers", "norm").returncode == 0
    given = {"data": data, "models": data.parents[1] / "models", "language": None, "together": "yes"}
    given |= {"layers": ["norm"], "words": False, "allow_missing": 0, "leave_out": None, "jobs": 1}
    main(Namespace(encoder="small:shuffled", out=data / "small-shuffled.json", **given))
    assert not (data / "small-shuffled.txt").exists()  # or they would still have a row in the table
    assert all((data / f"{name}.json.made").is_file() for name in ("small", "small-shuffled"))  # each has its record


@pytest.mark.parametrize("name", ["small", "wave"])
def test_rows_are_on_the_clock_of_the_systems(data, tmp_path, name):
    """Row j is centred on frame 2 j, and there is a row for as many as the utterance has."""
    encoder = load_encoder(name, data.parents[1] / "models")
    [shard] = shards_of(read_datadir(data), 8000, tmp_path / "shards")
    encode_shard(encoder, ["conv"], shard)
    on_disk.join([shard], "conv", Raw(f"{name}.conv", 16_000, encoder.width, 20.0), data, [])
    archive = Archive(data / f"{name}.conv/feats.scp")
    for number in range(6):
        length = 4000 * (number + 1)
        frames = 1 + (length - 400) // 160
        assert len(archive[f"u{number}"]) >= -(-frames // 2)
    lead = 16_000 - len(on_the_clock(np.zeros(16_000), encoder))
    first = 1000 * (encoder.centres(1)[0] + lead / 16_000)
    assert first == pytest.approx(FRAME_LENGTH_MS / 2, abs=0.1) and encoder.shift == 2 * 16 * FRAME_SHIFT_MS


def test_any_number_of_jobs_and_a_killed_run(data, tmp_path, monkeypatch):
    """Shards that are there are not made again, and the outcome is the same."""
    monkeypatch.setattr(on_disk, "SHARD_S", 2.0)
    encoder = load_encoder("wave", data.parents[1] / "models")
    assert encode(data, "--encoder", "wave", "--layers", "block3").returncode == 0
    expected = (data / "wave.block3/feats.ark").read_bytes()
    assert encode(data, "--encoder", "wave", "--layers", "block3", "--jobs", "3").returncode == 0
    assert (data / "wave.block3/feats.ark").read_bytes() == expected

    shards = shards_of(read_datadir(data), 8000, tmp_path / "shards")
    assert [len(shard.utterances) for shard in shards] == [3, 1, 1, 1]
    for shard in shards[:2]:
        encode_shard(encoder, ["block3"], shard)
    made = {path: path.stat().st_mtime_ns for path in shards[0].folder.iterdir()}
    for shard in shards:
        encode_shard(encoder, ["block3"], shard)
    assert made == {path: path.stat().st_mtime_ns for path in shards[0].folder.iterdir()}
    on_disk.join(shards, "block3", Raw("again", 16_000, encoder.width, 20.0), data, [])
    assert (data / "again/feats.ark").read_bytes() == expected
    shutil.rmtree(tmp_path / "shards")


def test_what_cannot_be_encoded(data):
    soundfile.write(data.parents[1] / "u0.wav", np.zeros(100), 8000)
    (data / "utt2num_samples").write_text(
        (data / "utt2num_samples").read_text().replace("u0 2000", "u0 100"), encoding="utf-8"
    )
    done = encode(data, "--encoder", "wave", "--layers", "conv")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "u0.wav: 0.013 s of sound: too short for one frame" in done.stderr and "--allow-missing 1" in done.stderr
    given = {"data": data, "models": data.parents[1] / "models", "layers": None, "language": None, "words": False}
    given |= {"together": "yes", "allow_missing": 1, "leave_out": None, "jobs": 1}
    _, told = main(Namespace(encoder="wave", out=data / "wave.json", **given | {"layers": ["conv"]}))
    assert "5 utterances" in told
    assert json.loads((data / "wave.conv/feats.json").read_text())["missing"] == ["u0"]
    short = data / "short.txt"
    short.write_text("u3\nu5\n")
    _, told = main(
        Namespace(encoder="wave", out=data / "wave.json", **given | {"layers": ["conv"], "leave_out": short})
    )
    assert "3 utterances" in told and "2 left out, too short for their words: u3, u5" in told
    assert json.loads((data / "wave.conv/feats.json").read_text())["missing"] == ["u3", "u5", "u0"]
    for encoder, more, why in [
        ("small", {"layers": ["block9"]}, 'layer "block9"'),
        ("wave", {"words": True}, "not fine-tuned to letters"),
        ("nobody", {}, 'ENCODER="nobody": neither in'),
    ]:
        with pytest.raises(UserError, match=why) as caught:
            main(Namespace(encoder=encoder, out=data / f"{encoder}.json", **given | more))
        assert "\n" not in str(caught.value)


def test_archives_of_half_the_size(tmp_path):
    """float16 as it was given, in two bytes a number, checked like others."""
    arrays = {f"u{n}": RANDOM.normal(0, 10, (50 * n, 40)).astype(np.float16) for n in range(1, 4)}
    write_archive(tmp_path / "x.scp", arrays.items())
    archive = Archive(tmp_path / "x.scp")
    for name, array in arrays.items():
        assert archive[name].dtype == np.float32 and np.array_equal(archive[name], array.astype(np.float32))
    assert (tmp_path / "x.ark").stat().st_size == sum(array.nbytes for array in arrays.values()) + 3 * (3 + 5 + 8)
    with archive_writer(tmp_path / "one.scp") as one, archive_writer(tmp_path / "two.scp") as two:
        one("a", arrays["u1"])
        two("a", arrays["u2"].astype(np.float32))
    assert len(Archive(tmp_path / "one.scp")["a"]) == 50 and len(Archive(tmp_path / "two.scp")["a"]) == 100
    whole = (tmp_path / "x.ark").read_bytes()
    for damaged in (
        whole[:-1],
        whole.replace(b"HM \x32", b"HM \x33"),
        whole.replace(b"HM \x32\0\0\0", b"HM \xff\xff\xff\xff"),
    ):
        (tmp_path / "x.ark").write_bytes(damaged)
        with pytest.raises(Exception, match="remove .*x.scp and run make again"):
            [Archive(tmp_path / "x.scp")[name] for name in arrays]
