"""What several tests share."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lexicon.dictionary import look_up
from lexicon.files import write_lines
from lexicon.lang import Lang, build_lang, load_lang
from pipeline.corpora import prompts
from pipeline.hmm.em import Schedule, train
from pipeline.hmm.gmm import GmmHmm, flat_start
from pipeline.hmm.graphs import utterance_graph
from pipeline.sound.audio import read_audio
from pipeline.sound.mfcc import CepstralStats, add_deltas, mfcc

PROJECT = Path(__file__).resolve().parents[1]

# A test is no part of the make that runs the tests: its stages are a run of their own, with cores of their own.
for _name in [name for name in os.environ if name.startswith(("PHONOSCOPE_", "MAKE", "MFLAGS"))]:
    del os.environ[_name]


@pytest.fixture(scope="session")
def prompts_root() -> Path:
    """The real speech of the default corpus, in the project's own cache (fetched there if it is the first time)."""
    (PROJECT / "downloads").mkdir(exist_ok=True)
    with open(PROJECT / "downloads/.tests.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the tests run in several processes: one fetches, the others wait
        return prompts.get(None, Path(os.path.relpath(PROJECT / "downloads"))).resolve()  # relative, as make gives it


@dataclass(frozen=True)
class Speech:
    """Some real utterances: samples (N,) at 8 kHz, words, features (T, 39), and the pronunciations of the words."""

    samples: dict[str, np.ndarray]
    words: dict[str, tuple[str, ...]]
    feats: dict[str, np.ndarray]
    lexicon: dict[str, list[tuple[float, tuple[str, ...]]]]

    @property
    def lengths(self) -> dict[str, int]:
        """Frames of each utterance."""
        return {utt: len(x) for utt, x in self.feats.items()}

    @property
    def phones(self) -> list[str]:
        """SIL and the phones of the words."""
        return ["SIL", *sorted({p for variants in self.lexicon.values() for _, phones in variants for p in phones})]


@pytest.fixture(scope="session")
def speech(prompts_root: Path) -> Speech:
    """The first 25 training prompts shorter than 2.2 s: 40 s of speech."""
    chosen = [u for u in prompts.prepare(prompts_root).sets["train"] if u.num_samples < 2.2 * 8000][:25]
    samples = {u.id: read_audio(u.wav, 8000) for u in chosen}
    static = {utt: mfcc(x, 8000) for utt, x in samples.items()}
    stats = CepstralStats()
    for x in static.values():
        stats.add(x)
    found = look_up({word for u in chosen for word in u.words})
    return Speech(
        samples,
        {u.id: u.words for u in chosen},
        {utt: add_deltas(stats.normalise(x, variance=False)) for utt, x in static.items()},
        {word: [(1.0, phones) for phones in found[word]] for word in sorted(found)},
    )


def one_gaussian(speech: Speech, root: Path) -> tuple[Lang, GmmHmm]:
    """The lang directory ``root``/lang of some speech, and a GMM of one Gaussian a state trained on it."""
    for name in ("train", "dev", "test"):
        (root / "data" / name).mkdir(parents=True)
        write_lines(
            root / "data" / name / "text", [" ".join([utt, *said]) for utt, said in sorted(speech.words.items())]
        )
    build_lang(root / "data", root / "lang")
    lang = load_lang(root / "lang")
    everything = np.concatenate(list(speech.feats.values())).astype(np.float64)
    model = flat_start(lang.phones, everything.mean(0), everything.var(0))
    graphs = {utt: utterance_graph(words, lang.lexicon, model.transitions) for utt, words in speech.words.items()}
    train(model, graphs, speech.feats, speech.lengths, Schedule(8, 0, 0, 1, 10.0))
    return lang, model
