"""A sweep: what each knob of a word search does to errors and speed, on dev. One knob at a time leaves the settings in
use; beside them stand, for a CTC network, its best path and a beam search without lexicon, which know no words."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import kaldialign
import numpy as np

from lexicon.errors import UserError
from lexicon.fold import Fold
from lexicon.lang import Lang
from lexicon.phones import spoken
from lexicon.text import columns
from pipeline.base.parallel import each
from pipeline.search.decode import SearchSettings, as_flashlight, greedy_phones, word_decoder
from pipeline.search.flashlight import FlashlightSettings
from pipeline.search.letter_grammar import LetterBeamSettings
from pipeline.search.lexicon_free import PhoneDecoder
from pipeline.search.system import System
from pipeline.search.tuning import Scored, Tuned
from pipeline.search.wfst import Beams

GRIDS: dict[str, tuple[Any, ...]] = {
    "beam_size": (2, 5, 10, 20, 50, 100, 200, 500, 1000),
    "beam_size_token": (2, 5, 10, 15, 25, 40),
    "beam_threshold": (2.0, 5.0, 10.0, 20.0, 30.0, 50.0),
    "sil_score": (0.0, 0.25, 0.5, 1.0, 2.0),
    "nbest": (1, 2, 5, 10, 20, 50),
    "log_add": (False, True),
    "beam": (4.0, 6.0, 8.0, 10.0, 13.0, 16.0, 20.0),
    "lattice_beam": (0.1, 2.0, 4.0, 6.0, 8.0, 10.0),
    "letter_beam": (1, 2, 4, 8, 16, 32),
}
# Of what was tuned, times and plus the tuned value.
FACTORS = (0.25, 0.5, 0.5**0.5, 1.0, 2**0.5, 2.0, 4.0)
OFFSETS = (-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0)
MULTIPLIED, MOVED = ("acoustic_scale", "lm_weight"), ("insertion_score", "word_score")
GREEDY, LEXICON_FREE = "greedy", "lexicon_free"
FREE_NOTES = (
    "greedy: the likeliest token of each row.",
    "lexicon_free: a beam search for phones; its value is the weight of their bigram.",
)

Values = Mapping[str, Any]
Hear = Callable[[str], tuple[Sequence[str], Sequence[str]]]  # an utterance's words and phones


@dataclass(frozen=True)
class Dev:
    """What a sweep hears: features and scores of each utterance, what was said in it (words; folded phones without
    silence), and the seconds that all of them last."""

    feats: Mapping[str, np.ndarray]
    scored: Scored
    words: Mapping[str, Sequence[str]]
    phones: Mapping[str, Sequence[str]]
    fold: Fold
    seconds: float


@dataclass(frozen=True)
class Trial:
    """A setting to measure: ``prepare`` makes what hears with it. ``used``: it is the one in use. ``words``: it finds
    words, and not phones alone."""

    knob: str
    value: float | bool
    prepare: Callable[[], Hear]
    used: bool = False
    words: bool = True


@dataclass(frozen=True)
class Row:
    """A measured setting. ``wer``, ``per``: percent; without words the first is NaN and the second that of a free
    search. ``rtf``: processor seconds, for scores and search, over seconds of audio. ``value`` is NaN where nothing is
    set."""

    knob: str
    value: float | bool
    wer: float
    per: float
    rtf: float
    used: bool


class Measured(NamedTuple):
    """Errors, and the processor seconds that hearing took."""

    word_errors: int
    phone_errors: int
    seconds: float


def values_in_use(
    tuned: Tuned, beams: Beams, flashlight: FlashlightSettings, letters: LetterBeamSettings = LetterBeamSettings()
) -> dict[str, Any]:
    """The knobs of the search that was tuned, as they are set."""
    if tuned.search == "flashlight":
        return asdict(flashlight)
    return {**asdict(tuned.words), **asdict(letters if tuned.search == "letters" else beams)}


def grid(knob: str, used: Any) -> list[Any]:
    """The values to try of a knob, in order; the one in use is among them."""
    if knob in MULTIPLIED:
        return sorted({used * factor for factor in FACTORS})
    if knob in MOVED:
        return [used + offset for offset in OFFSETS]
    return sorted({*GRIDS[knob], used})


def chosen_knobs(system: System, used: Values, wanted: Collection[str]) -> list[str]:
    """The knobs there are, or those of them that are ``wanted``. UserError for one that there is not."""
    there = [*used, *([GREEDY, LEXICON_FREE] if system.posteriors else [])]
    if unknown := [knob for knob in wanted if knob not in there]:
        raise UserError(f"--knobs {' '.join(unknown)}: unknown to this search; there are: {' '.join(there)}")
    return [knob for knob in there if knob in wanted or not wanted]


def trials(system: System, lang: Lang, tuned: Tuned, used: Values, dev: Dev, knobs: Collection[str]) -> list[Trial]:
    """What is to be measured, knob by knob. Each knob of the search has one trial of the setting in use."""
    found = []
    for knob in knobs:
        if knob == GREEDY:
            found.append(Trial(knob, math.nan, lambda: partial(_greedy, system, dev), words=False))
        elif knob == LEXICON_FREE:
            tuned_free = as_flashlight(tuned.free)
            given = FlashlightSettings(**used) if tuned.search == "flashlight" else tuned_free
            found += [
                Trial(
                    knob, value, partial(_lexicon_free, system, lang, replace(given, lm_weight=value), dev), words=False
                )
                for value in (0.0, *grid("lm_weight", tuned_free.lm_weight))
            ]
        else:
            found += [
                Trial(
                    knob,
                    value,
                    partial(_words, system, lang, tuned, {**used, knob: value}, dev),
                    value == used[knob],
                )
                for value in grid(knob, used[knob])
            ]
    return found


def sweep(system: System, planned: Sequence[Trial], dev: Dev, jobs: int = 1) -> Iterator[Row]:
    """Measure each trial in one process, ``jobs`` of them at a time, the setting in use once. Of what comes out the
    times alone depend on ``jobs``."""
    same = next((trial for trial in planned if trial.used), None)
    work: list[Callable[[], Hear]] = [lambda: partial(_scores_alone, system, dev)]
    work += [trial.prepare for trial in ([same] if same else []) + [trial for trial in planned if not trial.used]]
    # What is measured cannot be sent to another process, its number can.
    results = each(lambda number: measure(work[number](), dev), range(len(work)), jobs)
    scoring = next(results).seconds
    in_use = next(results) if same else None
    total_words, total_phones = (sum(map(len, said.values())) for said in (dev.words, dev.phones))
    for trial in planned:
        found = in_use if trial.used and in_use else next(results)
        seconds = found.seconds + (scoring if trial.knob != GREEDY else 0.0)  # greedy asks the network itself
        yield Row(
            trial.knob,
            trial.value,
            100 * found.word_errors / max(total_words, 1) if trial.words else math.nan,
            100 * found.phone_errors / max(total_phones, 1),
            seconds / dev.seconds,
            trial.used,
        )


def measure(hear: Hear, dev: Dev) -> Measured:
    """Errors in what is heard on dev, and processor seconds. The first utterance is heard once before the clock runs:
    what is loaded or compiled at first use is no part of the speed."""
    hear(next(iter(dev.words)))
    wrong_words = wrong_phones = 0
    seconds = 0.0
    for utt, reference in dev.words.items():
        began = time.process_time()
        words, phones = hear(utt)
        seconds += time.process_time() - began
        wrong_words += kaldialign.edit_distance(list(reference), list(words))["total"]
        wrong_phones += kaldialign.edit_distance(spoken(dev.phones[utt]), spoken(phones, dev.fold))["total"]
    return Measured(wrong_words, wrong_phones, seconds)


def _words(system: System, lang: Lang, tuned: Tuned, values: Values, dev: Dev) -> Hear:
    if tuned.search == "flashlight":
        flashlight = FlashlightSettings(**values)
        decoder = word_decoder(system, lang, tuned.search, tuned.words, flashlight=flashlight)
    else:
        settings = SearchSettings(values["acoustic_scale"], values["insertion_score"])
        further = {name: value for name, value in values.items() if name not in asdict(settings)}
        if tuned.search == "letters":
            decoder = word_decoder(system, lang, tuned.search, settings, letter_beam=LetterBeamSettings(**further))
        else:
            decoder = word_decoder(system, lang, tuned.search, settings, Beams(**further))

    def hear(utt: str) -> tuple[list[str], list[str]]:
        found = decoder.decode(utt, *dev.scored[utt])
        return [word.label for word in found.words], [phone.label for phone in found.phones]

    return hear


def _lexicon_free(system: System, lang: Lang, settings: FlashlightSettings, dev: Dev) -> Hear:
    decoder = PhoneDecoder(lang, list(system.tokens), settings)
    return lambda utt: ((), decoder.decode(dev.scored[utt][0][:, : len(system.tokens)]))


def _greedy(system: System, dev: Dev, utt: str) -> tuple[Sequence[str], Sequence[str]]:
    return (), greedy_phones(system, dev.feats[utt])


def _scores_alone(system: System, dev: Dev, utt: str) -> tuple[Sequence[str], Sequence[str]]:
    system.scores(dev.feats[utt])
    return (), ()


def value_shown(value: float | bool, digits: int = 4) -> str:
    """As it stands in tables; nothing where nothing is set."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if math.isnan(value) else f"{value:.{digits}g}"


def tsv_lines(rows: Sequence[Row]) -> list[str]:
    """Tab-separated, rates in percent; empty where there is none."""

    table = [["knob", "value", "WER", "PER", "free PER", "RTF", "in use"]]
    for row in rows:
        free, per = math.isnan(row.wer), f"{row.per:.2f}"
        table.append(
            [
                row.knob,
                value_shown(row.value, 6),
                "" if free else f"{row.wer:.2f}",
                "" if free else per,
                per if free else "",
                f"{row.rtf:.5f}",
                "yes" if row.used else "no",
            ]
        )
    return ["\t".join(cells) for cells in table]


def readable_lines(name: str, rows: Sequence[Row], dev: Dev) -> list[str]:
    """The same for a terminal of 100 columns."""
    table: list[list[str]] = [["knob", "value", "", "WER %", "PER %", "free PER %", "RTF"]]
    for row in rows:
        per, free = f"{row.per:.1f}", math.isnan(row.wer)
        table.append(
            [
                row.knob,
                value_shown(row.value),
                "*" if row.used else "",
                "" if free else f"{row.wer:.1f}",
                "" if free else per,
                per if free else "",
                f"{row.rtf:.4f}",
            ]
        )
    head, *lines = (line.rstrip() for line in columns(table))
    shown = [head, "-" * max(map(len, (head, *lines)))]
    for before, row, line in zip((None, *rows), rows, lines):
        shown += ["", line] if before and before.knob != row.knob else [line]
    words = sum(map(len, dev.words.values()))
    return [
        f"{name} on dev: {len(dev.words)} utterances, {words:,} words, {dev.seconds / 60:.1f} min",
        "One knob at a time leaves the settings in use (*).",
        "",
        *shown,
        "",
        "RTF: processor seconds, for scores and search, a second of audio; it wants the machine alone (NJ=1).",
        *(note for note in FREE_NOTES if any(note.startswith(f"{row.knob}:") for row in rows)),
    ]
