"""An utterance's page, made as long as one likes: what it is drawn from, again and again."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

from reports.browsing import utterance_page


def read_part(path: Path) -> Any:
    return json.loads(path.read_text().removeprefix("phonoscope.receive(").removesuffix(");\n"))


def longer(report: Path, name: str, times: int, folder: Path) -> Path:
    """A copy of the report in ``folder`` in which the utterance is said so many times. Returns the utterance's page."""
    shutil.copytree(report, folder)
    page = utterance_page(folder, name)
    parts = {path.stem: path for path in page.with_suffix("").glob("*.js")}
    sound = read_part(parts["sound"])
    long = sound["duration"]

    def row(segments: list[list[Any]]) -> list[list[Any]]:
        """Each begins with its seconds, of which there are two where the second is a number too."""
        return [
            [round(value + turn * long, 4) if place < 2 and not isinstance(value, str) else value
             for place, value in enumerate(one)]
            for turn in range(times) for one in segments
        ]  # fmt: skip

    def repeat(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if "nodes" in value:
            return lattice(value)
        return {
            key: row(inner) if key in ("segments", "missing", "row") else [repeat(one) for one in inner]
            if key == "placed" and inner else repeat(inner)
            for key, inner in value.items()
        }  # fmt: skip

    def lattice(drawing: dict[str, Any]) -> dict[str, Any]:
        number = len(drawing["nodes"])
        arcs = [
            [arc[0] + turn * number, arc[1] + turn * number, *arc[2:]]
            for turn in range(times)
            for arc in drawing["arcs"]
        ]
        nodes = [[round(time + turn * long, 4), lane] for turn in range(times) for time, lane in drawing["nodes"]]
        return {"nodes": nodes, "arcs": arcs}

    sound["pcm"] = base64.b64encode(base64.b64decode(sound["pcm"]) * times).decode()
    changed = {"sound": repeat(sound) | {"duration": round(long * times, 4)}}
    changed |= {stem: repeat(read_part(path)) for stem, path in parts.items() if stem.startswith("system-")}
    for stem, value in changed.items():
        parts[stem].write_text(f"phonoscope.receive({json.dumps(value)});\n")
    return page
