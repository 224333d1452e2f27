"""Labels that stand for no speech: pauses, noises, and unintelligible speech."""

from __future__ import annotations

import re

from lexicon.written import BRACKETED

# Of Kaldi, MFA (which brackets others), HTK, Penn's aligner, TIMIT, WebMAUS and Praat's users, in lower case.
NAMES = {
    "",
    "sil",
    "sp",
    "spn",
    "nsn",
    "ssil",
    "pau",
    "h#",
    "#h",
    "#",
    "_",
    "!sil",
    "!enter",
    "!exit",
    "!null",
    "sent-start",
    "sent-end",
}
PAUSES = {"silence", "pause"}  # which are words as well
POSITION = re.compile(r"(?<=.)_[BIES]$")  # of a phone in its word, as Kaldi marks it: SIL_S


def is_nonspeech(label: str) -> bool:
    """Whether a label, of a word or phone, stands for a pause or a noise: by its name, or because it is in brackets, as
    the Montreal Forced Aligner has it ([noise], <unk>, {SL})."""
    return POSITION.sub("", BRACKETED.sub("", label).strip()).lower() in NAMES


def names_pause(label: str) -> bool:
    """Whether a label is a pause or noise by its name alone; a lexicon may have words in brackets."""
    return label.strip().lower() in NAMES


def is_pause(phone: str) -> bool:
    """`is_nonspeech` of a phone, which cannot be the word "silence"."""
    return is_nonspeech(phone) or phone.strip().lower() in PAUSES
