"""The report spells and orders phones by the phone set of the lang directory, and labels it does not know come last."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from helpers.trees import SYSTEMS, make_trees

from lexicon.errors import UserError
from pipeline.compare.dispute import choose
from pipeline.compare.results import read_comparison
from pipeline.report.heat_maps import confusions
from pipeline.report.page import write_report

# T is a vowel and K a glide here; AE and others have no line.
PHONE_SET = {
    "T": "øː long close-mid front rounded vowel",
    "K": "w labial-velar approximant",
    "S": "- voiceless fricative",
}


def with_phone_set(tmp_path: Path, phone_set: object) -> tuple[Path, Path]:
    exp, data = make_trees(tmp_path)
    path = data / "lang" / "lang.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"phone_set": phone_set}))
    return exp, data


def test_order_manners_and_ipa_are_the_phone_sets(tmp_path):
    exp, data = with_phone_set(tmp_path, PHONE_SET)
    drawn = confusions(read_comparison(exp, data, exp / "gmm/ali_test", SYSTEMS))
    figure = drawn[: drawn.index("</figure>")]
    rows = re.findall(r'class="row"[^>]*><tspan data-ipa="([^"]*)">([^<]*)<', figure)
    assert rows[:3] == [("øː", "T"), ("w", "K"), ("S", "S")]  # without IPA a phone keeps its name
    unknown = [name for _, name in rows[3:]]
    assert "AE" in unknown and unknown == sorted(unknown) and all(ipa == name for ipa, name in rows[3:])
    assert re.findall(r'class="manner"[^>]*>(\w+)<', figure) == ["vowel", "glide", "fricative", "other"]


def test_the_page_spells_in_its_ipa(tmp_path):
    exp, data = with_phone_set(tmp_path, PHONE_SET)
    folder = exp / "report"
    folder.mkdir()
    comparison = read_comparison(exp, data, exp / "gmm/ali_test", SYSTEMS)
    write_report(folder, comparison, exp, choose(comparison, 1), [0, 1])
    for page in (folder / "index.html", folder / "utt" / "001.html"):
        ipa = json.loads(re.search(r'id="ipa">(.*?)</script>', page.read_text())[1])
        assert ipa == {"SIL": "", "T": "øː", "K": "w", "S": ""}


def test_without_a_record_it_is_the_dictionarys(tmp_path):
    exp, data = make_trees(tmp_path)
    assert 'data-ipa="ð">DH<' in confusions(read_comparison(exp, data, exp / "gmm/ali_test", SYSTEMS))


def test_a_damaged_record_is_one_line(tmp_path):
    exp, data = with_phone_set(tmp_path, {"T": "t loud noise"})
    with pytest.raises(UserError, match="phone T: 't loud noise' is not `IPA class words`; run: make lexicon"):
        confusions(read_comparison(exp, data, exp / "gmm/ali_test", SYSTEMS))
