"""What is made of each utterance and needed again before a stage is done, on disk: no corpus fills the memory."""

from __future__ import annotations

import os
import pickle
import weakref
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from lexicon.files import nameless_file

Value = TypeVar("Value")


class OnDisk(Mapping[str, Value]):
    """Values by utterance, in the order of ``items``, each read when it is asked for.

    They lie in a file in ``folder`` that has no name: it is gone with its process, even with one that is killed, and
    nobody else can write to it. So a value may be anything that can go from process to process (it is pickled). Workers
    that are forked afterwards read it too.
    """

    def __init__(self, folder: Path, items: Iterable[tuple[str, Value]]):
        self._file = nameless_file(folder)
        weakref.finalize(self, self._file.close)
        self._places: dict[str, tuple[int, int]] = {}
        end = 0
        try:
            for utterance, value in items:
                size = self._file.write(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
                self._places[utterance] = end, size
                end += size
            self._file.flush()
        except OSError as error:
            error.filename = error.filename or str(folder)  # a full disk does not say where
            raise

    def __getitem__(self, utterance: str) -> Value:
        start, size = self._places[utterance]
        return pickle.loads(os.pread(self._file.fileno(), size, start))

    def __contains__(self, utterance: object) -> bool:
        return utterance in self._places  # without reading it

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
