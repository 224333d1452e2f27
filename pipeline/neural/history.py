"""What is measured after each epoch of training: as numbers in the checkpoint and in meta.json, as lines in train.log,
and as curves for TensorBoard."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lexicon.errors import UserError
from lexicon.files import grow_file, write_lines
from pipeline.base.curve import drawable
from pipeline.base.meta import read_meta

if TYPE_CHECKING:
    from tensorboardX.proto.event_pb2 import Event

LOG = "train.log"
EVENTS = "tensorboard/events.out.tfevents"  # TensorBoard goes by the last part of the name


@dataclass(frozen=True)
class Epoch:
    """One pass over the training part: mean loss in nats per phone, dev PER (CER of what spells) in percent of the best
    path through the average of the weights, learning rate of the last update, when it ended, in seconds since 1970.
    """

    loss: float
    dev_per: float
    learning_rate: float
    ended: float = field(compare=False)  # two runs that compute the same do so at different times


MEASURED = [one.name for one in fields(Epoch)]


MEASURES = ("PER", "CER", "FER")  # error rates of phones, of letters (characters), and of frames


class History(NamedTuple):
    """The epochs of a training run in order, the number, from 1, of that whose weights were kept, and what was measured
    on dev, one of MEASURES."""

    epochs: list[Epoch]
    best: int
    measure: str


def as_json(history: Sequence[Epoch]) -> list[dict[str, float]]:
    return [asdict(epoch) for epoch in history]


def from_json(value: Any) -> list[Epoch]:
    """ValueError if ``value`` is not as `as_json` gives it."""
    if not isinstance(value, list) or not value or not all(map(_sound, value)):
        raise ValueError(f"history is no list of epochs with {', '.join(MEASURED)}")
    return [Epoch(**one) for one in value]


def _sound(value: Any) -> bool:
    """Whether this is one epoch, of numbers that can be drawn."""
    if not isinstance(value, dict) or sorted(value) != sorted(MEASURED):
        return False
    return all(map(drawable, value.values()))


def read_history(directory: Path) -> History | None:
    """How the model in ``directory`` was trained; None if its meta.json does not say. UserError if that is damaged."""
    meta = read_meta(directory)
    if "history" not in meta:
        return None
    try:
        epochs, best = from_json(meta["history"]), meta.get("best_epoch")
        if type(best) is not int or not 1 <= best <= len(epochs):
            raise ValueError(f"best_epoch {best!r} is no number from 1 to {len(epochs)}")
    except ValueError as error:
        raise UserError(f"{directory}/meta.json: {error}; run: make {directory.name}") from error
    return History(epochs, best, measure if (measure := meta.get("measure")) in MEASURES else MEASURES[0])


def write_history(out: Path, history: Sequence[Epoch], measure: str = "PER") -> None:
    """Write out/train.log and the event file for TensorBoard, each epoch once."""
    lines = (
        f"epoch {number:3d}  loss per phone {epoch.loss:.4f}  dev {measure} {epoch.dev_per:.2f} %"
        for number, epoch in enumerate(history, start=1)
    )
    write_lines(out / LOG, lines)
    # The times are those of the checkpoint, so a run that goes on writes the same bytes, and then more.
    grow_file(out / EVENTS, b"".join(_record(event) for event in _events(history, measure)))


def _events(history: Sequence[Epoch], measure: str) -> Iterator[Event]:
    from tensorboardX.proto.event_pb2 import Event  # slow to import: with PyTorch
    from tensorboardX.proto.summary_pb2 import Summary

    yield Event(wall_time=history[0].ended, file_version="brain.Event:2")
    for step, epoch in enumerate(history, start=1):
        said = {"loss per phone": epoch.loss, f"dev {measure}": epoch.dev_per, "learning rate": epoch.learning_rate}
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in said.items()]
        yield Event(wall_time=epoch.ended, step=step, summary=Summary(value=values))


def _record(event: Event) -> bytes:
    """An event as a TFRecord: length, checksum of the length, data, checksum of the data."""
    from tensorboardX.record_writer import masked_crc32c

    data = event.SerializeToString()
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data))
