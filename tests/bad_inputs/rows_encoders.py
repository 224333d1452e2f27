"""What is bad for the stages of encoders from outside, and what they say."""

from __future__ import annotations

from bad_inputs.spoil import both, pickled, put, rows

CONFIG = put("models/tiny/config.json", "{}")
WEIGHTS, CHECKPOINT = "models/tiny/model.safetensors", "models/tiny/tiny.pt"
NO_FOLDER = "MODELS=models: no such folder; give the one that holds your models"

ENCODERS = [
    *rows(
        "layers",
        ("no log-mel features", None, "data/toy/train/fbank/feats.scp: no such index; "),
    ),
    *rows("models", ("no such folder", None, NO_FOLDER)),
    *rows(
        "encode",
        ("no such folder", None, NO_FOLDER),
        (
            "an encoder nobody knows",
            put("models/other/config.json", "{}"),
            'ENCODER="tiny": neither in models nor among the models that are known; make models lists them',
        ),
        ("weights that are none", both(CONFIG, put(WEIGHTS, "these are no weights")), f"{WEIGHTS}: "),
        ("weights of nothing", both(CONFIG, put(WEIGHTS, "")), f"{WEIGHTS}: "),
        ("weights that would be run", put(CHECKPOINT, pickled()), f"{CHECKPOINT}: holds other things than arrays"),
    ),
]
