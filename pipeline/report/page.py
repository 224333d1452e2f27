"""The report's pages: index.html, a page for each chosen utterance, and their script and style beside them.

Everything is a plain file that works from disk: no server, no network. An utterance's sound and segments lie in a
script of their own, ``utt/NNN.js``, which a page loads when the utterance comes into view, so pages stay small.
"""
from __future__ import annotations

import json
import shutil
from html import escape
from pathlib import Path

from lexicon.files import write_lines
from lexicon.phone_sets import phone_set_of
from pipeline.datadir import Utterance
from pipeline.report.panel import Panels, choose, panel_script
from pipeline.report.results import MEASURES, Comparison
from pipeline.report.tables import confusions, pairs_table, rates_table, system_name
from pipeline.score import alignment_picture, count

ASSETS = ("report.css", "report.js")


def write_report(folder: Path, comparison: Comparison, exp: Path, number: int) -> list[Utterance]:
    """Write the whole report into ``folder`` (which exists and is empty); returns the utterances it shows."""
    for asset in ASSETS:
        shutil.copyfile(Path(__file__).with_name(asset), folder / asset)
    (folder / "utt").mkdir()
    chosen = choose(comparison, number)
    panels = Panels(comparison, exp)
    for index, utterance in enumerate(chosen):
        # Names by number: an utterance id may hold what a file name must not.
        write_lines(folder / "utt" / f"{index + 1:03d}.js", [panel_script(panels.panel(utterance)).rstrip()])
        write_lines(folder / "utt" / f"{index + 1:03d}.html", [_utterance_page(comparison, chosen, index)])
    write_lines(folder / "index.html", [_index_page(comparison, chosen)])
    return chosen


def _document(comparison: Comparison, title: str, root: str, body: str) -> str:
    """A page; its script finds the IPA of every phone in it."""
    symbols = {name: phone.ipa for name, phone in phone_set_of(comparison.lang).items()}
    ipa = json.dumps(symbols).replace("<", "\\u003c")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{root}report.css">
<script type="application/json" id="ipa">{ipa}</script>
<script src="{root}report.js" defer></script>
</head>
<body>
{body}
</body>
</html>"""


def _index_page(comparison: Comparison, chosen: list[Utterance]) -> str:
    articles = "\n".join(_article(comparison, utterance, number, "utt/", 3)
                         for number, utterance in enumerate(chosen, start=1))
    pairs = pairs_table(comparison)
    units = comparison.unit_name
    pairs_section = f"""<section id="pairs"><h2>Which differences are real</h2>
<p class="lead">Paired bootstrap over {units}, two-sided: the same samples of the test set drawn for both systems of a
pair. Points are percentage points. No correction for the number of pairs.</p>
{pairs}</section>""" if pairs else ""
    return _document(comparison, f"{comparison.corpus}: phonoscope", "", f"""<a class="skip" href="#main">Skip to the content</a>
<header class="top"><p class="mark">phonoscope</p>
<h1>{escape(comparison.corpus)}</h1>
<p class="lead">{escape(_without_corpus(comparison))}</p>
<nav aria-label="Sections"><a href="#systems">systems</a>{'<a href="#pairs">pairs</a>' if pairs else ''}
<a href="#confusions">confusions</a><a href="#utterances">utterances</a>
<label class="switch"><input type="checkbox" class="ipa-switch"> <span>IPA</span></label></nav></header>
<main id="main">
<section id="systems"><h2>What each system got wrong</h2>
<p class="lead">Share of words and of phones in error, with the 95 % interval of a bootstrap over {units}. PER: the
phones of the best word path. Free PER: phones heard without any words. Lower is better.</p>
{rates_table(comparison)}</section>
{pairs_section}
<section id="confusions"><h2>Which phones were taken for which</h2>
<p class="lead">Free phone recognition. Rows are the reference, columns what was heard; the stronger a square, the
larger its share of the row.
Grey is right, colour is wrong. Ordered by manner of articulation.</p>
<div class="maps">{confusions(comparison)}</div></section>
<section id="utterances"><h2>Listen and look</h2>
<p class="lead">The utterances the systems dispute most, then some that all of them hear well. Click any word or
phone to hear it; drag over the spectrogram to hear a stretch. Arrow keys move between segments, Enter plays, Esc stops.</p>
{_legend()}
{articles}</section>
</main>""")


def _utterance_page(comparison: Comparison, chosen: list[Utterance], index: int) -> str:
    utterance = chosen[index]
    links = ['<a href="../index.html">report</a>']
    if index > 0:
        links.append(f'<a rel="prev" href="{index:03d}.html">previous</a>')
    if index + 1 < len(chosen):
        links.append(f'<a rel="next" href="{index + 2:03d}.html">next</a>')
    return _document(comparison, f"{utterance.id}: phonoscope", "../", f"""<header class="top"><p class="mark">phonoscope</p>
<h1>{escape(utterance.id)}</h1>
<nav aria-label="Pages">{''.join(links)}
<label class="switch"><input type="checkbox" class="ipa-switch"> <span>IPA</span></label></nav></header>
<main id="main">{_legend()}{_article(comparison, utterance, index + 1, "", 2, alone=True)}</main>""")


def _article(comparison: Comparison, utterance: Utterance, number: int, folder: str, level: int,
             alone: bool = False) -> str:
    """An utterance: its words, everyone's errors, the place where the script draws it, and all of it as text."""
    title = f'<q>{escape(" ".join(utterance.words))}</q>'
    if not alone:
        title += f' <a class="id" href="{folder}{number:03d}.html">{escape(utterance.id)}</a>'
    scores = "".join(
        f"<li>{system_name(comparison, system)} "
        f"{_errors(system.alignments['wer'][utterance.id], 'word')}, "
        f"{_errors(system.alignments['free_per'][utterance.id], 'free phone')}</li>" for system in comparison.systems)
    return f"""<article class="panel" data-panel="{folder}{number:03d}.js"{' data-lattices="open"' if alone else ''}>
<h{level}>{title}</h{level}>
<ul class="scores" aria-label="Errors of each system">{scores}</ul>
<div class="view"><p class="quiet">The picture is drawn here by report.js.</p></div>
<details class="as-text"{' open' if alone else ''}><summary>as text</summary>{_as_text(comparison, utterance)}</details>
</article>"""


def _errors(pairs: list[tuple[str, str]], what: str) -> str:
    errors = count(pairs).errors
    return f"{errors or 'no'} {what} error{'s' if errors != 1 else ''}"


def _as_text(comparison: Comparison, utterance: Utterance) -> str:
    parts = []
    for system in comparison.systems:
        for measure, (name, _, _) in MEASURES.items():
            pairs = system.alignments[measure][utterance.id]
            kind = {"wer": "words", "per": "phones of the word path", "free_per": "free phones"}[measure]
            parts.append(f"{system.name}, {kind}: {count(pairs).errors} of {count(pairs).length}\n"
                         f"{alignment_picture(pairs, 96)}\n")
    return f'<pre tabindex="0">{escape(chr(10).join(parts))}</pre>'


def _legend() -> str:
    return ('<ul class="legend" aria-label="Marks"><li><span class="segment right">AH</span> as in the reference</li>'
            '<li><span class="segment wrong">IH</span> another symbol</li>'
            '<li><span class="segment added">T</span> added</li>'
            '<li><span class="gap" aria-hidden="true"></span> something missed here</li></ul>')


def _without_corpus(comparison: Comparison) -> str:
    return comparison.setting().removeprefix(f"{comparison.corpus}: ")
