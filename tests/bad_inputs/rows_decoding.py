"""What is bad for the stages that tune, decode, score and align the test set, and what they say."""

from __future__ import annotations

import json

import numpy as np

from bad_inputs.paths import (
    DECODE,
    GMM,
    HZ16,
    MILLION,
    NEURAL,
    NOT_MINE,
    TEST,
    TRAIN,
    TUNING,
    WITH_CLASSIFIER,
    WITH_NEURAL,
)
from bad_inputs.spoil import (
    arrays,
    both,
    change,
    cut,
    deep,
    entry,
    flipped,
    folder,
    gone,
    matrix,
    pickled,
    pipe,
    put,
    rows,
    swap,
    tensors,
    values,
)

TUNE = rows(
    "tune",
    ("no reference phones", gone(f"{GMM}/ali_dev/reference.txt"), "reference.txt: no such file"),
    (
        "reference phones of others",
        swap(f"{GMM}/ali_dev/reference.txt", "ann-dev0", "ann-dev9"),
        'reference.txt: 1 of 6 utterances are not there (first: "ann-dev0")',
    ),
    (
        "reference phones of nothing",
        change(
            f"{GMM}/ali_dev/reference.txt", lambda data: b"".join(line.split()[0] + b"\n" for line in data.splitlines())
        ),
        "reference.txt: no phones to tune with",
    ),
    ("features of 16 kHz", HZ16, NOT_MINE),
    (
        "a model of no kind",
        values(f"{GMM}/meta.json", kind="lstm"),
        "meta.json: kind 'lstm' is none of classifier, ctc, dnn, fine, gmm",
    ),
    ("a meta.json nested without end", deep(f"{GMM}/meta.json"), f"{GMM}/meta.json: not JSON (nested too deeply)"),
    ("a meta.json that is a named pipe", pipe(f"{GMM}/meta.json"), f"{GMM}/meta.json: no such model"),
)


FLASHLIGHT = json.dumps(
    {"search": "flashlight"} | {name: {"acoustic_scale": 1, "insertion_score": 0} for name in ("words", "free")}
)
SWEEP = rows(
    "sweep",
    ("no tuning", gone(TUNING), f"{TUNING}: no tuned settings"),
    (
        "reference phones of nothing",
        change(
            f"{GMM}/ali_dev/reference.txt", lambda data: b"".join(line.split()[0] + b"\n" for line in data.splitlines())
        ),
        "reference.txt: no phones to compare with",
    ),
    ("features of 16 kHz", HZ16, NOT_MINE),
    (
        "a knob of another search",
        None,
        "--knobs beam_size: unknown to this search; there are: acoustic_scale insertion_score beam lattice_beam",
        {"also": "--knobs beam beam_size"},
    ),
    ("a beam of nothing", None, "--beam: 0 is not a number of at least 0.001", {"also": "--beam 0"}),
    ("flashlight without a network", put(TUNING, FLASHLIGHT), f"{GMM}: no CTC network, as --search flashlight wants"),
)


DECODING = rows(
    "decode",
    ("no hypotheses", None, "--beam-size: 0 is not a number of at least 1", {"also": "--beam-size 0"}),
    ("a word score of NaN", None, "--word-score: nan is not a number", {"also": "--word-score nan"}),
    ("a weight beyond all measure", None, "lm_weight 1e+300 is no number up to 1e+30", {"also": "--lm-weight 1e300"}),
    ("a switch that is neither", None, "--log-add: 'maybe': write yes or no", {"also": "--log-add maybe"}),
    ("no tuning", gone(TUNING), f"{TUNING}: no tuned settings"),
    (
        "a scale of NaN",
        put(
            TUNING,
            '{"words": {"acoustic_scale": NaN, "insertion_score": 0}, "free": '
            '{"acoustic_scale": 1, "insertion_score": 0}}',
        ),
        f"{TUNING}: no tuned settings",
    ),
    (
        "a scale of nothing",
        values(TUNING, words={"acoustic_scale": 0, "insertion_score": 0}),
        f"{TUNING}: no tuned settings",
    ),
    (
        "a score of 400 digits",
        put(TUNING, '{"words": {"acoustic_scale": 1, "insertion_score": 1%s}, "free": 1}' % ("0" * 400)),
        f"{TUNING}: no tuned settings",
    ),
    (
        "a model of other dimensions",
        values(f"{GMM}/meta.json", front_end=lambda wanted: {**wanted, "deltas": 1}),
        f"{GMM}: features of shape",
    ),
    ("features of 16 kHz", swap(f"{TEST}/feats.json", "8000", "16000"), NOT_MINE),
    ("a front end of no kind", values(f"{GMM}/meta.json", front_end={"deltas": 2}), f'{GMM}/meta.json: "front_end"'),
    ("no statistics", gone(f"{TEST}/cmvn.scp"), f"{TEST}/cmvn.scp: no such index; remove {TEST}/feats.scp and"),
    ("statistics of nobody", put(f"{TEST}/cmvn.scp", ""), f"remove {TEST}/feats.scp and run make"),
    (
        "statistics of others",
        swap(f"{TEST}/cmvn.scp", "ann ", "eve "),
        f"{TEST}/cmvn.scp: 1 of 2 utterances are not there",
    ),
    (
        "statistics of another dimension",
        entry(f"{TEST}/cmvn.scp", "ann", matrix(2, 9, value=1.0)),
        f"{TEST}/cmvn.scp: ann: no sums of 13 numbers; remove {TEST}/feats.scp and run make",
    ),
    ("features of nothing", put(f"{TEST}/feats.scp", ""), f"{TEST}/feats.scp: 6 of 6 utterances are not there"),
    (
        "an index that leads elsewhere",
        swap(f"{TEST}/feats.scp", "ann-test0", "../../ran"),
        "would lead to another folder",
    ),
    ("features beyond all measure", entry(f"{TEST}/feats.scp", "ann-test0", matrix(50, 13, value=3e38)), "not finite"),
    (
        "a classifier of other HMMs",
        arrays("exp/toy/classifier/model.safetensors", log_prior=np.zeros(5)),
        "exp/toy/classifier",
        WITH_CLASSIFIER,
    ),
    (
        "a classifier of infinite context",
        arrays("exp/toy/classifier/model.safetensors", context=np.array(10**9)),
        "exp/toy/classifier/model.safetensors: not a frame classifier",
        WITH_CLASSIFIER,
    ),
    (
        "a classifier whose HMMs are gone",
        values("exp/toy/classifier/meta.json", hmm="no\0where"),
        "no such model",
        WITH_CLASSIFIER,
    ),
    ("weights cut short", cut(NEURAL, 0.9), f"{NEURAL}: does not hold the network", WITH_NEURAL),
    ("weights with a header of 8 EB", tensors(NEURAL, "{}", claimed=2**62), f"{NEURAL}: does not hold", WITH_NEURAL),
    (
        "weights that overlap",
        tensors(NEURAL, {name: {"dtype": "F32", "shape": [16], "data_offsets": [0, 64]} for name in "ab"}),
        f"{NEURAL}: does not hold",
        WITH_NEURAL,
    ),
    (
        "weights of another type",
        tensors(NEURAL, {"log_prior": {"dtype": "BF16", "shape": [32], "data_offsets": [0, 64]}}),
        f"{NEURAL}: does not hold",
        WITH_NEURAL,
    ),
    (
        "a prior of NaN",
        tensors(NEURAL, {"log_prior": {"dtype": "F32", "shape": [16], "data_offsets": [0, 64]}}, b"\xff" * 64),
        "damaged, or of another training",
        WITH_NEURAL,
    ),
    (
        "a prior of NaN, without a checksum",
        both(
            values("exp/toy/neural/meta.json", checksum=None),
            tensors(NEURAL, {"log_prior": {"dtype": "F32", "shape": [16], "data_offsets": [0, 64]}}, b"\xff" * 64),
        ),
        "values that are not finite",
        WITH_NEURAL,
    ),
    ("a flipped bit in the weights", flipped(NEURAL), f"remove {NEURAL} and run: make neural", WITH_NEURAL),
    ("a pickle for weights", put(NEURAL, pickled()), f"{NEURAL}: does not hold", WITH_NEURAL),
    (
        "a network of a million layers",
        values("exp/toy/neural/meta.json", network=lambda n: {**n, "layers": 10**6}),
        "layers 1000000, not in 1..16",
        WITH_NEURAL,
    ),
    ("a CTC search for a GMM", None, "flashlight", {"also": "--search flashlight"}),
    ("a beam of NaN", None, "--beam", {"also": "--beam nan"}),
    (
        "a file where the folder goes",
        put("exp/taken", "precious"),
        "exp/taken: a file or link is where a folder should be",
        {"also": "--out exp/taken"},
    ),
)

SCORE = rows(
    "score",
    ("no decode", gone(f"{DECODE}/hyp.txt"), f"{DECODE}/hyp.txt: no such file"),
    (
        "a decode of others",
        swap(f"{DECODE}/phones.txt", "ann-test0", "ann-test9"),
        f'{DECODE}/phones.txt: 1 of 6 utterances are not there (first: "ann-test0"); remove {DECODE}/hyp.txt and '
        "run make",
    ),
    (
        "a decode in Latin-1",
        put(f"{DECODE}/phones.txt", b"ann-test0 \xc9\n"),
        f"{DECODE}/phones.txt:1: b'ann-test0 \\xc9\\n'",
    ),
    (
        "a million words against a million",
        both(swap(f"{TEST}/text", "ZERO", MILLION), swap(f"{DECODE}/hyp.txt", "ZERO", MILLION)),
        'utterance "ann-test0": 1000000 symbols cannot be compared with 1000000',
    ),
    ("no reference", gone(f"{GMM}/ali_test/reference.txt"), "ali_test/reference.txt: no such file"),
    ("a class given twice", put("data/toy/fold.txt", "AH AX\nAH AE\n"), "data/toy/fold.txt:2: "),
)


PLACE = rows(
    "place",
    ("a word that the lexicon lacks", swap(f"{TEST}/text", "ZERO", "NOUGHT"), 'word "NOUGHT" is not in lexicon.txt'),
    (
        "a transcript of a million words",
        swap(f"{TEST}/text", "ZERO", MILLION),
        ("ann-test0 (1000000 words in", "frames"),
    ),
    ("a teacher at no time", put(f"{TRAIN}/phones.ctm", "ann-train0 1 nan 0.1 AH\n"), f"{TRAIN}/phones.ctm:1: "),
    (
        "a fold.txt of three fields",
        both(put(f"{TRAIN}/phones.ctm", "ann-train0 1 0.1 0.1 AH\n"), put("data/toy/fold.txt", "AH AX A\n")),
        'data/toy/fold.txt:1: "AH AX A"',
    ),
)


EXPORT_ONNX = rows(
    "export_onnx",
    (
        "no such model",
        None,
        "exp/toy/nobody/meta.json: no such model; run: make nobody",
        {"also": "--model exp/toy/nobody"},
    ),
    ("no network", None, "exp/toy/gmm: no CTC network, and only these become ONNX", {"also": "--model exp/toy/gmm"}),
    ("a flipped bit in the weights", flipped(NEURAL), f"remove {NEURAL} and run: make neural"),
    (
        "features of an encoder from outside",
        values("exp/toy/neural/meta.json", front_end=lambda f: {**f, "raw": {**f["raw"], "kind": "tiny.block1"}}),
        "exp/toy/neural: tiny.block1 of 8000 Hz, 13 numbers every 10 ms: features of an encoder from outside are not",
    ),
    (
        "a folder where the file goes",
        folder("exp/toy/taken"),
        ("taken", ": Is a directory; move it away, or choose another name"),
        {"also": "--out exp/toy/taken"},
    ),
)
