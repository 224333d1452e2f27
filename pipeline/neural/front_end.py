"""Front ends in PyTorch, from samples to what a network reads: for a network that goes elsewhere with all it needs.

The numbers are those of `pipeline.sound`: raw rows as Kaldi makes them, normalised as those of a whole recording are
(`pipeline.sound.recording`), with derivatives and neighbours. All is float32, which every program for networks knows,
and an operation on arrays, which ONNX has.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchaudio.compliance import kaldi

from lexicon.errors import UserError
from pipeline.sound.front_end import FrontEnd, Prior, delta_taps
from pipeline.sound.mfcc import MEL_BINS, NUM_CEPS
from pipeline.sound.pauses import ABOVE_FLOOR, BRINK, LEAST_RANGE_DB, NOTHING_DB, PREEMPHASIS, SMOOTHING
from pipeline.sound.recording import PRIOR_FRAMES
from pipeline.times.clock import FRAME_LENGTH_MS, FRAME_SHIFT_MS

LOWEST_HZ, LIFTER = 20.0, 22.0  # Kaldi's defaults


class SoundFrontEnd(nn.Module):
    """What a front end makes of a whole recording, as `pipeline.sound.recording.Recording.feats`: samples (N,) float32
    in [-1, 1], one frame or more -> (T, dimension) float32. UserError where rows are not of a kind in MEL_BINS."""

    centre: Tensor
    prior: Tensor

    def __init__(self, front_end: FrontEnd):
        super().__init__()
        if front_end.raw.kind not in MEL_BINS:
            raise UserError(
                f"{front_end.raw}: features of an encoder from outside are not made within a network, only"
                f" {' and '.join(MEL_BINS)} are; name a network of these: MODEL=neural"
            )
        self.front_end = front_end
        self.rows = RawRows(front_end.raw.kind, front_end.raw.sample_rate)
        zeros = (0.0,) * front_end.raw.coefficients
        mean, variance = front_end.prior or Prior(zeros, zeros)
        self.prior_count = PRIOR_FRAMES if front_end.prior else 0
        self.register_buffer("centre", torch.tensor(mean))
        self.register_buffer("prior", self.prior_count * torch.tensor([zeros, variance]))  # around the centre

    def forward(self, samples: Tensor) -> Tensor:
        rows = self.rows(samples)
        if self.front_end.normalise == "row":
            rows = functional.layer_norm(rows, rows.shape[1:])
        if self.front_end.by_speaker:
            rows = self.normalised(rows, near_speech(samples, self.front_end.raw.sample_rate))
        taps = [torch.tensor(order).float() for order in delta_taps(self.front_end.deltas)]
        deltas = [(around(rows, len(order) // 2) * order).sum(2) for order in taps]
        return around(torch.cat([rows, *deltas], 1), self.front_end.splice).transpose(1, 2).flatten(1)

    def normalised(self, rows: Tensor, near: Tensor) -> Tensor:
        """Rows (T, D) by the mean and variance of training and of those ``near`` speech, or of all if there is none."""
        rows = rows - self.centre  # float32 has the squares of small numbers alone
        counted = (near | ~near.any()).float()
        sums = self.prior + torch.stack([counted @ rows, counted @ rows**2])
        mean, square = sums / (self.prior_count + counted.sum())
        if self.front_end.normalise == "mean":
            return rows - mean
        return (rows - mean) / (square - mean**2).clamp(min=1e-10).sqrt()


class RawRows(nn.Module):
    """Log-mel energies or cepstra, as `pipeline.sound.mfcc` makes them: samples (N,) -> (T, coefficients).

    The tables are torchaudio's. Source: Kaldi feat/feature-mfcc.cc.
    """

    fourier: Tensor
    bands: Tensor
    cosines: Tensor

    def __init__(self, kind: str, sample_rate: int):
        super().__init__()
        self.sample_rate, bins = sample_rate, MEL_BINS[kind]
        window = int(sample_rate * FRAME_LENGTH_MS / 1000)
        padded = 1 << (window - 1).bit_length()
        povey = torch.hann_window(window, periodic=False).pow(0.85).double()
        angles = torch.outer(torch.arange(window), torch.arange(padded // 2)).double() * (2 * math.pi / padded)
        bands, _ = kaldi.get_mel_banks(bins, padded, sample_rate, LOWEST_HZ, 0.0, 100.0, -500.0, 1.0)
        cosines = kaldi._get_dct_matrix(NUM_CEPS, bins) * kaldi._get_lifter_coeffs(NUM_CEPS, LIFTER)
        # The Fourier transform is a product with a matrix, (window, padded): the real part beside the imaginary one.
        self.register_buffer("fourier", (povey[:, None] * torch.cat([angles.cos(), angles.sin()], 1)).float())
        self.register_buffer("bands", bands.T)  # (padded / 2, bins)
        self.register_buffer("cosines", cosines if kind == "mfcc" else torch.eye(bins))

    def forward(self, samples: Tensor) -> Tensor:
        frames = framed(samples * 32768, self.sample_rate)  # Kaldi counts in 16-bit steps
        frames = frames - frames.mean(1, keepdim=True)
        real, imaginary = (sharpened(frames) @ self.fourier).chunk(2, 1)
        energies = (real**2 + imaginary**2) @ self.bands
        return energies.clamp(min=torch.finfo(torch.float32).eps).log() @ self.cosines


def near_speech(samples: Tensor, sample_rate: int) -> Tensor:
    """Which frames are near speech, as `pipeline.sound.pauses` says of a recording: (N,) float32 -> (T,) bool."""
    power = framed(sharpened(samples[None])[0], sample_rate).var(1, correction=0)
    levels = 10 / math.log(10) * power.clamp(min=1e-12).log()  # dB
    smooth = around(levels.clamp(min=NOTHING_DB)[:, None], SMOOTHING // 2)[:, 0].mean(1)
    ordered = smooth.sort().values
    floor, loud = percentile(ordered, 0.10), percentile(ordered, 0.99)
    contrast = loud - floor
    loud_enough = (smooth >= floor + (ABOVE_FLOOR * contrast).clamp(min=LEAST_RANGE_DB)) | (contrast < LEAST_RANGE_DB)
    # Further than the brink of a pause from all that is loud: no pause shorter than two brinks has such frames.
    near = functional.max_pool1d(loud_enough.float()[None], 2 * BRINK + 1, 1, BRINK)[0] > 0
    return near & (levels >= NOTHING_DB)


def percentile(ordered: Tensor, share: float) -> Tensor:
    """What ``share`` of the numbers in ``ordered`` (T,) stay below, between two of them as numpy has it: a number."""
    at = share * (torch.ones_like(ordered).sum() - 1)
    low, high = (ordered[index.long()[None]][0] for index in (at.floor(), at.ceil()))
    return low + (high - low) * (at - at.floor())


def sharpened(rows: Tensor) -> Tensor:
    """(T, N), of each number what is not in the one before it: pre-emphasis; of the first, what is not in itself."""
    before = functional.pad(rows[None], (1, 0), mode="replicate")[0, :, : rows.shape[1]]
    return rows - PREEMPHASIS * before


def framed(samples: Tensor, sample_rate: int) -> Tensor:
    """(N,) -> (T, window): the frames that fit into the sound."""
    window, shift = (int(sample_rate * ms / 1000) for ms in (FRAME_LENGTH_MS, FRAME_SHIFT_MS))
    return samples.unfold(0, window, shift)


def around(rows: Tensor, reach: int) -> Tensor:
    """(T, D) -> (T, D, 2 reach + 1): each with its neighbours on both sides, the first and the last repeated."""
    padded = functional.pad(rows.T[None], (reach, reach), mode="replicate")[0]
    return padded.unfold(1, 2 * reach + 1, 1).transpose(0, 1)
