"""Forced alignment with the scores of any system: the best path through the graph of the known words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lexicon.dictionary import Weighted
from lexicon.phones import BLANK, SILENT
from pipeline.lattice import Lattice, best_path
from pipeline.search.decode import WORD_SILENCE_PROB
from pipeline.search.graph import Skip, linear_graph
from pipeline.search.posteriors import log_phone_posteriors, phone_labels
from pipeline.search.system import System
from pipeline.search.tuning import BEST_PATH_ONLY
from pipeline.search.wfst import Beams, SearchGraph, search
from pipeline.times.clock import FRAME_SHIFT_MS
from pipeline.times.segments import Segment

BEAMS = (200.0, 800.0)  # natural log, for unscaled scores; Kaldi's 10 and 40, at a scale of 0.1, prune too much
EVERYTHING = 1e6  # a beam that prunes nothing, tried last
# Rows of scores times states of the graph. Beyond that EVERYTHING is not tried where words may be left out.
MOST_STEPS = 1e7
# The cost of leaving out a word, for scores scaled by `System.posterior_scale`. Chosen on dev of prompts: no system
# leaves out any of 337 words that were said, and each leaves out 134 to 143 of 145 foreign words, four before or after
# each utterance. (With 100 and 5 the network leaves out only 33 of these. With 20 and 2 weak models, of one Gaussian a
# state, leave out words that were said.)
SKIP = Skip(30.0, 3.0)
# A CTC network emits a phone in one or two rows; where it begins is not known. This share of the blanks between two
# phones goes to the first, and at most LEAD frames go to the second, since a pause may precede it. Chosen on dev
# against the gold boundaries of timit_sample and the GMM's of prompts: 51 and 60 % within 20 ms, bias +2 and -2 ms
# (half and half: 41 and 48 %, all to the first: 48 and 55 %).
FIRST_SHARE = 0.9
LEAD = 4
LONGEST_TAIL = 12  # frames of blanks that go to the phone before them; the rest is a pause


@dataclass(frozen=True)
class Path:
    """Phones with their frames and the confidence in [0, 1] of each and of each word.

    The confidence is the geometric mean, over the frames, of the probability of the phone placed there among all phones
    (without regard to words): near the goodness of pronunciation of Witt & Young 2000. Phones of a CTC network are its
    spikes, with stretches of blanks between them.
    """

    phones: list[Segment]
    phone_confidence: list[float]
    word_confidence: list[float]
    spikes: list[tuple[int, int]] = field(default_factory=list)  # of the phones, once these have been spread


def force_align(
    system: System,
    scores: np.ndarray,
    num_frames: int,
    words: Sequence[str],
    lexicon: Weighted,
    name: str,
    skipping: bool = False,
) -> Path | None:
    """The forced alignment of the words in this order; None if there are too few frames for them, or no search with one
    of BEAMS reaches the end. With ``skipping`` words that were not said may be left out.

    scores: (T', columns) of the utterance ``name``, which has ``num_frames`` frames.
    """
    if len(words) > num_frames:
        return None  # before the graph of a whole book is built
    fewest = {word: min(len(said) for _, said in lexicon[word]) for word in set(words)}
    if not skipping and sum(fewest[word] for word in words) * system.step > num_frames:
        return None  # each phone takes a row of scores: no need to make the graph of a book
    scale = system.posterior_scale
    skip = Skip(SKIP.first / scale, SKIP.further / scale) if skipping else None
    fst = linear_graph(system.topology, lexicon, words, WORD_SILENCE_PROB, skip)
    graph = SearchGraph(fst, system.topology, [str(index) for index in range(len(words))])
    everything = not skipping or len(scores) * fst.num_states <= MOST_STEPS
    found, most = None, 0
    for beam in (*BEAMS, *([EVERYTHING] if everything else [])) if fst.num_states else ():
        lattice = search(
            graph,
            scores,
            1.0,
            Beams(beam, BEST_PATH_ONLY),
            name,
            system.name,
            "text",
            FRAME_SHIFT_MS,
            system.step,
            num_frames,
        )
        before, most = most, _num_words(found := _phones(lattice)) if lattice else most
        if most == len(words) or most == before > 0:
            break  # a wider beam finds words that a narrow one has lost, until there are no more
    if not found:
        return None
    by_word, by_phone = _confidence(system, scores, found)
    return spread(Path(found, by_phone, by_word))


def _num_words(phones: Sequence[Segment]) -> int:
    return len({phone.word for phone in phones if phone.word >= 0})


def _phones(lattice: Lattice) -> list[Segment]:
    """The phones of the best path. An arc with a word, which is the number of the word in the text, is its first
    phone."""
    phones, word = [], -1
    for arc in best_path(lattice):
        word = int(lattice.word[arc] or word)
        label = lattice.label[arc]
        phones.append(
            Segment(
                label,
                int(lattice.node_frame[lattice.arc_from[arc]]),
                int(lattice.node_frame[lattice.arc_to[arc]]),
                -1 if label in SILENT else word,
            )
        )
    return phones


def rows(scores: np.ndarray, step: int, segment: Segment) -> np.ndarray:
    """The rows of ``scores``, one for ``step`` frames, that are centred within a segment; the nearest if none is."""
    first, last = (-(-frame // step) for frame in (segment.start, segment.end))
    first = min(first, len(scores) - 1)
    return scores[first : max(last, first + 1)]


def _confidence(system: System, scores: np.ndarray, phones: Sequence[Segment]) -> tuple[list[float], list[float]]:
    """The confidence of each word that is there, in order, and of each phone."""
    by_phone = dict(zip(phone_labels(system), log_phone_posteriors(system, scores).T))
    of_words: dict[int, list[np.ndarray]] = {}
    each = []
    for phone in phones:
        own = rows(by_phone[phone.label], system.step, phone)
        each.append(float(np.exp(own.mean())))
        if phone.word >= 0:
            of_words.setdefault(phone.word, []).append(own)
    return [float(np.exp(np.concatenate(own).mean())) for own in of_words.values()], each


def spread(path: Path) -> Path:
    """The path of a CTC network with the blanks between phones shared out among them (see FIRST_SHARE); stretches of
    blanks are left only where there is a pause. Other paths have no blanks and stay as they are."""
    shares = [_shares(path.phones, index) for index in range(len(path.phones))]
    phones, kept, spikes = [], [], []
    for (_, lead), phone, (own_tail, own_lead), (tail, _), sure in zip(
        [(0, 0), *shares], path.phones, shares, [*shares[1:], (0, 0)], path.phone_confidence
    ):
        if phone.label == BLANK:
            longer = replace(phone, start=phone.start + own_tail, end=phone.end - own_lead)
        else:
            longer = replace(phone, start=phone.start - lead, end=phone.end + tail)
        if longer.start < longer.end:
            phones.append(longer)
            kept.append(sure)
            spikes.append((phone.start, phone.end))
    return replace(path, phones=phones, phone_confidence=kept, spikes=spikes)


def _shares(phones: Sequence[Segment], index: int) -> tuple[int, int]:
    """How many frames of a stretch of blanks belong to the phone before it and to the phone after it."""
    length = phones[index].end - phones[index].start
    if phones[index].label != BLANK:
        return 0, 0
    first, last = index == 0, index == len(phones) - 1
    lead = 0 if last else min(LEAD, length if first else round((1 - FIRST_SHARE) * length))
    return 0 if first else min(LONGEST_TAIL, length - lead), lead
