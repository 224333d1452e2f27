"""NIST SPHERE files written by hand, for the readers of corpora that come as such."""

from __future__ import annotations

from pathlib import Path

import numpy as np

HEADER_BYTES = 1024


def write_sphere(path: Path, samples: np.ndarray, big_endian: bool = False, sample_rate: int = 16000) -> None:
    """One channel of int16 ``samples`` (N,) behind a NIST_1A header, as sample_byte_format 01 or 10 has them."""
    fields = [
        "channel_count -i 1",
        f"sample_count -i {len(samples)}",
        f"sample_rate -i {sample_rate}",
        "sample_n_bytes -i 2",
        f"sample_byte_format -s2 {'10' if big_endian else '01'}",
        "sample_sig_bits -i 16",
        "sample_coding -s3 pcm",
        "end_head",
    ]
    header = f"NIST_1A\n{HEADER_BYTES:7}\n" + "".join(f"{field}\n" for field in fields)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header.ljust(HEADER_BYTES).encode() + samples.astype(">i2" if big_endian else "<i2").tobytes())
