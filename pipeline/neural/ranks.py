"""One training in several processes on one machine or more, as PyTorch's torchrun starts them.

Each process (rank) has all weights and the whole corpus, and computes the gradients of some parts of a batch; then all
have those of all parts, and add them up in the same order. So the numbers are those of one process, bit by bit, where
the machines compute alike. The first rank alone writes what is kept.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, distributed

from lexicon.errors import UserError, one_line

if TYPE_CHECKING:
    from pipeline.neural.train import Gradients, Share

PATIENCE = timedelta(minutes=10)  # for the slowest of them: the others wait while it measures on dev
WORLD = "WORLD_SIZE"  # of the variables that torchrun sets


def several() -> bool:
    """Whether this process is one of several."""
    return distributed.is_available() and distributed.is_initialized()


@contextlib.contextmanager
def joined(out: Path) -> Iterator[Path]:
    """Within, this process is one of those that torchrun started, if it did. Yields where it writes: the first to
    ``out``, others to a folder that is gone afterwards. UserError if another of them fails."""
    if int(os.environ.get(WORLD, 1)) < 2:
        yield out
        return
    with contextlib.ExitStack() as stack:
        with _together():
            distributed.init_process_group("gloo", timeout=PATIENCE)
        stack.callback(distributed.destroy_process_group)
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
        if distributed.get_rank() > 0:
            out = Path(stack.enter_context(tempfile.TemporaryDirectory())) / out.name
        yield out
        with _together():
            distributed.barrier()


def is_first() -> bool:
    """Whether this process is the one that writes what is kept."""
    return not several() or distributed.get_rank() == 0


def compute(gradients: Gradients, shares: Iterable[Share]) -> list[float]:
    """The losses of the parts of a batch (nats); their gradients are in their places, in every process."""
    every, size = list(shares), distributed.get_world_size()
    losses = {
        share.number: gradients.compute(share) for share in every if share.number % size == distributed.get_rank()
    }
    return [
        _sent_to_all(gradients.of_parts[one.number], losses.get(one.number, 0.0), one.number % size) for one in every
    ]


def _sent_to_all(places: Sequence[Tensor], loss: float, source: int) -> float:
    """The gradient of a part, and its loss, from the process that has them."""
    whole = torch.cat([*(place.detach().flatten().cpu() for place in places), torch.tensor([loss])])
    with _together():
        distributed.broadcast(whole, source)
    pieces = whole.split([*(place.numel() for place in places), 1])
    for place, piece in zip(places, pieces):
        place.copy_(piece.view_as(place))
    return float(pieces[-1])


def share_file(path: Path) -> None:
    """Let every process have the first one's file, or none where it has none."""
    if not several():
        return
    held: list[bytes | None] = [path.read_bytes() if is_first() and path.is_file() else None]
    with _together():
        distributed.broadcast_object_list(held, 0)
    if held[0] is not None and not is_first():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(held[0])


@contextlib.contextmanager
def _together() -> Iterator[None]:
    """Around what all processes do at once: UserError if one of them is gone."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise UserError(
            f"another process of this training is gone, or out of reach ({one_line(str(error))[:120]}); see what it"
            " said, and start all of them again: they go on from the last epoch"
        ) from error
