"""The files of a corpus, without hidden files and those that a Mac adds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath

MAC_ARCHIVE = "__MACOSX"  # a folder of ._name for each name, in archives made by macOS


def hidden(path: PurePath) -> bool:
    """Whether a name on this path, relative to the corpus, is hidden: ._name.wav, .git/config, __MACOSX/name."""
    return any(part.startswith(".") or part == MAC_ARCHIVE for part in path.parts)


def of_a_mac(name: str) -> bool:
    """Whether macOS has added a member to an archive: ._name, or anything in __MACOSX."""
    return any(part.startswith("._") or part == MAC_ARCHIVE for part in PurePath(name).parts)


def below(folder: Path, pattern: str = "*") -> Iterator[Path]:
    """What matches ``pattern`` anywhere below ``folder``, sorted, but for hidden files and those in hidden folders."""
    return (path for path in sorted(folder.rglob(pattern)) if not hidden(path.relative_to(folder)))


def within(folder: Path, pattern: str) -> list[Path]:
    """As ``below``, for a pattern that says how deep: `folder.glob`."""
    return [path for path in sorted(folder.glob(pattern)) if not hidden(path.relative_to(folder))]
