"""Training: the same numbers however often it is killed, and it learns."""

from __future__ import annotations

import json
import math
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lexicon.errors import UserError
from pipeline.neural.checkpoint import State
from pipeline.neural.config import EncoderConfig
from pipeline.neural.data import Part, augment, batches, resample, split_by_length, survey
from pipeline.neural.history import read_history
from pipeline.neural.model import load_model, save_model
from pipeline.neural.settings import TrainSettings
from pipeline.neural.train import Gradients, Share, finish, learning_rate, new_state, train

TOKENS = ["<blk>", "AH", "B", "T"]
TINY = TrainSettings(
    width=16,
    layers=1,
    conv_layers=1,
    subsampling=2,
    epochs=3,
    batch_size=4,
    min_updates=1,
    warmup_epochs=1,
    dropout=0.1,
    learning_rate=0.01,
)
CPU = torch.device("cpu")


def synthetic(count: int, seed: int) -> tuple[Part, str]:
    """Utterances of three to five "phones", each 6 to 10 frames around a mean of its own, pauses between."""
    generator = np.random.default_rng(seed)
    means = np.random.default_rng(99).standard_normal((len(TOKENS), 39)) * 2
    feats, targets = {}, {}
    for i in range(count):
        target = tuple(int(t) for t in generator.integers(1, len(TOKENS), generator.integers(3, 6)))
        track = [t for token in target for t in [0] * 3 + [token] * int(generator.integers(6, 11))]
        noise = generator.standard_normal((len(track), 39))
        feats[f"u{i:02}"], targets[f"u{i:02}"] = (means[track] + noise).astype(np.float32), target
    return survey(feats, targets, 13)


@pytest.fixture(scope="module")
def parts() -> tuple[Part, Part, str]:
    (train_part, a), (dev_part, b) = synthetic(24, 1), synthetic(8, 2)
    return train_part, dev_part, a + b


def test_it_learns(parts, tmp_path: Path):
    train_part, dev_part, fingerprint = parts
    settings = replace(TINY, epochs=15)
    state = train(train_part, dev_part, TOKENS, settings, fingerprint, tmp_path, CPU)
    assert state.best_per < 10
    model, meta = finish(state, train_part, TOKENS, settings, CPU)
    save_model(tmp_path, model, meta)
    again = load_model(tmp_path)
    posteriors = np.concatenate([again.log_posteriors(train_part.feats[u]) for u in train_part.targets])
    np.testing.assert_allclose(np.exp(again.log_prior), np.exp(posteriors).mean(axis=0), atol=1e-5)
    assert sum(np.exp(model.log_prior)) == pytest.approx(1, abs=1e-5)
    assert meta["epochs"] == state.epoch and meta["dev_per"] == pytest.approx(state.best_per, abs=1e-4)
    assert read_history(tmp_path) == (state.history, state.best_epoch, "PER")


CHILD = """
import sys
from test_ctc_train import *
(train_part, a), (dev_part, b) = synthetic(24, 1), synthetic(8, 2)
train(train_part, dev_part, TOKENS, LONG, a + b, Path(sys.argv[1]), CPU)
"""
LONG = replace(TINY, epochs=15, patience=15)


def kill_in_epoch(epoch: int, out: Path) -> None:
    """Train in a process of its own; kill -9 it when its log says that this epoch has begun."""
    tests = Path(__file__).parent
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(out)], env={**os.environ, "PYTHONPATH": f"{tests.parent}{os.pathsep}{tests}"}
    )
    log = out / "train.log"
    while process.poll() is None and not (log.exists() and len(log.read_text().splitlines()) >= epoch):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_kill_9_and_again_gives_the_same_bits(parts, tmp_path: Path):
    straight = train(*parts[:2], TOKENS, LONG, parts[2], tmp_path / "a", CPU)
    kill_in_epoch(4, tmp_path / "b")
    done = len((tmp_path / "b" / "train.log").read_text().splitlines())
    assert 4 <= done < LONG.epochs
    same_run(straight, train(*parts[:2], TOKENS, LONG, parts[2], tmp_path / "b", CPU))
    assert (tmp_path / "a" / "train.log").read_text() == (tmp_path / "b" / "train.log").read_text()
    same_run(straight, train(*parts[:2], TOKENS, LONG, parts[2], tmp_path / "b", CPU))  # nothing was left to do
    (_, a), (times, b) = (curves_in(tmp_path / name) for name in "ab")
    assert a == b and [step for step, _ in a["dev PER"]] == list(range(1, LONG.epochs + 1))
    assert times == sorted(times)


def crc32c(data: bytes) -> int:
    """Bit by bit, as RFC 3720 has it."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    value = crc32c(data)
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF


def messages(data: bytes) -> Iterator[tuple[int, Any]]:
    """Numbers and values of the fields of a protocol buffer, of lengths below 128."""
    at = 0
    while at < len(data):
        key, at = data[at], at + 1
        size = {0: 1, 1: 8, 2: data[at], 5: 4}[key & 7]
        at += key & 7 == 2
        yield key >> 3, data[at : at + size]
        at += size


def curves_in(out: Path) -> tuple[list[float], dict[str, list[tuple[int, float]]]]:
    """The times of the events, and of each curve its steps and values; every checksum is verified."""
    (path,) = (out / "tensorboard").iterdir()
    data, times, curves = path.read_bytes(), [], {}
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        event = data[12 : 12 + length]
        assert struct.unpack("<I", data[8:12]) == (masked(data[:8]),)
        assert struct.unpack("<I", data[12 + length : 16 + length]) == (masked(event),)
        held, data = dict(messages(event)), data[16 + length :]
        times += struct.unpack("<d", held[1])
        assert (3 in held) == (len(times) == 1)
        for _, value in messages(held.get(5, b"")):
            said = dict(messages(value))
            curves.setdefault(said[1].decode(), []).append((held[2][0], *struct.unpack("<f", said[2])))
    return times, curves


def test_tensorboard_has_the_curves_of_the_log(parts, tmp_path: Path):
    state = train(*parts[:2], TOKENS, TINY, parts[2], tmp_path, CPU)
    times, curves = curves_in(tmp_path)
    assert len(times) == 1 + TINY.epochs and times == sorted(times) and abs(times[-1] - time.time()) < 60
    told = [line.split() for line in (tmp_path / "train.log").read_text().splitlines()]
    for name, column, digits in (("loss per phone", 5, 4), ("dev PER", 8, 2)):
        assert [(step, f"{value:.{digits}f}") for step, value in curves[name]] == [
            (int(words[1]), words[column]) for words in told
        ]
    steps = state.step // TINY.epochs
    assert curves["learning rate"] == [
        (epoch, pytest.approx(learning_rate(epoch * steps - 1, steps, TINY))) for epoch in (1, 2, 3)
    ]


GOOD = {"loss": 2.5, "dev_per": 100.0, "learning_rate": 0.001, "ended": 1.7e9}


@pytest.mark.parametrize(
    "meta, what",
    [
        ({"history": None, "best_epoch": 1}, "history is no list of epochs with loss, dev_per"),
        ({"history": [], "best_epoch": 1}, "history is no list"),
        ({"history": [GOOD, {"loss": 1.0}], "best_epoch": 1}, "history is no list"),
        ({"history": [GOOD | {"loss": math.nan}], "best_epoch": 1}, "history is no list"),
        ({"history": [GOOD | {"loss": 10**400}], "best_epoch": 1}, "history is no list"),
        ({"history": [GOOD | {"dev_per": True}], "best_epoch": 1}, "history is no list"),
        ({"history": [GOOD | {"loss": "2"}], "best_epoch": 1}, "history is no list"),
        ({"history": [GOOD], "best_epoch": 2}, "best_epoch 2 is no number from 1 to 1"),
        ({"history": [GOOD], "best_epoch": "1"}, "best_epoch '1'"),
        ({"history": [GOOD]}, "best_epoch None"),
    ],
)
def test_a_damaged_history_is_one_line(tmp_path: Path, meta: dict, what: str):
    (tmp_path / "neural").mkdir()
    (tmp_path / "neural" / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(UserError, match=f"neural/meta.json: {what}.*; run: make neural"):
        read_history(tmp_path / "neural")


def same_run(a: State, b: State) -> None:
    for name in ("epoch", "step", "best_epoch", "best_per", "history"):
        assert getattr(a, name) == getattr(b, name)
    for one, other in ((a.model, b.model), (a.average, b.average)):
        for name, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[name]), name


def test_two_runs_give_the_same_bits_and_another_seed_does_not(parts, tmp_path: Path):
    runs = [
        train(*parts[:2], TOKENS, replace(TINY, seed=seed), parts[2], tmp_path / name, CPU)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    same_run(runs[0], runs[1])
    assert not torch.equal(runs[0].model.output.weight, runs[2].model.output.weight)


def test_checkpoint_of_another_run_is_not_used(parts, tmp_path: Path):
    """Changed settings, changed data or a damaged file: training starts afresh."""
    fresh = train(*parts[:2], TOKENS, replace(TINY, noise=0.2), parts[2], tmp_path / "fresh", CPU)
    train(*parts[:2], TOKENS, TINY, parts[2], tmp_path / "old", CPU)
    same_run(fresh, train(*parts[:2], TOKENS, replace(TINY, noise=0.2), parts[2], tmp_path / "old", CPU))
    again = train(*parts[:2], TOKENS, replace(TINY, noise=0.2), "other data", tmp_path / "old", CPU)
    assert again.seconds > 0
    for harm in (b"", b"garbage" * 100, (tmp_path / "old" / "checkpoint.safetensors").read_bytes()[:5000]):
        (tmp_path / "old" / "checkpoint.safetensors").write_bytes(harm)
        same_run(fresh, train(*parts[:2], TOKENS, replace(TINY, noise=0.2), parts[2], tmp_path / "old", CPU))


def test_the_fingerprint_sees_every_change(parts):
    part, _, _ = parts
    utterance = next(iter(part.targets))
    prints = {
        survey(part.feats, part.targets, 13)[1],
        survey(part.feats, {**part.targets, utterance: (1, 1)}, 13)[1],
        survey({**part.feats, utterance: part.feats[utterance] + np.float32(1e-3)}, part.targets, 13)[1],
    }
    assert len(prints) == 3


def test_early_stopping_keeps_the_best(parts, tmp_path: Path):
    state = train(*parts[:2], TOKENS, replace(TINY, epochs=60, patience=2), parts[2], tmp_path, CPU)
    pers = [float(line.split()[-2]) for line in (tmp_path / "train.log").read_text().splitlines()]
    assert len(pers) == state.epoch == state.best_epoch + 2 < 60
    assert pers.index(min(pers)) + 1 == state.best_epoch and round(state.best_per, 2) == min(pers) < 100


def test_mean_and_deviation_are_those_of_numpy(parts):
    part = parts[0]
    frames = np.concatenate([part.feats[u] for u in part.targets])
    np.testing.assert_allclose(part.mean, frames.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(part.deviation, frames.std(axis=0), atol=1e-5)


def test_utterances_too_short_for_ctc_are_named():
    feats = {u: np.zeros((frames, 39), np.float32) for u, frames in (("a", 6), ("b", 7), ("c", 6))}
    part, _ = survey(feats, {"a": (1, 2), "b": (1, 1), "c": (1, 1)}, 13)
    kept, short = split_by_length(part, 3)  # two, three and two network frames
    assert list(kept.targets) == ["a", "b"] and short == ["c"]


def test_bad_data_is_one_line():
    feats = {"a": np.zeros((6, 39), np.float32), "b": np.full((6, 39), np.nan, np.float32)}
    for targets, what in (
        ({"c": (1,)}, "no features for utterance c"),
        ({"b": (1,)}, "utterance b"),
        ({"a": ()}, "utterance a"),
    ):
        with pytest.raises(UserError, match=what):
            survey(feats, targets, 13)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"encoder": "perceptron"},
        {"learning_rate": float("nan")},
        {"dropout": 1.5},
        {"noise": -1.0},
        {"batch_size": 0},
        {"subsampling": 0},
    ],
)
def test_impossible_settings_are_one_line(parts, tmp_path: Path, change: dict):
    with pytest.raises(UserError, match=f"setting .*{next(iter(change))}"):
        train(*parts[:2], TOKENS, replace(TINY, **change), parts[2], tmp_path, CPU)


def test_batches_hold_every_utterance_once_and_like_lengths_together(parts):
    part = parts[0]
    for generator in (None, np.random.default_rng(1)):
        groups = batches(part, 5, generator)
        assert sorted(u for group in groups for u in group) == sorted(part.targets)
        assert max(map(len, groups)) == 5
    lengths = [part.num_frames[u] for group in batches(part, 5, None) for u in group]
    assert lengths == sorted(lengths)


def test_resample_keeps_a_straight_line_straight():
    line = np.linspace(0, 9, 10, dtype=np.float32)[:, None]
    np.testing.assert_allclose(resample(line, 19)[:, 0], np.linspace(0, 9, 19), atol=1e-6)
    np.testing.assert_allclose(resample(line, 4)[:, 0], [0, 3, 6, 9], atol=1e-6)
    np.testing.assert_allclose(resample(line[:1], 3)[:, 0], [0, 0, 0])


def test_augmentation_stays_long_enough_and_leaves_the_original(parts):
    part = parts[0]
    feats = part.feats["u00"]
    before = feats.copy()
    lengths = {len(augment(feats, part, TINY, np.random.default_rng(seed), len(feats) - 2)) for seed in range(50)}
    assert min(lengths) >= len(feats) - 2 and len(lengths) > 3
    assert (feats == before).all()
    plain = replace(TINY, speed_change=0.0, time_masks=0.0, feature_mask=0, noise=0.0)
    np.testing.assert_array_equal(augment(feats, part, plain, np.random.default_rng(0), 1), feats)


def test_learning_rate_rises_then_falls():
    rates = [learning_rate(step, 10, TINY) for step in range(30)]
    assert rates[9] == max(rates) == TINY.learning_rate
    assert rates[:10] == sorted(rates[:10]) and rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[-1] < 0.03 * TINY.learning_rate


def test_any_number_of_processes_gives_the_same_bits(parts, tmp_path: Path):
    """Training, dev PER and label prior, with parts of a batch of unequal size, or fewer than there might be."""
    for batch_size, count in ((7, 3), (1, 2)):
        settings = replace(TINY, epochs=2, batch_size=batch_size, parts=count)
        runs = []
        for jobs in (1, 2, 3):
            out = tmp_path / f"{batch_size}-{count}-{jobs}"
            state = train(*parts[:2], TOKENS, settings, parts[2], out, CPU, jobs)
            runs.append((state, finish(state, parts[0], TOKENS, settings, CPU, jobs)[0].log_prior))
        for state, prior in runs[1:]:
            same_run(runs[0][0], state)
            assert np.array_equal(runs[0][1], prior)


def test_the_gradient_of_parts_is_that_of_the_batch(parts):
    """Nothing random: then parts, of unequal size, add up to what the whole batch gives."""
    part, found = parts[0], []
    for count in (1, 3):
        plain = replace(TINY, parts=count, speed_change=0.0, time_masks=0.0, feature_mask=0, noise=0.0, dropout=0.0)
        config = EncoderConfig("conv-bilstm", 39, len(TOKENS), 16, 1, 1, 2, 0.0)
        gradients = Gradients(new_state(config, part, plain, CPU).model, part, plain, CPU)
        group = list(part.targets)[:8]
        losses = [gradients.compute(Share(0, 0, i, group[i::count])) for i in range(count)]
        gradients.add_up(count, 7)
        found.append((sum(losses), [parameter.grad for parameter in gradients.parameters]))
    (whole_loss, whole), (loss, pieces) = found
    assert loss == pytest.approx(whole_loss, rel=1e-5)
    for a, b in zip(whole, pieces):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)
