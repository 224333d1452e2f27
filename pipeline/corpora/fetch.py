"""Getting corpora: download with progress, check hashes, unpack safely; a killed run leaves nothing false behind."""
from __future__ import annotations

import hashlib
import http.client
import tarfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.files import atomic_dir, atomic_write, write_lines

TIMEOUT_S = 60
BLOCK = 1 << 16
ORIGIN = "ORIGIN"  # the file in an unpacked corpus that says where it came from


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
    """Fetch ``url`` into the file ``path``, showing progress on a terminal. Raises UserError with the way out."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response, atomic_write(path, "wb") as stream:
            size = int(response.headers.get("Content-Length") or 0)
            with tqdm(total=size or None, unit="B", unit_scale=True, desc=path.name, disable=None) as bar:
                received = 0
                while block := response.read(BLOCK):
                    stream.write(block)
                    received += len(block)
                    bar.update(len(block))
            if size and received != size:
                raise UserError(f"{url}: the connection broke after {received} of {size} bytes; run the command again")
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise UserError(f"{url}: cannot be fetched ({_first_line(error)}); check the network, or fetch {path.name} "
                        f"elsewhere and give its folder with DOWNLOADS=") from None


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
        verdict = ("the publisher's archive" if known else "not the publisher's known archive, taken as it is"
                   if published else "taken as it is; its publisher names no hash to compare with")
        return path, f"{name} from {downloads}: {verdict}"
    path = cache / name
    if not path.is_file():
        download(url, path)
    if published and sha256(path) not in published:
        raise UserError(f"{path}: not the archive that {url} is known to publish (SHA-256 {sha256(path)}); "
                        f"delete it and run the command again, or give it with DOWNLOADS= to take it as it is")
    return path, f"{name} from {url}" + ("" if published else "; its publisher names no hash to compare with")


def given(downloads: Path | None, names: Iterable[str]) -> Path | None:
    """The first of the files or folders ``names`` that the user's folder holds."""
    return next((downloads / name for name in names if (downloads / name).exists()), None) if downloads else None


def unpack(archive: Path, name: str, source: str, cache: Path) -> Path:
    """Unpack an archive once into ``cache``/NAME-HASH, where HASH names its contents; return that folder.

    source: the line ``origin`` shall give. Raises UserError if the archive is damaged or would write outside.
    """
    root = cache / f"{name}-{sha256(archive)[:12]}"
    if not (root / ORIGIN).is_file():
        fill(root, lambda folder: extract(archive, folder), source)
    return root


def extract(archive: Path, folder: Path) -> None:
    """Extract a tar or zip archive into ``folder``; links and paths that lead out of it are refused (PEP 706)."""
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    except tarfile.FilterError as error:
        raise UserError(f"{archive}: would write outside its folder ({error}); fetch the archive again") from None
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # a full disk, not a bad archive
        raise UserError(f"{archive}: a damaged archive ({_first_line(error)}); fetch it again") from None


def fill(root: Path, make: Callable[[Path], None], source: str) -> None:
    """Let ``make`` fill a temporary folder that becomes ``root`` when it is complete; note where it came from."""
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


def _first_line(error: Exception) -> str:
    """What went wrong, in one line."""
    return (str(error).splitlines() or [type(error).__name__])[0].strip(":<> ")
