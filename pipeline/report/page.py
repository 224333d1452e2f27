"""The report's pages: index.html, a page for each chosen utterance, layers.html where layers of encoders from outside
have been measured, and their scripts and style beside them.

Everything is a plain file that works from disk: no server, no network. What a page shows of an utterance lies in small
scripts of their own, ``utt/NNN/*.js``: one for the sound, one for each system, model and pair of systems. A page loads
those of two systems when the utterance comes into view, and others when they are chosen. So do the index and
``systems/N.js``: the figures of a system and its pairs.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from lexicon.phone_sets import phone_set_of
from lexicon.phones import PhoneSet
from pipeline.base.parallel import each
from pipeline.compare.dispute import is_sentence
from pipeline.compare.history import HISTORY, Run, read_history
from pipeline.compare.results import Comparison
from pipeline.compare.score import count
from pipeline.datadir import Utterance
from pipeline.draw.colours import COLOURS, MARKS, look
from pipeline.report import layers
from pipeline.report.about import about_section
from pipeline.report.as_text import text_of
from pipeline.report.confidence import confidence_section
from pipeline.report.heat_maps import FIGURES, figures
from pipeline.report.lattices import read_lattice
from pipeline.report.others import causes_table, difference_table, tsv_table
from pipeline.report.panel import Panels, panel_script
from pipeline.report.placing import boundaries_section
from pipeline.report.pronunciations import pronunciations_section
from pipeline.report.render import all_named, render
from pipeline.report.runs import by_system
from pipeline.report.tables import (
    Place,
    disputed_phones_table,
    many_pairs,
    measure_names,
    pairs_of_system,
    pairs_table,
    rates_table,
    utterances_table,
)
from pipeline.report.training import training_section

WEB = Path(__file__).with_name("web")
# In the order in which they need each other.
SCRIPTS = tuple(
    "base load save sound spectrogram voice tiles track overview gestures axis timeline rows maps lattice picture"
    " toolbar address panel index page".split()
)


def write_report(
    folder: Path,
    comparison: Comparison,
    exp: Path,
    chosen: Sequence[Utterance],
    first: Sequence[int],
    jobs: int = 1,
) -> None:
    """Write the whole report into ``folder`` (which exists and is empty), with a page for each chosen utterance.

    ``first``: the numbers of the two systems that a page shows first. ``jobs``: processes that write pages.
    """
    for name in ("utt", "systems"):
        (folder / name).mkdir()
    encoders = layers.page_values(exp, phone_set_of(comparison.lang))
    write_web(folder / "web", max(len(comparison.systems), layers.num_looks(encoders)))
    panels = Panels(comparison, exp, first, chosen)
    for _ in each(lambda index: _write_utterance(folder / "utt", panels, chosen, index), range(len(chosen)), jobs):
        pass
    for number in range(len(comparison.systems)):
        write_part(folder / "systems" / f"{number}.js", panel_script(_system_part(comparison, number)))
    write_part(folder / "index.html", _index_page(comparison, chosen, panels, bool(encoders)))
    if encoders:
        write_part(folder / "layers.html", _layers_page(comparison, encoders))
    if runs := read_history(exp / HISTORY):
        write_part(folder / "runs.html", _runs_page(comparison, runs))


def write_web(folder: Path, systems: int) -> None:
    """The scripts and the style of all pages, with looks for so many systems."""
    folder.mkdir(exist_ok=True)
    for asset in ("report.css", *(f"{script}.js" for script in SCRIPTS)):
        shutil.copyfile(WEB / asset, folder / asset)
    write_part(folder / "colours.css", colours_css(systems))


def write_part(path: Path, text: str) -> None:
    """Write a small file. The whole folder takes its place at once: no file of it need be written atomically."""
    path.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def colours_css(systems: int) -> Markup:
    """The looks of so many systems, for light and for dark."""
    looks = [(colour, MARKS[mark]) for colour, mark in map(look, range(systems))]
    return render("colours.css", light=COLOURS["light"], dark=COLOURS["dark"], looks=looks)


def page_of(index: int) -> str:
    """Where the page of an utterance is, by its place among those chosen."""
    return f"utt/{index + 1:03d}.html"


def _write_utterance(folder: Path, panels: Panels, chosen: Sequence[Utterance], index: int) -> None:
    """The page of an utterance, its text, and what the page loads, each under the utterance's number.

    An utterance id may hold what a file name must not.
    """
    number, utterance, systems = f"{index + 1:03d}", chosen[index], panels.comparison.systems
    (folder / number).mkdir()
    for name, part in panels.parts(utterance):
        write_part(folder / number / f"{name}.js", panel_script(part))
    texts = [text_of(system, utterance.id) for system in systems]
    for system, text in enumerate(texts):
        write_part(folder / number / f"text-{system}.js", panel_script(text))
    read_lattice.cache_clear()
    write_part(folder / f"{number}.txt", "\n".join(texts))
    write_part(folder / f"{number}.html", _utterance_page(panels.comparison, chosen, index))


def page(template: str, ipa: Mapping[str, str], root: str, **values: Any) -> Markup:
    """A page; its script finds the IPA of every phone in it. ``root``: where web/ is, seen from the page."""
    symbols = Markup(json.dumps(ipa, ensure_ascii=False).replace("<", "\\u003c"))
    return render(template, **({"root": root, "ipa": symbols, "scripts": SCRIPTS} | values))


def ipa_signs(phone_set: PhoneSet) -> dict[str, str]:
    """Of every phone."""
    return {name: phone.ipa for name, phone in phone_set.items()}


def _page(template: str, comparison: Comparison, root: str, **values: Any) -> Markup:
    return page(template, ipa_signs(phone_set_of(comparison.lang)), root, **values)


def _layers_page(comparison: Comparison, encoders: Sequence[dict[str, Any]]) -> Markup:
    return _page(
        "layers.html",
        comparison,
        "",
        scripts=("base", "save"),
        title=f"{comparison.corpus}: phones inside other encoders",
        encoders=encoders,
        published=layers.PUBLISHED,
    )


def _runs_page(comparison: Comparison, runs: Sequence[Run]) -> Markup:
    return _page(
        "runs.html",
        comparison,
        "",
        scripts=(),
        title=f"{comparison.corpus}: runs",
        systems=by_system(runs),
        measures=measure_names(),
    )


def _index_page(comparison: Comparison, chosen: Sequence[Utterance], panels: Panels, encoders: bool) -> Markup:
    from pipeline.report.vowels import vowels_section  # with scikit-learn, which is slow to import

    shown = [utterance.id for utterance in chosen]

    def place(utterance: str, phone: int) -> Place:
        start, end, word = panels.place(utterance, phone)
        return Place(f"utt/{shown.index(utterance) + 1:03d}", (start + end) / 2, word or utterance)

    first = opening(chosen)
    panel = _panel(comparison, chosen[first], f"utt/{first + 1:03d}") if chosen else {}
    contents = {
        "systems": rates_table(comparison),
        "about": about_section(comparison),
        "pairs": pairs_table(comparison),
        "pronunciations": pronunciations_section(comparison),
        "confidence": confidence_section(comparison),
        "training": training_section(comparison),
        "utterances": utterances_table(comparison, chosen, panel) if chosen else "",
        "disputed": disputed_phones_table(comparison, shown, place),
        "difference": difference_table(panels.exp / "lattice_difference.json"),
        "causes": causes_table(comparison),
        "searches": tsv_table(panels.exp / "matrix.tsv", "Systems and searches"),
        "boundaries": boundaries_section(panels.exp),
        "vowels": vowels_section(comparison, list(panels.loaded.values())),
        **{kind: figures(comparison, kind, panels.first) for kind in FIGURES},
    }
    setting = comparison.setting().removeprefix(f"{comparison.corpus}: ")
    return _page(
        "index.html",
        comparison,
        "",
        title=comparison.corpus,
        setting=setting,
        units=comparison.unit_name,
        contents=contents,
        encoders=encoders,
        runs=(panels.exp / HISTORY).exists(),
    )


def opening(chosen: Sequence[Utterance]) -> int:
    """The number of the utterance that the index shows: the first that is a sentence, else the one of most words."""
    numbers = range(len(chosen))
    longest = max(numbers, key=lambda number: len(chosen[number].words), default=0)
    return next((number for number in numbers if is_sentence(chosen[number])), longest)


def _system_part(comparison: Comparison, number: int) -> dict[str, str]:
    """What the index loads when a system is chosen: its figures, and its pairs where there are too many to show all."""
    drawn = {kind: str(draw(comparison, comparison.systems[number])) for kind, draw in FIGURES.items()}
    return drawn | ({"pairs": str(pairs_of_system(comparison, number))} if many_pairs(comparison) else {})


def _utterance_page(comparison: Comparison, chosen: Sequence[Utterance], index: int) -> Markup:
    utterance = chosen[index]
    return _page(
        "utterance.html",
        comparison,
        "../",
        title=utterance.id,
        previous=f"{index:03d}" if index else "",
        next=f"{index + 2:03d}" if index + 1 < len(chosen) else "",
        reference=comparison.reference,
        panel=_panel(comparison, utterance, f"{index + 1:03d}"),
    )


def _panel(comparison: Comparison, utterance: Utterance, folder: str) -> dict[str, Any]:
    """What a page says of an utterance around its picture. ``folder``: where its scripts are, seen from the page."""
    scores = [
        {
            "system": one,
            "words": _errors(system.alignments["wer"][utterance.id], "word"),
            "phones": _errors(system.alignments["free_per"][utterance.id], "free phone"),
        }
        for one, system in zip(all_named(comparison), comparison.systems)
    ]
    return {"id": utterance.id, "words": " ".join(utterance.words), "folder": folder, "scores": scores}


def _errors(pairs: list[tuple[str, str]], what: str) -> str:
    errors = count(pairs).errors
    return f"{errors or 'no'} {what} error{'s' if errors != 1 else ''}"
