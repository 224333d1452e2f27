"""Round values along an axis."""

from __future__ import annotations

import itertools
import math


def round_values(low: float, high: float, most: int, least: float = 0.0) -> list[float]:
    """At most ``most`` + 1 round values from ``low`` to ``high``, in steps of 1, 2 or 5 times a power of ten, but of no
    less than ``least``."""
    first = math.floor(math.log10((high - low) / most))
    steps = (factor * 10.0**power for power in itertools.count(first) for factor in (1, 2, 5))
    step = next(step for step in steps if step >= least and (high - low) / step <= most)
    return [step * number for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
