"""Phones: the 39 of the CMU dictionary (ARPAbet without stress) and silence; phone sets of any language as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lexicon.ipa import describe

SILENCE = "SIL"
BLANK = "<blk>"  # of CTC, between phones
SILENT = (SILENCE, BLANK)  # labels of a path or lattice that are no phones


class Phone(NamedTuple):
    """IPA symbol and articulation of a phone."""

    ipa: str  # General American
    manner: str  # vowel, diphthong, stop, affricate, fricative, nasal, liquid, glide or silence
    voiced: bool
    example: str  # a word, the sound's letters in capitals; empty where none is known
    classes: str = ""  # in a phonetician's words: voiced alveolar plosive


PhoneSet = Mapping[str, Phone]  # by the phone's name

_INVENTORY: PhoneSet = {
    "AA": Phone("ɑ", "vowel", True, "Odd"),
    "AE": Phone("æ", "vowel", True, "At"),
    "AH": Phone("ʌ", "vowel", True, "hUt"),  # stressed ʌ and unstressed ə: one phone once stress is dropped
    "AO": Phone("ɔ", "vowel", True, "OUGHt"),
    "AW": Phone("aʊ", "diphthong", True, "cOW"),
    "AY": Phone("aɪ", "diphthong", True, "hIde"),
    "B": Phone("b", "stop", True, "Be"),
    "CH": Phone("tʃ", "affricate", False, "CHeese"),
    "D": Phone("d", "stop", True, "Dee"),
    "DH": Phone("ð", "fricative", True, "THee"),
    "EH": Phone("ɛ", "vowel", True, "Ed"),
    "ER": Phone("ɝ", "vowel", True, "hURt"),
    "EY": Phone("eɪ", "diphthong", True, "Ate"),
    "F": Phone("f", "fricative", False, "Fee"),
    "G": Phone("ɡ", "stop", True, "Green"),
    "HH": Phone("h", "fricative", False, "He"),
    "IH": Phone("ɪ", "vowel", True, "It"),
    "IY": Phone("i", "vowel", True, "EAt"),
    "JH": Phone("dʒ", "affricate", True, "Gee"),
    "K": Phone("k", "stop", False, "Key"),
    "L": Phone("l", "liquid", True, "Lee"),
    "M": Phone("m", "nasal", True, "Me"),
    "N": Phone("n", "nasal", True, "kNee"),
    "NG": Phone("ŋ", "nasal", True, "piNG"),
    "OW": Phone("oʊ", "diphthong", True, "OAt"),
    "OY": Phone("ɔɪ", "diphthong", True, "tOY"),
    "P": Phone("p", "stop", False, "Pee"),
    "R": Phone("ɹ", "liquid", True, "Read"),
    "S": Phone("s", "fricative", False, "Sea"),
    "SH": Phone("ʃ", "fricative", False, "SHe"),
    "T": Phone("t", "stop", False, "Tea"),
    "TH": Phone("θ", "fricative", False, "THeta"),
    "UH": Phone("ʊ", "vowel", True, "hOOd"),
    "UW": Phone("u", "vowel", True, "tWO"),
    "V": Phone("v", "fricative", True, "Vee"),
    "W": Phone("w", "glide", True, "We"),
    "Y": Phone("j", "glide", True, "Yield"),
    "Z": Phone("z", "fricative", True, "Zee"),
    "ZH": Phone("ʒ", "fricative", True, "seiZure"),
    SILENCE: Phone("", "silence", False, ""),
}
INVENTORY: dict[str, Phone] = {
    name: phone._replace(classes=describe(phone.ipa) or phone.manner) for name, phone in _INVENTORY.items()
}

PHONES: list[str] = sorted(phone for phone in INVENTORY if phone != SILENCE)
IPA: dict[str, str] = {phone: entry.ipa for phone, entry in INVENTORY.items()}
MANNER: dict[str, str] = {phone: entry.manner for phone, entry in INVENTORY.items()}

# From sonorant to silent: the order in which a confusion matrix shows its blocks.
MANNERS: list[str] = [
    "vowel",
    "diphthong",
    "glide",
    "liquid",
    "nasal",
    "fricative",
    "affricate",
    "stop",
    "silence",
]
OTHER = "other"  # manner of a label that the phone set does not know
_COARSE = {manner: manner for manner in MANNERS} | {
    "triphthong": "diphthong",
    "trill": "liquid",
    "tap": "liquid",
    "plosive": "stop",
    "implosive": "stop",
    "click": "stop",
}
_GLIDES = ("palatal", "velar", "labial-velar", "labial-palatal", "labiodental")


def manner_of(classes: str) -> str | None:
    """The manner, one of MANNERS, of a phone in a phonetician's words; None if the words name none."""
    words = classes.split()
    for word in reversed(words):
        if word == "approximant":
            return "glide" if "lateral" not in words and any(place in words for place in _GLIDES) else "liquid"
        if word in _COARSE:
            return "glide" if word == "vowel" and "non-syllabic" in words else _COARSE[word]
    return None


def phone(ipa: str, classes: str = "") -> Phone | None:
    """A phone from its IPA symbols; ``classes`` take precedence over their articulation. None if neither names a
    manner."""
    words = classes or describe(ipa) or ""
    manner = manner_of(words)
    if manner is None:
        return None
    voiced = manner != "silence" and "voiceless" not in words.split()
    return Phone(ipa, manner, voiced, "", words)


def by_manner(phones: Iterable[str], phone_set: PhoneSet = INVENTORY) -> list[str]:
    """The given phones ordered by manner (as in MANNERS), then by name; what the phone set does not know comes last."""
    order = [*MANNERS, OTHER]
    return sorted(phones, key=lambda name: (order.index(manner_in(phone_set, name)), name))


def manner_in(phone_set: PhoneSet, name: str) -> str:
    """The manner of a phone of the set; OTHER if it has no such phone. SIL is silence in every set."""
    return phone_set[name].manner if name in phone_set else MANNER[name] if name == SILENCE else OTHER


def ipa_of(name: str, phone_set: PhoneSet) -> str:
    """The IPA sign of a phone; one without a sign, or that is not in the set, keeps its name."""
    return (phone_set[name].ipa if name in phone_set else "") or name


def spoken(labels: Iterable[str], fold: Mapping[str, str] = {}) -> tuple[str, ...]:
    """The phones (or words) of a path, folded (see `lexicon.fold`), without silence and blanks."""
    return tuple(label for label in (fold.get(label, label) for label in labels) if label not in SILENT)
