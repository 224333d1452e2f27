"""An experiment that can listen: a small GMM trained on real speech, and a network that has learnt nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from helpers.features import CEPSTRA
from helpers.speech import one_gaussian

from lexicon.files import write_json
from lexicon.lang import Lang
from pipeline.compare.listen import ListedSystem, Searches, load_searches
from pipeline.neural.config import EncoderConfig
from pipeline.neural.model import CtcModel, Encoder, save_model
from pipeline.sound.front_end import FrontEnd, SpeakerStats, prior_of
from pipeline.sound.mfcc import mfcc

GAP_S = 0.8


@dataclass(frozen=True)
class Experiment:
    """Two systems, recordings of one utterance and of three with pauses between them, and their words."""

    root: Path
    lang: Lang
    one: Path
    three: Path
    words: list[str]
    spoken: list[list[str]]

    def listed(self, *names: str) -> list[ListedSystem]:
        return [ListedSystem(name, self.root / "exp" / name, self.lang.path) for name in names]

    def searches(self, *names: str) -> dict[str, Searches]:
        return load_searches(self.root / "exp", self.listed(*names))

    def options(self, *names: str) -> list[str]:
        systems = [str(word) for one in self.listed(*names) for word in ("--system", *one)]
        return ["--exp", str(self.root / "exp"), *systems]


@pytest.fixture(scope="session")
def experiment(speech, tmp_path_factory) -> Experiment:
    root = tmp_path_factory.mktemp("listen")
    lang, gmm = one_gaussian(speech, root)
    stats = SpeakerStats(13)
    for samples in speech.samples.values():
        stats.add(mfcc(samples, 8000))
    prior = prior_of([stats])
    (root / "exp/gmm").mkdir(parents=True)
    gmm.save(root / "exp/gmm/model.safetensors")
    described = FrontEnd("mean", raw=CEPSTRA, prior=prior).as_json()
    write_json(root / "exp/gmm/meta.json", {"kind": "gmm", "front_end": described})
    torch.manual_seed(1)
    network = Encoder(EncoderConfig("conv-bilstm", 39, len(lang.tokens), 16, 1, 1, 3, 0.1)).eval()
    with torch.no_grad():
        network.output.weight *= 40  # it knows nothing, but is sure of it: searches that doubt everything take long
    model = CtcModel(network, lang.tokens, np.zeros(len(lang.tokens), np.float32))
    described = FrontEnd("variance", raw=CEPSTRA, prior=prior).as_json()
    save_model(root / "exp/neural", model, {"prior_scale": 0.0, "front_end": described})
    for name, search, scale in (("gmm", "wfst", 0.1), ("neural", "flashlight", 1.0)):
        tuned = {"acoustic_scale": scale, "insertion_score": 0.0}
        write_json(root / "exp" / name / "tuning.json", {"search": search, "words": tuned, "free": tuned})

    rng, names = np.random.default_rng(0), list(speech.samples)[2:5]
    parts = [rng.normal(0, 1e-4, 2400)]
    for name in names:
        parts += [speech.samples[name], rng.normal(0, 1e-4, round(GAP_S * 8000))]
    soundfile.write(root / "one.wav", speech.samples[names[0]], 8000)
    soundfile.write(root / "three.wav", np.concatenate(parts), 8000)
    spoken = [list(speech.words[name]) for name in names]
    return Experiment(root, lang, root / "one.wav", root / "three.wav", sum(spoken, []), spoken)
