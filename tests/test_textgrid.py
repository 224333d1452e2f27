"""TextGrids, read back by praatio's own reader."""

from __future__ import annotations

from praatio import textgrid

from pipeline.times.segments import Segment
from pipeline.times.textgrid import write_textgrid


def test_tiers_come_back_with_their_times(tmp_path):
    phones = [Segment("SIL", 0, 10), Segment("AY", 10, 32, 0)]
    write_textgrid(tmp_path / "deep" / "u1.TextGrid", {"words": [Segment("I", 10, 32, 0)], "phones": phones}, 32)
    grid = textgrid.openTextgrid(str(tmp_path / "deep" / "u1.TextGrid"), includeEmptyIntervals=False)
    assert grid.tierNames == ("words", "phones")
    # Frame 10 begins half a shift before the centre of its window: 100 + 12.5 - 5 ms.
    ((start, end, label),) = grid.getTier("words").entries
    assert (round(start, 4), round(end, 4), label) == (0.1075, 0.3275, "I")
    assert [entry.label for entry in grid.getTier("phones").entries] == ["SIL", "AY"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["u1.TextGrid"]
