"""What is made of each utterance and needed again before a stage is done, on disk: no corpus fills the memory."""

from __future__ import annotations

import os
import pickle
import weakref
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TypeVar

from lexicon.files import nameless_file, private_file
from pipeline.base.parallel import CLUSTER

Value = TypeVar("Value")


class OnDisk(Mapping[str, Value]):
    """Values by utterance, in the order of ``items``, each read when it is asked for.

    They lie in a file in ``folder`` that has no name: it is gone with its process, even with one that is killed, and
    nobody else can write to it. So a value may be anything that can go from process to process (it is pickled). Workers
    that are forked afterwards read it too. Those of a cluster open it by its name, which it then has; no other user can
    open it.
    """

    def __init__(self, folder: Path, items: Iterable[tuple[str, Value]]):
        self._places: dict[str, tuple[int, int]] = {}
        self._path: Path | None = None
        try:
            if os.environ.get(CLUSTER):
                self._path = private_file(Path(os.path.abspath(folder)), self._pickled(items))
                self._open(self._path)
                weakref.finalize(self, self._path.unlink, missing_ok=True)
            else:
                self._keep(nameless_file(folder))
                self._file.writelines(self._pickled(items))
                self._file.flush()
        except OSError as error:
            error.filename = error.filename or str(folder)  # a full disk does not say where
            raise

    def _pickled(self, items: Iterable[tuple[str, Value]]) -> Iterator[bytes]:
        end = 0
        for utterance, value in items:
            pickled = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
            self._places[utterance] = end, len(pickled)
            end += len(pickled)
            yield pickled

    def _keep(self, file: IO[bytes]) -> None:
        self._file = file
        weakref.finalize(self, file.close)

    def _open(self, path: Path) -> None:
        self._keep(open(path, "rb"))

    def __getstate__(self) -> tuple[Path, dict[str, tuple[int, int]]]:
        """To be read by a process of another machine."""
        if self._path is None:
            raise TypeError("a file without a name cannot be sent")
        return self._path, self._places

    def __setstate__(self, state: tuple[Path, dict[str, tuple[int, int]]]) -> None:
        path, self._places = state
        self._path = path
        self._open(path)

    def __getitem__(self, utterance: str) -> Value:
        start, size = self._places[utterance]
        return pickle.loads(os.pread(self._file.fileno(), size, start))

    def __contains__(self, utterance: object) -> bool:
        return utterance in self._places  # without reading it

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
