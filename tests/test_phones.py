"""The phone set against the dictionary that uses it, and against what a phonetics book says."""

from collections import Counter

from lexicon.phones import INVENTORY, IPA, MANNER, MANNERS, PHONES, SILENCE, by_manner


def test_39_phones_sorted_without_silence():
    assert len(PHONES) == 39 and PHONES == sorted(PHONES) and SILENCE not in PHONES


def test_manners_count_as_in_the_arpabet_tables():
    assert Counter(MANNER[p] for p in PHONES) == {
        "vowel": 10,
        "diphthong": 5,
        "stop": 6,
        "affricate": 2,
        "fricative": 9,
        "nasal": 3,
        "liquid": 2,
        "glide": 2,
    }
    assert set(MANNER.values()) == set(MANNERS)


def test_fricatives_and_stops_come_in_voiced_pairs():
    for voiceless, voiced in ["PB", "TD", "KG", "FV", "SZ", ("SH", "ZH"), ("TH", "DH"), ("CH", "JH")]:
        assert not INVENTORY[voiceless].voiced and INVENTORY[voiced].voiced
        assert MANNER[voiceless] == MANNER[voiced]


def test_ipa_symbols_tell_phones_apart():
    assert len(set(IPA[p] for p in PHONES)) == 39
    assert "".join(IPA[p] for p in "HH AH L OW".split()) == "hʌloʊ"


def test_by_manner_keeps_blocks_together():
    assert by_manner(["T", "SIL", "S", "AA", "N"]) == ["AA", "N", "S", "T", "SIL"]
