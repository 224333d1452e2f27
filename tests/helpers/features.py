"""Features without audio, and front ends that change nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from pipeline.datadir.feats import write_raw
from pipeline.sound.front_end import FrontEnd, Raw

CEPSTRA = Raw("mfcc", 8000, 13)


def as_it_is(dimension: int = 39) -> FrontEnd:
    """Of rows that are on disk as a system wants them."""
    return FrontEnd("none", 0, 0, raw=Raw("mfcc", 8000, dimension))


def write_feats(data: Path, feats: Mapping[str, np.ndarray], missing: Iterable[str] = ()) -> None:
    """Features (T, D) of utterances of one speaker, called s, in a data directory."""
    (dimension,) = {x.shape[1] for x in feats.values()}
    write_raw(data, as_it_is(dimension).raw, feats.items(), dict.fromkeys(feats, "s"), missing)
