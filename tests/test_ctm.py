"""CTM lines, worked out by hand."""

from __future__ import annotations

import pytest

from lexicon.errors import UserError
from pipeline.datadir.sets import read_placed
from pipeline.times.ctm import ctm_lines, read_confidences, write_ctm
from pipeline.times.intervals import Interval
from pipeline.times.segments import Segment


def test_lines_by_hand():
    # The boundary before frame f lies at f x 10 ms + 7.5 ms, half way between the centres of frames f - 1 and f.
    segments = [Segment("SIL", 0, 20), Segment("HH", 20, 25), Segment("AY", 25, 41)]
    assert ctm_lines("u-1", segments, [1.0, 0.5, 0.98765]) == [
        "u-1 1 0.0075 0.2000 SIL 1.000",
        "u-1 1 0.2075 0.0500 HH 0.500",
        "u-1 1 0.2575 0.1600 AY 0.988",
    ]


def test_no_confidence_where_none_is_known():
    assert ctm_lines("u", [Segment("A", 0, 1), Segment("B", 1, 2)]) == ["u 1 0.0075 0.0100 A", "u 1 0.0175 0.0100 B"]


def test_confidences_are_read_back_where_there_are_some(tmp_path):
    path = tmp_path / "x.ctm"
    write_ctm(path, [("a", [Segment("YES", 0, 10), Segment("NO", 10, 12)], [0.25, 1]), ("b", [Segment("A", 5, 6)], ())])
    assert read_confidences(path, {"a", "b"}) == {"a": [0.25, 1.0]} and read_confidences(path, {"b"}) == {}
    path.write_text("a 1 0.0 0.1 YES 0.5\na 1 0.1 0.1 NO high\n")
    with pytest.raises(UserError, match="x.ctm:2: confidence high is no number; make the file again"):
        read_confidences(path, {"a"})


def test_segments_touch_when_frames_do():
    segments = [Segment(str(i), a, a + 7) for i, a in enumerate(range(0, 3500, 7))]
    fields = [line.split() for line in ctm_lines("u", segments)]
    for before, after in zip(fields, fields[1:]):
        assert float(before[2]) + float(before[3]) == pytest.approx(float(after[2]), abs=1e-9)


def test_file(tmp_path):
    write_ctm(
        tmp_path / "x.ctm", [("a", [Segment("YES", 0, 10)], [0.25]), ("b", [], ()), ("ü", [Segment("É", 5, 6)], ())]
    )
    assert (tmp_path / "x.ctm").read_text(encoding="utf-8") == ("a 1 0.0075 0.1000 YES 0.250\nü 1 0.0575 0.0100 É\n")


def test_hands_come_before_aligners(tmp_path):
    for folder, name in (("aligned", "phones"), ("aligned", "words"), ("hand", "phones")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{name}.ctm").write_text(f"u 1 0.5 0.25 {folder}\n")
    (tmp_path / "hand/text").write_text("u WORD\n")
    (tmp_path / "aligned/phones.txt").write_text("u aligned\n")
    for name, folder in (("phones", "hand"), ("words", "aligned")):
        placed = read_placed(name, tmp_path / "hand", tmp_path / "aligned")
        assert placed == {"u": [Interval(0.5, 0.75, folder)]}
