"""Second pass: the n-gram's probabilities in what a search kept are replaced by those of n-gram and network together.

A lattice is expanded until each of its nodes has one history of so many words; histories that share these go on as one,
with the words before them of the path that scored best in the first pass (Liu et al. 2014, n-gram based history
clustering). An n-best list is a lattice without shared arcs. What is expanded once can be scored with any weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import kaldialign
import numpy as np

from lexicon.errors import UserError
from lexicon.files import read_json
from lexicon.ngram import END, NGram
from lexicon.phones import SILENCE
from lexicon.text import same_ids
from pipeline.base.parallel import each
from pipeline.base.training import setting
from pipeline.datadir.sets import decode_again
from pipeline.lattice import LARGEST, Lattice, best_path, kept_lattices
from pipeline.lattice.paths import ROUNDING, best_scores
from pipeline.neural.histories import WEIGHTS, Histories, mixed, ngram_log_probs
from pipeline.search.decode import read_nbest

if TYPE_CHECKING:
    from pipeline.neural.lstm_lm import LstmLm

SCALES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4, 1.6, 2.0)
SCORES = (-3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
MAX_ARCS = 50_000  # of an expanded lattice; then its beam is halved
ROUNDS = 2


@dataclass(frozen=True)
class RescoreSettings:
    """What can be set."""

    history: int = setting(4, "words after which histories go on as one; never fewer than the n-gram needs", least=1)


@dataclass(frozen=True)
class Interpolation:
    """What is tuned on dev: the network's share of the probability of a word, times what the log of both together is
    taken, and natural log for each word. As it is here, it changes nothing."""

    weight: float = 0.0
    scale: float = 1.0
    insertion_score: float = 0.0


FIRST_PASS = Interpolation()


class Expanded(NamedTuple):
    """A lattice with the first pass's scores, and what is predicted in it: on which arc (F,), natural log probability
    by the n-gram and by the network (F,), and whether it is a word, and not the sentence end (F,)."""

    lattice: Lattice
    arc: np.ndarray
    ngram: np.ndarray
    neural: np.ndarray
    is_word: np.ndarray

    def rescored(self, how: Interpolation) -> Lattice:
        """The lattice with new language scores."""
        more = how.scale * mixed(self.ngram, self.neural, how.weight) - self.ngram
        more += how.insertion_score * self.is_word
        language = self.lattice.language.copy()
        np.add.at(language, self.arc, more)
        return replace(self.lattice, language=language)


def heard(expanded: Expanded | None, how: Interpolation) -> list[str]:
    """The best words; none where the search found nothing."""
    if expanded is None:
        return []
    lattice = expanded.rescored(how)
    return [lattice.word[arc] for arc in best_path(lattice) if lattice.word[arc]]


def expand(lattice: Lattice, lm: LstmLm, ngram: NGram, settings: RescoreSettings = RescoreSettings()) -> Expanded:
    """Expand a lattice of words, each of which is the ``word`` of an arc. UserError if too many paths are as good as
    the best."""
    size, beam = max(settings.history, ngram.order - 1), lattice.beam
    while (found := _expand(lattice, size, beam)) is None:
        beam = min(beam, _widest(lattice)) / 2
        if beam < ROUNDING:
            raise UserError(f'the lattice of "{lattice.utterance}": too large; decode with a smaller --lattice-beam')
    expanded, histories, arcs, asked = found
    of_ngram, of_network = ngram_log_probs(ngram, histories, asked), lm.log_probs(histories, asked)
    return Expanded(expanded, arcs, of_ngram, of_network, np.array([word != END for _, word in asked]))


def _widest(lattice: Lattice) -> float:
    """How far the worst arc's best path is behind the best."""
    alpha, beta = best_scores(lattice)
    return float(beta[0] - (alpha[lattice.arc_from] + lattice.scores() + beta[lattice.arc_to]).min())


class _State(NamedTuple):
    """A node with the last words before it."""

    node: int
    words: tuple[str, ...]


def _expand(
    lattice: Lattice, size: int, beam: float
) -> tuple[Lattice, Histories, np.ndarray, list[tuple[int, str]]] | None:
    """The paths within ``beam`` of the best, the histories in them, and what is predicted on which arc; None if that
    takes too many arcs."""
    scores, beta = lattice.scores().tolist(), best_scores(lattice)[1].tolist()
    targets, last, limit = lattice.arc_to.tolist(), lattice.num_nodes - 1, beta[0] - beam - ROUNDING
    bounds = np.searchsorted(lattice.arc_from, np.arange(lattice.num_nodes + 1)).tolist()
    histories = Histories()
    start = _State(0, histories.last(0, size))
    # Of each state the best score so far, and the history on the way that has it. Nodes are sorted, so both are final
    # when a node is left.
    reached: list[dict[_State, tuple[float, int]]] = [{} for _ in range(lattice.num_nodes)]
    reached[0][start] = 0.0, 0
    number: dict[_State, int] = {}
    rows: list[tuple[int, _State, int]] = []  # from, to, arc of the lattice
    arcs: list[int] = []
    asked: list[tuple[int, str]] = []
    for node in range(lattice.num_nodes):
        for state, (score, history) in reached[node].items():
            number[state] = len(number)
            for arc in range(bounds[node], bounds[node + 1]):
                target, through = targets[arc], score + scores[arc]
                if through + beta[target] < limit:
                    continue
                after, word = history, lattice.word[arc]
                if word:
                    arcs.append(len(rows))
                    asked.append((history, word))
                    after = histories.after(history, word)
                if target == last:
                    arcs.append(len(rows))
                    asked.append((after, END))
                there = _State(target, () if target == last else histories.last(after, size))
                if there not in reached[target] or through > reached[target][there][0]:
                    reached[target][there] = through, after
                rows.append((number[state], there, arc))
        if len(rows) > MAX_ARCS:
            return None
    return _of_states(lattice, number, rows, beam), histories, np.array(arcs), asked


def _of_states(
    lattice: Lattice, number: Mapping[_State, int], rows: Sequence[tuple[int, _State, int]], beam: float
) -> Lattice:
    """The lattice of the states and of the arcs (from, to, arc of ``lattice``) between them."""
    chosen = [arc for *_, arc in rows]
    return replace(
        lattice,
        node_frame=lattice.node_frame[[state.node for state in number]],
        arc_from=np.array([begin for begin, *_ in rows]),
        arc_to=np.array([number[there] for _, there, _ in rows]),
        label=[lattice.label[arc] for arc in chosen],
        word=[lattice.word[arc] for arc in chosen],
        acoustic=lattice.acoustic[chosen],
        language=lattice.language[chosen],
        posterior=np.zeros(0),
        beam=beam,
    )


def tune(
    expanded: Mapping[str, Expanded | None],
    references: Mapping[str, Sequence[str]],
    start: float,
    jobs: int = 1,
    weights: Sequence[float] = WEIGHTS,
) -> dict[Interpolation, int]:
    """Word errors on dev of all that was tried, the first pass first. From the weight ``start``, of one number after
    the other all values are, and the best is kept."""
    tried: dict[Interpolation, int] = {}

    def cost(how: Interpolation) -> int:
        if how not in tried:
            tried[how] = sum(each(lambda utt: _wrong(utt, how), references, jobs))
        return tried[how]

    def _wrong(utt: str, how: Interpolation) -> int:
        return kaldialign.edit_distance(list(references[utt]), heard(expanded[utt], how))["total"]

    cost(FIRST_PASS)
    best = Interpolation(start)
    for _ in range(ROUNDS):
        before = best
        for name, values in (("scale", SCALES), ("insertion_score", SCORES), ("weight", weights)):
            best = min([best, *(replace(best, **{name: value}) for value in values)], key=cost)
        if best == before:
            break
    return tried


# ---- what a search kept


def kept_words(decode: Path, utterances: Sequence[str]) -> Iterator[Lattice | None]:
    """Of each utterance the lattice of words that a decode kept, or its n-best list as one; None where the search found
    nothing. UserError if it kept neither, or what it kept is damaged."""
    if (decode / "lattices" / "word_arcs").is_dir():
        archive = kept_lattices(decode, "word_arcs")
        return (archive.read(utt) if utt in archive else None for utt in utterances)
    path = decode / "nbest.jsonl"
    if not path.is_file():
        raise UserError(f"{decode}: neither lattices of words nor n-best lists; {decode_again(decode)}")
    readings, weight = read_nbest(path), _lm_weight(decode / "decode.json")
    same_ids(path, readings, utterances, decode_again(decode))
    return (as_lattice(utt, [(score / weight, words) for score, words in readings[utt]]) for utt in utterances)


def _lm_weight(path: Path) -> float:
    """What the scores of an n-best list have multiplied log probabilities of words by."""
    try:
        told = read_json(path)
        weight = told["settings"]["flashlight"]["lm_weight"] if told["search"] == "flashlight" else 1.0
        if not 0 < float(weight) < LARGEST:
            raise ValueError(f"lm_weight {weight}: without the language model there is nothing to replace")
        return float(weight)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}: not of a search with n-best lists ({error!r}); {decode_again(path.parent)}"
        ) from error


def as_lattice(utterance: str, readings: Sequence[tuple[float, Sequence[str]]]) -> Lattice | None:
    """The lattice in which each of the readings (score, words) is a path of its own, without times; None if there are
    none."""
    if not readings:
        return None
    end = 1 + sum(max(len(words) - 1, 0) for _, words in readings)
    rows, free = [], 1  # from, to, word, score
    for score, words in readings:
        inner = range(free, free + max(len(words) - 1, 0))
        free = inner.stop
        ways = zip([0, *inner], [*inner, end], words or [""], [score, *(0.0 for _ in inner)])
        rows += list(ways)
    begins, ends, words, scores = zip(*sorted(rows, key=lambda row: row[0]))
    return Lattice(
        *(utterance, "", "word_arcs", 1.0, 0, 1.0, 0.0),
        node_frame=np.zeros(end + 1, int),
        arc_from=np.array(begins),
        arc_to=np.array(ends),
        label=[word or SILENCE for word in words],
        word=list(words),
        acoustic=np.zeros(len(rows)),
        language=np.array(scores),
    )
