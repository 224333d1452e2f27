"""How peaky a CTC network is: it emits a phone in one or two rows, and blanks in all others.

Zeyer et al., Why does CTC result in peaky behavior? (2021), show that training leads there; Huang et al., Less peaky
and more accurate CTC forced alignment by label priors (2024), that dividing by the label prior makes alignments less
so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from pipeline.align.alignments import PlacedUtterance, in_seconds
from pipeline.align.boundaries import matched


class Peaks(NamedTuple):
    """Of a network's alignment of known text: the share of frames in which its path has a blank; how long a spike lasts
    on average, in frames; where, from 0 (the beginning) to 1 (the end), the middle of a spike lies within the same
    phone as an HMM places it: mean and standard deviation, and the share of spikes that lie within it at all."""

    blank_share: float
    spike_frames: float
    position: float
    deviation: float
    inside: float


def peaks(network: Mapping[str, PlacedUtterance], hmm: Mapping[str, PlacedUtterance]) -> Peaks:
    """Measure a network's alignment against an HMM's."""
    lengths, places, frames = [], [], 0
    for utt, ours in network.items():
        frames += ours.num_frames
        lengths += [phone.spike[1] - phone.spike[0] for phone in ours.phones if phone.spike]
        theirs = hmm[utt] if utt in hmm else PlacedUtterance(0, [], [])
        for i, j in matched(in_seconds(theirs.segments), in_seconds(ours.segments), {}):
            segment, spike = theirs.phones[i].segment, ours.phones[j].spike
            if spike:
                places.append((sum(spike) / 2 - segment.start) / (segment.end - segment.start))
    at = np.array(places)
    near = at[(at > -1) & (at < 2)]  # further off, the two have taken different sounds for this phone
    return Peaks(
        1 - sum(lengths) / frames,
        float(np.mean(lengths)),
        float(np.mean(near)) if len(near) else float("nan"),
        float(np.std(near)) if len(near) else float("nan"),
        float(np.mean((at >= 0) & (at <= 1))) if len(at) else float("nan"),
    )


HEADER = ["network", "blank_percent", "spike_frames", "position", "deviation", "inside_percent"]


def peak_cells(name: str, found: Peaks) -> list[str]:
    """A row under HEADER."""
    return [
        name,
        f"{100 * found.blank_share:.1f}",
        f"{found.spike_frames:.2f}",
        f"{found.position:.2f}",
        f"{found.deviation:.2f}",
        f"{100 * found.inside:.1f}",
    ]
