"""Gaussian mixtures in the states of hidden Markov models of phones."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from lexicon.files import log_file
from lexicon.lang import Lang, load_lang
from pipeline.base.curve import CURVE, Curve
from pipeline.base.meta import MODEL, write_model
from pipeline.base.spill import OnDisk
from pipeline.base.training import Material, setting
from pipeline.datadir import Utterance, read_datadir
from pipeline.datadir.feats import Features, front_end_for, front_end_of, measured
from pipeline.hmm.em import TRAINERS, Schedule, poor_phones
from pipeline.hmm.em import train as reestimate
from pipeline.hmm.gmm import GmmHmm, flat_start, load_gmm
from pipeline.hmm.set_graphs import set_graphs
from pipeline.search.system import System, checked
from pipeline.search.topology import hmm_topology
from pipeline.sound.front_end import FrontEndSettings

ABOUT = (
    "Mixtures of Gaussians in the states of hidden Markov models, one model a phone, as in recognisers until about 2012"
    " (without context: a monophone system). Baum-Welch learns from the words alone where each phone lies, and adds"
    " Gaussians step by step."
)


@dataclass(frozen=True)
class Settings(FrontEndSettings):
    """What training depends on beside its material."""

    max_mix: int = setting(32, "Gaussians per state at most", least=1)
    min_frames: float = setting(20.0, "frames that a Gaussian needs on average", least=0)
    warm_up: int = setting(6, "passes with one Gaussian per state", least=1)
    passes: int = setting(3, "passes after each doubling", least=0)
    last: int = setting(4, "further passes at the end", least=0)
    warn_frames: float = setting(10.0, "name phones with a state of fewer frames", least=0)
    trainer: str = setting(
        "baum-welch",
        "hmmlearn: the plain reference, segment by segment with hmmlearn's own fit, slow",
        choices=sorted(TRAINERS),
    )


def load(directory: Path, meta: dict[str, Any]) -> System:
    """The model in ``directory``; UserError if it is damaged."""
    return system_of(directory, load_gmm(directory / MODEL))


def system_of(directory: Path, model: GmmHmm) -> System:
    """HMMs with mixtures of Gaussians as the searches see them; ``directory`` says on what features."""
    import pipeline.hmm.loops  # noqa: F401, here, so that no worker that scores has to load it

    front_end = front_end_of(directory)
    scores = checked(directory, model.dimension, model.log_likelihood)
    topology = hmm_topology(model.transitions)
    return System(directory.name, directory, front_end, scores, topology, front_end.step, 0.28, 0.1, hmms=model)


def train(material: Material, settings: Settings) -> list[str]:
    """Flat start, Baum-Welch on whole utterances, mixtures grown step by step (HTK Book, chapter 8). Returns lines to
    print, the last of which is the result."""
    began = time.monotonic()
    lang, front_end = load_lang(material.lang), front_end_for(material.train, settings, material.features)
    raw = Features(material.train, front_end)
    utterances = raw.of(read_datadir(material.train))
    # Composed once, not in each pass: that would take as long as a pass that does not align.
    feats = OnDisk(material.out, ((utterance.id, raw[utterance.id]) for utterance in utterances))
    text, words = material.train / "text", {utterance.id: utterance.words for utterance in utterances}
    lengths = measured(feats, words, front_end.dimension, text)
    model = _flat(feats, utterances, lang)
    graphs = set_graphs(text, words, lengths, lang.lexicon, model.transitions, material.out, material.jobs)
    schedule = Schedule(settings.warm_up, settings.passes, settings.last, settings.max_mix, settings.min_frames)
    scores: list[float] = []
    with log_file(material.out / "train.log") as log, tqdm(total=schedule.total(), desc="gmm", disable=None) as bar:

        def on_pass(number: int, score: float) -> None:
            scores.append(score)
            log.write(f"pass {number}: {len(model.weights)} Gaussians, log likelihood {score:.6f} per frame\n")
            log.flush()
            bar.set_postfix(gaussians=len(model.weights), per_frame=f"{score:.3f}")
            bar.update()

        stats = reestimate(
            model, graphs, feats, lengths, schedule, settings.trainer, material.jobs, on_pass, material.out
        )
    poor = poor_phones(model, stats, settings.warn_frames)
    seconds = time.monotonic() - began
    meta = {
        "kind": "gmm",
        "front_end": front_end.as_json(),
        "train_seconds": seconds,
        "parameters": model.num_parameters,
        "gaussians": len(model.weights),
        "log_likelihood_per_frame": stats.log_likelihood / stats.frames,
        "poor_phones": poor,
        CURVE: Curve("pass", "log likelihood, nats a frame", scores, len(scores)).as_json(),
    }
    write_model(material.out, meta, model.save)
    few = "; few frames: " + ", ".join(f"{phone} {count:.0f}" for phone, count in sorted(poor.items())) if poor else ""
    return [
        f"{len(lang.phones)} phones, {len(model.weights)} Gaussians, {schedule.total()} passes,"
        f" {stats.log_likelihood / stats.frames:.2f} per frame, {seconds:.0f} s{few}"
    ]


def _flat(feats: Mapping[str, np.ndarray], utterances: list[Utterance], lang: Lang) -> GmmHmm:
    """The model that knows nothing but the mean and variance of all frames."""
    frames, sums, squares = 0, 0.0, 0.0
    for utterance in utterances:
        x = feats[utterance.id].astype(np.float64)
        frames, sums, squares = frames + len(x), sums + x.sum(0), squares + (x**2).sum(0)
    mean, variance = sums / frames, squares / frames - (sums / frames) ** 2
    return flat_start(lang.phones, np.asarray(mean), np.asarray(variance))
