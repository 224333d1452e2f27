"""The decision trees of a phone as an SVG picture: questions from the left to the right, a branch as thick as its share
of the frames."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from lexicon.phones import PhoneSet, ipa_of
from pipeline.tied.shown_tree import ShownNode, question

LEFT, TOP, ACROSS, DOWN, GAP = 24, 56, 190, 40, 34  # pixels
THICKEST = 14.0
MOST_SIGNS = 28  # of a question; pointing at it shows the whole
_STYLE = """
text{font:12px ui-sans-serif,system-ui,sans-serif;fill:#2b2a27}.note{fill:#77736a;font-size:11px}
.title{font-weight:600;font-size:14px}.ground{fill:#fbfaf7}.branch{fill:none;stroke:#8fa7b8;stroke-opacity:.55}
.leaf{fill:#2a6f97}
@media(prefers-color-scheme:dark){text{fill:#e6e2d8}.note{fill:#98938a}.ground{fill:#17181b}.branch{stroke:#5d7a8f}
.leaf{fill:#8ecae6}}
"""


def tree_svg(model: str, phone: str, trees: Sequence[ShownNode], phone_set: PhoneSet) -> str:
    """The trees below one another. Light or dark as the reader's system is set."""
    parts: list[str] = []
    top, right = float(TOP), 0.0
    for number, root in enumerate(trees, 1):
        parts.append(f'<text class="title" x="{LEFT}" y="{top:.0f}">state {number} of {len(trees)}</text>')
        bottom, reach = _draw(root, root.frames, phone_set, LEFT, top + 26, parts)
        top, right = bottom + GAP, max(right, reach)
    title = escape(f"{model}: the trees of {phone} [{ipa_of(phone, phone_set)}]; the upper branch is yes")
    size = f'width="{right + ACROSS:.0f}" height="{top:.0f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}"><style>{_STYLE}</style>'
    ground = '<rect class="ground" width="100%" height="100%"/>'
    return "\n".join([head, ground, f'<text class="title" x="{LEFT}" y="24">{title}</text>', *parts, "</svg>", ""])


def _draw(
    node: ShownNode, whole: int, phone_set: PhoneSet, x: float, y: float, parts: list[str]
) -> tuple[float, float]:
    """Draw a node at its left upper place; returns where the next may begin, and how far it reaches to the right."""
    if node.yes is None or node.no is None:
        parts.append(f'<circle class="leaf" cx="{x:.0f}" cy="{y:.0f}" r="4"/>')
        parts.append(
            f'<text class="note" x="{x + 8:.0f}" y="{y + 4:.0f}">{node.density}: {node.frames:,} frames</text>'
        )
        return y + DOWN, x
    asked = escape(question(node, phone_set))
    short = asked if len(asked) <= MOST_SIGNS else f"{asked[:MOST_SIGNS]}…"
    middle, reach = _draw(node.yes, whole, phone_set, x + ACROSS, y, parts)
    bottom, other = _draw(node.no, whole, phone_set, x + ACROSS, middle, parts)
    for child, at in ((node.yes, y), (node.no, middle)):
        thick = max(1.0, THICKEST * child.frames / max(1, whole))
        path = f"M{x:.0f} {y:.0f}C{x + ACROSS / 2:.0f} {y:.0f} {x + ACROSS / 2:.0f} {at:.0f} {x + ACROSS:.0f} {at:.0f}"
        parts.insert(0, f'<path class="branch" stroke-width="{thick:.1f}" d="{path}"/>')
    parts.append(f'<text x="{x:.0f}" y="{y - 7:.0f}"><title>{asked}</title>{short}</text>')
    parts.append(f'<text class="note" x="{x:.0f}" y="{y + 16:.0f}">+{node.gain:,.0f} nats</text>')
    return bottom, max(reach, other)
