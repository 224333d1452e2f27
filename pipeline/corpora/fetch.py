"""Getting corpora: download with progress, resume, check hashes, unpack."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.files import atomic_dir, write_lines
from pipeline.corpora.tree import within
from pipeline.corpora.unpack import extract, first_line

TIMEOUT_S = 60
BLOCK = 1 << 16
ORIGIN = "ORIGIN"  # the file in an unpacked corpus that says where it came from
PART = ".part"  # ending of a partial download; .part.of names the version of the file that it is a part of


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def origin(root: Path) -> str:
    """One line on where the corpus unpacked in ``root`` came from, and whether it is the publisher's."""
    try:
        return (root / ORIGIN).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return f"from {root}"


def download(url: str, path: Path) -> None:
    """Fetch ``url`` into the file ``path``, showing progress on a terminal. Raises UserError with the way out.

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
                f"elsewhere and give its folder with DOWNLOADS="
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


def given(downloads: Path | None, patterns: Iterable[str]) -> Path | None:
    """The first file or folder in the user's folder ``downloads`` that fits one of the patterns (as in glob)."""
    return next((path for pattern in patterns for path in within(downloads, pattern)), None) if downloads else None


def archive_of(name: str, url: str, published: frozenset[str], downloads: Path | None, cache: Path) -> tuple[Path, str]:
    """Find an archive: in the user's folder ``downloads`` as it is, else in ``cache``, else from ``url``.

    published: known SHA-256 hashes of the publisher's archive; empty where the publisher names none. What is downloaded
    must have one of them. Returns the path and one line on its origin.
    """
    if downloads is not None:
        path = downloads / name
        if not path.is_file():
            raise UserError(f"{path}: no such archive; put it there, or leave DOWNLOADS out to fetch it from {url}")
        known = sha256(path) in published
        verdict = (
            "the publisher's archive"
            if known
            else "not the publisher's known archive, taken as it is"
            if published
            else "taken as it is; its publisher names no hash to compare with"
        )
        return path, f"{name} from {downloads}: {verdict}"
    path = cache / name
    if not path.is_file():
        download(url, path)
    if published and sha256(path) not in published:
        raise UserError(
            f"{path}: not the archive that {url} is known to publish (SHA-256 {sha256(path)}); "
            f"delete it and run the command again, or give it with DOWNLOADS= to take it as it is"
        )
    return path, f"{name} from {url}" + ("" if published else "; its publisher names no hash to compare with")


def unpack(archive: Path, name: str, source: str, cache: Path) -> Path:
    """Unpack an archive once into ``cache``/NAME-HASH, where HASH names its contents; return that folder.

    source: the line ``origin`` shall give. Raises UserError if the archive is damaged or would write outside.
    """
    root = cache / f"{name}-{sha256(archive)[:12]}"
    if not (root / ORIGIN).is_file():
        fill(root, lambda folder: extract(archive, folder), source)
    return root


def fill(root: Path, make: Callable[[Path], None], source: str) -> None:
    """Let ``make`` fill a temporary folder, which becomes ``root`` when it is complete, with a note of where it came
    from."""
    with atomic_dir(root) as folder:
        make(folder)
        write_lines(folder / ORIGIN, [source])


def verify(root: Path, sums: Path, prefix: str, remedy: str) -> None:
    """Compare every file of ``root`` with the list ``sums`` (sha256sum's format).

    Raises UserError: ``prefix``, the first file that differs, how many more do, and ``remedy``.
    """
    wrong = []
    for line in sums.read_text(encoding="utf-8").splitlines():
        expected, name = line.split(maxsplit=1)
        if not (root / name).is_file():
            wrong.append((name, "missing"))
        elif sha256(root / name) != expected:
            wrong.append((name, "damaged (its SHA-256 differs)"))
    if wrong:
        name, problem = wrong[0]
        more = f", and {len(wrong) - 1} more files" if len(wrong) > 1 else ""
        raise UserError(f"{prefix}{name}: {problem}{more}; {remedy}")
