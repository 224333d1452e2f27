"""Tuning on development data: acoustic scale and insertion score of a search, one after the other; tuning.json."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import kaldialign
import numpy as np

from lexicon.errors import UserError
from lexicon.files import read_json
from lexicon.fold import Fold
from lexicon.lang import Lang
from lexicon.phones import spoken
from pipeline.base.parallel import each
from pipeline.base.spill import OnDisk
from pipeline.lattice import LARGEST
from pipeline.search.confidence import LEVELS, Confidences, Judged, from_json, judged
from pipeline.search.decode import SEARCHES, Decoder, SearchSettings, SpellingDecoder, WfstDecoder, word_decoder
from pipeline.search.system import System
from pipeline.search.wfst import Beams

SCALES = (
    *(0.03, 0.05, 0.07, 0.085, 0.1, 0.12, 0.14, 0.17, 0.2, 0.24, 0.28),
    *(0.34, 0.4, 0.56, 0.8, 1.1, 1.6, 2.2, 3.0, 4.0, 5.6, 8.0),
)
SCORES = (-6.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0)
BEST_PATH_ONLY = 0.1  # lattice beam: nothing beside the best path is wanted here

Tried = dict[SearchSettings, int]
Scored = Mapping[str, tuple[np.ndarray, int]]  # of an utterance its scores (T', columns), and its number of frames


class Tuned(NamedTuple):
    """What was chosen on dev for a system: settings for the word search, called ``search``, and for the free one, and
    what the posteriors of their results are worth."""

    search: str
    words: SearchSettings
    free: SearchSettings
    confidences: Confidences = Confidences()


def read_tuning(path: Path) -> Tuned:
    """Read tuning.json. UserError if it is none."""
    try:
        tuning = read_json(path)
        words, free = (
            SearchSettings(float(tuning[name]["acoustic_scale"]), float(tuning[name]["insertion_score"]))
            for name in ("words", "free")
        )
        tuned = Tuned(tuning["search"], words, free, from_json(tuning.get("confidence")))
        if tuned.search not in SEARCHES:
            raise ValueError(f"search {tuned.search!r} is none of {', '.join(SEARCHES)}")
        if not all(
            0 < s.acoustic_scale < LARGEST and abs(s.insertion_score) < LARGEST for s in (tuned.words, tuned.free)
        ):
            raise ValueError("scales that are none")
        return tuned
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise UserError(
            f"{path}: no tuned settings ({error!r}); remove it, if it is there, and run: make compare"
        ) from error


def dev_errors(path: Path) -> float:
    """The word error rate on dev, in percent, that tuning.json tells of; infinite where the system is not tuned yet."""
    if not path.is_file():
        return math.inf
    read_tuning(path)
    rate = read_json(path)["words"].get("error_rate")
    return rate if type(rate) in (int, float) else math.inf


def coordinate_descent(errors: Callable[[SearchSettings], int], start: SearchSettings, rounds: int = 2) -> Tried:
    """Walk downhill on the grids SCALES x SCORES from ``start``: neighbours of one setting, then of the other.

    errors: number of errors on dev with given settings. Returns all that was tried, in order.
    """
    tried: Tried = {}

    def cost(settings: SearchSettings) -> int:
        if settings not in tried:
            tried[settings] = errors(settings)
        return tried[settings]

    best = start
    cost(best)  # first of all, so that it stays where nothing is better
    for _ in range(rounds):
        before = best
        best = _walk([replace(best, acoustic_scale=scale) for scale in SCALES], best, cost)
        best = _walk([replace(best, insertion_score=score) for score in SCORES], best, cost)
        if best == before:
            break
    return tried


def _walk(
    line: Sequence[SearchSettings], best: SearchSettings, cost: Callable[[SearchSettings], int]
) -> SearchSettings:
    """From ``best``, which lies on ``line``, go to the better neighbour while there is one."""
    at = line.index(best)
    for direction in (1, -1):
        while 0 <= at + direction < len(line) and cost(line[at + direction]) < cost(line[at]):
            at += direction
    return line[at]


def best_of(tried: Tried) -> SearchSettings:
    """The settings with the fewest errors; of equals, the first tried."""
    return min(tried, key=tried.__getitem__)


def scored_on_disk(
    system: System, feats: Callable[[str], np.ndarray], utterances: Iterable[str], scratch: Path, jobs: int = 1
) -> Scored:
    """The scores of each utterance by a system, and its number of frames. They lie in a file in ``scratch``, for they
    are read for all settings that are tried."""

    def score(utt: str) -> tuple[np.ndarray, int]:
        x = feats(utt)
        return system.scores(x), system.num_frames(x)

    utterances = list(utterances)
    return OnDisk(scratch, zip(utterances, each(score, utterances, jobs, spread=True)))


def tune_words(
    system: System, lang: Lang, search: str, scored: Scored, references: Mapping[str, Sequence[str]], jobs: int = 1
) -> Tried:
    """Word errors on dev for the settings tried; ``references`` maps utterances to words."""

    decoders = _Scaled(
        lambda settings: word_decoder(system, lang, search, settings, Beams(lattice_beam=BEST_PATH_ONLY))
    )

    def errors(settings: SearchSettings) -> int:
        return count_errors(decoders.of(settings), scored, references, words=True, jobs=jobs)

    return coordinate_descent(errors, SearchSettings(system.start_scale))


def tune_free(
    system: System,
    lang: Lang,
    scored: Scored,
    references: Mapping[str, Sequence[str]],
    fold: Fold = {},
    jobs: int = 1,
) -> Tried:
    """Phone errors of the free search on dev for the settings tried; ``references`` maps utterances to (folded)
    phones."""

    decoders = _Scaled(lambda settings: WfstDecoder(system, lang, "free", settings, Beams(lattice_beam=BEST_PATH_ONLY)))

    def errors(settings: SearchSettings) -> int:
        return count_errors(decoders.of(settings), scored, references, words=False, fold=fold, jobs=jobs)

    return coordinate_descent(errors, SearchSettings(system.start_scale))


class _Scaled:
    """Decoders for settings, those that differ in the acoustic scale alone with one graph: it takes seconds to make."""

    def __init__(self, make: Callable[[SearchSettings], Decoder]):
        self.make, self.made = make, dict[float, WfstDecoder]()

    def of(self, settings: SearchSettings) -> Decoder:
        if settings.insertion_score not in self.made:
            decoder = self.make(settings)
            if not isinstance(decoder, WfstDecoder):
                return decoder
            self.made = {settings.insertion_score: decoder}  # the last alone: a graph takes 100 MB
        return self.made[settings.insertion_score].scaled(settings)


def count_errors(
    decoder: Decoder,
    scored: Scored,
    references: Mapping[str, Sequence[str]],
    words: bool,
    fold: Fold = {},
    jobs: int = 1,
) -> int:
    """Errors in words, or in phones (which are folded), of what a decoder finds in what is ``scored``."""

    def heard_in(utt: str) -> Sequence[str]:
        search = decoder.search if words and isinstance(decoder, SpellingDecoder) else decoder
        if isinstance(search, WfstDecoder):
            return search.best(scored[utt][0])[0 if words else 1]
        hypothesis = decoder.decode(utt, *scored[utt])
        return [segment.label for segment in (hypothesis.words if words else hypothesis.phones)]

    def wrong(utt: str) -> int:
        heard = heard_in(utt)
        return kaldialign.edit_distance(spoken(references[utt]), spoken(heard, fold))["total"]

    return sum(each(wrong, references, jobs, spread=True))


def judge_results(
    system: System,
    lang: Lang,
    tuned: Tuned,
    scored: Scored,
    words: Mapping[str, Sequence[str]],
    phones: Mapping[str, Sequence[str]],
    fold: Fold = {},
    jobs: int = 1,
) -> dict[str, Judged]:
    """What the tuned searches hear on dev: of each of LEVELS the posteriors, and whether they were right by the
    references, utterance -> ``words`` and (folded) ``phones``."""
    by_words = word_decoder(system, lang, tuned.search, tuned.words, word_arcs=False)
    by_phones = WfstDecoder(system, lang, "free", tuned.free)

    def judge(utt: str) -> tuple[Judged, Judged, Judged]:
        said, free = (decoder.decode(utt, *scored[utt]) for decoder in (by_words, by_phones))
        return (
            judged((word.label for word in said.words), said.word_posteriors(), words[utt]),
            judged((phone.label for phone in said.phones), said.posteriors, phones[utt], fold),
            judged((phone.label for phone in free.phones), free.posteriors, phones[utt], fold),
        )

    found: dict[str, Judged] = {level: [] for level in LEVELS}
    for each_level in each(judge, words, jobs, spread=True):
        for level, of in zip(LEVELS, each_level):
            found[level] += of
    return found
