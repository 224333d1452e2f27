"""The utterances of a set: every file that a stage reads must have all of them.

The ids and labels in a file are compared with those of the file it was made from, so that a file that was cut short,
even at the end of a line, or belongs to another set, is an error that names it. A set may lack only the utterances that
the mfcc stage left out, which feats.json names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import read_json
from lexicon.fold import Fold
from lexicon.phones import spoken
from lexicon.text import read_text, same_ids
from pipeline.datadir import Utterance, read_datadir
from pipeline.datadir.feats import missing_features
from pipeline.times.intervals import Intervals, read_ctm

# graph of a lattice: the decode's file whose line is its best path
GRAPHS = {"free": "free.txt", "words": "phones.txt", "word_arcs": "hyp.txt"}
CTMS = {"words": "hyp.txt", "phones": "phones.txt", "free": "free.txt"}  # of a decode: which text has the same labels


def read_set(datadir: Path) -> list[Utterance]:
    """The utterances of a data directory that have features, or will have them: all but those that the mfcc stage left
    out."""
    missing = missing_features(datadir)
    return [utterance for utterance in read_datadir(datadir) if utterance.id not in missing]


def read_spoken(path: Path | str, fold: Fold = {}) -> dict[str, tuple[str, ...]]:
    """Read a Kaldi text file of phones, utterance -> labels, folded, without silence and blanks."""
    return {utterance: spoken(labels, fold) for utterance, labels in read_text(path).items()}


def read_ctm_like(path: Path, texts: Mapping[str, Sequence[str]], way_out: str) -> Intervals:
    """A CTM that holds the labels of the ``texts``, pauses aside, utterance by utterance; those without labels have no
    line in it."""
    found = read_ctm(path)
    same_ids(path, found, (utt for utt, labels in texts.items() if labels), way_out)
    for utt, intervals in found.items():
        if sorted(spoken(interval.label for interval in intervals)) != sorted(spoken(texts[utt])):
            raise UserError(
                f'{path}: the {len(intervals)} lines of utterance "{utt}" do not hold its {len(texts[utt])}'
                f" labels; {way_out}"
            )
    return found


def decode_again(decode: Path) -> str:
    """How a damaged decode is made again, for messages."""
    return f"remove {decode / 'hyp.txt'} and run make again"


def align_again(folder: Path) -> str:
    """How a damaged forced alignment is made anew."""
    return f"remove {folder / 'phones.txt'} and run make again"


def decoded_ctm(decode: Path, name: str) -> Intervals:
    """ "words", "phones" or "free" phones of a decode with their times."""
    return read_ctm_like(decode / f"{name}.ctm", read_text(decode / CTMS[name]), decode_again(decode))


def aligned_ctm(folder: Path, name: str, words: Mapping[str, Sequence[str]] | None = None) -> Intervals:
    """ "words" or "phones" of a forced alignment with their times; words must be the ``words`` that were said, or
    those of the same utterances as the phones."""
    said = read_text(folder / "phones.txt")
    if name == "phones":
        return read_ctm_like(folder / "phones.ctm", said, align_again(folder))
    if words is not None:
        return read_ctm_like(folder / "words.ctm", words, align_again(folder))
    found = read_ctm(folder / "words.ctm")
    same_ids(folder / "words.ctm", found, (utt for utt, phones in said.items() if spoken(phones)), align_again(folder))
    return found


def read_gold(datadir: Path, name: str) -> Intervals:
    """Gold "phones" or "words" of all or some of the utterances; empty where there are none.

    UserError if the file is not as the data stage wrote it: gone, cut short, or of other utterances.
    """
    path, splits = datadir / f"{name}.ctm", datadir.parent / "splits.json"
    found = read_ctm(path) if path.exists() else {}
    known = read_text(datadir / "text") if found or splits.exists() else {}
    way_out = f"remove {splits} and run make again"
    if unknown := found.keys() - known.keys():
        raise UserError(f'{path}: {len(unknown)} utterances that text has not (first: "{min(unknown)}"); {way_out}')
    try:
        totals = read_json(splits)["sets"][datadir.name]
        wanted = totals["placed_by_hand"][name] if totals["utterances"] == len(known) else len(found)
    except (OSError, ValueError, KeyError, TypeError):
        return found  # the data stage has not written the directory, or the user has chosen utterances
    if len(found) < wanted:
        raise UserError(f"{path}: {len(found)} utterances, the corpus has {wanted} with gold {name}; {way_out}")
    return found


def read_placed(name: str, datadir: Path, aligned: Path) -> Intervals:
    """Phones or words with times (``name`` is "phones" or "words"): the gold ones where
    there are some, else those of the forced alignment in ``aligned``."""
    return read_gold(datadir, name) or aligned_ctm(aligned, name)
