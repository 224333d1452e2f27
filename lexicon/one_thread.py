"""One thread a process for numpy, SciPy, scikit-learn and PyTorch: the cores are for the processes of
`pipeline.base.parallel`.

Threads that wait for each other spin, so a program beside them makes them five times as slow. Sums depend on the number
of threads, so two machines, or a process and its workers, would give different numbers. Every package of phonoscope
imports this first, because these libraries read the environment once, when they are loaded.
"""

from __future__ import annotations

import os
import sys

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def limit() -> None:
    """Limit the libraries that will be loaded, here or in a process started from here, and those that are loaded."""
    os.environ.update(dict.fromkeys(VARIABLES, "1"))
    if "numpy" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


limit()
