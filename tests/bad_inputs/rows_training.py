"""What is bad for the stages that train and align, and what they say."""

from __future__ import annotations

import struct

import numpy as np

from bad_inputs.paths import ALI, DEV, GMM, HZ16, LANG, MILLION, NOT_MINE, SPEEDS, TRAIN
from bad_inputs.spoil import (
    arrays,
    both,
    change,
    cut,
    deep,
    entry,
    flipped,
    gone,
    half,
    matrix,
    pickled,
    pipe,
    promised,
    put,
    rows,
    swap,
    values,
    vector,
)

FRAMES_OF_MINE = "make the features again"
TRAIN_GMM = rows(
    "train_gmm",
    ("no features", gone(f"{TRAIN}/feats.scp"), f"{TRAIN}/feats.scp: no such index"),
    ("features of nothing", put(f"{TRAIN}/feats.scp", ""), f"{TRAIN}/feats.scp: 16 of 16 utterances are not there"),
    (
        "features of others",
        put(f"{TRAIN}/feats.scp", "nobody feats.ark:5\n"),
        f"{TRAIN}/feats.scp: 16 of 16 utterances are not there",
    ),
    (
        "an index cut at a line",
        change(f"{TRAIN}/feats.scp", half),
        f"{TRAIN}/feats.scp: 8 of 16 utterances are not there",
    ),
    (
        "an index cut at a line, without checksums",
        both(change(f"{TRAIN}/feats.scp", half), gone(f"{TRAIN}/feats.crc")),
        f'{TRAIN}/feats.scp: 8 of 16 utterances are not there (first: "bob-train0"); remove {TRAIN}/feats.scp and '
        "run make",
    ),
    (
        "checksums cut at a line",
        change(f"{TRAIN}/feats.crc", half),
        f"{TRAIN}/feats.crc: damaged or cut short; remove {TRAIN}/feats.scp and run make",
    ),
    (
        "a flipped bit in the features",
        flipped(f"{TRAIN}/feats.ark"),
        f"is damaged, its checksum is another; remove {TRAIN}/feats.scp",
    ),
    (
        "an index that runs a command",
        put(f"{TRAIN}/feats.scp", "ann-train0 touch ran |\n"),
        "feats.scp:1: 'ann-train0 touch ran |'",
    ),
    (
        "an index with an utterance twice",
        change(f"{TRAIN}/feats.scp", lambda data: data + data),
        'feats.scp:17: utterance "ann-train0" for the second time',
    ),
    (
        "an index that leads elsewhere",
        swap(f"{TRAIN}/feats.scp", "ann-train0", "../../ran"),
        "would lead to another folder",
    ),
    ("an archive that is gone", gone(f"{TRAIN}/feats.ark"), "ann-train0: cannot read data/toy/train/feats.ark:"),
    (
        "an archive that is a named pipe",
        both(gone(f"{TRAIN}/feats.ark"), pipe(f"{TRAIN}/feats.ark")),
        "ann-train0: cannot read",
    ),
    ("an archive cut short", cut(f"{TRAIN}/feats.ark", 0.5), "cannot read data/toy/train/feats.ark:"),
    ("a pickle for a matrix", entry(f"{TRAIN}/feats.scp", "ann-train0", b"PKL" + pickled()), "no binary Kaldi matrix"),
    (
        "a matrix of 300 GB",
        entry(f"{TRAIN}/feats.scp", "ann-train0", matrix(9, 13, rows=2**31 - 1)),
        "more elements promised than the file has bytes",
    ),
    (
        "a matrix of minus one rows",
        entry(f"{TRAIN}/feats.scp", "ann-train0", matrix(9, 13, rows=-1)),
        "negative dimensions",
    ),
    (
        "features that are NaN",
        entry(f"{TRAIN}/feats.scp", "ann-train0", matrix(50, 13, value=np.nan)),
        "ann-train0: odd.ark:0 holds no finite matrix",
    ),
    (
        "features that are infinite",
        entry(f"{TRAIN}/feats.scp", "ann-train0", matrix(50, 13, value=np.inf)),
        "ann-train0: odd.ark:0 holds no finite matrix",
    ),
    (
        "features of 9 dimensions among others",
        entry(f"{TRAIN}/feats.scp", "bob-train0", matrix(50, 9)),
        ("bob-train0: features of shape (50, 9)", FRAMES_OF_MINE),
    ),
    (
        "features of no frames",
        entry(f"{TRAIN}/feats.scp", "bob-train0", matrix(0, 13)),
        "bob-train0: features of shape (0, 13)",
    ),
    ("no feats.json", gone(f"{TRAIN}/feats.json"), f"{TRAIN}/feats.json: not the settings of the features"),
    (
        "a feats.json nested without end",
        deep(f"{TRAIN}/feats.json"),
        f"{TRAIN}/feats.json: not the settings of the features",
    ),
    (
        "a rate of 5000 digits",
        put(f"{TRAIN}/feats.json", '{"kind": "mfcc", "sample_rate": %s, "coefficients": 13}' % ("9" * 5000)),
        f"{TRAIN}/feats.json: not the settings of the features",
    ),
    (
        "a rate that is said twice",
        put(f"{TRAIN}/feats.json", '{"sample_rate": 8000, "sample_rate": 16000}'),
        "a name occurs twice",
    ),
    (
        "a transcript of a million words",
        swap(f"{TRAIN}/text", "ZERO", MILLION),
        ("ann-train0 (1000000 words in", "frames"),
    ),
    ("no lang", gone(f"{LANG}/lang.json"), f"{LANG}: no lang.json"),
    ("a lang.json of nothing", put(f"{LANG}/lang.json", ""), f"{LANG}/lang.json: "),
    ("a phone table that skips a number", swap(f"{LANG}/phones.txt", " 2\n", " 3\n"), f"{LANG}/phones.txt:3: "),
    ("a lexicon with a probability of NaN", swap(f"{LANG}/lexicon.txt", "1.0", "nan"), f"{LANG}/lexicon.txt:1: "),
    ("a lexicon with an unknown phone", swap(f"{LANG}/lexicon.txt", " AH", " QQ"), 'phone "QQ" is not in phones.txt'),
    ("a language model cut short", cut(f"{LANG}/lm.arpa", 0.8), f"{LANG}/lm.arpa:"),
    ("a language model of NaN", swap(f"{LANG}/lm.arpa", "-99.0", "nan"), ("lm.arpa:", "is not a line of an ARPA file")),
    (
        "a language model of a billion orders",
        swap(f"{LANG}/lm.arpa", "ngram 1=", "ngram 1000000000=0\nngram 1="),
        f"{LANG}/lm.arpa: ",
    ),
    ("no Gaussians", None, "--max-mix", {"also": "--max-mix 0"}),
    ("passes less than none", None, "--passes", {"also": "--passes -1"}),
    ("a trainer that is none", None, "argument --trainer: invalid choice: 'magic'", {"also": "--trainer magic"}),
    (
        "a file where the model goes",
        put("exp/taken", "precious"),
        "exp/taken: File exists; move it away",
        {"also": "--out exp/taken"},
    ),
)

ALIGN = rows(
    "align",
    ("no model", gone(f"{GMM}/model.safetensors"), f"{GMM}/model.safetensors: no such model; run: make gmm"),
    ("a model that is a named pipe", pipe(f"{GMM}/model.safetensors"), f"{GMM}/model.safetensors: no such model"),
    ("a model cut short", cut(f"{GMM}/model.safetensors", 0.7), f"{GMM}/model.safetensors: not a GMM-HMM model"),
    (
        "a pickle for a model",
        put(f"{GMM}/model.safetensors", pickled()),
        f"{GMM}/model.safetensors: not a GMM-HMM model",
    ),
    ("a model of 8 TB", put(f"{GMM}/model.safetensors", promised("floor", 8 * 10**12)), "not a GMM-HMM model"),
    ("a model with a header of 8 TB", put(f"{GMM}/model.safetensors", struct.pack("<Q", 8 * 10**12)), "not a GMM-HMM"),
    ("means that are NaN", arrays(f"{GMM}/model.safetensors", AH__means=np.full((3, 1, 39), np.nan)), "AH.means"),
    ("means beyond all measure", arrays(f"{GMM}/model.safetensors", AH__means=np.full((3, 1, 39), 1e200)), "AH.means"),
    ("features of 16 kHz", HZ16, NOT_MINE),
    (
        "a model that does not say its features",
        values(f"{GMM}/meta.json", front_end=None),
        f'{GMM}/meta.json: "front_end"',
    ),
    (
        "a network",
        None,
        "exp/toy/neural: no system of HMMs, with whose states frames can be aligned; choose one: REFERENCE=gmm",
        {"also": "--model exp/toy/neural"},
    ),
    ("a transcript of a million words", swap(f"{DEV}/text", "ZERO", MILLION), ("ann-dev0 (1000000 words in", "frames")),
    ("a word that the lexicon lacks", swap(f"{DEV}/text", "ZERO", "NOUGHT"), 'word "NOUGHT" is not in lexicon.txt'),
    ("a fold.txt of three fields", put("data/toy/fold.txt", "AH AX A\n"), 'data/toy/fold.txt:1: "AH AX A"'),
    ("gold phones at no time", put(f"{DEV}/phones.ctm", "ann-dev0 1 nan 0.1 AH\n"), f"{DEV}/phones.ctm:1: "),
    ("gold phones that last for ever", put(f"{DEV}/phones.ctm", "ann-dev0 1 0.1 1e300 AH\n"), f"{DEV}/phones.ctm:1: "),
)


TRAIN_CLASSIFIER = rows(
    "train_classifier",
    ("no alignment", gone(ALI), f"{ALI}: no such index"),
    ("an alignment of nothing", put(ALI, ""), f"{ALI}: 6 of 6 utterances are not there"),
    (
        "an alignment cut at a line",
        both(change(ALI, half), gone(f"{GMM}/ali_dev/ali.crc")),
        f'{ALI}: 3 of 6 utterances are not there (first: "bob-dev0"); remove {GMM}/ali_dev/phones.txt and run make',
    ),
    (
        "a flipped bit in the alignment",
        flipped(f"{GMM}/ali_train/ali.ark"),
        f"its checksum is another; remove {GMM}/ali_train/phones.txt",
    ),
    (
        "reference phones cut at a line",
        change(f"{GMM}/ali_dev/reference.txt", half),
        "reference.txt: 3 of 6 utterances are not there",
    ),
    ("an alignment of others", swap(ALI, "ann-dev0", "ann-dev9"), f"{ALI}: 1 of 6 utterances are not there"),
    ("an alignment too short", entry(ALI, "ann-dev0", vector(1, 2, 3)), f"{ALI}: ann-dev0: not one of"),
    ("an alignment that is a matrix", entry(ALI, "ann-dev0", matrix(50, 2)), f"{ALI}: ann-dev0: not one of"),
    (
        "an alignment with other densities",
        entry(ALI, "ann-dev0", vector(*[99999] * 58)),
        f"{ALI}: ann-dev0: not one of",
    ),
    ("an alignment of two billion frames", entry(ALI, "ann-dev0", b"\0B\4\xff\xff\xff\x7f"), "more elements promised"),
    ("features of 16 kHz", HZ16, "mfcc of 16000 Hz, 13 numbers every 10 ms; the training set has mfcc of 8000 Hz"),
    ("no reference phones", gone(f"{GMM}/ali_dev/reference.txt"), "ali_dev/reference.txt: no such file"),
    ("context of minus one frames", None, "--context", {"also": "--context -1"}),
)

TRAIN_ALI = f"{GMM}/ali_train/ali.scp"
TRAIN_TRI = rows(
    "train_tri",
    ("no alignment", gone(TRAIN_ALI), f"{TRAIN_ALI}: no such index"),
    ("an alignment cut at a line", change(TRAIN_ALI, half), f"{TRAIN_ALI}: 8 of 16 utterances are not there"),
    ("no times of phones", gone(f"{GMM}/ali_train/phones.ctm"), "ali_train/phones.ctm: no such file"),
    ("phones of others", swap(f"{GMM}/ali_train/phones.ctm", " OW", " AH"), "phones.ctm: the 6 lines of utterance"),
    ("an alignment too short", entry(TRAIN_ALI, "ann-train0", vector(1, 2, 3)), "ann-train0: not a density of its"),
    ("other densities", entry(TRAIN_ALI, "ann-train0", vector(*[99999] * 58)), "ann-train0: not a density of its"),
    ("an alignment that is a matrix", entry(TRAIN_ALI, "ann-train0", matrix(50, 2)), "ann-train0: not a density of"),
    ("no teacher", None, "exp/none/model.safetensors: no such model", {"also": "--teacher exp/none"}),
    ("a network as teacher", None, "not a GMM-HMM model of phonoscope", {"also": "--teacher exp/toy/neural"}),
    ("no rounds", None, "--rounds: 0 is not a number of at least 1", {"also": "--rounds 0"}),
)

TRAIN_NEURAL = rows(
    "train_ctc",
    ("dev of 16 kHz", HZ16, (f"{DEV}/feats.scp: mfcc of 16000 Hz, ", "the training set has mfcc of 8000 Hz")),
    (
        "a lexicon that lacks a word",
        swap(f"{TRAIN}/text", "ZERO", "NOUGHT"),
        f"{TRAIN}/text: utterance ann-train0 has words",
    ),
    (
        "features that are NaN",
        entry(f"{TRAIN}/feats.scp", "ann-train0", matrix(50, 13, value=np.nan)),
        "holds no finite matrix",
    ),
    ("features of 9 dimensions among others", entry(f"{TRAIN}/feats.scp", "bob-train0", matrix(50, 9)), "bob-train0"),
    ("a network of no width", None, "setting width 0", {"also": "--width 0"}),
    ("all activations dropped", None, "setting dropout 1.0", {"also": "--dropout 1.0"}),
    ("a rate of NaN", None, "setting learning_rate nan", {"also": "--learning-rate nan"}),
    *(
        (f"a speed of {word}", None, f"speed '{word}': write a number", {"also": f"--speeds 1.0 {word}"})
        for word in SPEEDS
    ),
    (
        "a speed of which there are no features",
        None,
        (
            f"{TRAIN}/speed0.9/feats.scp: no features at speed 0.9; run: make {TRAIN}/speed0.9/feats.scp;",
            "--speeds 1.0",
        ),
        {"also": "--speeds 0.9 1.0"},
    ),
    ("no jobs", None, "--jobs", {"also": "--jobs 0"}),
    ("a beginning that is not there", None, "exp/none/meta.json: no such model", {"also": "--init exp/none"}),
    ("a beginning that is a GMM", None, "exp/toy/gmm: no network to begin with", {"also": f"--init {GMM}"}),
    (
        "a beginning of another width",
        None,
        "exp/toy/neural: none of its layers fits conv-bilstm of width 16",
        {"also": "--init exp/toy/neural --width 16 --out exp/toy/other"},
    ),
    ("a transcript of a million words", swap(f"{TRAIN}/text", "ZERO", MILLION), ("1 of 16 utterances", "ann-train0")),
)


ABLATION = rows(
    "ablate",
    ("a model that is none", gone("exp/toy/neural/meta.json"), "exp/toy/neural/meta.json: no such model"),
    ("a system without a network", None, "exp/toy/gmm: no network with settings", {"also": "--model exp/toy/gmm"}),
    (
        "settings of another program",
        values("exp/toy/neural/meta.json", settings={"depth": 3}),
        "exp/toy/neural/meta.json: settings that are not those of training",
    ),
    ("a setting of no network", None, "'depth=3': write NAME=VALUE", {"also": "--changes noise=0 depth=3"}),
    ("a setting without a value", None, "'noise': write NAME=VALUE", {"also": "--changes noise"}),
    ("a value that is no number", None, "--noise: invalid float value: 'loud'", {"also": "--changes noise=loud"}),
    ("a speed of nought", None, "speed '0': write a number", {"also": "--changes speeds=1.0,0"}),
    ("two values of noise", None, "unrecognized arguments: 0.2", {"also": "--changes noise=0.1,0.2"}),
    ("an encoder that is none", None, "argument --encoder: invalid choice: 'rnn'", {"also": "--changes encoder=rnn"}),
    ("a network of no width", None, "setting width 0", {"also": "--changes width=0"}),
    ("no epochs at all", None, "setting epochs 0", {"also": "--throughout epochs=0"}),
    ("dev of 16 kHz", HZ16, (f"{DEV}/feats.scp: mfcc of 16000 Hz, ", "the training set has mfcc of 8000 Hz")),
)


RATES = rows(
    "find_rate",
    ("rates that fall", None, "use 0 < --lowest < --highest < 1", {"also": "--lowest 0.1 --highest 0.01"}),
    ("a rate of NaN", None, "use 0 < --lowest < --highest < 1", {"also": "--lowest nan"}),
    ("one update", None, "--updates: 1 is not a number of at least 2", {"also": "--updates 1"}),
    (
        "a system without a network",
        None,
        "--system gmm: no network",
        {"command": f"--system gmm --data {TRAIN} --dev {DEV} --lang {LANG} --out {GMM}/rates.tsv"},
    ),
    ("a network of no width", None, "setting width 0", {"also": "--width 0"}),
    ("dev of 16 kHz", HZ16, (f"{DEV}/feats.scp: mfcc of 16000 Hz, ", "the training set has mfcc of 8000 Hz")),
)
