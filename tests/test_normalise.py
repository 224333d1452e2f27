"""Text to words, by examples a reader can judge."""

import pytest

from lexicon.normalise import number_words, ordinal_words, spell_digits, to_words


@pytest.mark.parametrize(
    "number, words",
    [
        ("0", "ZERO"),
        ("9", "NINE"),
        ("13", "THIRTEEN"),
        ("20", "TWENTY"),
        ("42", "FORTY TWO"),
        ("100", "ONE HUNDRED"),
        ("500", "FIVE HUNDRED"),
        ("711", "SEVEN HUNDRED ELEVEN"),
        ("1234", "ONE THOUSAND TWO HUNDRED THIRTY FOUR"),
        ("8500", "EIGHT THOUSAND FIVE HUNDRED"),
        ("9999", "NINE THOUSAND NINE HUNDRED NINETY NINE"),
        ("10,000", "TEN THOUSAND"),
        ("2000000", "TWO MILLION"),
        ("28.8", "TWENTY EIGHT POINT EIGHT"),
        ("0.05", "ZERO POINT ZERO FIVE"),
        ("007", "ZERO ZERO SEVEN"),
    ],
)
def test_numbers_as_they_are_said(number, words):
    assert " ".join(number_words(number)) == words


@pytest.mark.parametrize(
    "number, words",
    [
        (1, "FIRST"),
        (2, "SECOND"),
        (5, "FIFTH"),
        (12, "TWELFTH"),
        (20, "TWENTIETH"),
        (23, "TWENTY THIRD"),
        (90, "NINETIETH"),
        (1000, "ONE THOUSANDTH"),
    ],
)
def test_ordinals(number, words):
    assert " ".join(ordinal_words(number)) == words


def test_telephone_numbers_digit_by_digit():
    assert spell_digits("4240") == ["FOUR", "TWO", "FOUR", "ZERO"]
    assert spell_digits("101", zero="OH") == ["ONE", "OH", "ONE"]
    assert to_words("Dial 600!", number=spell_digits) == ["DIAL", "SIX", "ZERO", "ZERO"]


@pytest.mark.parametrize(
    "text, words",
    [
        ("Please try again.  (Or don't!)", "PLEASE TRY AGAIN OR DON'T"),
        ("your party\u2019s 'first' name", "YOUR PARTY'S FIRST NAME"),
        ("Re-enter and/or de-activate", "RE ENTER AND OR DE ACTIVATE"),
        ("at 10 A.M. or 3 p.m.", "AT TEN A M OR THREE P M"),
        ("3D audio on the 21st", "THREE D AUDIO ON THE TWENTY FIRST"),
        ("o'clock -- rock 'n' roll", "O'CLOCK ROCK N ROLL"),
        ("1,000 caf\u00e9s", "ONE THOUSAND CAF\u00c9S"),
        ("snake_case ...", "SNAKE CASE"),
    ],
)
def test_to_words(text, words):
    assert " ".join(to_words(text)) == words
