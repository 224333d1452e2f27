"""Hypothesis strategies that damage intact files: functions from bytes to bytes, which shrink to the least damage."""

from __future__ import annotations

import copy
import gzip
import json
import math
import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

Damage = Callable[[bytes], bytes]

# What readers have stumbled over: numbers that are none or too many, other encodings, other line ends, other folders.
NASTY = [
    b"",
    b" ",
    b"\n",
    b"\n\n",
    b"\r\n",
    b"\r",
    b"\t",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    "\u2028".encode(),
    "\u00a0".encode(),
    "e\u0301\U0001f600".encode(),
    b"nan",
    b"-inf",
    b"1e308",
    b"1e400",
    b"-1",
    b"0",
    b"1_0",
    b"0x10",
    b"2147483648",
    b"99999999999999999999",
    b"9" * 5000,
    b"../../x",
    b"/dev/zero",
    b"/",
    b".",
    b"x" * 5000,
    b"%",
    b"%zz",
    b"=",
    b":",
    b"|",
    b"<eps>",
    b"<s>",
    b"SIL",
    b"#0",
    b"\\data\\",
    b"\\end\\",
    b"\\1-grams:",
    b"[" * 3000,
    b"{",
    b'"',
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"\x00\x00\x00\x80",
]
TOKEN = re.compile(rb"[^\s=:,;\"\[\]{}]+")


def _edited(data: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for where, span, new in edits:
        start = int(where * len(data))
        if span < 0:  # a whole token, where there is one
            found = TOKEN.search(data, start)
            start, span = (found.start(), found.end() - found.start()) if found else (start, 1)
        data = data[:start] + new + data[start + span :]
    return data


def _lines(data: bytes, moves: list[tuple[float, float]]) -> bytes:
    """Lines taken away and put elsewhere; a line put onto itself occurs twice."""
    lines = data.split(b"\n")
    for source, target in moves:
        a, b = int(source * len(lines)), int(target * len(lines))
        lines.insert(b, lines[a] if a == b else lines.pop(a))
    return b"\n".join(lines)


share = st.floats(0, 1, exclude_max=True)
edits = st.lists(
    st.tuples(share, st.sampled_from([-1, -1, 0, 1, 2, 4, 30]), st.sampled_from(NASTY) | st.binary(max_size=6)),
    min_size=1,
    max_size=4,
)
BYTES = st.one_of(
    edits.map(lambda e: lambda data: _edited(data, e)),
    share.map(lambda keep: lambda data: data[: int(keep * len(data))]),
    st.binary(max_size=300).map(lambda new: lambda data: new),
)
LINES = st.lists(st.tuples(share, share), min_size=1, max_size=3).map(lambda m: lambda data: _lines(data, m))
TEXT = BYTES | LINES


# ---- JSON

values = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        10**25,
        10**400,
        1e308,
        math.nan,
        -math.inf,
        1.5,
        "",
        "x",
        "a\0b",
        "../../x",
        "\ud800",
        "9" * 5000,
        [],
        [[]],
        [[[1, 2], [3]]],
        {},
        {"a": 1},
    ]
) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of everything within a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in items for place in [(value, key), *_places(inner)]]


def _changed(value: Any, changes: list[tuple[float, Any]]) -> Any:
    value = copy.deepcopy(value)
    for where, new in changes:
        places = _places(value)
        if not places or where >= 0.99:
            value = copy.deepcopy(new)
        else:
            container, key = places[int(where / 0.99 * len(places))]
            container[key] = copy.deepcopy(new)
    return value


changes = st.lists(st.tuples(share, values), min_size=1, max_size=3)
_OBJECT = changes.map(lambda c: lambda data: json.dumps(_changed(json.loads(data), c)).encode())
JSON = _OBJECT | BYTES
GZIPPED_JSON_LINES = (
    st.tuples(changes).map(
        lambda c: (
            lambda data: gzip.compress(
                b"\n".join(
                    json.dumps(_changed(json.loads(line), c[0])).encode() for line in gzip.decompress(data).splitlines()
                )
            )
        )
    )
    | BYTES
)


# ---- arrays

odd_arrays = st.sampled_from(
    [
        np.zeros(0),
        np.zeros(()),
        np.array(-1),
        np.array(10**9),
        np.array(1.5),
        np.full(3, np.nan),
        np.full((3, 1, 39), np.inf),
        np.full((3, 1, 39), 1e200),
        np.zeros((0, 39)),
        np.zeros((2, 2, 2, 2)),
        np.array(["SIL", "AH"]),
        np.array(["\0", "a/b", ""]),
        np.array([b"bytes"]),
        np.arange(11),
        np.array([{"a": 1}], object),
        np.zeros(2, [("a", "i4"), ("b", "f8")]),
        np.array([1 + 2j]),
        np.array(["2026-01-01"], "M8[D]"),
        np.array([True, False]),
        np.zeros(4, "V7"),
    ]
)


def _reheaded(data: bytes, changes: list[tuple[float, Any]]) -> bytes:
    (length,) = struct.unpack("<Q", data[:8])
    header = json.dumps(_changed(json.loads(data[8 : 8 + length]), changes)).encode()
    return struct.pack("<Q", len(header)) + header + data[8 + length :]


TENSORS = changes.map(lambda c: lambda data: _reheaded(data, c)) | BYTES
