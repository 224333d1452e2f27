"""What the processes of one training tell each other: gradients, and where it stands. See `pipeline.neural.ranks`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, distributed

from lexicon.errors import UserError, one_line
from pipeline.neural import ranks

if TYPE_CHECKING:
    from pipeline.neural.train import Gradients, Share

PATIENCE = timedelta(minutes=10)  # for the slowest of them: the others wait while it measures on dev


@contextlib.contextmanager
def group() -> Iterator[None]:
    """Within, the processes that torchrun started know each other; at the end they wait for each other. UserError if
    one of them fails."""
    with _together():
        distributed.init_process_group("gloo", timeout=PATIENCE)
    try:
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
        yield
        with _together():
            distributed.barrier()
    finally:
        distributed.destroy_process_group()


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
    if not ranks.several():
        return
    held: list[bytes | None] = [path.read_bytes() if ranks.is_first() and path.is_file() else None]
    with _together():
        distributed.broadcast_object_list(held, 0)
    if held[0] is not None and not ranks.is_first():
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
