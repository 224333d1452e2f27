"""What tests of one's own data and recordings share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.speech import one_gaussian

from bring.recordings import record
from bring.small_experiment import FRONT_END, Experiment
from lexicon.files import write_json
from pipeline.classifier.model import FrameClassifier
from pipeline.neural.config import EncoderConfig
from pipeline.neural.model import CtcModel, Encoder, save_model


@pytest.fixture(scope="session")
def experiment(speech, tmp_path_factory) -> Experiment:
    root = tmp_path_factory.mktemp("models")
    lang, model = one_gaussian(speech, root)
    described = {"front_end": FRONT_END.as_json()}
    for name in ("gmm", "classifier"):
        (root / "exp" / name).mkdir(parents=True)
    model.save(root / "exp/gmm/model.safetensors")
    write_json(root / "exp/gmm/meta.json", {"system": "gmm", "kind": "gmm", **described})
    rng, pdfs = np.random.default_rng(0), model.transitions.decisions.num_pdfs
    FrameClassifier(
        1,
        [(rng.normal(0, 0.1, (117, pdfs)).astype(np.float32), np.zeros(pdfs, np.float32))],
        np.arange(pdfs),
        np.full(pdfs, -np.log(pdfs)),
    ).save(root / "exp/classifier/model.safetensors")
    write_json(
        root / "exp/classifier/meta.json", {"system": "classifier", "kind": "classifier", "hmm": "../gmm", **described}
    )
    torch.manual_seed(1)
    config = EncoderConfig("conv-bilstm", 39, len(lang.tokens), 16, 1, 1, 3, 0.0)
    save_model(
        root / "exp/neural",
        CtcModel(Encoder(config).eval(), lang.tokens, np.full(len(lang.tokens), -np.log(len(lang.tokens)), np.float32)),
        {"system": "neural", "kind": "ctc", "prior_scale": 0.6, **described},
    )
    return Experiment(root, speech)


@pytest.fixture
def four_speakers(tmp_path) -> Path:
    """Ten utterances of each of four speakers, in folders."""
    for number, speaker in enumerate(["ann", "bob", "cat", "dan"]):
        for index in range(10):
            record(
                tmp_path / "mine" / speaker / f"{index:02}.wav", f"Hello, number {index}!\n", seed=10 * number + index
            )
    return tmp_path / "mine"
