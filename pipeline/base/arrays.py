"""Arrays in .npz files from anywhere: nothing is unpickled, and nothing is believed to be larger than its file.

`np.load` refuses pickles, but takes a header at its word: a hundred bytes may say that an array of a terabyte follows,
or, compressed, hold one of zeros. Models are written uncompressed (`np.savez`), so neither is needed.
"""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
KINDS = "fiuU"  # floating point, whole numbers, text


def read_arrays(path: Path | str) -> dict[str, np.ndarray]:
    """All arrays of an .npz file as `np.savez` writes it.

    FileNotFoundError if there is none; anything else that is wrong is an Exception of some kind (zipfile and the
    header's parser raise many), whose text says what.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(path)
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > path.stat().st_size or any(
            member.compress_type != zipfile.ZIP_STORED for member in members
        ):
            raise ValueError("its arrays are compressed, or said to be larger than the file")
        for member in members:
            if member.filename in arrays:
                raise ValueError(f"{member.filename} occurs twice")
            with archive.open(member) as stream:
                arrays[member.filename] = _read_array(stream, member)
    return {name.removesuffix(".npy"): array for name, array in arrays.items()}


def _read_array(stream: IO[bytes], member: zipfile.ZipInfo) -> np.ndarray:
    shape, fortran, dtype = HEADERS[np.lib.format.read_magic(stream)](stream)
    if dtype.kind not in KINDS or not dtype.itemsize:
        raise ValueError(f"{member.filename} holds {dtype}, not numbers or text")
    if math.prod(shape) * dtype.itemsize != member.file_size - stream.tell():
        raise ValueError(f"{member.filename} has other bytes than an array {shape} of {dtype}")
    return np.ndarray(shape, dtype, bytearray(stream.read()), order="F" if fortran else "C")
