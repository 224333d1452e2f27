"""Downloads with progress and resume; a partial one never has the name of the whole."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import re
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

from tqdm import tqdm

from lexicon.errors import UserError, first_line
from lexicon.files import write_lines

TIMEOUT_S = 60
BLOCK = 1 << 16
PART = ".part"  # ending of a partial download; .part.of names the version of the file that it is a part of


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def download(url: str, path: Path, setting: str = "DOWNLOADS") -> None:
    """Fetch ``url`` into the file ``path``, showing progress on a terminal. Raises UserError with the way out: the file
    fetched elsewhere, in a folder that ``setting`` names.

    What has arrived of a download that breaks off stays in PATH.part. The next call goes on from there if the server
    sends ranges and says that the file is still the same one (RFC 9110: Range, If-Range); else it begins anew.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + PART)
    version = part.with_name(part.name + ".of")
    with open(part, "ab") as stream:
        _lock(stream, part)
        try:
            _receive(url, stream, version)
            stream.flush()
            os.fsync(stream.fileno())
            os.replace(part, path)
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            raise UserError(
                f"{url}: cannot be fetched ({first_line(error)}); check the network, or fetch {path.name} "
                f"elsewhere and give its folder with {setting}="
            ) from None
        finally:
            if not version.exists():  # without a version it cannot be resumed
                part.unlink(missing_ok=True)
    version.unlink(missing_ok=True)


def _lock(stream: IO[bytes], part: Path) -> None:
    """Two runs must not write into one file."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = part.exists() and os.path.samestat(os.fstat(stream.fileno()), part.stat())
    except BlockingIOError:
        ours = False
    if not ours:
        raise UserError(f"{part}: another run is fetching it; wait for it to end, then run the command again")


def _receive(url: str, stream: IO[bytes], version: Path) -> None:
    """Append to ``stream`` what it lacks of ``url``, or download all of it again; ``version`` names what it holds."""
    held = stream.tell()
    known = version.read_text(encoding="utf-8").splitlines() if held and version.exists() else []
    if len(known) == 2 and known[0] == url:
        try:
            with _ask(url, {"Range": f"bytes={held}-", "If-Range": known[1]}) as response:
                content_range = re.fullmatch(rf"bytes {held}-\d+/(\d+)", response.headers.get("Content-Range") or "")
                if (
                    response.status == http.HTTPStatus.PARTIAL_CONTENT
                    and content_range
                    and _version(response) in (known[1], None)
                ):  # a part need not repeat it
                    return _copy(response, stream, held, int(content_range[1]))
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            if error.headers.get("Content-Range") == f"bytes */{held}":
                return None  # all of it is here: the run was killed after the last byte
    with _ask(url, {}) as response:
        version.unlink(missing_ok=True)
        stream.truncate(0)
        if said := _version(response):
            write_lines(version, [url, said])
        return _copy(response, stream, 0, int(response.headers.get("Content-Length") or 0))


def _ask(url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S)


def _version(response: http.client.HTTPResponse) -> str | None:
    """The value for If-Range: the strong ETag, else the date, else None."""
    tag = response.headers.get("ETag")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified")


def _copy(response: http.client.HTTPResponse, stream: IO[bytes], held: int, size: int) -> None:
    """Append the body; ``size`` is that of the whole file, ``held`` of it here already (0: the server does not say)."""
    free = shutil.disk_usage(Path(stream.name).parent).free
    if size - held > free:
        raise UserError(f"{stream.name}: {(size - held) / 1e9:.1f} GB to fetch and {free / 1e9:.1f} GB free; make room")
    name = Path(stream.name).name.removesuffix(PART)
    with tqdm(total=size or None, initial=held, unit="B", unit_scale=True, desc=name, disable=None) as bar:
        received = held
        while block := response.read(BLOCK):
            stream.write(block)
            received += len(block)
            bar.update(len(block))
    if size and received != size:
        raise UserError(f"{response.url}: the connection broke after {received} of {size} bytes; run the command again")
