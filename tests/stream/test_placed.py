"""Words of a search that is not over yet are placed on their phones."""

from __future__ import annotations

import pytest

from pipeline.stream.placed import placed
from pipeline.times.segments import Segment

LEXICON = {"TO": [(1.0, ("T", "UW"))], "TOO": [(1.0, ("T", "UW"))], "TOAST": [(1.0, ("T", "OW", "S", "T"))]}
LEXICON["A"] = [(0.5, ("EY",)), (0.5, ("AH",))]


def path(*labels: str) -> list[Segment]:
    return [Segment(label, 10 * i, 10 * i + 10) for i, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("phones", "words", "spans"),
    [
        (["SIL", "T", "UW", "SIL", "T", "UW"], ["TO", "TOO"], [(10, 30), (40, 60)]),
        (["EY", "T", "UW", "SIL"], ["A", "TO"], [(0, 10), (10, 30)]),
        (["T", "UW", "T", "OW"], ["TO", "TOAST"], [(0, 20), (20, 40)]),  # of the last word a part has been said
        (["T", "UW", "T"], ["TO"], [(0, 20)]),  # and here nobody knows yet what it will be
        (["AH", "EY", "AH"], ["A", "A"], [(0, 10), (10, 20)]),
        (["T", "UW", "SIL"], ["TO", "A"], [(0, 20)]),  # where no other word may follow, it is said before it begins
        (["SIL"], [], []),
    ],
)
def test_words_are_placed_on_their_phones(phones, words, spans):
    found = placed(words, path(*phones), LEXICON)
    assert [(word.start, word.end) for word in found] == spans
    assert [word.label for word in found] == words[: len(spans)]


def test_words_that_the_phones_do_not_spell_are_a_fault():
    with pytest.raises(ValueError, match="no way to spell"):
        placed(["TO", "A"], path("EY", "T"), LEXICON)
