"""HTML from the templates beside this module. What is put into one is escaped, unless it comes from one itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.compare.results import Comparison, Result

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Named(NamedTuple):
    """A system as a page names it: its number says how it looks (`pipeline.draw.colours`)."""

    name: str
    number: int


def named(comparison: Comparison, system: Result) -> Named:
    return Named(system.name, comparison.systems.index(system))


def all_named(comparison: Comparison) -> list[Named]:
    """The systems of the comparison in its order."""
    return [Named(system.name, number) for number, system in enumerate(comparison.systems)]


def by_model(comparison: Comparison) -> dict[Path, list[tuple[Named, Result]]]:
    """The systems by the model that they search with, each as a page names it, in the order of the comparison."""
    found: dict[Path, list[tuple[Named, Result]]] = {}
    for name, system in zip(all_named(comparison), comparison.systems):
        found.setdefault(system.model, []).append((name, system))
    return found


def render(template: str, **values: Any) -> Markup:
    """A template of templates/, filled."""
    return Markup(TEMPLATES.get_template(template).render(values).strip())
