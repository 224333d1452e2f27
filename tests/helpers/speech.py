"""Some real speech, and a small GMM trained on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lexicon.files import write_lines
from lexicon.lang import Lang, build_lang, load_lang
from pipeline.hmm.em import Schedule, train
from pipeline.hmm.gmm import GmmHmm, flat_start
from pipeline.hmm.graphs import utterance_graph


@dataclass(frozen=True)
class Speech:
    """Some real utterances: files, samples (N,) at 8 kHz, words, features (T, 39), and how the words are said."""

    wavs: dict[str, Path]
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
