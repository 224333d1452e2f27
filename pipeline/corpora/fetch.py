"""Getting corpora: find or download them, check hashes, unpack."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import atomic_dir, write_lines
from pipeline.base.download import download, sha256
from pipeline.corpora.tree import within
from pipeline.corpora.unpack import extract

ORIGIN = "ORIGIN"  # the file in an unpacked corpus that says where it came from


def origin(root: Path) -> str:
    """One line on where the corpus unpacked in ``root`` came from, and whether it is the publisher's."""
    try:
        return (root / ORIGIN).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return f"from {root}"


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
