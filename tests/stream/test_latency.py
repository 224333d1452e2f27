"""How late words are shown, worked out by hand."""

from __future__ import annotations

import pytest

from pipeline.stream.latency import Latency
from pipeline.stream.listener import Heard
from pipeline.times.segments import Segment


def hear(latency: Latency, now: float, *spans: tuple[str, int, int], final: bool = False, piece: int = 0) -> None:
    latency.note(Heard("gmm", piece, [Segment(*span) for span in spans], 0, [], final), now)


@pytest.fixture
def latency() -> Latency:
    """A ends at 0.4075 s, is there at 0.3, gone at 0.5, back at 0.6; B ends at 0.9075 and comes at the end, at 1.2."""
    latency = Latency()
    hear(latency, 0.2)
    hear(latency, 0.3, ("A", 0, 30))
    hear(latency, 0.5, ("X", 0, 40))
    hear(latency, 0.6, ("A", 5, 40), ("C", 40, 60))
    hear(latency, 1.2, ("A", 5, 40), ("B", 50, 90), final=True)
    return latency


def test_words_are_counted_from_their_ends(latency):
    first, second = latency.words
    assert (first.system, first.piece, first.number, first.of, first.word) == ("gmm", 1, 1, 2, "A")
    assert first[5:] == pytest.approx((0.4075, 0.3 - 0.4075, 0.6 - 0.4075, 1.2 - 0.4075))
    assert second[5:] == pytest.approx((0.9075, 1.2 - 0.9075, 1.2 - 0.9075, 1.2 - 0.9075))


def test_a_piece_without_words_has_no_latency(latency):
    hear(latency, 2.0, ("A", 120, 150), piece=1)
    hear(latency, 2.5, final=True, piece=1)
    assert len(latency.words) == 2


def test_the_table_and_the_file(latency, tmp_path):
    assert [line.split() for line in latency.table()[2:]] == [
        ["gmm", "first", "1", *"-0.11 s -0.11 s 0.19 s 0.19 s 0.79 s 0.79 s".split()],
        ["gmm", "last", "1", *"0.29 s 0.29 s 0.29 s 0.29 s 0.29 s 0.29 s".split()],
        ["gmm", "every", "2", *"0.09 s 0.27 s 0.24 s 0.29 s 0.54 s 0.77 s".split()],
    ]
    latency.write(tmp_path / "latency.tsv")
    lines = [line.split("\t") for line in (tmp_path / "latency.tsv").read_text().splitlines()]
    assert lines[0] == "system piece number of word end first_shown shown_for_good piece_over".split()
    assert lines[1][:5] == ["gmm", "1", "1", "2", "A"]
    assert [float(number) for number in lines[1][5:]] == pytest.approx([0.4075, -0.1075, 0.1925, 0.7925], abs=6e-4)
