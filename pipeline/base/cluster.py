"""A function applied to utterances by the processes of a dask.distributed cluster, on this and other machines.

All of them see the same files under the same paths (a shared file system, as Kaldi wants it), and have this project
installed. The function is pickled once, with all that it refers to, and unpickled once by each process; items and
results travel one by one. Dask computes again elsewhere what a process took with it when it died, and gives work to
those that come later. Each process has one thread, for here the working directory is that of the process.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import pickle
import time
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from lexicon.errors import UserError, first_line

if TYPE_CHECKING:
    from distributed import Client, Future

AHEAD = 4  # items that are sent, or whose results wait for an earlier one, for each process: this bounds memory
ANSWER_S = 10  # seconds in which a scheduler answers, if there is one
WORKERS_S = 120  # and in which the first process comes
LOOK_S = 1.0  # seconds between two looks at how many processes there are


class Shipped:
    """A function on its way to where it is called, pickled; ``folder`` is the working directory that it is called
    in."""

    def __init__(self, pickled: bytes, folder: str):
        self.pickled, self.folder = pickled, folder
        self._function: Callable[[Any], Any] | None = None

    def __reduce__(self) -> tuple[type[Shipped], tuple[bytes, str]]:
        return Shipped, (self.pickled, self.folder)

    def __call__(self, item: Any) -> Any:
        os.chdir(self.folder)  # another program's work may have come in between
        if self._function is None:
            self._function = pickle.loads(self.pickled)
        return self._function(item)


def answer(function: Shipped, item: Any) -> tuple[bool, Any]:
    """In a process of the cluster: (True, result) or (False, error), for dask would compute errors again."""
    try:
        return True, function(item)
    except Exception as error:
        if not isinstance(error, UserError):
            error.add_note(traceback.format_exc())
        return False, error


def pickled(function: Callable[[Any], Any]) -> bytes | None:
    """A function with all that it refers to; None if it holds what cannot be sent, as objects of C++ are."""
    cloudpickle = _installed("cloudpickle")
    try:
        return cloudpickle.dumps(function)
    except (TypeError, pickle.PicklingError):
        return None


def _installed(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UserError(
            f"JOBS=dask needs {name}, here and on every machine: .venv/bin/pip install -e '.[cluster]'"
        ) from None


class ClusterCrew:
    """The processes of the cluster at ``address``, a scheduler of dask, applying a ``function`` that is pickled; to be
    used in a `with` statement. They come and go. UserError where there is no cluster, or it goes away."""

    def __init__(self, function: bytes, address: str):
        self.address, self.client = address, _connected(address)
        self.sent: deque[Future] = deque()
        self.looked, self.known = 0.0, 0
        try:
            self.client.wait_for_workers(1, timeout=WORKERS_S)
            self.function = self.client.submit(Shipped, function, os.getcwd(), pure=False)
        except TimeoutError:
            self.client.close()
            raise UserError(
                f"ADDRESS={address}: no worker there after {WORKERS_S} s; start some: dask worker {address} --nthreads"
                " 1 --nworkers auto"
            ) from None

    def __enter__(self) -> ClusterCrew:
        return self

    def __exit__(self, *error: object) -> None:
        self.client.close()  # what is still at work there is dropped

    def map(self, items: Iterable[Any]) -> Iterator[Any]:
        """The results in the order of ``items``; an error is raised in the place of its result."""
        for item in items:
            with _in_one_line(self.address):
                self.sent.append(self.client.submit(answer, self.function, item, pure=False))
                enough = AHEAD * self.size()
            while len(self.sent) >= enough:
                yield self._next()
        while self.sent:
            yield self._next()

    def _next(self) -> Any:
        with _in_one_line(self.address):
            good, value = self.sent.popleft().result()
        if not good:
            raise value
        return value

    def size(self) -> int:
        """How many processes there are; at least 1, for where all are gone others may come."""
        if time.monotonic() - self.looked > LOOK_S:
            threads = self.client.nthreads()
            if crowded := [name for name, number in threads.items() if number > 1]:
                raise UserError(
                    f"ADDRESS={self.address}: worker {crowded[0]} has {threads[crowded[0]]} threads; start it with"
                    " --nthreads 1, and as many as there are cores: --nworkers auto"
                )
            self.looked, self.known = time.monotonic(), max(1, len(threads))
        return self.known


def _connected(address: str) -> Client:
    distributed = _installed("distributed")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # it is said in one line
    warnings.filterwarnings("ignore", module="distributed")  # that a model is large
    try:
        return distributed.Client(address, timeout=ANSWER_S, set_as_default=False, name="phonoscope")
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        raise UserError(
            f"ADDRESS={address}: no scheduler of dask answers there ({first_line(error)}); start one: dask scheduler"
        ) from None


@contextlib.contextmanager
def _in_one_line(address: str) -> Iterator[None]:
    """UserError for what is the cluster's trouble."""
    from distributed import KilledWorker

    try:
        yield
    except UserError:
        raise
    except KilledWorker as error:
        raise UserError(
            f"ADDRESS={address}: workers were killed again and again over the same utterance, most likely for want of"
            " memory; give each more of it, or start fewer on a machine"
        ) from error
    except Exception as error:
        raise UserError(
            f"ADDRESS={address}: the cluster cannot go on ({type(error).__name__}: {first_line(error)}); its workers"
            " need this project, in the same Python, and the same files; then run the same command again"
        ) from error
