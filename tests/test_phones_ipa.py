"""IPA symbols against what the chart says of them, and phone sets of any language, recognised or described."""

from __future__ import annotations

import unicodedata

import pytest

from lexicon.errors import UserError
from lexicon.ipa import SYMBOLS, describe
from lexicon.phone_sets import ARPABET, as_fields, phone_set_of, read_phone_set, recognise, table, without_stress
from lexicon.phones import INVENTORY, PHONES, by_manner, manner_in, manner_of, phone


def test_the_chart_is_complete():
    """Every Unicode letter of the block "IPA Extensions" that the IPA itself uses today."""
    retired = set("ɩɷɼɿʅʆʇʓʖʗʚʞʠʣʤʥʦʧʨʩʪʫʬʭʮʯʄɋ") | {"ɥ̊"}
    known = "".join(SYMBOLS)
    block = [chr(code) for code in range(0x250, 0x2B0)]
    missing = [sign for sign in block if sign not in known and sign not in retired]
    assert all(
        "REVERSED" in unicodedata.name(s)
        or "CURL" in unicodedata.name(s)
        or "LONG LEG" in unicodedata.name(s)
        or s in "ɮ"
        for s in missing
    ), missing
    assert len(SYMBOLS) > 110 and len(set(SYMBOLS.values())) == len(SYMBOLS)


@pytest.mark.parametrize(
    "symbol, words",
    [
        ("p", "voiceless bilabial plosive"),
        ("ɢ", "voiced uvular plosive"),
        ("ʔ", "voiceless glottal plosive"),
        ("ɲ", "palatal nasal"),
        ("r", "alveolar trill"),
        ("ɽ", "retroflex tap"),
        ("ɸ", "voiceless bilabial fricative"),
        ("ʕ", "voiced pharyngeal fricative"),
        ("ɬ", "voiceless alveolar lateral fricative"),
        ("ʋ", "labiodental approximant"),
        ("ʎ", "palatal lateral approximant"),
        ("ɓ", "voiced bilabial implosive"),
        ("ǂ", "voiceless palatal click"),
        ("y", "close front rounded vowel"),
        ("ɯ", "close back vowel"),
        ("ɵ", "close-mid central rounded vowel"),
        ("ə", "mid central vowel"),
        ("ɐ", "near-open central vowel"),
        ("ɒ", "open back rounded vowel"),
        ("w", "labial-velar approximant"),
        ("ɕ", "voiceless alveolo-palatal fricative"),
        # with diacritics
        ("tʰ", "aspirated voiceless alveolar plosive"),
        ("kʼ", "ejective voiceless velar plosive"),
        ("n̥", "voiceless alveolar nasal"),
        ("b̥", "voiceless bilabial plosive"),
        ("d̪", "voiced dental plosive"),
        ("ã", "nasalised open front vowel"),
        ("l̩", "syllabic alveolar lateral approximant"),
        ("øː", "long close-mid front rounded vowel"),
        ("ø:", "long close-mid front rounded vowel"),
        ("a˥˩", "tone-51 open front vowel"),
        ("ˈa", "open front vowel"),
        # two symbols, one sound
        ("t͡ʃ", "voiceless postalveolar affricate"),
        ("ts", "voiceless alveolar affricate"),
        ("ʤ", "voiced postalveolar affricate"),
        ("k͡p", "voiceless labial-velar plosive"),
        ("ŋ͡m", "labial-velar nasal"),
        ("ɡǃ", "voiced alveolar click"),
        ("ŋǃ", "nasal alveolar click"),
        ("ⁿd", "prenasalised voiced alveolar plosive"),
        ("tː", "long voiceless alveolar plosive"),
        ("tt", "long voiceless alveolar plosive"),
        ("aɪ", "open front-closing diphthong"),
        ("oʊ̯", "close-mid back-closing diphthong"),
        ("ɪə", "near-close centring diphthong"),
        ("ie", "close opening diphthong"),
    ],
)
def test_a_symbol_in_words(symbol, words):
    assert describe(symbol) == words
    assert describe(unicodedata.normalize("NFD", symbol)) == describe(unicodedata.normalize("NFC", symbol)) == words


@pytest.mark.parametrize("symbol", ["", "A", "2:", "@", "sp", "abc", "ʰ", "͡", "7", "SIL", "tk"])
def test_what_is_no_sound_of_the_ipa(symbol):
    assert describe(symbol) is None


def test_arpabet_agrees_with_its_ipa():
    """The hand-made manner and voicing of the 39 and what their symbols say."""
    for name in PHONES:
        known = phone(INVENTORY[name].ipa)
        assert (known.manner, known.voiced) == (INVENTORY[name].manner, INVENTORY[name].voiced), name
    assert ARPABET["DX"].classes == "alveolar tap" and ARPABET["AXR"].manner == "vowel"


@pytest.mark.parametrize(
    "words, manner",
    [
        ("voiced alveolar implosive", "stop"),
        ("nasal alveolar click", "stop"),
        ("uvular trill", "liquid"),
        ("palatal lateral approximant", "liquid"),
        ("velar approximant", "glide"),
        ("retroflex approximant", "liquid"),
        ("non-syllabic close front vowel", "glide"),
        ("triphthong", "diphthong"),
        ("vowel back", "vowel"),
        ("noise", None),
    ],
)
def test_manner_of_words(words, manner):
    assert manner_of(words) == manner


def test_arpabet_and_ipa_are_told_apart():
    assert recognise(["AA", "K", "AX"])[0] == "ARPAbet" and recognise(["aa", "k"])[0] == "ARPAbet"
    notation, known, strange = recognise(["a", "k", "ʃ", "øː"])
    assert notation == "IPA" and not strange and known["øː"].manner == "vowel"
    assert recognise(["a", "ʃ", "2:"])[::2] == ("IPA", ["2:"])


@pytest.mark.parametrize(
    "stressed, bare", [("AH0", "AH"), ("er2", "er"), ("ˈaɪ", "aɪ"), ("ˌo", "o"), ("n̩1", "n̩1"), ("a51", "a51")]
)
def test_stress_is_no_part_of_a_phone(stressed, bare):
    assert without_stress(stressed) == bare


def test_a_described_phone_set(tmp_path):
    (tmp_path / "phones").write_text(
        "# SAMPA\n2: øː\n@ ə # schwa\nspn - voiced noise fricative\ntS tʃ\n", encoding="utf-8"
    )
    found = read_phone_set(tmp_path / "phones")
    assert {name: as_fields(known) for name, known in found.items()} == {
        "2:": "øː long close-mid front rounded vowel",
        "@": "ə mid central vowel",
        "spn": "- voiced noise fricative",
        "tS": "tʃ voiceless postalveolar affricate",
    }
    assert found["2:"].voiced and not found["tS"].voiced
    # What lang.json records comes back the same, and silence with it.
    again = phone_set_of({"phone_set": {name: as_fields(known) for name, known in found.items()}})
    assert again["2:"] == found["2:"] and set(again) == {*found, "SIL"} and phone_set_of({}) == INVENTORY


@pytest.mark.parametrize(
    "line, message",
    [
        ("@", 'phones:2: phone "@" without IPA; write `@ IPA`, or `@ - CLASS WORDS`'),
        ("@ @", 'phones:2: "@" is not IPA; add one of: vowel diphthong glide'),
        ("@ ə noise", 'phones:2: the words "noise" name no manner'),
        ("a a", 'phones:2: phone "a" for the second time'),
        ("SIL -", 'phones:2: "SIL" is the recogniser\'s own'),
    ],
)
def test_mistakes_in_a_phone_set_are_named(tmp_path, line, message):
    (tmp_path / "phones").write_text(f"a a\n{line}\n", encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_phone_set(tmp_path / "phones")
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("recorded", [{"a": 3}, {"a": ""}, {"a": "a noise"}, ["a"], "a"])
def test_a_damaged_record_is_named(recorded):
    with pytest.raises(UserError, match="lang.json: phone .*; run: make lexicon"):
        phone_set_of({"phone_set": recorded})


def test_unknown_phones_come_last():
    phone_set = {name: phone(name) for name in "aʃtnø"}
    assert by_manner(["cl", "t", "ʃ", "AA", "a", "SIL", "ø", "n"], phone_set) == [
        "a",
        "ø",
        "n",
        "ʃ",
        "t",
        "SIL",
        "AA",
        "cl",
    ]
    assert manner_in(phone_set, "cl") == "other" and manner_in(phone_set, "SIL") == "silence"


def test_the_map_fits_a_terminal():
    lines = table({name: INVENTORY[name] for name in PHONES})
    assert len(lines) == 20 and lines[0].startswith("AA ɑ open back vowel  ") and max(map(len, lines)) <= 120
    assert table({"a": phone("a")}) == ["a open front vowel"]
    long = table(ARPABET | {f"{name}x": known for name, known in ARPABET.items()})
    assert len(long) == 21 and long[-1] == f"... and {2 * len(ARPABET) - 40} more"
