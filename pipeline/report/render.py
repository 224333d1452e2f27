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


def render(template: str, **values: Any) -> Markup:
    """A template of templates/, filled."""
    return Markup(TEMPLATES.get_template(template).render(values).strip())
