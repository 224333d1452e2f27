"""What an acoustic model says of each frame: densities, posteriors, and the spikes of a CTC network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lexicon.phones import BLANK, SILENT
from pipeline.base.meta import MODEL
from pipeline.draw.chart import MARGIN, SHADES, counted, frame_rulers, level, note, numbers, shaded, table, wrap
from pipeline.hmm.topology import Hmms
from pipeline.search.system import System
from pipeline.show.place import Place, Shown
from pipeline.times.clock import FRAME_SHIFT_MS, frame_to_seconds

SEEN = 1 / len(SHADES)  # a phone that is nowhere more probable would have an empty row in a picture
RIVALS = 3  # phones named beside the one that was said, where there is room
RIVAL = 0.02  # of at least this share
LONGEST = 16  # frames of a phone that are shown one by one


@dataclass(frozen=True)
class Stretch:
    """A phone of the alignment: rows ``start`` to ``end``, the density of each, and the phone's name and word."""

    label: str
    word: str
    start: int
    end: int
    pdfs: np.ndarray


def gmm(place: Place, name: str) -> Shown:
    """Every state's log likelihood at each frame, the best path through the states, and the Gaussians it met."""
    from pipeline.hmm.gmm import load_gmm
    from pipeline.systems import load_system

    directory = place.exp / name
    system, model, feats = load_system(directory), load_gmm(directory / MODEL), place.feats_for(directory)
    transitions = model.transitions
    scores = system.scores(feats)  # (T, states)
    lines = [place.title(f"{name}: how likely each state of each phone makes each frame"), ""]
    lines += wrap("in", _given(system, feats))
    lines += wrap(
        "model",
        [
            f"{len(transitions.phones)} phones,",
            f"{transitions.decisions.num_pdfs} states,",
            f"{len(model.weights):,} Gaussians in {model.means.shape[1]} dimensions",
            "with diagonal covariance",
        ],
    )
    lines += wrap(
        "out",
        [
            f"scores {scores.shape} {scores.dtype}:",
            "log p(frame | state),",
            "natural logarithm of a density",
            "(no probability: it may be above 0)",
        ],
    )
    return Shown([*lines, "", *_hmm_lines(place, system, feats, scores, _Gaussians(model, feats))])


def _given(system: System, feats: np.ndarray) -> list[str]:
    """What the front end of a system gives it."""
    return [
        f"feats {feats.shape} {feats.dtype}, one row every {system.front_end.raw.frame_shift_ms:g} ms:",
        *(f"{part};" for part in str(system.front_end).split("; ")),
    ]


def system(place: Place, name: str) -> Shown:
    """What any system says: how probable each phone is at each frame, by the sound alone."""
    from pipeline.search.posteriors import log_phone_posteriors, phone_labels
    from pipeline.systems import load_system

    directory = place.exp / name
    model, feats = load_system(directory), place.feats_for(directory)
    scores, labels = model.scores(feats), phone_labels(model)
    lines = [place.title(f"{name}: how likely each phone is at each frame, by the sound alone"), ""]
    lines += wrap("in", _given(model, feats))
    lines += wrap("out", [f"scores {scores.shape} {scores.dtype},", f"one row every {counted(model.step, 'frame')}"])
    posteriors = np.exp(log_phone_posteriors(model, scores))
    return Shown([*lines, "", *_posteriorgram(place, labels, posteriors.T, model.step)])


def classifier(place: Place, name: str) -> Shown:
    """The classifier's posterior of each state, which divided by the state's prior takes the Gaussians' place."""
    from pipeline.classifier.model import load_frame_classifier
    from pipeline.systems import load_system

    directory = place.exp / name
    system, model = load_system(directory), load_frame_classifier(directory / MODEL)
    feats = place.feats_for(directory)
    scores = system.scores(feats)  # (T, states)
    sizes = [model.layers[0][0].shape[0], *(weight.shape[1] for weight, _ in model.layers)]
    lines = [place.title(f"{name}: which state a frame and its neighbours sound like"), ""]
    lines += wrap(
        "in",
        [
            f"feats {feats.shape} {feats.dtype}, each frame with {model.context} on either side:",
            f"{2 * model.context + 1} x {feats.shape[1]} = {sizes[0]} numbers",
        ],
    )
    lines += wrap(
        "model",
        [
            f"{len(model.layers)} layers",
            f"({' -> '.join(map(str, sizes))}),",
            f"{model.num_parameters:,} weights;",
            "softmax: log p(state | frame)",
        ],
    )
    lines += wrap(
        "out",
        [
            f"scores {scores.shape} {scores.dtype}:",
            "log p(state | frame) - log p(state),",
            "natural logarithm;",
            "what Bayes makes of a posterior:",
            "p(frame | state) but for a factor that all states share",
        ],
    )
    return Shown([*lines, "", *_hmm_lines(place, system, feats, scores, _Priors(model, feats))])


class _Gaussians:
    """What there is to say of a frame in a state of Gaussians."""

    score, head = "log p", ("<Gaussian", "share")

    def __init__(self, model, feats: np.ndarray):
        self.model, self.feats = model, feats

    def cells(self, frame: int, pdf: int) -> list[str]:
        """The Gaussian of the state that is most responsible for the frame, and its share."""
        scores, _ = self.model.components(self.feats[frame : frame + 1], np.array([pdf]))
        shares = np.exp(scores[0] - scores[0].max())
        best = int(shares.argmax())
        return [f"{best + 1} of {len(shares)}", *numbers([shares[best] / shares.sum()])]


class _Priors:
    """What there is to say of a frame in a state of a classifier."""

    score, head = "score", ("posterior", "prior")

    def __init__(self, model, feats: np.ndarray):
        self.posteriors, self.model = np.exp(model.log_posteriors(feats)), model

    def cells(self, frame: int, pdf: int) -> list[str]:
        """The posterior and the prior of the state; a state the classifier never saw has no posterior."""
        column = np.flatnonzero(self.model.classes == pdf)
        return [*(numbers(self.posteriors[frame, column]) or ["-"]), *numbers([np.exp(self.model.log_prior[pdf])], 4)]


def _hmm_lines(place: Place, system, feats: np.ndarray, scores: np.ndarray, details) -> list[str]:
    """Phone posteriors as a picture; the path of the known text, phone by phone, and one phone frame by frame."""
    from pipeline.search.posteriors import log_phone_posteriors, phone_labels

    labels, transitions = phone_labels(system), system.hmms.transitions
    posteriors = np.exp(log_phone_posteriors(system, scores))  # (T, phones)
    lines = [
        *_posteriorgram(place, labels, posteriors.T, system.step),
        f"{'':{MARGIN}}Black: the phone is certain by the sound alone (its states together, scores times"
        f" {system.posterior_scale:g}).",
    ]
    path = _path(place, system.hmms, feats)
    if not path:
        return [*lines, f"{'':{MARGIN}}The known text does not fit into so few frames."]
    own = scores[np.arange(len(scores)), np.concatenate([stretch.pdfs for stretch in path])]
    lines += ["", "The best path through the states for the known words (forced alignment):", ""]
    rows = []
    for stretch in path:
        here = slice(stretch.start, stretch.end)
        mean = posteriors[here].mean(axis=0)
        sure = float(mean[labels.index(stretch.label)])
        rows.append(
            [
                f"{frame_to_seconds(stretch.start * system.step):.2f}",
                f"{(stretch.end - stretch.start) * system.step * FRAME_SHIFT_MS:.0f}",
                stretch.word,
                stretch.label,
                _states(stretch, transitions),
                *numbers([own[here].mean()], 1),
                *numbers([sure]),
                level(sure),
                _rivals(labels, mean, stretch.label, 2),
            ]
        )
    lines += table(
        ["start s", "ms", "<word", "<phone", "<frames in state", details.score, "posterior", "<", "<rivals"], rows
    )
    lines += note(
        f"{details.score}: mean per frame; all {len(scores)} frames together {own.sum():.1f}. posterior: mean"
        " share of the phone among all."
    )
    doubtful = min(
        (stretch for stretch in path if stretch.label not in SILENT),
        default=None,
        key=lambda stretch: posteriors[stretch.start : stretch.end, labels.index(stretch.label)].mean(),
    )
    return (
        [*lines, "", *_one_by_one(doubtful, scores, system.step, labels, posteriors, transitions, details)]
        if doubtful
        else lines
    )


def _path(place: Place, hmms: Hmms, feats: np.ndarray) -> list[Stretch]:
    """The best path for the known text through features (T, D); none where its words do not fit into them."""
    from pipeline.hmm.graphs import utterance_graph
    from pipeline.hmm.viterbi import align

    words = place.utterance.words
    graph = utterance_graph(words, place.lang.reference_lexicon, hmms.transitions)
    ((_, found),) = align(hmms, {place.id: graph}, {place.id: feats}, {place.id: len(feats)})
    if found is None:
        return []
    return [
        Stretch(
            phone.label,
            words[phone.word] if phone.word >= 0 and phone.word != before else "",
            phone.start,
            phone.end,
            found.pdfs[phone.start : phone.end],
        )
        for phone, before in zip(found.phones, [-1, *(phone.word for phone in found.phones)])
    ]


def _states(stretch: Stretch, transitions) -> str:
    """How many frames the path spends in each state of the phone: 3+4+2."""
    states = [transitions.decisions.state_of(stretch.label, pdf) for pdf in stretch.pdfs.tolist()]
    counts = np.bincount(states, minlength=transitions.num_states(stretch.label))
    return "+".join(map(str, counts))


def _rivals(labels: Sequence[str], shares: np.ndarray, own: str, most: int = RIVALS) -> str:
    """The likeliest phones beside ``own``."""
    order = [i for i in np.argsort(-shares, kind="stable") if labels[i] != own and shares[i] >= RIVAL]
    return "  ".join(f"{labels[i]} {shares[i]:.2f}" for i in order[:most])


def _one_by_one(
    stretch: Stretch, scores: np.ndarray, step: int, labels: Sequence[str], posteriors: np.ndarray, transitions, details
) -> list[str]:
    """The frames of one phone, each with its state."""
    rows, decisions = [], transitions.decisions
    for frame in range(stretch.start, min(stretch.end, stretch.start + LONGEST)):
        pdf, other = int(stretch.pdfs[frame - stretch.start]), int(scores[frame].argmax())
        phones = decisions.phones_of[other]
        rows.append(
            [
                str(frame),
                f"{frame_to_seconds(frame * step + 0.5):.3f}",
                f"{stretch.label} {decisions.state_of(stretch.label, pdf) + 1}",
                *numbers([scores[frame, pdf]], 1),
                *details.cells(frame, pdf),
                f"{'/'.join(phones)} {decisions.state_of(phones[0], other) + 1}",
                *numbers([scores[frame, other]], 1),
                _rivals(labels, posteriors[frame], stretch.label),
            ]
        )
    word = f" of {stretch.word}" if stretch.word else ""
    more = f"; its first {LONGEST} frames" if stretch.end - stretch.start > LONGEST else ""
    head = ["frame", "s", "<state", details.score, *details.head, "<best state", details.score, "<rivals of the phone"]
    return [
        f"The phone the model is least sure of, {stretch.label}{word}, frame by frame{more}:",
        "",
        *table(head, rows),
    ]


def _posteriorgram(place: Place, labels: Sequence[str], matrix: np.ndarray, step: int) -> list[str]:
    """(phones, T') posteriors as shades: a row for each phone that is somewhere likely, those heard first on top, blank
    first of all; the words and phones of the reference below."""
    words, _ = place.reference("words")
    phones, by_whom = place.reference("phones")
    times, lines = np.asarray(frame_to_seconds(np.arange(matrix.shape[1]) * step + 0.5)), []
    for ruler in frame_rulers(len(place.feats), step):
        here = ruler.pool(matrix, times, peaks=True)  # (phones, columns)
        seen = [row for row in range(len(labels)) if here[row].max() >= SEEN]
        seen.sort(key=lambda row: (labels[row] != BLANK, int(np.argmax(here[row] >= 0.5 * here[row].max())), row))
        lines += shaded(ruler, [labels[row] for row in seen], matrix[seen], times, peaks=True)
        lines += [ruler.axis(), *ruler.names(words, "words"), *ruler.names(phones, "phones", 2), ""]
    return [*lines, *([f"{'':{MARGIN}}Words and phones {by_whom}."] if phones else [])]


def ctc(place: Place, name: str) -> Shown:
    """The network's posteriors of blank and phones: spikes, with blanks between them."""
    from pipeline.neural.model import load_model
    from pipeline.neural.paths import greedy
    from pipeline.systems import load_system

    directory = place.exp / name
    model, feats, system = load_model(directory), place.feats_for(directory), load_system(directory)
    network = system.posteriors
    assert network is not None  # of a CTC network they are there
    logs = network(feats)  # (T', tokens)
    posteriors, config, step = np.exp(logs), model.encoder.config, system.step
    blank = posteriors[:, model.tokens.index(BLANK)]
    spikes = greedy(logs)
    lines = [place.title(f"{name}: a phone here, or none (blank)"), ""]
    lines += wrap("in", [f"feats {feats.shape} {feats.dtype}"])
    lines += wrap(
        "model",
        [
            f"{config.encoder}: {config.conv_layers} convolutions,",
            counted(config.layers, "layer"),
            f"{config.width} wide,",
            f"{model.encoder.num_parameters():,} weights;",
            "softmax over blank and phones",
        ],
    )
    lines += wrap(
        "out",
        [
            f"log posteriors {logs.shape} {logs.dtype}:",
            f"one row every {step} frames",
            f"({step * FRAME_SHIFT_MS:g} ms),",
            "each row's probabilities sum to 1",
        ],
    )
    lines += ["", *_posteriorgram(place, model.tokens, posteriors.T, step)]
    lines += [f"{'':{MARGIN}}Black: certain. A column is one row of the output or more; of several the highest.", ""]
    lines += _spikes(place, model.tokens, posteriors, spikes, step)
    width = sum(end - begin for _, begin, end in spikes) / max(len(spikes), 1)
    height = np.mean([posteriors[a:b, token].max() for token, a, b in spikes] or [0])
    lines += [
        "",
        *note(
            f"{100 * (blank > 0.5).mean():.0f} % of the rows are blank; {counted(len(spikes), 'spike')},"
            f" {width * step * FRAME_SHIFT_MS:.0f} ms long on average, with {height:.2f} at their tips. The"
            " search divides by the prior of each phone, which lowers the blanks."
        ),
    ]
    return Shown(lines)


def _spikes(
    place: Place, tokens: Sequence[str], posteriors: np.ndarray, spikes: Sequence[tuple[int, int, int]], step: int
) -> list[str]:
    """A line for each spike of the greedy path: when, how high, its rivals, and where in the aligned phone it lies."""
    phones, rows = place.aligned("phones"), []
    for token, begin, end in spikes:
        tip = begin + int(posteriors[begin:end, token].argmax())
        seconds = float(frame_to_seconds(tip * step + 0.5))
        at = next((phone for phone in phones if phone.start <= seconds < phone.end), None)
        length = at.end - at.start if at else 0.0
        within = f"{at.label}, {100 * (seconds - at.start) / length:.0f} % of its {1000 * length:.0f} ms" if at else ""
        rows.append(
            [
                str(tip),
                f"{seconds:.3f}",
                tokens[token],
                str(end - begin),
                *numbers([posteriors[tip, token]]),
                level(posteriors[tip, token]),
                within,
                _rivals(tokens, posteriors[tip], tokens[token]),
            ]
        )
    return table(["row", "s", "<spike", "rows", "height", "<", f"<in {place.yardstick}'s alignment", "<rivals"], rows)
