"""The report's pages: index.html, a page for each chosen utterance, and their scripts and style beside them.

Everything is a plain file that works from disk: no server, no network. An utterance's sound and segments lie in a
script of their own, ``utt/NNN.js``, which a page loads when the utterance comes into view, so pages stay small.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from lexicon.files import write_lines
from lexicon.phone_sets import phone_set_of
from pipeline.compare.results import MEASURES, Comparison
from pipeline.compare.score import alignment_picture, count
from pipeline.datadir import Utterance
from pipeline.draw.lattice_text import lattice_text
from pipeline.report.heat_maps import class_confusions, confusions
from pipeline.report.others import causes_table, difference_table, tsv_table
from pipeline.report.panel import GRAPHS, Panels, panel_script, read_lattice
from pipeline.report.placing import boundaries_section
from pipeline.report.tables import disputed_phones_table, pairs_table, rates_table, system_name, utterances_table

WEB = Path(__file__).with_name("web")
SCRIPTS = (
    "base",
    "sound",
    "timeline",
    "rows",
    "lattice",
    "panel",
    "page",
)  # in the order in which they need each other


def write_report(folder: Path, comparison: Comparison, exp: Path, chosen: Sequence[Utterance]) -> None:
    """Write the whole report into ``folder`` (which exists and is empty), with a page for each chosen utterance."""
    for name in ("web", "utt"):
        (folder / name).mkdir()
    for asset in ("report.css", *(f"{script}.js" for script in SCRIPTS)):
        shutil.copyfile(WEB / asset, folder / "web" / asset)
    panels = Panels(comparison, exp)
    for index, utterance in enumerate(chosen):
        # Names by number: an utterance id may hold what a file name must not.
        write_lines(folder / "utt" / f"{index + 1:03d}.js", [panel_script(panels.panel(utterance)).rstrip()])
        write_lines(folder / "utt" / f"{index + 1:03d}.html", [_utterance_page(comparison, chosen, index)])
    write_lines(folder / "index.html", [_index_page(comparison, chosen, panels)])


def _document(comparison: Comparison, title: str, root: str, body: str) -> str:
    """A page; its script finds the IPA of every phone in it."""
    symbols = {name: phone.ipa for name, phone in phone_set_of(comparison.lang).items()}
    ipa = json.dumps(symbols).replace("<", "\\u003c")
    scripts = "\n".join(f'<script src="{root}web/{name}.js" defer></script>' for name in SCRIPTS)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{root}web/report.css">
<script type="application/json" id="ipa">{ipa}</script>
{scripts}
</head>
<body>
{body}
</body>
</html>"""


def _index_page(comparison: Comparison, chosen: Sequence[Utterance], panels: Panels) -> str:
    sections = [section for section in _sections(comparison, chosen, panels) if section.content]
    links = "".join(f'<a href="#{section.anchor}">{section.anchor}</a>' for section in sections)
    body = "\n".join(
        f'<section id="{section.anchor}"><h2>{section.title}</h2>\n<p class="lead">{section.lead}</p>\n{section.content}'
        "</section>"
        for section in sections
    )
    return _document(
        comparison,
        f"{comparison.corpus}: phonoscope",
        "",
        f"""<a class="skip" href="#main">Skip to the content</a>
<header class="top"><p class="mark">phonoscope</p>
<h1>{escape(comparison.corpus)}</h1>
<p class="lead">{escape(_without_corpus(comparison))}</p>
<nav aria-label="Sections">{links}
<label class="switch"><input type="checkbox" class="ipa-switch"> <span>IPA</span></label></nav></header>
<main id="main">
{body}
</main>""",
    )


class Section(NamedTuple):
    """A section of the index; one without content is left out."""

    anchor: str
    title: str
    lead: str
    content: str


def _sections(comparison: Comparison, chosen: Sequence[Utterance], panels: Panels) -> list[Section]:
    units, shown = comparison.unit_name, [utterance.id for utterance in chosen]

    def link(utterance: str, phone: int) -> str:
        start, end, word = panels.place(utterance, phone)
        return f'<a href="utt/{shown.index(utterance) + 1:03d}.html#t={(start + end) / 2:.3f}">{escape(word or utterance)}</a>'

    listen = (
        (
            utterances_table(comparison, chosen, "utt/{:03d}.html".format)
            + _legend()
            + _article(comparison, chosen[0], 1, "utt/", 3)
        )
        if chosen
        else ""
    )
    return [
        Section(
            "systems",
            "What each system got wrong",
            f"Share of words and of phones in error, with the 95 % interval of a bootstrap over {units}. PER: the phones of the"
            " best word path. Free PER: phones heard without any words. Lower is better.",
            rates_table(comparison),
        ),
        Section(
            "pairs",
            "Which differences are real",
            f"Paired bootstrap over {units}, two-sided: the same samples of the test set drawn for both systems of a pair."
            " Points are percentage points. No correction for the number of pairs.",
            pairs_table(comparison),
        ),
        Section(
            "utterances",
            "Listen and look",
            "The utterances the systems dispute most, then some that all of them hear well. Disputed: how far apart any two"
            " systems are, in edits per word and phone of the reference. Errors of each system in words, and small in"
            " phones heard without words.",
            listen,
        ),
        Section(
            "disputed",
            "Which phones the systems dispute",
            "Phones of the reference that not all systems hear alike, without words: how often, and what each hears there."
            " A word leads to where it can be heard and looked at.",
            disputed_phones_table(comparison, shown, link),
        ),
        Section(
            "difference",
            "What only one of them considered",
            "Phones that the free searches of two systems held possible, by class: of those in the reference at that time, and of"
            " others. Small: the mean posterior mass that the one gave.",
            difference_table(panels.exp / "lattice_difference.json"),
        ),
        Section(
            "causes",
            "Where errors come from",
            "Whether the right answer was in the lattice, and so whether the search or the model lost it.",
            causes_table(comparison),
        ),
        Section(
            "searches",
            "What each search knows",
            "The same models with more and more knowledge of phones and words.",
            tsv_table(panels.exp / "matrix.tsv", "Systems and searches"),
        ),
        Section(
            "boundaries",
            "How well phones are placed",
            "When phones begin, against hands where there are some, and aligners against each other. An aligner knows the words;"
            " recognised: phones of the words the system heard; raw: a network whose label prior is not divided out;"
            " uncorrected: before the hand-placed phones of the training set corrected its boundaries.",
            boundaries_section(panels.exp),
        ),
        Section(
            "classes",
            "What kind of sound was taken for what",
            "Errors of free phone recognition by manner of articulation, in percent of the reference's phones of the row's"
            " class. On the diagonal, phones taken for another of their class; in the last row, how many were added.",
            f'<div class="maps">{class_confusions(comparison)}</div>',
        ),
        Section(
            "confusions",
            "Which phones were taken for which",
            "Free phone recognition. Rows are the reference, columns what was heard; the stronger a square, the larger its"
            " share of the row. Grey is right, colour is wrong. Ordered by manner of articulation.",
            f'<div class="maps">{confusions(comparison)}</div>',
        ),
    ]


def _utterance_page(comparison: Comparison, chosen: Sequence[Utterance], index: int) -> str:
    utterance = chosen[index]
    links = ['<a href="../index.html">report</a>', '<a href="#how">how to read it</a>']
    if index > 0:
        links.append(f'<a rel="prev" href="{index:03d}.html">previous</a>')
    if index + 1 < len(chosen):
        links.append(f'<a rel="next" href="{index + 2:03d}.html">next</a>')
    return _document(
        comparison,
        f"{utterance.id}: phonoscope",
        "../",
        f"""<header class="top page"><p class="mark">phonoscope</p>
<h1>{escape(utterance.id)}</h1>
<nav aria-label="Pages">{"".join(links)}
<label class="switch"><input type="checkbox" class="ipa-switch"> <span>IPA</span></label></nav></header>
<main id="main">{_article(comparison, utterance, index + 1, "", 2, alone=True)}
{_legend()}{_how_to()}</main>""",
    )


def _article(
    comparison: Comparison, utterance: Utterance, number: int, folder: str, level: int, alone: bool = False
) -> str:
    """An utterance: its words, everyone's errors, the place where the script draws it, and all of it as text."""
    title = f"<q>{escape(' '.join(utterance.words))}</q>"
    if not alone:
        title += f' <a class="id" href="{folder}{number:03d}.html">{escape(utterance.id)}, with lattices</a>'
    scores = "".join(
        f"<li>{system_name(comparison, system)} "
        f"{_errors(system.alignments['wer'][utterance.id], 'word')}, "
        f"{_errors(system.alignments['free_per'][utterance.id], 'free phone')}</li>"
        for system in comparison.systems
    )
    shown = "data-alone" if alone else 'data-folded="lattices difference placed posteriors"'
    return f"""<article class="panel" data-panel="{folder}{number:03d}.js" {shown}>
<h{level}>{title}</h{level}>
<ul class="scores" aria-label="Errors of each system">{scores}</ul>
<div class="view"><p class="quiet">The picture is drawn here by the scripts in web/.</p></div>
<details class="as-text"><summary>as text</summary>{_as_text(comparison, utterance, lattices=alone)}</details>
</article>"""


def _errors(pairs: list[tuple[str, str]], what: str) -> str:
    errors = count(pairs).errors
    return f"{errors or 'no'} {what} error{'s' if errors != 1 else ''}"


def _as_text(comparison: Comparison, utterance: Utterance, lattices: bool) -> str:
    """Everything as text: alignments with the reference, and the lattices if they are drawn."""
    parts = []
    for system in comparison.systems:
        for measure, (name, _, _) in MEASURES.items():
            pairs = system.alignments[measure][utterance.id]
            kind = {"wer": "words", "per": "phones of the word path", "free_per": "free phones"}[measure]
            parts.append(
                f"{system.name}, {kind}: {count(pairs).errors} of {count(pairs).length}\n"
                f"{alignment_picture(pairs, 96)}\n"
            )
    if lattices:
        found = (read_lattice(system.decode, graph, utterance.id) for graph in GRAPHS for system in comparison.systems)
        parts += [f"{lattice_text(lattice, columns=96)}\n" for lattice in found if lattice]
    return f'<pre tabindex="0">{escape(chr(10).join(parts))}</pre>'


def _legend() -> str:
    return (
        '<ul class="legend" aria-label="Marks"><li><span class="segment right">AH</span> as in the reference</li>'
        '<li><span class="segment wrong">IH</span> another symbol</li>'
        '<li><span class="segment added">T</span> added</li>'
        '<li><span class="gap" aria-hidden="true"></span> something missed here</li></ul>'
    )


HOW_TO = {
    "with the mouse": "Click anything to hear it, with Shift a little more around it; drag over the sound or a spectrogram to hear a"
    " stretch. A heading folds its part away.",
    "with the keyboard": "Tab goes into the picture, arrow keys move in it, Enter plays, + and - zoom, Esc stops.",
    "reference": "What was said: words as the corpus has them; phones and times as people placed them, where a corpus has that,"
    " else as the GMM places the known words.",
    "heard": "The best path of a search, once among the words of the lexicon with the language model, once among all phones,"
    " with nothing known but which phone follows which. Signs over 20 ms wide say where two systems begin a phone"
    " so far apart.",
    "lattice": "All that a search had not given up at the end. Every way from left to right is one reading of the sound. A"
    " curve is as thick as its posterior: the share of the readings, weighed by their scores, that go"
    " through it. The straight line is the best path; dots on a line are silence or, in a CTC network, blank: no"
    " phone. A word stands over its first phone.",
    "what only one considered": "Phones of one lattice that the other lacks, or holds less likely than the slider asks, each bar"
    " as thick as its posterior.",
    "the known text, placed": "Forced alignment: the words are given, the system says when. The bar below a phone is the system's"
    " confidence that it is there; goodness of pronunciation says how much less likely it is than the"
    " likeliest phone (0: it is the likeliest).",
    "frame by frame": "The probability of every phone at every moment, vowels on top, silence at the bottom; framed is what the"
    " reference has. A CTC network is sure for single frames only: its spikes, over the GMM's segments.",
}


def _how_to() -> str:
    entries = "".join(f"<dt>{term}</dt><dd>{text}</dd>" for term, text in HOW_TO.items())
    return f'<section id="how" class="how"><h2>How to read it</h2>\n<dl>{entries}</dl></section>'


def _without_corpus(comparison: Comparison) -> str:
    return comparison.setting().removeprefix(f"{comparison.corpus}: ")
