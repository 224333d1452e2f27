"""The International Phonetic Alphabet as data: the articulation of its symbols (chart of 2015, revised 2020).

``describe("tʰ")`` is "aspirated voiceless alveolar plosive". A phone is one symbol, or two that are one sound
(affricates, diphthongs, double articulations, clicks with their accompaniment; a tie bar may join them), with
diacritics.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

# Columns of the vowel chart: front to back; each cell holds the unrounded symbol and then the rounded one.
_BACKNESS = ("front", "central", "back")
_VOWEL_ROWS = {
    "close": "i y ɨ ʉ ɯ u",
    "near-close": "ɪ ʏ - - - ʊ",
    "close-mid": "e ø ɘ ɵ ɤ o",
    "mid": "- - ə - - -",
    "open-mid": "ɛ œ ɜ ɞ ʌ ɔ",
    "near-open": "æ - ɐ - - -",
    "open": "a ɶ ä - ɑ ɒ",
}
# Rows of the consonant chart; of two symbols the left one is voiceless. "-": none.
_PLACES = (
    "bilabial",
    "labiodental",
    "dental",
    "alveolar",
    "postalveolar",
    "retroflex",
    "palatal",
    "velar",
    "uvular",
    "pharyngeal",
    "glottal",
)
_CONSONANT_ROWS = {
    "plosive": "p b - - - - t d - - ʈ ɖ c ɟ k ɡ q ɢ - - ʔ -",
    "nasal": "- m - ɱ - - - n - - - ɳ - ɲ - ŋ - ɴ - - - -",
    "trill": "- ʙ - - - - - r - - - - - - - - - ʀ - - - -",
    "tap": "- - - ⱱ - - - ɾ - - - ɽ - - - - - - - - - -",
    "fricative": "ɸ β f v θ ð s z ʃ ʒ ʂ ʐ ç ʝ x ɣ χ ʁ ħ ʕ h ɦ",
    "lateral fricative": "- - - - - - ɬ ɮ - - - - - - - - - - - - - -",
    "approximant": "- - - ʋ - - - ɹ - - - ɻ - j - ɰ - - - - - -",
    "lateral approximant": "- - - - - - - l - - - ɭ - ʎ - ʟ - - - - - -",
    "implosive": "ɓ̥ ɓ - - - - ɗ̥ ɗ - - - ᶑ ʄ̊ ʄ ɠ̊ ɠ ʛ̥ ʛ - - - -",
}
_SONORANTS = ("nasal", "trill", "tap", "approximant", "lateral approximant")  # voiced, if no diacritic says otherwise
_OTHERS = {
    "ʍ": "voiceless labial-velar fricative",
    "w": "labial-velar approximant",
    "ɥ": "labial-palatal approximant",
    "ʜ": "voiceless epiglottal fricative",
    "ʢ": "voiced epiglottal fricative",
    "ʡ": "voiceless epiglottal plosive",
    "ɕ": "voiceless alveolo-palatal fricative",
    "ʑ": "voiced alveolo-palatal fricative",
    "ɺ": "alveolar lateral tap",
    "ɧ": "voiceless postalveolar-velar fricative",
    "ɫ": "velarised alveolar lateral approximant",
    "ʘ": "voiceless bilabial click",
    "ǀ": "voiceless dental click",
    "ǃ": "voiceless alveolar click",
    "ǂ": "voiceless palatal click",
    "ǁ": "voiceless alveolar lateral click",
    "ɚ": "mid central r-coloured vowel",
    "ɝ": "open-mid central r-coloured vowel",
}
_DIACRITICS = {
    "ʰ": "aspirated",
    "ʱ": "breathy-aspirated",
    "ʷ": "labialised",
    "ʲ": "palatalised",
    "ˠ": "velarised",
    "ˤ": "pharyngealised",
    "ʼ": "ejective",
    "ⁿ": "nasally-released",
    "ˡ": "laterally-released",
    "ː": "long",
    "ˑ": "half-long",
    "˞": "r-coloured",
    "ˀ": "glottalised",
    "\u0303": "nasalised",
    "\u0325": "voiceless",
    "\u030a": "voiceless",
    "\u032c": "voiced",
    "\u0324": "breathy",
    "\u0330": "creaky",
    "\u0329": "syllabic",
    "\u030d": "syllabic",
    "\u032f": "non-syllabic",
    "\u0311": "non-syllabic",
    "\u032a": "dental",
    "\u0346": "dental",
    "\u033a": "apical",
    "\u033b": "laminal",
    "\u033c": "linguolabial",
    "\u0339": "more-rounded",
    "\u031c": "less-rounded",
    "\u031f": "advanced",
    "\u0320": "retracted",
    "\u0308": "centralised",
    "\u033d": "mid-centralised",
    "\u031d": "raised",
    "\u031e": "lowered",
    "\u0318": "advanced-root",
    "\u0319": "retracted-root",
    "\u0334": "velarised",
    "\u031a": "unreleased",
    "\u0306": "extra-short",
    "\u030b": "extra-high-tone",
    "\u0301": "high-tone",
    "\u0304": "mid-tone",
    "\u0300": "low-tone",
    "\u030f": "extra-low-tone",
    "\u0302": "falling-tone",
    "\u030c": "rising-tone",
}
_SPELLINGS = {
    "g": "ɡ",
    ":": "ː",
    "'": "ʼ",
    "’": "ʼ",
    "ʦ": "ts",
    "ʣ": "dz",
    "ʧ": "tʃ",
    "ʤ": "dʒ",
    "ʨ": "tɕ",
    "ʥ": "dʑ",
    "ǝ": "ə",
    "!": "ǃ",
    "ɩ": "ɪ",
    "ɷ": "ʊ",
    "ɼ": "r\u031d",
}
_TIES = "\u0361\u035c"
_NASALS_BEFORE = "ᵐⁿᵑ"
_AS_VOWELS = {
    "palatal approximant": "close front vowel",  # aj, aw: glides that end a diphthong
    "labial-velar approximant": "close back rounded vowel",
}
_HEIGHTS = list(_VOWEL_ROWS)
STRESS = re.compile("[\u02c8\u02cc]")  # primary, secondary: of a syllable, not of a sound
TONE = re.compile("(?<=.)([˥˦˧˨˩]+|[⁰¹²³⁴⁵]+|[1-5]+)$")
_TONE_DIGITS = str.maketrans("˥˦˧˨˩⁰¹²³⁴⁵", "54321012345")


def _charts() -> dict[str, str]:
    """{symbol: description}."""
    table = dict(_OTHERS)
    for height, row in _VOWEL_ROWS.items():
        for at, symbol in enumerate(row.split()):
            table[symbol] = f"{height} {_BACKNESS[at // 2]} {'rounded ' if at % 2 else ''}vowel"
    for manner, row in _CONSONANT_ROWS.items():
        for at, symbol in enumerate(row.split()):
            voicing = "" if manner in _SONORANTS else "voiced " if at % 2 else "voiceless "
            table[symbol] = f"{voicing}{_PLACES[at // 2]} {manner}"
    table.pop("-")
    return {unicodedata.normalize("NFD", symbol): words for symbol, words in table.items()}


SYMBOLS = _charts()
_BASE = re.compile("|".join(sorted(map(re.escape, SYMBOLS), key=len, reverse=True)))


class _Sound(NamedTuple):
    """One symbol's description, and what diacritics add to it."""

    words: str
    marks: tuple[str, ...]


def bare(phone: str) -> str:
    """The phone without stress marks."""
    return STRESS.sub("", phone)


def describe(phone: str) -> str | None:
    """The articulation of a phone: its diacritics, then the words of the chart; None if it is not one sound of the
    IPA."""
    text = bare(phone)
    tone = TONE.search(text)
    sounds = _sounds(text[: tone.start()] if tone else text)
    words = _joined([sound.words for sound in sounds]) if sounds else None
    if words is None:
        return None
    marks = list(dict.fromkeys(mark for sound in sounds for mark in sound.marks))
    if words.endswith(("diphthong", "triphthong")) and "non-syllabic" in marks:
        marks.remove("non-syllabic")  # as one half of a diphthong always is
    for voicing, other in (("voiceless", "voiced"), ("voiced", "voiceless")):
        if voicing in marks and re.search(rf"\b{other}\b", words):
            marks.remove(voicing)
            words = re.sub(rf"\b{other}\b", voicing, words)
    if "dental" in marks and "alveolar" in words:
        marks.remove("dental")
        words = words.replace("alveolar", "dental")
    tones = [f"tone-{tone[0].translate(_TONE_DIGITS)}"] if tone else []
    return " ".join([*marks, *tones, words])


def _sounds(text: str) -> list[_Sound]:
    """The symbols of a phone in order, each with its diacritics; none if something in it is no IPA."""
    for spelling, symbol in _SPELLINGS.items():
        text = text.replace(spelling, symbol)
    text = unicodedata.normalize("NFD", text)
    at, sounds = 0, []
    before: list[str] = []  # ⁿd: marks that precede what they change
    while at < len(text):
        if match := _BASE.match(text, at):
            sounds.append(_Sound(SYMBOLS[match[0]], tuple(before)))
            before = []
            at = match.end()
            continue
        if text[at] in _NASALS_BEFORE and not sounds:
            before.append("prenasalised")
        elif text[at] in _DIACRITICS and sounds:
            sounds[-1] = _Sound(sounds[-1].words, (*sounds[-1].marks, _DIACRITICS[text[at]]))
        elif not (text[at] in _TIES and sounds):
            return []
        at += 1
    return [] if before else sounds


def _joined(words: list[str]) -> str | None:
    """Several symbols that are one sound; None if they are not."""
    first, last = words[0], words[-1]
    kinds = [word.rsplit(" ", 1)[-1] for word in words]
    if len(words) == 1:
        return first
    if len(words) == 2 and first == last:
        return f"long {first}"
    if set(kinds) == {"vowel"}:
        return _gliding(first, last) if len(words) == 2 else "triphthong" if len(words) == 3 else None
    if len(words) == 2 and kinds[0] == "vowel" and last in _AS_VOWELS:
        return _gliding(first, _AS_VOWELS[last])
    if kinds[0] == "nasal" and kinds[1] in ("plosive", "fricative"):
        rest = _joined(words[1:])
        return rest and f"prenasalised {rest}"
    if len(words) != 2:
        return None
    if kinds == ["plosive", "fricative"]:
        return last.replace("fricative", "affricate")
    if kinds[1] == "click" and kinds[0] in ("plosive", "nasal"):
        return last.replace("voiceless", "nasal" if kinds[0] == "nasal" else first.split()[0])
    if kinds[0] == kinds[1] and kinds[0] in ("plosive", "nasal", "implosive"):
        places = sorted(
            (word.split()[-2].replace("bilabial", "labial") for word in words), key=lambda place: place != "labial"
        )
        return " ".join([*first.split()[:-2], "-".join(places), kinds[0]]) if places[0] == "labial" else None
    return None


def _gliding(first: str, last: str) -> str:
    """A diphthong: the height at which it begins, and its direction (front- or back-closing, centring, opening)."""
    height, backness = last.split()[:2]
    if backness == "central":
        way = "centring"
    elif _HEIGHTS.index(height) <= _HEIGHTS.index(first.split()[0]):
        way = f"{backness}-closing"
    else:
        way = "opening"
    return f"{first.split()[0]} {way} diphthong"
