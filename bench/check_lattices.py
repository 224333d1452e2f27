"""Are the lattices of an experiment what they say they are?

    python bench/check_lattices.py exp/prompts

For every system and utterance: the best path spells the hypothesis, the posteriors of every frame sum to 1, SLF and JSON
agree. Prints a line per system and graph, and exits with 1 if anything is wrong.
"""
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from lexicon.text import read_text
from pipeline.lattice import best_path, depth, forward_backward, read_json_lattice, read_slf

HYPOTHESES = {"free": "free.txt", "words": "phones.txt"}


def largest_gap(lattice) -> float:
    """How far the posteriors of any frame are from a sum of 1, computed anew over the arcs that were kept."""
    forward_backward(lattice)
    starts, ends = lattice.node_frame[lattice.arc_from], lattice.node_frame[lattice.arc_to]
    steps = np.zeros(lattice.num_frames + 1)
    np.add.at(steps, starts, lattice.posterior)
    np.add.at(steps, ends, -lattice.posterior)
    return float(np.abs(np.cumsum(steps)[:-1] - 1).max())


def main(exp: Path) -> int:
    wrong = 0
    for folder in sorted(exp.glob("*/decode_test/lattices/*")):
        hypotheses = read_text(folder.parents[1] / HYPOTHESES[folder.name])
        same = agree = 0
        gaps, depths = [], []
        for utt, phones in hypotheses.items():
            if not phones:
                continue  # nothing was found, so there is no lattice; the decode stage says so
            lattice, slf = read_json_lattice(folder / f"{utt}.json"), read_slf(folder / f"{utt}.slf")
            same += tuple(lattice.label[arc] for arc in best_path(lattice)) == phones
            agree += (slf.label == lattice.label and slf.word == lattice.word
                      and np.allclose(slf.scores(), lattice.scores(), atol=1e-3))
            gaps.append(largest_gap(lattice))
            depths.append(depth(lattice))
        total = len(gaps)
        print(f"{folder.relative_to(exp)}: {same} of {total} best paths spell the hypothesis, {agree} of {total} SLF agree,"
              f" posteriors sum to 1 within {max(gaps):.1e}, {np.mean(depths):.1f} arcs a frame")
        wrong += same < total or agree < total or max(gaps) > 1e-4 or total < len(hypotheses) * .98
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
