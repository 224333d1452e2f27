"""Pictures of a phone lattice: as text for a terminal, as SVG, and as a Graphviz graph.

A lattice is a wall of arcs: the same phone many times over with borders a frame apart. The pictures show what a
person asks of it: which phones competed at a time and how sure the recogniser was. Time runs along the best path;
``bars`` joins arcs of one phone that cover the same stretch, ``slots`` reads the posteriors off along the best path.
"""
from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np

from pipeline.features import frame_to_seconds
from pipeline.lattice import Lattice, best_path, depth, frame_posteriors
from pipeline.show.chart import level

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

    @property
    def seconds(self) -> tuple[float, float]:
        return float(frame_to_seconds(self.start)), float(frame_to_seconds(self.end))

    @property
    def description(self) -> str:
        """What one reads when pointing at it."""
        start, end = self.seconds
        frames = self.end - self.start
        return (f"{self.label}{f' ({self.word})' if self.word else ''}, {start:.2f} to {end:.2f} s, "
                f"posterior {self.posterior:.3f}, acoustic {self.acoustic:.1f} ({self.acoustic / max(frames, 1):.2f} "
                f"per frame), language {self.language:.2f}, {self.num_arcs} arc{'s' if self.num_arcs != 1 else ''}"
                f"{', on the best path' if self.best else ''}")


@dataclass(frozen=True)
class Slot:
    """The stretch of one phone of the best path; ``posteriors``: phone -> mean posterior over its frames, likeliest
    first. They sum to one where the lattice covers every frame."""

    label: str
    word: str
    start: int
    end: int
    posteriors: dict[str, float]


def settled_word(lattice: Lattice, arc: int) -> str:
    """The word an arc settles; nothing in a free lattice, where phones are the search's words."""
    return "" if lattice.graph == "free" else lattice.word[arc]


def slots(lattice: Lattice) -> list[Slot]:
    """What competed with each phone of the best path, in order of time. Arcs without a frame are left out."""
    phones, posteriors = frame_posteriors(lattice)
    result = []
    for arc in best_path(lattice):
        start, end = (int(lattice.node_frame[node]) for node in (lattice.arc_from[arc], lattice.arc_to[arc]))
        if end > start:
            mean = posteriors[:, start:end].mean(axis=1)
            ranked = {phones[i]: float(mean[i]) for i in np.argsort(-mean, kind="stable") if mean[i] > 1e-9}
            result.append(Slot(lattice.label[arc], settled_word(lattice, arc), start, end, ranked))
    return result


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


# ---- text

def lattice_text(lattice: Lattice, columns: int = 100) -> str:
    """The lattice for a terminal: one line for each phone of the best path, with its rivals and their posteriors.

    No line is longer than ``columns`` (at least 60).
    """
    seconds = lattice.num_frames * lattice.frame_shift_ms / 1000
    lines = [f"{lattice.utterance}: {lattice.system}, {'words' if lattice.graph == 'words' else 'free phones'}",
             f"{seconds:.2f} s, {len(lattice.node_frame)} nodes, {len(lattice.label)} arcs, {depth(lattice):.1f} arcs "
             f"a frame; acoustic scale {lattice.acoustic_scale:g}"]
    rows = slots(lattice)
    longest = max((len(slot.word) for slot in rows), default=0)
    width = min(max(longest, len("settled")), 20) if longest else 0
    head = "  start    ms  " + (f"{'settled':<{width}}  " if width else "") + "phone  posterior        rivals"
    lines += ["", head]
    for slot in rows:
        start = float(frame_to_seconds(slot.start))
        sure = slot.posteriors.get(slot.label, 0.0)
        row = f"{start:6.2f}s {(slot.end - slot.start) * lattice.frame_shift_ms:5.0f}  "
        row += f"{slot.word[:width]:<{width}}  " if width else ""
        row += f"{slot.label:<5}  {sure:4.2f} {level(sure)}  "
        rivals = [f"{phone} {share:.2f}" for phone, share in slot.posteriors.items()
                  if phone != slot.label and share >= MIN_POSTERIOR]
        for rival in rivals:
            if len(row) + len(rival) > columns:
                break
            row += f"{rival}  "
        lines.append(row.rstrip())
    return "\n".join(line[:columns] for line in lines)


# ---- SVG

_STYLE = """
text{font:12px ui-sans-serif,system-ui,sans-serif;fill:#2b2a27}.axis{fill:#77736a;font-size:11px}
.grid{stroke:#d9d5cb}.bar{fill:#b9c4cf}.best{fill:#2f6f8f}.on{fill:#fff}.title{font-weight:600;font-size:14px}
.ground{fill:#fbfaf7}.over{paint-order:stroke;stroke:#fbfaf7;stroke-width:4px}
.word{font-weight:600}
@media(prefers-color-scheme:dark){text{fill:#e6e2d8}.axis{fill:#98938a}.grid{stroke:#3a3a3e}.bar{fill:#46525e}
.best{fill:#6fb3d2}.on{fill:#10222c}.ground{fill:#17181b}.over{stroke:#17181b}}
"""
_PIXELS_PER_SECOND, _LANE, _LEFT, _TOP = 320, 24, 16, 58


def lattice_svg(lattice: Lattice, min_posterior: float = MIN_POSTERIOR) -> str:
    """The lattice as an SVG picture: x is time, thickness is posterior, the best path is coloured and on top.

    Pointing at a bar shows its scores. Light or dark as the reader's system is set.
    """
    drawn = bars(lattice, min_posterior)
    scale = _PIXELS_PER_SECOND * lattice.frame_shift_ms / 1000  # pixels a frame
    width = max(480, 2 * _LEFT + lattice.num_frames * scale)
    height = _TOP + _LANE * (1 + max((bar.lane for bar in drawn), default=0)) + 30
    title = f"{lattice.utterance}: {lattice.system}, {'words' if lattice.graph == 'words' else 'free phones'}"
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
           f'viewBox="0 0 {width:.0f} {height}" role="img"><title>{_xml(title)}</title><style>{_STYLE}</style>',
           '<rect class="ground" width="100%" height="100%"/>',
           f'<text class="title" x="{_LEFT}" y="22">{_xml(title)}</text>',
           *_svg_axis(lattice, scale, height)]
    for bar in drawn:
        out += _svg_bar(bar, scale)
    return "\n".join([*out, "</svg>", ""])


def _svg_axis(lattice: Lattice, scale: float, height: int) -> list[str]:
    first, last = (float(frame_to_seconds(frame)) for frame in (0, lattice.num_frames))
    lines = []
    for tenth in range(int(np.ceil(first * 10)), int(last * 10) + 1):
        x = _LEFT + (tenth / 10 - first) * _PIXELS_PER_SECOND
        lines.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{height - 24}"/>')
        if tenth % 2 == 0:
            lines.append(f'<text class="axis" x="{x:.1f}" y="{height - 8}" text-anchor="middle">{tenth / 10:.1f} s'
                         "</text>")
    return lines


def _svg_bar(bar: Bar, scale: float) -> list[str]:
    x, width = _LEFT + bar.start * scale, (bar.end - bar.start) * scale
    thick = max(1.5, (_LANE - 4) * bar.posterior)
    middle = _TOP + bar.lane * _LANE + _LANE / 2
    out = [f'<g><title>{_xml(bar.description)}</title><rect class="{"best" if bar.best else "bar"}" x="{x + 0.5:.1f}" '
           f'y="{middle - thick / 2:.1f}" width="{max(width - 1, 1):.1f}" height="{thick:.1f}" rx="2"/>']
    if width >= 9 * len(bar.label):
        inside = ("on" if bar.best else "in") if thick >= 13 else "over"
        out.append(f'<text class="{inside}" x="{x + width / 2:.1f}" y="{middle + 4:.1f}" text-anchor="middle">'
                   f"{_xml(bar.label)}</text>")
    if bar.best and bar.word:
        out.append(f'<text class="word" x="{x:.1f}" y="{_TOP - 12}">{_xml(bar.word)}</text>')
    return [*out, "</g>"]


def _xml(text: str) -> str:
    return escape(text, quote=True)


# ---- Graphviz

def lattice_dot(lattice: Lattice) -> str:
    """The whole lattice as a Graphviz graph, for ``dot -Tsvg``: nodes with their seconds, every arc with its phone and
    posterior, the best path in blue."""
    best = set(best_path(lattice))
    lines = ["digraph lattice {", "  rankdir=LR; node [shape=circle, fontsize=10]; edge [fontsize=11];",
             f"  label={_dot(f'{lattice.utterance}: {lattice.system}, {lattice.graph}')};"]
    last = len(lattice.node_frame) - 1
    for node, frame in enumerate(lattice.node_frame):
        shape = ", shape=doublecircle" if node == last else ""
        lines.append(f'  {node} [label="{float(frame_to_seconds(int(frame))):.2f}"{shape}];')
    for arc, label in enumerate(lattice.label):
        word, posterior = settled_word(lattice, arc), float(lattice.posterior[arc])
        text = f"{word}: {label} {posterior:.2f}" if word else f"{label} {posterior:.2f}"
        colour = ', color="#2f6f8f", fontcolor="#2f6f8f"' if arc in best else ""
        lines.append(f"  {lattice.arc_from[arc]} -> {lattice.arc_to[arc]} [label={_dot(text)}, "
                     f"penwidth={0.4 + 3.6 * posterior:.2f}{colour}];")
    return "\n".join([*lines, "}", ""])


def _dot(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
