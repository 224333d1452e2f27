"""A lattice as text: labels that competed at each time, depth, confusion network, n-best strings and oracle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lexicon.fold import Fold
from lexicon.phones import spoken
from lexicon.text import width_of
from pipeline.base.edits import GAP, pair_up
from pipeline.compare.score import alignment_picture, count
from pipeline.draw.chart import COLUMNS, MARGIN, bars, fit, frame_rulers, level, note, pad, table, wrap
from pipeline.draw.lattice_svg import title_of, word_of_arc
from pipeline.lattice import Lattice, best_path, depth, depths, frame_posteriors, nbest
from pipeline.lattice.difference import MIN_MASS, difference
from pipeline.lattice.oracle import oracle
from pipeline.lattice.sausage import Sausage, sausage
from pipeline.times.clock import frame_to_seconds
from pipeline.times.intervals import Interval

MIN_POSTERIOR = 0.01
NBEST = 8  # strings shown of the n-best list
NOTABLE = 0.1  # difference of two posteriors that is worth a line
RANKS = 4  # of labels in a confusion network
NOTHING = "-"
MOSTLY_NOTHING = 0.95  # a slot with a larger share of no label is not shown
WIDEST = 20  # columns of a label, or of the word that begins with an arc


@dataclass(frozen=True)
class ArcSlot:
    """The stretch of one label of the best path; ``posteriors``: label -> mean posterior over its frames, likeliest
    first. They sum to one where the lattice covers every frame."""

    label: str
    word: str
    start: int
    end: int
    posteriors: dict[str, float]


def slots(lattice: Lattice) -> list[ArcSlot]:
    """What competed with each label of the best path, in order of time. Arcs without a frame are left out."""
    labels, posteriors = frame_posteriors(lattice)
    result = []
    for arc in best_path(lattice):
        start, end = (int(lattice.node_frame[node]) for node in (lattice.arc_from[arc], lattice.arc_to[arc]))
        if end > start:
            mean = posteriors[:, start:end].mean(axis=1)
            ranked = {labels[i]: float(mean[i]) for i in np.argsort(-mean, kind="stable") if mean[i] > 1e-9}
            result.append(ArcSlot(lattice.label[arc], word_of_arc(lattice, arc), start, end, ranked))
    return result


def lattice_page(
    lattice: Lattice, reference: Sequence[str], fold: Fold = {}, min_posterior: float = MIN_POSTERIOR
) -> list[str]:
    """All of a lattice as text. ``reference``: words where arcs are words, else phones."""
    return [
        *lattice_text(lattice, min_posterior).splitlines(),
        "",
        "Arcs over each frame, and the posterior of the best path:",
        "",
        *depth_lines(lattice),
        "",
        "Confusion network:",
        "",
        *sausage_lines(sausage(lattice, fold), min_posterior),
        "",
        "The n-best strings:",
        "",
        *nbest_lines(lattice, fold),
        "",
        "The oracle, the path nearest to the reference:",
        "",
        *nearest_lines(lattice, reference, fold),
    ]


def lattice_text(lattice: Lattice, min_posterior: float = MIN_POSTERIOR, columns: int = COLUMNS) -> str:
    """One line for each label of the best path, with its rivals of at least ``min_posterior``.

    No line is longer than ``columns`` (at least 60).
    """
    seconds = lattice.num_frames * lattice.frame_shift_ms / 1000
    lines = [
        title_of(lattice),
        f"{seconds:.2f} s, {lattice.num_nodes} nodes, {len(lattice.label)} arcs, {depth(lattice):.1f} arcs "
        f"a frame; acoustic scale {lattice.acoustic_scale:g}",
    ]
    rows = slots(lattice)
    longest = max((width_of(slot.word) for slot in rows), default=0)
    room = min(max(longest, len("word")), WIDEST) if longest else 0
    what = "word" if lattice.graph == "word_arcs" else "phone"
    width = min(max([5, *(width_of(slot.label) for slot in rows)]), WIDEST)
    head = f"{'word'.ljust(room)}  {what:<{width}}" if room else f"{what:<{width}}"
    lines += ["", f"  start    ms  {head}  posterior        rivals"]
    for slot in rows:
        sure = slot.posteriors.get(slot.label, 0.0)
        row = f"{float(frame_to_seconds(slot.start)):6.2f}s {(slot.end - slot.start) * lattice.frame_shift_ms:5.0f}  "
        row += f"{pad(slot.word, room)}  " if room else ""
        row += f"{pad(slot.label, width)}  {sure:4.2f} {level(sure)}  "
        rivals = [
            f"{label} {share:.2f}"
            for label, share in slot.posteriors.items()
            if label != slot.label and share >= min_posterior
        ]
        for rival in rivals:
            if width_of(row) + width_of(rival) > columns:
                break
            row += f"{rival}  "
        lines.append(row.rstrip())
    return "\n".join(fit(line, columns) for line in lines)


def depth_lines(lattice: Lattice) -> list[str]:
    """The number of arcs over each frame, and the posterior of the best path there, on an axis of time."""
    path = best_path(lattice)
    best = [
        Interval(
            frame_to_seconds(int(lattice.node_frame[lattice.arc_from[arc]])),
            frame_to_seconds(int(lattice.node_frame[lattice.arc_to[arc]])),
            lattice.label[arc],
        )
        for arc in path
    ]
    sure = np.zeros(lattice.num_frames)
    for arc in path:
        sure[lattice.node_frame[lattice.arc_from[arc]] : lattice.node_frame[lattice.arc_to[arc]]] = lattice.posterior[
            arc
        ]
    over = depths(lattice)
    times, lines = np.asarray(frame_to_seconds(np.arange(lattice.num_frames) + 0.5)), []
    for ruler in frame_rulers(lattice.num_frames):
        shares = ruler.pool(np.stack([over / max(over.max(), 1), sure]), times)
        lines += [
            ruler.axis(),
            *(f"{pad(name, MARGIN)}{bars(share)}".rstrip() for name, share in zip(("arcs", "posterior"), shares)),
            *ruler.names(best, "best path", 2),
            "",
        ]
    return [
        *lines,
        f"{'':{MARGIN}}arcs: {over.min():.0f} to {over.max():.0f} of them over a frame;"
        " posterior: that of the best path's arc",
    ]


def nbest_lines(lattice: Lattice, fold: Fold = {}) -> list[str]:
    """The n-best strings with their scores; of all but the first only what differs from it."""
    found: dict[tuple[str, ...], float] = {}
    for score, arcs in nbest(lattice, 4 * NBEST):  # paths may differ in their pauses alone
        found.setdefault(spoken((lattice.label[arc] for arc in arcs), fold), score)
    (first, best), *others = list(found.items())[:NBEST]
    lines = [
        "  score  to best  string ('·' as in the first, '-' left out, '+' added)",
        *wrap(f"{best:7.1f}  {0:7.2f}  ", first, 18),
    ]
    for said, score in others:
        lines += wrap(
            f"{score:7.1f}  {score - best:7.2f}  ", [_changed(ref, hyp) for ref, hyp in pair_up(first, said)], 18
        )
    return lines


def _changed(ref: str, hyp: str) -> str:
    return f"+{hyp}" if ref == GAP else "-" if hyp == GAP else "·" if ref == hyp else hyp


def sausage_lines(network: Sausage, min_posterior: float = MIN_POSTERIOR) -> list[str]:
    """The confusion network: a column for each slot, the likeliest label on top, each over its posterior."""
    blocks: list[list[str]] = []
    for slot in (slot for slot in network.slots if slot.posteriors.get("", 0.0) < MOSTLY_NOTHING):
        ranked = [(label or NOTHING, share) for label, share in slot.posteriors.items() if share >= min_posterior][
            :RANKS
        ]
        room = max([3, *(min(width_of(label), WIDEST) for label, _ in ranked)]) + 1
        if not blocks or width_of(blocks[-1][0]) + room > COLUMNS:
            blocks.append([" "] * (2 * RANKS))
        cells = [text for label, share in ranked for text in (label, "1" if share > 0.995 else f"{share:.2f}"[1:])]
        cells += [""] * (2 * RANKS - len(cells))
        blocks[-1] = [f"{line} {pad(cell, room - 1)}" for line, cell in zip(blocks[-1], cells)]
    lines = [line.rstrip() for block in blocks for line in [*(line for line in block if line.strip()), ""]]
    return [
        *lines,
        *note(
            f"'{NOTHING}' is no label; slots with more of it than {MOSTLY_NOTHING:g} are left out. The top row"
            f" has the fewest expected errors: {network.expected_errors:.2f} edits; the best path"
            f" has {network.best_path_errors:.2f}."
        ),
    ]


def nearest_lines(lattice: Lattice, reference: Sequence[str], fold: Fold = {}) -> list[str]:
    """The errors of the oracle, the path nearest to the reference, beside those of the best path."""
    fewest, arcs = oracle(lattice, reference, fold)
    best = count(pair_up(reference, spoken((lattice.label[arc] for arc in best_path(lattice)), fold)))
    said = spoken((lattice.label[arc] for arc in arcs), fold)
    picture = alignment_picture(pair_up(reference, said), COLUMNS - 2).splitlines()
    return [
        f"  best path {best.errors} of {best.length} wrong ({best.percent:.1f} %), the path nearest to the"
        f" reference {fewest} ({100 * fewest / max(best.length, 1):.1f} %):",
        *(f"  {line}" for line in picture),
    ]


def difference_lines(first: Lattice, second: Lattice, names: tuple[str, str], fold: Fold = {}) -> list[str]:
    """What either lattice considers, with the posterior mass that each gives it, the first to the left, the second to
    the right; what both find about as likely is only counted."""
    found = difference(first, second, fold)
    rows = [
        [
            f"{float(frame_to_seconds(one.start)):.2f}",
            f"{(one.end - one.start) * first.frame_shift_ms:.0f}",
            *_share(one.first)[::-1],
            one.label,
            *_share(one.second),
            "" if one.by == "both" else f"only {names[one.by == 'second']}",
        ]
        for one in found
        if abs(one.first - one.second) >= NOTABLE
    ]
    counts = Counter(one.by for one in found)
    return [
        *table(["start s", "ms", names[0], "", "<", "<", f"<{names[1]}", "<"], rows),
        *note(
            f"Only {names[0]} considered {counts['first']}, only {names[1]} {counts['second']}, both"
            f" {counts['both']}; listed is what differs by {NOTABLE:g} or more."
        ),
    ]


def _share(share: float) -> list[str]:
    return [f"{share:.2f}", level(share)] if share >= MIN_MASS else ["", ""]
