"""The reliability curves of the report."""

from __future__ import annotations

import re
from pathlib import Path

from helpers.trees import HEARD_WORDS, SYSTEMS, make_trees

from pipeline.compare.results import read_comparison
from pipeline.report.confidence import confidence_section
from pipeline.search.confidence import LEVELS, sure_labels, write_posteriors


def with_posteriors(exp: Path, system: str, value: float) -> None:
    """One posterior for everything; the CTMs have a confidence of 0.5."""
    decode = exp / system / "decode_test"
    counts = {utterance: {level: 0 for level in LEVELS} for utterance in HEARD_WORDS[system]}
    for level in LEVELS:
        for utterance, _, _ in sure_labels(decode / f"{level}.ctm"):
            counts[utterance][level] += 1
    write_posteriors(decode, ((utt, [[value] * of[level] for level in LEVELS]) for utt, of in counts.items()))


def test_errors_before_and_after(tmp_path):
    exp, data = make_trees(tmp_path)
    comparison = read_comparison(exp, data, exp / "gmm/ali_test", SYSTEMS)
    assert confidence_section(comparison) == ""  # no decode has kept any
    with_posteriors(exp, "new", 0.9)
    page = confidence_section(comparison)
    cells = re.findall(r"<td>([\d.]+)</td>", page)
    # new has THE CAT, SAT, THE CAT and the odd word, all right: 0.9 is 10 points too low, 0.5 is 50.
    assert cells[:4] == ["6", "100.0", "10.0", "50.0"]
    # The free phones are DH AH K AE T, S AE T T, DH AH K AE T S AE T and AH: 18, and one T too many.
    assert cells[8:] == ["18", f"{100 * 17 / 18:.1f}", f"{100 * 17 / 18 - 90:.1f}", f"{100 * 17 / 18 - 50:.1f}"]
    assert page.count("<svg") == 3 and "old" not in page
    assert "new: of 18 free phones of posterior 0.90 94 % right" in page
