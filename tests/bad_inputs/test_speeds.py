"""Features of the sound at other speeds, and networks that are trained on them, in the small experiment."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bad_inputs.place import Place
from pipeline.base.archive import Archive
from pipeline.sound.mfcc import mfcc
from pipeline.sound.speed import at_speed, speed_of

TRAIN, NEURAL = "data/toy/train", "exp/toy/neural"


def extract(place: Place, speed: str, out: str) -> None:
    done = place.stage("make_mfcc", "--data", TRAIN, "--speed", speed, "--out", out)
    assert done.returncode == 0 and not done.stderr, done


@pytest.fixture(scope="module")
def heard(finished: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """With the features of train at two other speeds; only to be copied."""
    place = finished.copy(tmp_path_factory.mktemp("heard") / "place")
    for speed in ("0.9", "1.1"):
        extract(place, speed, f"{TRAIN}/speed{speed}")
    return place


def test_at_the_ordinary_speed_features_are_the_ordinary_ones(finished: Place, tmp_path: Path) -> None:
    place = finished.copy(tmp_path / "place")
    files = [place / f"{TRAIN}/{name}" for name in ("feats.ark", "feats.crc", "feats.json", "cmvn.ark", "feats.scp")]
    before = [file.read_bytes() for file in files]
    extract(place, "1.0", TRAIN)
    assert [file.read_bytes() for file in files] == before


def test_each_speed_has_rows_and_statistics_of_its_own(heard: Place, finished: Place) -> None:
    import soundfile

    for speed in ("0.9", "1.1"):
        rows, stats = (Archive(heard / f"{TRAIN}/speed{speed}/{name}.scp") for name in ("feats", "cmvn"))
        samples, rate = soundfile.read(heard / "corpus/train/ann/train0.wav", dtype="float32")
        np.testing.assert_array_equal(rows["ann-train0"], mfcc(at_speed(samples, speed_of(speed)), rate))
        of_ann = np.concatenate([rows[utterance] for utterance in rows if utterance.startswith("ann-")])
        np.testing.assert_allclose(stats["ann"][0], [*of_ann.sum(0, dtype=np.float64), len(of_ann)], rtol=1e-6)
    assert (heard / f"{TRAIN}/feats.ark").read_bytes() == (finished / f"{TRAIN}/feats.ark").read_bytes()


def test_a_network_is_trained_at_the_speeds_and_ablated(heard: Place, tmp_path: Path) -> None:
    place = heard.copy(tmp_path / "place")
    done = place.stage("train_ctc", "--speeds", "0.9", "1.0", "1.1")
    assert done.returncode == 0 and not done.stderr, done
    meta = json.loads((place / f"{NEURAL}/meta.json").read_text())
    assert meta["settings"]["speeds"] == ["0.9", "1.0", "1.1"]
    options = "--changes", "speeds=1.0", "speeds=1.1,1.0,noise=0"
    done = place.stage("ablate", *options)
    assert done.returncode == 0 and not done.stderr, done
    told = [
        json.loads((place / f"{NEURAL}/ablation/{name}/outcome.json").read_text())["told"]
        for name in ("as it is", *options[1:])
    ]
    assert [one["settings"]["speeds"] for one in told] == [["0.9", "1.0", "1.1"], ["1.0"], ["1.1", "1.0"]]
    assert [one["settings"]["noise"] for one in told] == [0.1, 0.1, 0]
    assert len({one["data"] for one in told}) == 3
    outcomes = {path: path.stat().st_mtime_ns for path in (place / NEURAL).glob("ablation/*/outcome.json")}
    assert place.stage("ablate", *options).returncode == 0
    assert outcomes == {path: path.stat().st_mtime_ns for path in outcomes}  # each is trained once


def test_features_of_a_speed_that_are_not_there_or_of_others(heard: Place, tmp_path: Path) -> None:
    place = heard.copy(tmp_path / "place")
    index = f"{TRAIN}/speed1.1/feats.scp"
    (place / index).write_text((place / index).read_text().split("\n", 1)[1])
    (place / f"{TRAIN}/speed1.1/feats.crc").unlink()
    done = place.stage("train_ctc", "--speeds", "0.9", "1.1")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert f"{index}: 1 of 16 utterances are not there" in done.stderr and f"remove {index} and run" in done.stderr
    (place / index).unlink()
    done = place.stage("train_ctc", "--speeds", "0.9", "1.1")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert f"{index}: no features at speed 1.1; run: make {index}; or use --speeds 1.0" in done.stderr
