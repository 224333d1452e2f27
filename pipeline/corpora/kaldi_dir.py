"""A user's Kaldi data directories, made by Kaldi's recipes, lhotse, or phonoscope: one, or a folder of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from lexicon.errors import UserError, at
from lexicon.nonspeech import is_nonspeech, is_pause
from lexicon.phones import SILENCE
from lexicon.written import Written
from pipeline.corpora.cutting import Found
from pipeline.corpora.prepared import SETS, Gold
from pipeline.corpora.tree import within
from pipeline.datadir import DataDir, Utterance, refuse
from pipeline.times.intervals import Interval, Intervals, read_ctm


def sets_in(folder: Path) -> list[Path]:
    """The data directories directly below a folder."""
    return [path.parent for path in within(folder, "*/wav.scp")]


def read(folder: Path, written: Written) -> Found:
    """The utterances of a data directory, or of train, dev and test below ``folder``; other directories are left
    out."""
    if (folder / "wav.scp").is_file():
        utterances, gold = read_one(folder, written.tokens)
        return Found("a Kaldi data directory", {"": utterances}, gold, speakers_known=speakers_known(utterances))
    sets, gold = {}, {}
    directories = sets_in(folder)
    taken = [path for path in directories if path.name in SETS]
    if not taken:
        raise UserError(
            f"{folder}: data directories {' '.join(path.name for path in directories)}, but none of them is "
            f"{', '.join(SETS)}; rename them so, or give one of them: CORPUS_DIR={directories[0]}"
        )
    for path in taken:
        sets[path.name], placed = read_one(path, written.tokens)
        gold |= placed
    left_out = [(path.name, "neither train, dev nor test") for path in directories if path not in taken]
    everybody = [utterance for members in sets.values() for utterance in members]
    return Found("Kaldi data directories", sets, gold, left_out=left_out, speakers_known=speakers_known(everybody))


def read_one(path: Path, words: Callable[[Sequence[str]], list[str]]) -> tuple[list[Utterance], dict[str, Gold]]:
    """The utterances of one directory, and their gold where it has phones.ctm or words.ctm.

    ``words`` turns the tokens of `text` into words (see `Written`). UserError with the first problem of the directory.
    """
    directory = DataDir(path, foreign=True)
    refuse([problem for problem in directory.problems() if not problem.remark], path)
    utterances = []
    for utterance in directory.utterances():
        with at(directory.texts.where(utterance.id)):
            said = tuple(words(utterance.words))
        utterances.append(replace(utterance, wav=utterance.wav.resolve(), num_samples=0, words=said))
    placed_phones, placed_words = _phones(path, utterances), _words(path, utterances, words)
    return utterances, {
        u.id: Gold(tuple(placed_phones.get(u.id, ())), tuple(placed_words.get(u.id, ())))
        for u in utterances
        if u.id in placed_phones or u.id in placed_words
    }


def speakers_known(utterances: list[Utterance]) -> bool:
    """Whether speakers are known; where not, Kaldi's recipes make each utterance its own speaker."""
    return len({utterance.speaker for utterance in utterances}) < len(utterances)


def _gold(path: Path, utterances: list[Utterance]) -> Intervals:
    if not path.is_file():
        return {}
    intervals = read_ctm(path)
    if unknown := intervals.keys() - {utterance.id for utterance in utterances}:
        raise UserError(
            f'{path}: "{min(unknown)}" is no utterance of text ({len(unknown)} such ids); times count from '
            f"the start of an utterance: correct the file, or take it away"
        )
    return intervals


def _phones(path: Path, utterances: list[Utterance]) -> Intervals:
    """Gold phones, with SIL for all that is no speech (sil, SPN_S)."""
    return {
        utterance: [i._replace(label=SILENCE) if is_pause(i.label) else i for i in intervals]
        for utterance, intervals in _gold(path / "phones.ctm", utterances).items()
    }


def _words(path: Path, utterances: list[Utterance], words: Callable[[Sequence[str]], list[str]]) -> Intervals:
    """Gold words, as ``words`` spells them, without what is no speech (<eps>, or sil where the text has no such
    word)."""
    said = {utterance.id: utterance.words for utterance in utterances}
    found: dict[str, list[Interval]] = {}
    for utterance, intervals in _gold(path / "words.ctm", utterances).items():
        for interval in intervals:
            spelled = words([interval.label])
            if len(spelled) == 1 and not (is_nonspeech(interval.label) and spelled[0] not in said[utterance]):
                found.setdefault(utterance, []).append(interval._replace(label=spelled[0]))
    return found
