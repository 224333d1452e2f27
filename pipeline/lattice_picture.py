"""A lattice as bars: arcs of one phone that cover the same stretch are one."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.lattice import Lattice, best_path
from pipeline.show.net import settled_word

MIN_POSTERIOR = 0.01
# Arcs of one phone that share at least this part of the shorter one are one bar.
MIN_OVERLAP = 0.5


@dataclass
class Bar:
    """One phone over frames start .. end (exclusive), drawn in ``lane``: 0 is the best path, likelier ones nearer.

    ``posterior``: the largest share, at any of its frames, of the paths through its ``num_arcs`` arcs. The scores,
    natural logs, and the frames are those of the likeliest of these arcs; ``word`` is settled here if not empty.
    """

    label: str
    word: str
    start: int
    end: int
    posterior: float
    acoustic: float
    language: float
    num_arcs: int
    best: bool
    lane: int = 0


def bars(lattice: Lattice, min_posterior: float = MIN_POSTERIOR) -> list[Bar]:
    """The lattice as bars in lanes: best path in lane 0, every other phone in the first lane that is free there.

    Arcs are taken likeliest first; one joins the bar of the same phone that it overlaps by ``MIN_OVERLAP`` of the
    shorter of the two, or begins its own. Bars below ``min_posterior`` are left out, the best path never is.
    """
    best = set(best_path(lattice))
    starts, ends = lattice.node_frame[lattice.arc_from], lattice.node_frame[lattice.arc_to]
    order = sorted(range(len(lattice.label)), key=lambda arc: (arc not in best, -lattice.posterior[arc], starts[arc]))
    found: list[tuple[Bar, list[int]]] = []
    by_label: dict[str, list[int]] = {}
    for arc in order:
        start, end, label = int(starts[arc]), int(ends[arc]), lattice.label[arc]
        if start == end:
            continue
        home = None if arc in best else next(
            (i for i in by_label.get(label, ()) if _overlap(found[i][0], start, end) >= MIN_OVERLAP), None)
        if home is None:
            by_label.setdefault(label, []).append(len(found))
            found.append((Bar(label, settled_word(lattice, arc), start, end, float(lattice.posterior[arc]),
                              float(lattice.acoustic[arc]), float(lattice.language[arc]), 1, arc in best), [arc]))
        else:
            found[home][1].append(arc)
    kept = []
    for bar, arcs in found:
        bar.num_arcs, bar.posterior = len(arcs), _highest(starts[arcs], ends[arcs], lattice.posterior[arcs])
        if bar.best or bar.posterior >= min_posterior:
            kept.append(bar)
    return _into_lanes(kept)


def _overlap(bar: Bar, start: int, end: int) -> float:
    """Frames shared, as a part of the shorter of the two."""
    return (min(bar.end, end) - max(bar.start, start)) / min(bar.end - bar.start, end - start)


def _highest(starts: np.ndarray, ends: np.ndarray, posteriors: np.ndarray) -> float:
    """The largest posterior mass of these arcs together at any frame."""
    first = int(starts.min())
    steps = np.zeros(int(ends.max()) - first + 1)
    np.add.at(steps, starts - first, posteriors)
    np.add.at(steps, ends - first, -posteriors)
    return float(min(np.cumsum(steps).max(), 1.0))


def _into_lanes(kept: list[Bar]) -> list[Bar]:
    """Give each bar its lane; the likelier choose first. Returned in order of time."""
    lanes: list[list[Bar]] = [[bar for bar in kept if bar.best]]
    for bar in sorted((bar for bar in kept if not bar.best), key=lambda bar: (-bar.posterior, bar.start)):
        for number, lane in enumerate(lanes[1:], start=1):
            if all(bar.end <= other.start or other.end <= bar.start for other in lane):
                break
        else:
            number = len(lanes)
            lanes.append([])
        bar.lane = number
        lanes[number].append(bar)
    return sorted(kept, key=lambda bar: (bar.start, bar.lane))
