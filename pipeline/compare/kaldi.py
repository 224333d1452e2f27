"""What Kaldi made of the test set: hypotheses, lattices and times of a decode directory of its recipes.

scoring_kaldi/penalty_P/W.txt       words at language model weight W and insertion penalty P (steps/score_kaldi.sh)
scoring/W.tra, scoring/W.P.tra      the same from older recipes, in numbers of words.txt
scoring_kaldi/best_wer, wer_W, wer_W_P    what compute-wer said: `%WER 12.0 [ 209 / 1742, 20 ins, ... ]`
score_W*/NAME.ctm, NAME.ctm         words with their times (steps/get_ctm.sh)
lat*.txt                            lattices as `lattice-copy ark:- ark,t:lat.txt` writes them
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from lexicon.errors import UserError
from lexicon.nonspeech import POSITION, is_nonspeech
from lexicon.phones import SILENCE
from lexicon.text import numbered_lines, read_text
from pipeline.base.edits import GAP, pair_up
from pipeline.corpora.kaldi_export import UNKNOWN_WORD, kaldi_id
from pipeline.datadir import Utterance
from pipeline.lattice import Lattice
from pipeline.lattice.oracle import oracle
from pipeline.lattice.text_archives import read_compact, read_symbols
from pipeline.times.clock import FRAME_SHIFT_MS, frame_to_seconds
from pipeline.times.intervals import Intervals, read_ctm

SAID = re.compile(r"%WER (\d+(?:\.\d+)?) \[ \d+ / \d+, \d+ ins, \d+ del, \d+ sub \]")
NAMED = re.compile(r"wer_(\d+)(?:_(\d+(?:\.\d+)?))?")
NEAR_S = 0.02  # of a word's start: as near as is usual of boundaries


class Scale(NamedTuple):
    """Language model weight and insertion penalty, as files are named by them ("": older recipes have no penalty),
    the set that they were chosen on, and what Kaldi said of it."""

    weight: str
    penalty: str
    chosen_on: str
    said: str


def best_scale(decode: Path) -> Scale:
    """The scale with the fewest errors on dev, if the decode of dev is beside that of test, else on test itself.
    UserError if the directory was not scored."""
    dev = decode.with_name(decode.name.replace("test", "dev"))
    chosen, on = (dev, "dev") if dev != decode and _scores(dev) else (decode, "test")
    found = _scores(chosen)
    if not found:
        raise UserError(
            f"{decode}: neither scoring_kaldi/best_wer nor wer_* in it; give the decode directory of a Kaldi experiment"
            " that was scored (KALDI_EXP=exp/tri1/decode_test)"
        )
    _, weight, penalty, said = min(found)
    return Scale(weight, penalty, on, said)


def _scores(decode: Path) -> list[tuple[float, str, str, str]]:
    """(WER, weight, penalty, line) of each scale that Kaldi tried, or of the best."""
    best = decode / "scoring_kaldi" / "best_wer"
    paths = [best] if best.is_file() else sorted(path for path in decode.glob("wer_*") if path.is_file())
    return [score for path in paths for score in _scores_in(path)]


def _scores_in(path: Path) -> Iterator[tuple[float, str, str, str]]:
    lines = [(number, line, found) for number, line in numbered_lines(path) if (found := SAID.search(line))]
    if not lines:
        raise UserError(f"{path}: no line `%WER ... [ ... ]` of compute-wer in it; score the decode again")
    for number, line, found in lines:
        named = (NAMED.findall(line) or NAMED.findall(path.name) or [None])[-1]
        if named is None:
            raise UserError(f"{path}:{number}: {line[:80]!r} does not name its file wer_WEIGHT; score the decode again")
        yield float(found[1]), *named, found[0]


# ---- hypotheses


def read_hypotheses(decode: Path, scale: Scale, words: Path | None = None) -> dict[str, tuple[str, ...]]:
    """Utterance -> words as Kaldi wrote them. ``words``: its words.txt; None: that of the graph beside the decode."""
    older = f"{scale.weight}.{scale.penalty}" if scale.penalty else scale.weight
    text = decode / "scoring_kaldi" / f"penalty_{scale.penalty}" / f"{scale.weight}.txt"
    if text.is_file():
        return read_text(text)
    tried = [decode / "scoring" / f"{name}.tra" for name in dict.fromkeys((older, scale.weight))]
    tra = next(filter(Path.is_file, tried), None)
    if tra is None:
        raise UserError(f"{text}: no such file, nor {tried[0]}; score the decode again")
    found = read_text(tra)
    if not all(word.isdecimal() for said in found.values() for word in said):
        return found
    symbols = read_symbols(words_of(decode, words))
    try:
        return {utt: tuple(symbols[int(word)] for word in said) for utt, said in found.items()}
    except (KeyError, ValueError) as error:
        raise UserError(f"{tra}: word {error} is not in words.txt; name the words.txt of its graph: --words") from None


def words_of(decode: Path, words: Path | None) -> Path:
    """Kaldi's words.txt: the one that is named, else that of the graph beside the decode; UserError if there is none
    there, or several that differ."""
    found = [words] if words else sorted(decode.parent.glob("graph*/words.txt"))
    if len({path.read_bytes() for path in found}) != 1:
        what = f"{len(found)} words.txt that differ" if found else "no words.txt"
        raise UserError(f'{decode.parent}: {what} in graph*; name it: KALDI_ARGS="--words FILE"')
    return found[0]


# ---- as results of this corpus


@dataclass(frozen=True)
class Heard:
    """What was heard in each test utterance, "words" or "phones", and how many have no line."""

    kind: str
    said: dict[str, tuple[str, ...]]
    missing: int


def heard_in(
    found: Mapping[str, Sequence[str]], utterances: Sequence[Utterance], words: Sequence[str], phones: Sequence[str]
) -> Heard:
    """``found`` by the ids of the corpus. What holds phones alone is a search for phones. UserError for utterances that
    are none of the set's, and where more than half are missing."""
    ids = known_ids(utterances)
    if unknown := found.keys() - ids.keys():
        raise UserError(
            f'"{min(unknown)}" ({len(unknown)} such ids) is no utterance of the test set; give a decode of what'
            " `make kaldi_dir` wrote as data/test"
        )
    said = {ids[utt]: tuple(text) for utt, text in found.items()}
    missing = len(utterances) - len(said)
    if 2 * missing > len(utterances):
        raise UserError(f"{missing} of {len(utterances)} utterances are missing; decode and score them all")
    spoken = {word for text in said.values() for word in text if not _left_out(word)}
    bare = {POSITION.sub("", word) for word in spoken}
    kind = "phones" if spoken and bare <= set(phones) and not spoken <= set(words) else "words"
    if kind == "phones":
        said = {utt: tuple(POSITION.sub("", p) for p in text if not _left_out(p)) for utt, text in said.items()}
    return Heard(kind, {u.id: said.get(u.id, ()) for u in utterances}, missing)


def known_ids(utterances: Sequence[Utterance]) -> dict[str, str]:
    """Our id by each that an utterance may have in Kaldi."""
    return {kaldi_id(u): u.id for u in utterances} | {u.id: u.id for u in utterances}


def _left_out(label: str) -> bool:
    return label == UNKNOWN_WORD or is_nonspeech(label)


# ---- times and lattices


def find_ctm(decode: Path, scale: Scale) -> Path | None:
    """The words with times at this scale, or those of the directory."""
    scored = decode.glob(f"score_{scale.weight}*/*ctm")
    return next(iter(sorted(scored) or sorted(path for path in decode.glob("*ctm") if path.is_file())), None)


def share_near(path: Path, utterances: Sequence[Utterance], reference: Intervals) -> tuple[int, int]:
    """How many of the words that a CTM has right begin within NEAR_S of the ``reference``, and how many are right.
    A frame is where the middle of its window is, in Kaldi's as in ours."""
    ids, near, right = known_ids(utterances), 0, 0
    for utterance, heard in read_ctm(path).items():
        if utterance not in ids:
            raise UserError(
                f'{path}: "{utterance}" is no utterance of the test set; write it by utterance: '
                "steps/get_ctm.sh --use-segments false"
            )
        placed = reference.get(ids[utterance], [])
        said, wanted = iter(heard), iter(placed)
        for ref, hyp in pair_up([i.label for i in placed], [i.label for i in heard]):
            ours = next(wanted) if ref != GAP else None
            theirs = next(said) if hyp != GAP else None
            if ours and theirs and ref == hyp:
                right += 1
                began = frame_to_seconds(1000 * theirs.start / FRAME_SHIFT_MS)  # Kaldi takes the start of its window
                near += abs(ours.start - began) <= NEAR_S
    return near, right


@dataclass
class InLattices:
    """Of text lattices: errors of the path nearest to the reference, reference words, arcs by frames, and frames."""

    errors: int = 0
    words: int = 0
    arc_frames: int = 0
    frames: int = 0

    def add(self, lattice: Lattice, reference: Sequence[str]) -> None:
        silent = replace(lattice, label=[label or SILENCE for label in lattice.label])  # an end is no word
        self.errors += oracle(silent, reference)[0]
        self.words += len(reference)
        self.arc_frames += int((lattice.node_frame[lattice.arc_to] - lattice.node_frame[lattice.arc_from]).sum())
        self.frames += lattice.num_frames


def read_lattices(
    paths: Sequence[Path], words: Path, utterances: Sequence[Utterance], references: Mapping[str, Sequence[str]]
) -> InLattices:
    """What the lattices of the test set hold, against the words of each utterance."""
    ids, symbols, total = known_ids(utterances), read_symbols(words), InLattices()
    for path in paths:
        for lattice in read_compact(path, symbols):
            if lattice.utterance not in ids:
                raise UserError(f'{path}: "{lattice.utterance}" is no utterance of the test set; take the file away')
            total.add(lattice, references[ids[lattice.utterance]])
    return total


def text_lattices(decode: Path) -> list[Path]:
    """The files of lattices in text."""
    return sorted(path for path in decode.glob("lat*.txt") if path.is_file())
