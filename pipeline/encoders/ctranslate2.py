"""CTranslate2's model.bin, as faster-whisper has it: a list of named arrays, read without CTranslate2.

Layout of binary version 6 (CTranslate2, python/ctranslate2/specs/model_spec.py), little-endian: version, name and
revision of the specification, number of variables, and of each its name, rank, dimensions, type, bytes, and data; then
aliases. A string is its length with the closing zero, and the bytes.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path

import numpy as np
import torch

from lexicon.errors import UserError

VERSION = 6
SPEC = "WhisperSpec"
MOST = 100_000  # variables; the largest Whisper has 1,300
TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16, np.uint16)  # the last is bfloat16, the upper half
BFLOAT16 = 5
SCALE = "_scale"  # ends the name of what an array of int8 or int16 has been multiplied with, row by row


class _Reader:
    """Values from bytes, never beyond their end."""

    def __init__(self, data: mmap.mmap | bytes):
        self.data, self.place = memoryview(data), 0

    def take(self, size: int) -> memoryview:
        if size > len(self.data) - self.place:
            raise ValueError(f"{size} bytes promised at {self.place}, {len(self.data) - self.place} are left")
        self.place += size
        return self.data[self.place - size : self.place]

    def number(self, kind: str) -> int:
        return struct.unpack("<" + kind, self.take(struct.calcsize(kind)))[0]

    def string(self) -> str:
        text = bytes(self.take(self.number("H")))
        if not text.endswith(b"\0"):
            raise ValueError(f"a name without end at {self.place}")
        return text[:-1].decode("ascii")

    def array(self) -> np.ndarray:
        """A variable behind its name; a view of the file."""
        shape = [self.number("I") for _ in range(self.number("B"))]
        kind, size = self.number("B"), self.number("I")
        if kind >= len(TYPES):
            raise ValueError(f"type {kind}")
        count = 1
        for length in shape:  # python's integers do not overflow
            count *= length
        if count * np.dtype(TYPES[kind]).itemsize != size:
            raise ValueError(f"{size} bytes for the shape {tuple(shape)}")
        found = np.frombuffer(self.take(size), TYPES[kind]).reshape(shape)
        return (found.astype(np.uint32) << 16).view(np.float32) if kind == BFLOAT16 else found


def read_ctranslate2(path: Path) -> dict[str, torch.Tensor]:
    """All variables of a model.bin by name, what was quantised as float32. UserError for anything else."""
    try:
        with open(path, "rb") as stream:
            if os.fstat(stream.fileno()).st_size < 16:
                raise ValueError("it ends at once")
            data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY)
        return _variables(_Reader(data))
    except (ValueError, UnicodeDecodeError, OverflowError) as error:
        raise UserError(
            f"{path}: not a Whisper of CTranslate2's binary version {VERSION} ({error}); fetch it again, or convert"
            " the model anew with ct2-transformers-converter"
        ) from error


def _variables(reader: _Reader) -> dict[str, torch.Tensor]:
    version = reader.number("I")
    if version != VERSION:
        raise ValueError(f"binary version {version}")
    spec, _ = reader.string(), reader.number("I")
    if spec != SPEC:
        raise ValueError(f"made for {spec}")
    count = reader.number("I")
    if count > MOST:
        raise ValueError(f"{count} variables")
    found: dict[str, np.ndarray] = {}
    for _ in range(count):
        name = reader.string()
        if name in found:
            raise ValueError(f"{name} for the second time")
        try:
            found[name] = reader.array()
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return {name: _plain(name, found) for name in found if not name.endswith(SCALE)}


def _plain(name: str, found: dict[str, np.ndarray]) -> torch.Tensor:
    """A variable as numbers that count: float16 and float32 as they are, int8 and int16 divided by their scale."""
    array, scale = found[name], found.get(name + SCALE)
    if scale is None:
        return torch.from_numpy(array)
    if scale.ndim > 1 or (scale.ndim == 1 and scale.shape[0] != (array.shape or [0])[0]):
        raise ValueError(f"{name}: a scale of shape {scale.shape}")
    return torch.from_numpy(array / scale.astype(np.float32).reshape(scale.shape + (1,) * (array.ndim - scale.ndim)))
