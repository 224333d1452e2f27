"""Folding: the classes in which phones are compared where a corpus's gold labels differ from the lexicon's phones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from lexicon import timit
from lexicon.errors import UserError
from lexicon.files import write_lines
from lexicon.letters import nfc
from lexicon.nonspeech import POSITION, is_pause
from lexicon.phone_sets import arpabet, ipa, recognise, without_stress
from lexicon.phones import PHONES, SILENT
from lexicon.text import numbered_lines

Fold = Mapping[str, str]
FOLD = "fold.txt"  # in the corpus's data folder
TIMIT_ONLY = {"bcl", "dcl", "gcl", "kcl", "pcl", "tcl"}  # closures: no other notation has them
TIMIT_SHARE = 0.9  # of the labels, besides closures, that make them TIMIT's
EXAMPLES = 5


def read_fold(data: Path | str) -> dict[str, str]:
    """`LABEL CLASS` lines of data/fold.txt; nothing to fold where there is no such file. UserError with file and
    line."""
    path = Path(data) / FOLD
    fold: dict[str, str] = {}
    if not path.exists():
        return fold
    for number, line in numbered_lines(path):
        fields = line.split()
        if len(fields) != 2 or fields[0] in fold:
            raise UserError(f'{path}:{number}: "{line}"; each line is `LABEL CLASS`, each label once')
        fold[fields[0]] = fields[1]
    return fold


def write_fold(data: Path | str, fold: Fold) -> None:
    """Write data/fold.txt, or remove it if there is nothing to fold."""
    path = Path(data) / FOLD
    if fold:
        write_lines(path, [f"{label} {fold[label]}" for label in sorted(fold)])
    else:
        path.unlink(missing_ok=True)


def fold_of(labels: Iterable[str], phones: Collection[str] = ()) -> dict[str, str]:
    """How a corpus's gold labels fold into ``phones`` (none: the dictionary's, or IPA): without stress, case and
    Kaldi's positions in the word, so ah0 and AH_B are both AH. TIMIT's labels fold as in Lee & Hon. Other labels are
    not in the result and stand for themselves."""
    labels = {label for label in labels if not is_pause(label)}
    if TIMIT_ONLY & labels and len(labels & set(timit.LABELS)) >= TIMIT_SHARE * len(labels):
        return timit.fold()
    all_placed = all(POSITION.search(label) for label in labels)
    bare = {label: POSITION.sub("", label) for label in labels}
    if not phones and recognise(without_stress(nfc(name)) for name in bare.values())[0] == "ARPAbet":
        phones = PHONES
    found = {}
    for label, name in sorted(bare.items()):
        # X-SAMPA's a_B is an a of extra low tone, so only if all labels end so is it a position.
        if not (all_placed or name in phones or arpabet(without_stress(name))):
            name = label
        found[label] = _known(name, phones) or name
    return {label: name for label, name in found.items() if label != name}


def _known(label: str, phones: Collection[str]) -> str | None:
    """The phone (none: of IPA) of this name, regardless of stress and case."""
    bare = without_stress(nfc(label))
    if not phones:
        return bare if ipa(bare) else None
    return next((name for name in (label, bare, bare.upper(), bare.lower()) if name in phones), None)


def unknown_labels(labels: Iterable[str], fold: Fold, phones: Collection[str] = ()) -> Counter[str]:
    """The labels that are not among the ``phones`` (none: ARPAbet or IPA) after folding, with their counts; without
    pauses."""
    known = {fold.get(phone, phone) for phone in phones or PHONES}
    counts = Counter(labels)
    classes = {label: fold.get(label, label) for label in counts}
    return Counter(
        {
            label: counts[label]
            for label, name in classes.items()
            if name not in known and name not in SILENT and (phones or not (arpabet(name) or ipa(name)))
        }
    )


def unknown_in_words(unknown: Counter[str], total: int, what: str) -> str:
    """`69 of 138 gold phones are unknown (HH_B 7, ...)`."""
    named = ", ".join(f"{label} {count}" for label, count in unknown.most_common(EXAMPLES))
    return f"{unknown.total()} of {total} {what} are unknown ({named}{', ...' if len(unknown) > EXAMPLES else ''})"
