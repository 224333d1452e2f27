"""Utterances for training: read once, in batches of like length, made a little different each time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from lexicon.errors import UserError
from pipeline.datadir.feats import check_dimension
from pipeline.neural.model import frames_needed
from pipeline.neural.settings import TrainSettings

Target = tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """A set of utterances: feats maps an id to (T, D) float32 and reads it when asked; targets are token ids, of phones
    and, if the network spells, of letters. A row holds ``coefficients`` numbers, and their deltas and neighbours.
    ``speeds`` are the feats at each of several speeds, for training, where there are others than the ordinary one."""

    feats: Mapping[str, np.ndarray]
    targets: dict[str, Target]
    num_frames: dict[str, int]
    mean: np.ndarray
    deviation: np.ndarray
    coefficients: int
    letters: dict[str, Target] = field(default_factory=dict)
    speeds: tuple[Mapping[str, np.ndarray], ...] = ()

    def drawn(self, utterance: str, generator: np.random.Generator, shortest: int) -> np.ndarray:
        """Its rows at one of the speeds, which is drawn; at the ordinary one where that has fewer than ``shortest``."""
        if self.speeds:
            feats = self.speeds[generator.integers(len(self.speeds))]
            if utterance in feats and len(rows := feats[utterance]) >= shortest:
                return rows
        return self.feats[utterance]

    def rows_needed(self, utterance: str) -> int:
        """Network frames without which its phones, and letters, cannot be said."""
        return max(frames_needed(self.targets[utterance]), frames_needed(self.letters.get(utterance, ())))


def survey(
    feats: Mapping[str, np.ndarray],
    targets: dict[str, Target],
    coefficients: int,
    letters: dict[str, Target] | None = None,
) -> tuple[Part, str]:
    """Read every utterance once: its length, and a fingerprint of all features and targets (sha256, hex).

    Raises UserError when an utterance has no features or no phones, or values that are not finite.
    """
    digest, num_frames, sums, squares, dimension = hashlib.sha256(), {}, 0.0, 0.0, 0
    for utterance in sorted(targets):
        if utterance not in feats:
            raise UserError(f"feats.scp: no features for utterance {utterance}; run make mfcc again")
        matrix = np.ascontiguousarray(feats[utterance], np.float32)
        check_dimension(matrix, dimension := dimension or matrix.shape[-1], f"utterance {utterance}")
        if not targets[utterance] or not np.isfinite(matrix).all():
            raise UserError(f"utterance {utterance}: no phones, or features that are not finite; leave it out")
        num_frames[utterance] = len(matrix)
        digest.update(f"{utterance} {targets[utterance]} {matrix.shape}".encode())
        digest.update(f" {letters[utterance]}".encode() if letters else b"")
        digest.update(matrix.data)
        sums = sums + matrix.sum(axis=0, dtype=np.float64)
        squares = squares + np.square(matrix, dtype=np.float64).sum(axis=0)
    frames = sum(num_frames.values())
    mean = np.asarray(sums / frames)
    deviation = np.sqrt(np.maximum(squares / frames - mean**2, 1e-8))
    figures = mean.astype(np.float32), deviation.astype(np.float32)
    return Part(feats, targets, num_frames, *figures, coefficients, letters or {}), digest.hexdigest()


def split_by_length(part: Part, subsampling: int) -> tuple[Part, list[str]]:
    """The part whose utterances are long enough to be spelled by CTC, and the ids of those that are not."""
    short = [u for u in part.targets if ceil_div(part.num_frames[u], subsampling) < part.rows_needed(u)]
    kept = {u: target for u, target in part.targets.items() if u not in set(short)}
    return replace(part, targets=kept), short


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def batches(part: Part, size: int, generator: np.random.Generator | None) -> list[list[str]]:
    """Utterances of like length together, `size` in a batch; with a generator, lengths jittered and order shuffled."""
    ids = sorted(part.targets)
    jitter = generator.uniform(0.9, 1.1, len(ids)) if generator else np.ones(len(ids))
    order = np.argsort([part.num_frames[u] * j for u, j in zip(ids, jitter)], kind="stable")
    groups = [[ids[i] for i in order[start : start + size]] for start in range(0, len(order), size)]
    if generator:
        generator.shuffle(groups)
    return groups


def augment(
    feats: np.ndarray, part: Part, settings: TrainSettings, generator: np.random.Generator, shortest: int
) -> np.ndarray:
    """A copy of feats (T, D) at another speed, with noise, and with stretches of time and coefficients set to the mean.

    The masks are those of SpecAugment (Park et al. 2019). A coefficient is masked with
    its deltas and neighbours. The new length is at least `shortest` frames, otherwise the speed stays.
    """
    x = feats
    if settings.speed_change:
        length = round(len(x) * generator.uniform(1 - settings.speed_change, 1 + settings.speed_change))
        if length >= shortest:
            x = resample(x, length)
    if settings.noise:
        x = x + settings.noise * part.deviation * generator.standard_normal(x.shape, dtype=np.float32)
    else:
        x = x.copy()
    for _ in range(generator.poisson(settings.time_masks * len(x) / 100)):
        width = int(generator.integers(1, 11))
        start = generator.integers(0, max(1, len(x) - width))
        x[start : start + width] = part.mean
    if settings.feature_mask:
        width = int(generator.integers(0, settings.feature_mask + 1))
        start = generator.integers(0, max(1, part.coefficients - width))
        for first in range(start, x.shape[1], part.coefficients):
            x[:, first : first + width] = part.mean[first : first + width]
    return x


def resample(feats: np.ndarray, length: int) -> np.ndarray:
    """feats (T, D) stretched or squeezed to (length, D) by linear interpolation in time."""
    position = np.linspace(0, len(feats) - 1, length)
    left = np.minimum(position.astype(np.int64), max(0, len(feats) - 2))
    right = np.minimum(left + 1, len(feats) - 1)
    share = (position - left)[:, None].astype(np.float32)
    return (1 - share) * feats[left] + share * feats[right]


def collate(arrays: list[np.ndarray], device: torch.device) -> tuple[Tensor, Tensor]:
    """Arrays (T_b, D) to one padded (B, max T, D) and lengths (B,)."""
    lengths = [len(x) for x in arrays]
    padded = np.zeros((len(arrays), max(lengths), arrays[0].shape[1]), np.float32)
    for row, x in zip(padded, arrays):
        row[: len(x)] = x
    return torch.from_numpy(padded).to(device), torch.tensor(lengths, device=device)
