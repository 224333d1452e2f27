"""The published figures: the page is what the data file has, and each figure has its source."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def test_the_page_has_the_data_and_each_figure_a_source():
    head, *rows = [line.split("\t") for line in (DOCS / "published.tsv").read_text().splitlines()]
    assert head == ["year", "who", "system", "corpus", "trained on", "measure", "%", "source"]
    table = [line.strip("|") for line in (DOCS / "published.md").read_text().splitlines() if line.startswith("|")]
    assert [[cell.strip() for cell in line.split("|")] for line in table if not line.startswith("---")] == [head, *rows]
    for year, who, system, corpus, _, measure, percent, source in rows:
        assert (not year or 1950 < int(year) < 2100) and 0 < float(percent) < 100, source
        assert all((who, system, corpus, source)) and measure in ("PER", "WER")
