"""What each system is, as a section of the index: how it hears, and how it finds words."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from pipeline.base.meta import read_meta
from pipeline.compare.results import Comparison, Result, read_fields
from pipeline.report.render import by_model, render
from pipeline.search.decode import SEARCHES
from pipeline.systems import KINDS, kind_module


def about_section(comparison: Comparison) -> Markup:
    """A paragraph on each model, with the systems that search with it; empty where no model says of what kind it is."""
    models = [
        (text, [(name, _search(system)) for name, system in systems])
        for model, systems in by_model(comparison).items()
        if (text := _about(model))
    ]
    return render("about.html", models=models) if models else Markup()


def _about(model: Path) -> str:
    """What its file in pipeline/systems says of such a system."""
    kind = read_meta(model).get("kind")
    return getattr(kind_module(kind), "ABOUT", "") if kind in KINDS else ""


def _search(system: Result) -> str:
    """How it finds words, as far as its decode says."""
    search = read_fields(system.decode / "decode.json", rtf=float).get("search")
    return SEARCHES.get(search, "") if isinstance(search, str) else ""
