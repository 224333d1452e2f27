"""What of a padded batch is there."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def time_mask(lengths: Tensor, size: int) -> Tensor:
    """(B, size, 1) float: 1 on the frames of each utterance, 0 on its padding. lengths: (B,) int64."""
    inside = torch.arange(size, device=lengths.device)[None, :] < lengths[:, None]
    return inside[:, :, None].to(torch.float32)


def mean_of_rows(x: Tensor, lengths: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """(B, ceil(T / number), C): of x (B, T, C) the mean of each so many rows, at the end of those left; and lengths."""

    def pooled(rows: Tensor) -> Tensor:
        return functional.avg_pool1d(rows.transpose(1, 2), number, ceil_mode=True).transpose(1, 2)

    inside = time_mask(lengths, x.shape[1])
    return pooled(x * inside) / pooled(inside).clamp(min=1e-6), -(-lengths // number)
