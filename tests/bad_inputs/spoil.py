"""Ways to spoil a file of a place, to be named in the tables, and files that are bad by themselves."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import shutil
import struct
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bad_inputs.place import COMMANDS, RATE, Place
from pipeline.base.arrays import read_arrays, write_arrays
from pipeline.base.members import Members, packed, write_members

Spoil = Callable[[Place], object]


@dataclass(frozen=True)
class Row:
    """One bad input: what is ``bad``, how it is made so, and fragments of the line with which the stage must end.

    ``command`` are all options, ``also`` further ones behind those of COMMANDS. ``changed``: files that may change.
    """

    stage: str
    bad: str
    spoil: Spoil | None
    says: tuple[str, ...]
    also: str = ""
    command: str | None = None
    changed: tuple[str, ...] = ()

    def options(self) -> list[str]:
        return f"{COMMANDS[self.stage] if self.command is None else self.command} {self.also}".split()


def rows(stage: str, *table: tuple) -> list[Row]:
    """Rows of one stage from (bad, spoil, says, {further fields}); says is a fragment or several."""
    return [
        Row(stage, bad, spoil, (says,) if isinstance(says, str) else says, **(more[0] if more else {}))
        for bad, spoil, says, *more in table
    ]


def put(name: str, content: str | bytes) -> Spoil:
    """The whole file."""

    def spoil(place: Place) -> None:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return spoil


def swap(name: str, old: str | bytes, new: str | bytes) -> Spoil:
    """The first occurrence of some bytes, which must be there."""
    old, new = (value.encode() if isinstance(value, str) else value for value in (old, new))

    def spoil(place: Place) -> None:
        data = (place / name).read_bytes()
        assert old in data, (name, old)
        (place / name).write_bytes(data.replace(old, new, 1))

    return spoil


def change(name: str, function: Callable[[bytes], bytes]) -> Spoil:
    return lambda place: (place / name).write_bytes(function((place / name).read_bytes()))


def cut(name: str, keep: float) -> Spoil:
    """The first part of the file alone."""
    return change(name, lambda data: data[: int(len(data) * keep)])


def half(data: bytes) -> bytes:
    """The first half of the lines."""
    lines = data.splitlines(keepends=True)
    return b"".join(lines[: len(lines) // 2])


def flipped(name: str) -> Spoil:
    """One bit of the file is another."""

    def function(data: bytes) -> bytes:
        third = len(data) // 3
        return data[:third] + bytes([data[third] ^ 4]) + data[third + 1 :]

    return change(name, function)


def gone(name: str) -> Spoil:
    def spoil(place: Place) -> None:
        shutil.rmtree(place / name) if (place / name).is_dir() else (place / name).unlink()

    return spoil


def folder(name: str) -> Spoil:
    """A folder in place of the file."""

    def spoil(place: Place) -> None:
        (place / name).unlink(missing_ok=True)
        (place / name).mkdir(parents=True)

    return spoil


def pipe(name: str) -> Spoil:
    """A named pipe in place of the file: who opens it waits for ever."""

    def spoil(place: Place) -> None:
        (place / name).unlink(missing_ok=True)
        os.mkfifo(place / name)

    return spoil


def both(*spoils: Spoil) -> Spoil:
    def spoil(place: Place) -> None:
        for one in spoils:
            one(place)

    return spoil


def values(name: str, **changes: object) -> Spoil:
    """Fields of a JSON object; a function is applied to what is there, None takes the field out."""

    return change(name, lambda data: _with_values(data, changes))


def _with_values(data: bytes, changes: dict[str, object]) -> bytes:
    value = json.loads(data)
    for key, new in changes.items():
        value[key] = new(value[key]) if callable(new) else new
    return json.dumps({key: item for key, item in value.items() if item is not None}).encode()


def deep(name: str) -> Spoil:
    return put(name, "[" * 200_000)


# ---- audio


def wav(
    samples: bytes = bytes(8000),
    rate: int = RATE,
    channels: int = 1,
    claimed: int | None = None,
    kind: int = 1,
    bits: int = 16,
) -> bytes:
    """A WAV file of one's own; ``claimed`` bytes of samples in its header."""
    size = len(samples) if claimed is None else claimed
    form = struct.pack(
        "<HHIIHH", kind, channels, rate, rate * channels * bits // 8 & 0xFFFFFFFF, channels * bits // 8, bits
    )
    return (
        b"RIFF"
        + struct.pack("<I", min(36 + size, 0xFFFFFFFF))
        + b"WAVEfmt "
        + struct.pack("<I", len(form))
        + form
        + b"data"
        + struct.pack("<I", size)
        + samples
    )


def recorded(utterance: str, name: str = "odd.wav", make: Callable[[Path], object] = Path.touch) -> Spoil:
    """The utterance of data/toy/dev lies in another file, which ``make`` makes."""

    def spoil(place: Place) -> None:
        make(place / name)
        table = place / "data/toy/dev/wav.scp"
        table.write_text(
            "".join(
                f"{utterance} {place / name}\n" if line.startswith(utterance) else line
                for line in table.read_text().splitlines(keepends=True)
            )
        )

    return spoil


def sounding(data: bytes) -> Spoil:
    """One recording of data/toy/dev has these bytes."""
    return recorded("ann-dev0", make=lambda path: path.write_bytes(data))


FLAC_OF_A_DAY = (
    b"fLaC\x80\0\0\x22"
    + struct.pack(">HH", 4096, 4096)
    + bytes(6)
    + ((RATE << 44) | (15 << 36) | (RATE * 3600 * 24)).to_bytes(8, "big")
    + bytes(16)
)


# ---- arrays


class Bomb:
    """Unpickled, it makes a file."""

    def __reduce__(self):
        return os.system, ("touch ran",)


def arrays(name: str, **changes: object) -> Spoil:
    """Arrays of a safetensors file (AH__means for AH.means); None takes one out."""

    def spoil(place: Place) -> None:
        held, names = read_arrays(place / name)
        held |= {key.replace("__", "."): value for key, value in changes.items()}
        write_arrays(place / name, {key: value for key, value in held.items() if value is not None}, names)

    return spoil


def promised(array: str, size: int) -> bytes:
    """A safetensors file of one array, of which its header says that it has so many bytes."""
    header = json.dumps({array: {"dtype": "F64", "shape": [size // 8], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(64)


def pickled() -> bytes:
    return pickle.dumps(Bomb())


def matrix(*shape: int, value: float = 0.0, kind: bytes = b"FM", rows: int | None = None) -> bytes:
    """A Kaldi matrix; ``rows`` is what its header says."""
    sizes = shape[0] if rows is None else rows, shape[1]
    return (
        b"\0B"
        + kind
        + b" "
        + b"".join(b"\4" + struct.pack("<i", size) for size in sizes)
        + np.full(shape, value, "<f4").tobytes()
    )


def vector(*labels: int) -> bytes:
    return b"\0B\4" + struct.pack("<i", len(labels)) + b"".join(b"\4" + struct.pack("<i", label) for label in labels)


def entry(scp: str, utterance: str, data: bytes) -> Spoil:
    """One utterance of an archive lies in another file, which holds ``data``."""

    def spoil(place: Place) -> None:
        (place / "odd.ark").write_bytes(data)
        (place / scp).with_suffix(".crc").unlink()  # as others write archives
        lines = [
            f"{utterance} odd.ark:0\n" if line.split()[0] == utterance else line
            for line in (place / scp).read_text().splitlines(keepends=True)
        ]
        (place / scp).write_text("".join(lines))

    return spoil


def tensors(name: str, header: str | dict, data: bytes = bytes(64), claimed: int | None = None) -> Spoil:
    """A safetensors file with this header, whose length may be a lie."""
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return put(name, struct.pack("<Q", len(text) if claimed is None else claimed) + text + data)


# ---- archives


def member(
    archive: str, utterance: str, content: bytes | Callable[[bytes], bytes] | None = None, /, **changes
) -> Spoil:
    """What a lattice archive holds of an utterance is another, with an index that knows it: ``content``, or what is
    there with ``changes`` of `values`; nothing of it without either."""

    def spoil(place: Place) -> None:
        held = Members(place / archive, "")
        whole = {utt: held.read(utt) for utt in held}
        if changes:
            whole[utterance] = _with_values(whole[utterance], changes)
        elif content is None:
            del whole[utterance]
        else:
            whole[utterance] = content(whole[utterance]) if callable(content) else content
        with write_members(place / archive) as append:
            for utt, data in whole.items():
                append(utt, packed(data))

    return spoil


def bomb(archive: Path, utterance: str) -> None:
    """A lattice archive of one small member that unpacks to 300 MB, with an index that knows it."""
    with write_members(archive) as append:
        append(utterance, gzip.compress(bytes(300_000_000), 1))


def tarred(*members: tuple[str, str | bytes, str]) -> bytes:
    """A tar.gz of (name, "file", "link", "device" or "huge", content or target); a huge one is but a header."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            if kind == "file":
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content.encode()))
            elif kind == "huge":
                member.size = 10**13
                tar.addfile(member)
            else:
                member.type, member.linkname = (tarfile.SYMTYPE, content) if kind == "link" else (tarfile.CHRTYPE, "")
                tar.addfile(member)
    return stream.getvalue()
