"""The systems that hear a recording of one's own: which of those named are ready, and the words for those that are
not."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from pipeline.compare.listen import ListedSystem, trained


def ready_systems(args: Namespace, stage: str) -> list[ListedSystem]:
    """Those of --system that are trained and tuned; one line names the others. UserError if none is."""
    systems, missing = trained(
        args.exp, [ListedSystem(name, Path(model), Path(lang)) for name, model, lang in args.system]
    )
    if missing:
        print(f"{stage}: left out, not trained and tuned yet: {', '.join(missing)}; run: make {missing[0]}")
    return systems
