"""The trees of a phone as they were grown: read from tree.json, and as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lexicon.errors import UserError
from lexicon.files import read_json
from lexicon.phones import PhoneSet, ipa_of
from pipeline.hmm.decisions import EDGE

SIDES = {"left": "before", "right": "after"}
EDGE_SHOWN = "(edge)"
MOST_NODES = 1_000_000


@dataclass
class ShownNode:
    """A node: its ``frames``, and the question with its ``gain`` in log likelihood (nats) and both answers, or, of a
    leaf, its ``density``."""

    frames: int
    density: int = -1
    about: str = ""
    among: tuple[str, ...] = ()
    gain: float = 0.0
    yes: ShownNode | None = None
    no: ShownNode | None = None

    def leaves(self) -> int:
        """How many leaves it has."""
        return 1 if self.yes is None or self.no is None else self.yes.leaves() + self.no.leaves()


def read_trees(path: Path, phone: str) -> list[ShownNode]:
    """The trees of a phone, one for each of its states. UserError for a phone that there is not, and for what is no
    tree.json."""
    try:
        value = read_json(path)
        roots, nodes = value["roots"], value["nodes"]
        if phone not in roots:
            raise UserError(f'PHONE="{phone}": none of the model\'s phones: {" ".join(roots)}')
        if len(nodes) > MOST_NODES:
            raise ValueError(f"{len(nodes)} nodes")
        read: dict[int, ShownNode] = {}
        for number in range(len(nodes) - 1, -1, -1):  # children stand behind their parents
            read[number] = _read_node(nodes[number], number, read)
        return [read[root] for root in roots[phone]]
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; run: make {path.parent.name}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: no trees ({error!r:.80}); remove it and run: make {path.parent.name}") from error


def _read_node(value: Any, number: int, read: dict[int, ShownNode]) -> ShownNode:
    frames = int(value["frames"])
    if "density" in value:
        return ShownNode(frames, density=int(value["density"]))
    yes, no = value["yes"], value["no"]
    if not yes > number < no or value["about"] not in SIDES:
        raise ValueError(f"node {number} asks about {value['about']!r:.20}, or leads back")
    among = tuple(str(one) for one in value["among"])
    return ShownNode(frames, -1, value["about"], among, float(value["gain"]), read[yes], read[no])


def question(node: ShownNode, phone_set: PhoneSet) -> str:
    """What a node asks, with phones in IPA."""
    signs = [ipa_of(one, phone_set) if one != EDGE else EDGE_SHOWN for one in node.among]
    return f"{SIDES[node.about]}: {' '.join(signs)}"


def tree_lines(phone: str, trees: list[ShownNode], phone_set: PhoneSet) -> list[str]:
    """The trees of a phone, a line for each node: the question, what it gained, and frames."""
    lines = []
    for number, root in enumerate(trees, 1):
        lines += [f"{phone} [{ipa_of(phone, phone_set)}], state {number} of {len(trees)}: {root.leaves()} leaves", ""]
        lines += [*_lines(root, phone_set, "", ""), ""]
    return lines


def _lines(node: ShownNode, phone_set: PhoneSet, answer: str, indent: str) -> Iterator[str]:
    head = f"{indent}{answer}"
    if node.yes is None or node.no is None:
        yield f"{head}density {node.density}, {node.frames:,} frames"
        return
    yield f"{head}{question(node, phone_set)}?  +{node.gain:,.0f} nats, {node.frames:,} frames"
    deeper = indent + ("   " if answer else "")
    yield from _lines(node.yes, phone_set, "├ yes ", deeper)
    yield from _lines(node.no, phone_set, "└ no  ", deeper)
