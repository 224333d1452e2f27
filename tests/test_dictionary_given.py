"""Lexicons that people have: CMUdict's format, Kaldi's two, other scripts, and the messages about mistakes in them."""

from __future__ import annotations

import unicodedata

import pytest

from lexicon.dictionary import look_up
from lexicon.errors import UserError
from lexicon.given import read_given


@pytest.fixture
def given(tmp_path):
    def read(text: str, phones: str | None = None):
        (tmp_path / "lexicon.txt").write_text(text, encoding="utf-8")
        if phones is not None:
            (tmp_path / "phones.txt").write_text(phones, encoding="utf-8")
        return read_given(tmp_path / "lexicon.txt", tmp_path / "phones.txt" if phones is not None else None)

    return read


def test_cmudict(given):
    found = given(
        ";;; CMUdict # 0.7b\nA  AH0\nA(2)  EY1\nTOMATO  T AH0 M EY1 T OW2\nAALBORG AO1 L B AO0 R G # place, danish\n"
    )
    assert found.notation == "ARPAbet" and found.entries == {
        "A": [(1.0, ("AH",)), (1.0, ("EY",))],
        "TOMATO": [(1.0, ("T", "AH", "M", "EY", "T", "OW"))],
        "AALBORG": [(1.0, ("AO", "L", "B", "AO", "R", "G"))],
    }
    assert sorted(found.phone_set) == ["AH", "AO", "B", "EY", "G", "L", "M", "OW", "R", "T"]


def test_kaldi_with_probabilities(given):
    found = given("!SIL 1.0 SIL\n<UNK> 1.0 SPN\nthe 0.2 DH IY1\nthe 0.5 DH AH0\nto 1.0 T UW\n")
    assert found.entries == {"the": [(1.0, ("DH", "AH")), (0.4, ("DH", "IY"))], "to": [(1.0, ("T", "UW"))]}
    assert found.left_out == ("!SIL", "<UNK>")


def test_variants_that_differ_in_stress_are_one(given):
    assert given("OBJECT AA1 B JH\nOBJECT(2) AA0 B JH\n").entries == {"OBJECT": [(1.0, ("AA", "B", "JH"))]}


def test_words_of_any_script_exactly_or_in_any_case(given):
    found = given("Straße ʃ t ʁ aː s ə\nмир mʲ i r\nPolish p ɒ\npolish p əʊ\nएक eː k\n")
    assert found.notation == "IPA"
    looked = found.look_up(["STRASSE", "Мир", "polish", "POLISH", "एक", "nichts"])
    assert looked["Мир"] == [(1.0, ("mʲ", "i", "r"))] and looked["STRASSE"][0][1][0] == "ʃ"
    assert looked["polish"] == [(1.0, ("p", "əʊ"))] and looked["POLISH"] == looked["polish"]
    assert looked["एक"] == [(1.0, ("eː", "k"))] and "nichts" not in looked


def test_composed_and_decomposed_unicode_are_the_same(given):
    found = given(unicodedata.normalize("NFD", "élan e l ã\n"))
    assert found.look_up([unicodedata.normalize("NFC", "élan")]) == {"élan": [(1.0, ("e", "l", "ã"))]}


def test_a_described_phone_set_is_taken_as_it_is(given):
    found = given("schön S 2: n\nAH AH0 n\n", "S ʃ\n2: øː\nn n\nAH0 ə\nx x\n")
    assert found.notation == "phones.txt" and found.entries["schön"] == [(1.0, ("S", "2:", "n"))]
    assert found.entries["AH"] == [(1.0, ("AH0", "n"))] and sorted(found.phone_set) == ["2:", "AH0", "S", "n"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("A AH\nB\n", 'lexicon.txt:2: word "B" has no phones; write `B P1 P2 ...`'),
        ("A 0.5\n", 'lexicon.txt:1: word "A" has no phones'),
        ("A 1.5 AH\n", 'lexicon.txt:1: probability 1.5 of word "A"; it lies above 0 and is at most 1'),
        ("A 0.0 AH\nB\nC\n", "(mistakes on 2 more lines: 2, 3)"),
        (
            "A AH\nB B EE\n",
            'lexicon.txt:2: phone "EE" in word "B" is not ARPAbet, as 2 of 3 phones here are; correct it, or '
            "describe all phones in a file of `PHONE IPA [class words]` lines: PHONES=FILE",
        ),
        ("a a ʃ\nb b 2:\n", 'lexicon.txt:2: phone "2:" in word "b" is not IPA, as 3 of 4 phones here are'),
        ("A AH SIL\n", 'phone "SIL" in word "A" is not ARPAbet'),
        ("A 1 AH\n", 'lexicon.txt:1: "1" in word "A" is a number, no phone; write 1.0 if it is a probability'),
        ("# nothing\n", "lexicon.txt: no words"),
    ],
)
def test_mistakes_are_named_with_their_line(given, text, message):
    with pytest.raises(UserError) as error:
        given(text)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_phone_that_the_described_set_lacks(given):
    with pytest.raises(
        UserError, match=r'lexicon.txt:2: phone "o" in word "b" is not in .*phones.txt; correct it, or add `o IPA`'
    ):
        given("a a\nb b o\n", "a a\nb b\n")


def test_the_dictionary_in_any_case():
    assert look_up(["hello", "Hello", "zzyzx"]).keys() == {"hello", "Hello"}
