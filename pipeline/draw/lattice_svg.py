"""A lattice as a drawing: as SVG on an axis of time, and as a Graphviz graph."""

from __future__ import annotations

from dataclasses import replace
from html import escape

import numpy as np

from lexicon.phones import PhoneSet, ipa_of
from lexicon.text import width_of
from pipeline.draw.lanes import MIN_POSTERIOR, Arc, Drawing, draw
from pipeline.lattice import Lattice, best_path
from pipeline.times.clock import frame_to_seconds

_STYLE = """
text{font:12px ui-sans-serif,system-ui,sans-serif;fill:#2b2a27}.axis{fill:#77736a;font-size:11px}
.grid{stroke:#d9d5cb}.arc{fill:none;stroke:#b9c4cf}.best .arc{stroke:#2f6f8f}.node{fill:#2b2a27}
.title{font-weight:600;font-size:14px}.word{font-weight:600}.ground{fill:#fbfaf7}
.label{paint-order:stroke;stroke:#fbfaf7;stroke-width:4px;text-anchor:middle}.on{stroke:none;fill:#fff}
g:hover .arc{stroke:#c46a1b}
@media(prefers-color-scheme:dark){text{fill:#e6e2d8}.axis{fill:#98938a}.grid{stroke:#3a3a3e}.arc{stroke:#46525e}
.best .arc{stroke:#6fb3d2}.node{fill:#e6e2d8}.ground{fill:#17181b}.label{stroke:#17181b}.on{stroke:none;fill:#10222c}}
"""
PIXELS_PER_SECOND = 520  # at least
WIDER = 1.25  # as long as a label has no room
LETTER, SPACE = 8.0, 4.0  # pixels: a letter of a label, and what is left between two
LEFT, TOP, FOOT = 16, 66, 34
LANE = 22  # pixels between lanes
THICKEST = 15.0  # pixels of an arc that is certain
BEND = 26.0  # pixels in which an arc leaves its node's lane for its own
KINDS = {"free": "free phones", "words": "words", "word_arcs": "word lattice"}


def title_of(lattice: Lattice) -> str:
    """`utterance: system, graph` in words."""
    return f"{lattice.utterance}: {lattice.system}, {KINDS.get(lattice.graph, lattice.graph)}"


def word_of_arc(lattice: Lattice, arc: int) -> str:
    """The word that begins with an arc; "" in a free lattice, where phones are the words of the search, and where arcs
    are words."""
    return lattice.word[arc] if lattice.graph == "words" else ""


def in_ipa(lattice: Lattice, phone_set: PhoneSet) -> Lattice:
    """The lattice with its phones spelled in IPA, where the set has that; words stay as they are."""
    if lattice.graph == "word_arcs":
        return lattice
    return replace(lattice, label=[ipa_of(label, phone_set) for label in lattice.label])


def lattice_svg(lattice: Lattice, min_posterior: float = MIN_POSTERIOR) -> str:
    """The lattice as an SVG picture: x is time, nodes stand at their frames, an arc is as thick as its posterior; the
    best path is the straight coloured line on top.

    Arcs too near to be told apart are drawn as one (`pipeline.draw.lanes`). Pointing at an arc shows its scores. Light
    or dark as the reader's system is set.
    """
    drawing = draw(lattice, min_posterior)
    scale = PIXELS_PER_SECOND * lattice.frame_shift_ms / 1000  # pixels a frame
    widest = 100 * scale  # arcs of no length never have room
    while scale < widest and not has_room(drawing, scale):
        scale *= WIDER
    width = max(480, 2 * LEFT + lattice.num_frames * scale)
    height = TOP + LANE * (1 + max([*drawing.lanes, *(arc.lane for arc in drawing.arcs)])) + FOOT
    title = _xml(title_of(lattice))
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
        f'viewBox="0 0 {width:.0f} {height}" role="img"><title>{title}</title><style>{_STYLE}</style>',
        '<rect class="ground" width="100%" height="100%"/>',
        f'<text class="title" x="{LEFT}" y="22">{title}</text>',
        *_axis(lattice, height, scale),
    ]
    for arc in sorted(drawing.arcs, key=lambda arc: -arc.posterior):  # thin ones last, so that they can be pointed at
        out += _svg_arc(arc, drawing, scale)
    out += [
        f'<circle class="node" cx="{LEFT + frame * scale:.1f}" cy="{_y(lane):.0f}" r="2.2"/>'
        for frame, lane in zip(drawing.frames, drawing.lanes)
    ]
    return "\n".join([*out, "</svg>", ""])


def _y(lane: int) -> float:
    return TOP + LANE * (lane + 0.5)


def has_room(drawing: Drawing, scale: float) -> bool:
    """Whether at so many pixels a frame all labels of a lane, and all words above, stand side by side."""
    ends: dict[int, float] = {}

    def follows(row: int, start: float, text: str) -> bool:
        """Whether it starts behind what stands in its row already."""
        free = start >= ends.get(row, -LEFT)
        ends[row] = start + LETTER * width_of(text) + SPACE
        return free

    arcs = sorted(drawing.arcs, key=lambda arc: drawing.frames[arc.source] + drawing.frames[arc.target])
    middles = [(drawing.frames[arc.source] + drawing.frames[arc.target]) / 2 * scale for arc in arcs]
    labels = [
        follows(arc.lane, middle - LETTER * width_of(arc.label) / 2, arc.label) for arc, middle in zip(arcs, middles)
    ]
    words = [follows(-1, drawing.frames[arc.source] * scale, arc.word) for arc in arcs if arc.best and arc.word]
    return all(labels) and all(words)


def _axis(lattice: Lattice, height: float, scale: float) -> list[str]:
    """A line every tenth of a second, every second one with its time."""
    first, last = (float(frame_to_seconds(frame)) for frame in (0, lattice.num_frames))
    lines = []
    for tenth in range(int(np.ceil(first * 10)), int(last * 10) + 1):
        x = LEFT + (tenth / 10 - first) * 1000 / lattice.frame_shift_ms * scale
        lines.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{height - FOOT + 6:.0f}"/>')
        if tenth % 2 == 0:
            lines.append(
                f'<text class="axis" x="{x:.1f}" y="{height - 10:.0f}" text-anchor="middle">{tenth / 10:.1f} s</text>'
            )
    return lines


def _svg_arc(arc: Arc, drawing: Drawing, scale: float) -> list[str]:
    """A curve from its node into its lane, along it, and into the lane of the next node; its label; its scores as
    title."""
    x0, x1 = (LEFT + drawing.frames[node] * scale for node in (arc.source, arc.target))
    y0, y1, own = _y(drawing.lanes[arc.source]), _y(drawing.lanes[arc.target]), _y(arc.lane)
    bend = min(BEND, (x1 - x0) / 3)

    def side(a: float, b: float) -> str:
        return f"c{bend / 2:.1f} 0 {bend / 2:.1f} {b - a:.0f} {bend:.1f} {b - a:.0f}"

    path = f"M{x0:.1f} {y0:.0f}{side(y0, own)}H{x1 - bend:.1f}{side(own, y1)}"
    middle = f'{(x0 + x1) / 2:.1f}" y="{own + 4:.0f}'
    kind = ' class="best"' if arc.best else ""
    out = [
        f"<g{kind}><title>{_xml(description(arc, drawing))}</title>"
        f'<path class="arc" d="{path}" stroke-width="{max(1.0, THICKEST * arc.posterior):.1f}"/>'
    ]
    inside = " on" if arc.best and THICKEST * arc.posterior >= 12 else ""
    out.append(f'<text class="label{inside}" x="{middle}">{_xml(arc.label)}</text>')
    if arc.best and arc.word:
        out.append(f'<text class="word" x="{x0:.1f}" y="{TOP - 14}">{_xml(arc.word)}</text>')
    return [*out, "</g>"]


def description(arc: Arc, drawing: Drawing) -> str:
    """The text that appears when one points at an arc."""
    first, last = drawing.frames[arc.source], drawing.frames[arc.target]
    start, end = (float(frame_to_seconds(frame)) for frame in (first, last))
    return (
        f"{arc.label}{f' ({arc.word})' if arc.word else ''}, {start:.2f} to {end:.2f} s, "
        f"posterior {arc.posterior:.3f}, acoustic {arc.acoustic:.1f} ({arc.acoustic / max(last - first, 1):.2f} "
        f"per frame), language {arc.language:.2f}, {arc.num_arcs} arc{'s' if arc.num_arcs != 1 else ''}"
        f"{', on the best path' if arc.best else ''}"
    )


def _xml(text: str) -> str:
    return escape(text, quote=True)


def lattice_dot(lattice: Lattice) -> str:
    """The whole lattice as a Graphviz graph, for ``dot -Tsvg``: nodes with their seconds, every arc with its label and
    posterior, the best path in blue."""
    best = set(best_path(lattice))
    lines = [
        "digraph lattice {",
        "  rankdir=LR; node [shape=circle, fontsize=10]; edge [fontsize=11];",
        f"  label={_dot(f'{lattice.utterance}: {lattice.system}, {lattice.graph}')};",
    ]
    last = len(lattice.node_frame) - 1
    for node, frame in enumerate(lattice.node_frame):
        shape = ", shape=doublecircle" if node == last else ""
        lines.append(f'  {node} [label="{float(frame_to_seconds(int(frame))):.2f}"{shape}];')
    for arc, label in enumerate(lattice.label):
        word, posterior = word_of_arc(lattice, arc), float(lattice.posterior[arc])
        text = f"{word}: {label} {posterior:.2f}" if word else f"{label} {posterior:.2f}"
        colour = ', color="#2f6f8f", fontcolor="#2f6f8f"' if arc in best else ""
        lines.append(
            f"  {lattice.arc_from[arc]} -> {lattice.arc_to[arc]} [label={_dot(text)}, "
            f"penwidth={0.4 + 3.6 * posterior:.2f}{colour}];"
        )
    return "\n".join([*lines, "}", ""])


def _dot(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
