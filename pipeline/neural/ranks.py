"""One training in several processes on one machine or more, as PyTorch's torchrun starts them.

Each process (rank) has all weights and the whole corpus, and computes the gradients of some parts of a batch; then all
have those of all parts (`pipeline.neural.exchange`), and add them up in the same order. So the numbers are those of one
process, bit by bit, where the machines compute alike. The first rank alone writes what is kept.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

WORLD, RANK = "WORLD_SIZE", "RANK"  # variables that torchrun sets


def several() -> bool:
    """Whether this process is one of several."""
    return int(os.environ.get(WORLD, 1)) > 1


def is_first() -> bool:
    """Whether this process is the one that writes what is kept."""
    return not several() or int(os.environ[RANK]) == 0


@contextlib.contextmanager
def joined(out: Path) -> Iterator[Path]:
    """Within, this process is one of those that torchrun started, if it did. Yields where it writes: the first to
    ``out``, others to a folder that is gone afterwards. UserError if another of them fails."""
    if not several():
        yield out
        return
    from pipeline.neural.exchange import group  # with PyTorch, which is slow to import

    with contextlib.ExitStack() as stack:
        stack.enter_context(group())
        if not is_first():
            out = Path(stack.enter_context(tempfile.TemporaryDirectory())) / out.name
        yield out
