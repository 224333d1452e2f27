"""TIMIT's 61 phone labels, and the classes in which they are counted: Lee & Hon 1989, 61 -> 48 -> 39.

Lee & Hon, Speaker-independent phone recognition using hidden Markov models, IEEE Trans. ASSP 37 (1989), table I. The
tables are those of Kaldi's recipe (egs/timit/s5/conf/phones.60-48-39.map). A glottal stop (q) is dropped.
"""

from __future__ import annotations

from lexicon.phones import PHONES, SILENCE

_SAME = """aa ae ah ao aw ax ay b ch d dh dx eh el en epi er ey f g hh ih ix iy jh k l m n ng ow oy p r s sh t th uh uw
v w y z zh""".split()

# By label; q, which both sets leave out, has no class.
FOLD_61_48: dict[str, str] = {label: label for label in _SAME} | {
    "ax-h": "ax",
    "axr": "er",
    "em": "m",
    "eng": "ng",
    "hv": "hh",
    "nx": "n",
    "ux": "uw",
    "bcl": "vcl",
    "dcl": "vcl",
    "gcl": "vcl",
    "kcl": "cl",
    "pcl": "cl",
    "tcl": "cl",
    "h#": "sil",
    "pau": "sil",
}
FOLD_48_39: dict[str, str] = {label: label for label in sorted(set(FOLD_61_48.values()))} | {
    "ao": "aa",
    "ax": "ah",
    "el": "l",
    "en": "n",
    "ix": "ih",
    "zh": "sh",
    "cl": "sil",
    "vcl": "sil",
    "epi": "sil",
}
DROPPED = "q"
LABELS: list[str] = sorted([*FOLD_61_48, DROPPED])
# TIMIT labels the closure and the burst of a stop separately; a recogniser's stop is both (Lamel et al. 1986).
CLOSURES = {"bcl": ("b",), "dcl": ("d", "jh"), "gcl": ("g",), "pcl": ("p",), "tcl": ("t", "ch"), "kcl": ("k",)}


def fold() -> dict[str, str]:
    """Classes of the 61 labels and of the lexicon's 39 phones, in the lexicon's upper-case names (see `lexicon.fold`).

    37 of the 39 classes are phones of the lexicon or SIL, which is never counted, so a dropped q is SIL as well. The
    flap dx alone is none: no dictionary writes it, and a system with dictionary phones could never recognise it, so it
    counts as the T it mostly stands for. The lexicon's AO and ZH go where TIMIT's go: to AA and SH.
    """
    classes = {label: FOLD_48_39[middle].upper() for label, middle in FOLD_61_48.items()}
    classes |= {"dx": "T", DROPPED: SILENCE}
    return classes | {phone: classes[phone.lower()] for phone in PHONES}
