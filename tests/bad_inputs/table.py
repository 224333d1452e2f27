"""The table: what is bad, at which stage, and what it says."""

from __future__ import annotations

import shutil
import struct

import numpy as np

from bad_inputs.spoil import (
    FLAC_OF_A_DAY,
    Row,
    Spoil,
    arrays,
    bomb,
    both,
    change,
    cut,
    deep,
    entry,
    flipped,
    folder,
    gone,
    half,
    matrix,
    member,
    pickled,
    pipe,
    promised,
    put,
    recorded,
    rows,
    sounding,
    swap,
    tarred,
    tensors,
    values,
    vector,
    wav,
)

DEV, TRAIN, TEST, LANG, GMM = "data/toy/dev", "data/toy/train", "data/toy/test", "data/toy/lang", "exp/toy/gmm"
DECODE = f"{GMM}/decode_test"
MILLION = "ZERO " * 1_000_000
FSDD = {"command": "--corpus fsdd --downloads downloads --cache cache --out data/toy"}
KALDI = {"command": "--corpus toy --corpus-dir data/toy --out data/other"}
HZ16 = swap(f"{DEV}/feats.json", "8000", "16000")
NOT_MINE = "features of 16000 Hz, variance normalised; the model exp/toy/gmm was trained on 8000 Hz"


def segments(first: str) -> Spoil:
    """segments of data/toy/dev, each a whole recording but the first."""
    utterances = [f"{speaker}-dev{number}" for speaker in ("ann", "bob") for number in range(3)]
    return put(f"{DEV}/segments", f"ann-dev0 {first}\n" + "".join(f"{utt} {utt} 0 0.5\n" for utt in utterances[1:]))


PREPARE = rows(
    "prepare_data",
    ("no such folder", None, "CORPUS_DIR=nowhere: no such folder", {"also": "--corpus-dir nowhere"}),
    ("a file for a folder", put("a.wav", wav()), "CORPUS_DIR=a.wav: no such folder", {"also": "--corpus-dir a.wav"}),
    (
        "no such corpus",
        None,
        "CORPUS=timid: no such corpus; use one of: an4, commonvoice, fsdd, ",
        {"command": "--corpus timid --out data/toy"},
    ),
    (
        "no such split",
        put("downloads/readme", ""),
        "SPLIT=random: fsdd has no such split; use one of: official, speaker",
        {**FSDD, "also": "--split random"},
    ),
    ("no such downloads", None, "DOWNLOADS=nowhere: no such folder", {**FSDD, "also": "--downloads nowhere"}),
    ("a name that leads elsewhere", None, "CORPUS=../toy: a corpus is named with letters", {"also": "--corpus ../toy"}),
    (
        "a Latin-1 transcript",
        put("corpus/dev/ann/dev0.txt", b"Z\xc9RO\n"),
        ("ann/dev0.txt:1: b'Z\\xc9RO\\n' is not UTF-8",),
    ),
    (
        "a Latin-1 lexicon",
        put("corpus/lexicon.txt", b"Z\xc9RO Z IH R OW\n"),
        "corpus/lexicon.txt:1: b'Z\\xc9RO Z IH R OW\\n' is not UTF-8; save the file as UTF-8",
    ),
    (
        "an escape character in a file name",
        lambda place: [
            path.rename(path.with_name(f"\x1b[2J{path.name}"))
            for path in sorted((place / "corpus/dev/ann").glob("dev0.*"))
        ],
        ("\\x1b[2Jdev0.wav: id ", "has U+001B in it", "rename the file or folder"),
    ),
    (
        "a UTF-16 transcript",
        put("corpus/dev/ann/dev0.txt", "ZERO\n".encode("utf-16")),
        "ann/dev0.txt:1: ",
    ),
    (
        "a transcript with NUL",
        put("corpus/dev/ann/dev0.txt", "ZERO\0ONE\n"),
        "a control character (U+0000) in 'ZERO\\x00ONE'",
    ),
    ("an empty transcript", put("corpus/dev/ann/dev0.txt", ""), "ann/dev0.txt: no words; write what is said"),
    (
        "audio without transcript",
        gone("corpus/dev/ann/dev0.txt"),
        "ann/dev0.wav: audio without transcript; write dev0.txt",
    ),
    ("transcript without audio", gone("corpus/dev/ann/dev0.wav"), "ann/dev0.txt: transcript without audio"),
    ("a folder called .wav", folder("corpus/dev/ann/dev0.wav"), "ann/dev0.txt: transcript without audio"),
    ("a named pipe called .wav", pipe("corpus/dev/ann/dev0.wav"), "ann/dev0.txt: transcript without audio"),
    ("a wav of no bytes", put("corpus/dev/ann/dev0.wav", b""), ("dev0.wav: 0 bytes", "1 of 28 utterances unreadable")),
    ("a wav of text", put("corpus/dev/ann/dev0.wav", b"<html>404</html>"), "dev0.wav: not a WAV file"),
    (
        "a wav that claims 1 MB",
        put("corpus/dev/ann/dev0.wav", wav(claimed=10**6)),
        "dev0.wav: truncated, 8000 of 1000000 bytes",
    ),
    ("a wav of 0 Hz", put("corpus/dev/ann/dev0.wav", wav(rate=0)), ("dev0.wav: ", "--allow-missing 1")),
    ("a wav of 1 GHz", put("corpus/dev/ann/dev0.wav", wav(rate=10**9)), "dev0.wav: a sample rate of 1000000000 Hz"),
    ("a wav of no channels", put("corpus/dev/ann/dev0.wav", wav(channels=0)), ("dev0.wav: ", "--allow-missing 1")),
    ("a wav of no samples", put("corpus/dev/ann/dev0.wav", wav(b"")), "dev0.wav: 0 samples"),
    (
        "a garbled TextGrid",
        both(gone("corpus/dev/ann/dev0.txt"), put("corpus/dev/ann/dev0.TextGrid", b"\xff\xfe\0ooTextFile")),
        "dev0.TextGrid: not a TextGrid",
    ),
    (
        "a pipe in wav.scp",
        change(f"{DEV}/wav.scp", lambda data: b"ann-dev0 touch ran |\n" + data.split(b"\n", 1)[1]),
        'dev/wav.scp:1: "touch ran |" is a pipe',
        KALDI,
    ),
    ("segments of no recording", segments("nobody 0 1"), 'segments:1: recording "nobody"', KALDI),
    (
        "a segment that ends before it begins",
        segments("ann-dev0 0.5 0.1"),
        'segments:1: "ann-dev0 0.5 0.1" is not',
        KALDI,
    ),
    ("a segment without end", segments("ann-dev0 0 nan"), 'segments:1: "ann-dev0 0 nan" is not', KALDI),
    ("a segment without a number", segments("ann-dev0 zero one"), 'segments:1: "ann-dev0 zero one" is not', KALDI),
    ("a segment behind the recording", segments("ann-dev0 1e6 1e7"), "1e+06", KALDI),
    (
        "an archive that is none",
        put("downloads/fsdd.tar.gz", "<html>404</html>"),
        "fsdd.tar.gz: a damaged archive",
        FSDD,
    ),
    (
        "an archive that leaves its folder",
        put("downloads/fsdd.tar.gz", tarred(("../../ran", "file", "x"))),
        "fsdd.tar.gz: would write outside its folder",
        FSDD,
    ),
    (
        "an archive with an absolute path",
        put("downloads/fsdd.tar.gz", tarred(("/tmp/phonoscope-ran", "file", "x"))),
        "fsdd.tar.gz: would write outside its folder",
        FSDD,
    ),
    (
        "an archive with a link out of it",
        put("downloads/fsdd.tar.gz", tarred(("a", "link", "../../.."), ("a/ran", "file", "x"))),
        "fsdd.tar.gz: would write outside its folder",
        FSDD,
    ),
    ("an archive of 10 TB", put("downloads/fsdd.tar.gz", tarred(("a", "huge", ""))), "out of all proportion", FSDD),
    ("an archive with a device", put("downloads/fsdd.tar.gz", tarred(("null", "device", ""))), "fsdd.tar.gz: ", FSDD),
    (
        "an option that is no number",
        None,
        "argument --allow-missing: invalid int value: 'x'",
        {"also": "--allow-missing x"},
    ),
)

LANGUAGE = rows(
    "make_lang",
    ("no text", gone(f"{TEST}/text"), f"{TEST}/text: no such file"),
    ("text that is a folder", folder(f"{TEST}/text"), f"{TEST}/text: not a file"),
    ("text that is a named pipe", pipe(f"{TEST}/text"), f"{TEST}/text: not a file"),
    ("empty text", put(f"{TEST}/text", ""), f"{TEST}/text: no utterances"),
    ("text in Latin-1", put(f"{TRAIN}/text", b"u1 Z\xc9RO\n"), f"{TRAIN}/text:1: b'u1 Z\\xc9RO\\n' is not UTF-8"),
    ("text in UTF-16", put(f"{TRAIN}/text", "u1 ZERO\n".encode("utf-16")), f"{TRAIN}/text:1: b'"),
    (
        "text without a line break for ever",
        change(f"{TRAIN}/text", lambda data: b"u" * (1 << 26) + data),
        f"{TRAIN}/text:1: a line of more than 64 MB",
    ),
    ("text with old Macintosh line ends", put(f"{TRAIN}/text", "u1 ZERO\ru2 ONE\r"), "a control character (U+000D)"),
    ("an empty line", swap(f"{TRAIN}/text", "\n", "\n\n"), f"{TRAIN}/text:2: empty line"),
    ("an utterance twice", change(f"{TRAIN}/text", lambda data: data + data), f"{TRAIN}/text:17: utterance "),
    (
        "no words at all",
        change(f"{TRAIN}/text", lambda data: b"".join(line.split()[0] + b"\n" for line in data.splitlines())),
        f"{TRAIN}/text: no words; a language model needs some",
    ),
    ("a text cut at a line", change(f"{TRAIN}/text", half), f"{TRAIN}/text: 8 of 16 utterances are not there (first: "),
    ("a reserved word", swap(f"{TRAIN}/text", "ZERO", "<s>"), f"{TRAIN}/text:1: "),
    ("a word without pronunciation", swap(f"{TRAIN}/text", "ZERO", "ZERRRO"), ("ZERRRO", "text:1")),
    ("a word of a million letters", swap(f"{TRAIN}/text", "ZERO", "Z" * 1_000_000), "ZZZ...ZZZ"),
    ("no such lexicon", None, "nowhere: no such file", {"also": "--lexicon nowhere"}),
    ("a lexicon without words", put("my.txt", "# nothing\n"), "my.txt: no words", {"also": "--lexicon my.txt"}),
    (
        "a word without phones",
        put("my.txt", "ZERO\nONE W AH N\n"),
        'my.txt:1: word "ZERO" has no phones',
        {"also": "--lexicon my.txt"},
    ),
    ("an unknown phone", put("my.txt", "ZERO Z IH R QQ\nONE W AH N\n"), ("my.txt", "QQ"), {"also": "--lexicon my.txt"}),
    (
        "a probability above one",
        put("my.txt", "ZERO 7.5 Z IH R OW\n"),
        'my.txt:1: probability 7.5 of word "ZERO"',
        {"also": "--lexicon my.txt"},
    ),
    (
        "a lexicon in Latin-1",
        put("my.txt", b"\xc9TE E T\n"),
        "my.txt:1: b'\\xc9TE E T\\n' is not UTF-8",
        {"also": "--lexicon my.txt"},
    ),
    ("an n-gram of no words", None, "argument --order: 0 is not a number of at least 1", {"also": "--order 0"}),
    ("a vocabulary that is none", None, "argument --vocab: invalid choice: 'ajar'", {"also": "--vocab ajar"}),
)

FEATURES = rows(
    "make_mfcc",
    ("no such folder", None, "nowhere: no such data directory", {"also": "--data nowhere"}),
    ("no wav.scp", gone(f"{DEV}/wav.scp"), f"{DEV}/wav.scp: no such file"),
    ("an empty wav.scp", put(f"{DEV}/wav.scp", ""), f"{DEV}/wav.scp: no utterances"),
    ("a command in wav.scp", swap(f"{DEV}/wav.scp", "ann-dev0 ", "ann-dev0 touch ran;"), f"{DEV}/wav.scp:1: "),
    (
        "audio without transcript",
        swap(f"{DEV}/text", "ann-dev0 ZERO\n", ""),
        'wav.scp:1: "ann-dev0": audio without transcript',
    ),
    (
        "transcript without audio",
        swap(f"{DEV}/text", "ann-dev0", "aaron ZERO\nann-dev0"),
        'text:1: "aaron": transcript without',
    ),
    ("an utterance twice", swap(f"{DEV}/text", "ann-dev1", "ann-dev0"), 'text:2: duplicate id "ann-dev0"'),
    (
        "unsorted tables",
        change(f"{DEV}/utt2spk", lambda data: b"\n".join(sorted(data.split(), reverse=True)) + b"\n"),
        f"{DEV}/utt2spk:1: ",
    ),
    ("a carriage return within a line", swap(f"{DEV}/text", "ann-dev0 ZERO", "ann-dev0 ZE\rRO"), f"{DEV}/text:1: "),
    ("a negative length", swap(f"{DEV}/utt2num_samples", "ann-dev0 ", "ann-dev0 -"), f"{DEV}/utt2num_samples:1: "),
    (
        "a length of 5000 digits",
        swap(f"{DEV}/utt2num_samples", "ann-dev0 ", "ann-dev0 " + "9" * 5000),
        f"{DEV}/utt2num_samples:1: ",
    ),
    (
        "an id that leads elsewhere",
        lambda place: [
            change(f"{DEV}/{name}", lambda data: data.replace(b"ann-dev0", b"a/../dev0"))(place)
            for name in ("wav.scp", "text", "utt2spk", "spk2utt", "utt2num_samples")
        ],
        ":1: ",
    ),
    (
        "an id of 300 letters",
        lambda place: [
            change(f"{DEV}/{name}", lambda data: data.replace(b"ann-dev0", b"a" * 300))(place)
            for name in ("wav.scp", "text", "utt2spk", "spk2utt", "utt2num_samples")
        ],
        ":1: ",
    ),
    ("no splits.json", gone("data/toy/splits.json"), "data/toy/splits.json: no such file; run: make data"),
    (
        "a splits.json of nothing",
        put("data/toy/splits.json", "{}"),
        "data/toy/splits.json: does not say the sample rate",
    ),
    (
        "a corpus of 0 Hz",
        values("data/toy/splits.json", sample_rate=0),
        "data/toy/splits.json: does not say the sample rate",
    ),
    (
        "a rate in words",
        values("data/toy/splits.json", sample_rate="8 kHz"),
        "data/toy/splits.json: does not say the sample",
    ),
    ("a recording that is gone", recorded("ann-dev0", make=lambda path: None), f"{DEV}/wav.scp:1: "),
    (
        "a recording that is a named pipe",
        both(pipe("odd.wav"), recorded("ann-dev0", make=lambda path: None)),
        "wav.scp:1: ",
    ),
    ("a recording that never ends", swap(f"{DEV}/wav.scp", "ann-dev0 ", "ann-dev0 /dev/zero "), f"{DEV}/wav.scp:1: "),
    ("a wav that claims 1 MB", sounding(wav(claimed=10**6)), "odd.wav: truncated, 8000 of 1000000 bytes"),
    ("a FLAC that claims a day", sounding(FLAC_OF_A_DAY), "odd.wav: 24.0 hours at a stretch, more than 1; cut it"),
    (
        "samples that are no numbers",
        sounding(wav(np.full(4000, np.nan, "<f4").tobytes(), kind=3, bits=32)),
        "odd.wav: samples that are not finite",
    ),
    ("a recording of 20 ms", sounding(wav(bytes(320))), "odd.wav: shorter than one 25 ms frame"),
    (
        "a folder where the archive goes",
        both(gone(f"{DEV}/feats.ark"), folder(f"{DEV}/feats.ark")),
        f"{DEV}/.feats.ark",
        {"changed": (f"{DEV}/feats.scp",)},
    ),
    ("a flag that is none", None, "argument --norm-vars: invalid choice: 'perhaps'", {"also": "--norm-vars perhaps"}),
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
        entry(f"{TRAIN}/feats.scp", "ann-train0", matrix(9, 39, rows=2**31 - 1)),
        "more elements promised than the file has bytes",
    ),
    (
        "a matrix of minus one rows",
        entry(f"{TRAIN}/feats.scp", "ann-train0", matrix(9, 39, rows=-1)),
        "negative dimensions",
    ),
    (
        "features that are NaN",
        entry(f"{TRAIN}/feats.scp", "ann-train0", matrix(50, 39, value=np.nan)),
        "ann-train0: odd.ark:0 holds no finite matrix",
    ),
    (
        "features that are infinite",
        entry(f"{TRAIN}/feats.scp", "ann-train0", matrix(50, 39, value=np.inf)),
        "ann-train0: odd.ark:0 holds no finite matrix",
    ),
    (
        "features of 13 dimensions among others",
        entry(f"{TRAIN}/feats.scp", "bob-train0", matrix(50, 13)),
        ("bob-train0: features of shape (50, 13)", FRAMES_OF_MINE),
    ),
    (
        "features of no frames",
        entry(f"{TRAIN}/feats.scp", "bob-train0", matrix(0, 39)),
        "bob-train0: features of shape (0, 39)",
    ),
    ("no feats.json", gone(f"{TRAIN}/feats.json"), f"{TRAIN}/feats.json: not the settings of the features"),
    (
        "a feats.json nested without end",
        deep(f"{TRAIN}/feats.json"),
        f"{TRAIN}/feats.json: not the settings of the features",
    ),
    (
        "a rate of 5000 digits",
        put(f"{TRAIN}/feats.json", '{"sample_rate": %s, "norm_vars": true}' % ("9" * 5000)),
        f"{TRAIN}/feats.json: not the settings of the features",
    ),
    (
        "a rate that is said twice",
        put(f"{TRAIN}/feats.json", '{"sample_rate": 8000, "sample_rate": 16000, "norm_vars": true}'),
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
        values(f"{GMM}/meta.json", features=None),
        f'{GMM}/meta.json: "features"',
    ),
    ("a transcript of a million words", swap(f"{DEV}/text", "ZERO", MILLION), ("ann-dev0 (1000000 words in", "frames")),
    ("a word that the lexicon lacks", swap(f"{DEV}/text", "ZERO", "NOUGHT"), 'word "NOUGHT" is not in lexicon.txt'),
    ("a fold.txt of three fields", put("data/toy/fold.txt", "AH AX A\n"), 'data/toy/fold.txt:1: "AH AX A"'),
    ("gold phones at no time", put(f"{DEV}/phones.ctm", "ann-dev0 1 nan 0.1 AH\n"), f"{DEV}/phones.ctm:1: "),
    ("gold phones that last for ever", put(f"{DEV}/phones.ctm", "ann-dev0 1 0.1 1e300 AH\n"), f"{DEV}/phones.ctm:1: "),
)

ALI = f"{GMM}/ali_dev/ali.scp"
TRAIN_FRAMES = rows(
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
    ("features of 16 kHz", HZ16, NOT_MINE),
    ("no reference phones", gone(f"{GMM}/ali_dev/reference.txt"), "ali_dev/reference.txt: no such file"),
    ("context of minus one frames", None, "--context", {"also": "--context -1"}),
)

TRAIN_NEURAL = rows(
    "train_ctc",
    ("dev of 16 kHz", HZ16, f"{DEV}: features made otherwise than those of {TRAIN}"),
    (
        "a lexicon that lacks a word",
        swap(f"{TRAIN}/text", "ZERO", "NOUGHT"),
        f"{TRAIN}/text: utterance ann-train0 has words",
    ),
    (
        "features that are NaN",
        entry(f"{TRAIN}/feats.scp", "ann-train0", matrix(50, 39, value=np.nan)),
        "holds no finite matrix",
    ),
    ("features of 13 dimensions among others", entry(f"{TRAIN}/feats.scp", "bob-train0", matrix(50, 13)), "bob-train0"),
    ("a network of no width", None, "setting width 0", {"also": "--width 0"}),
    ("all activations dropped", None, "setting dropout 1.0", {"also": "--dropout 1.0"}),
    ("a rate of NaN", None, "setting learning_rate nan", {"also": "--learning-rate nan"}),
    ("no jobs", None, "--jobs", {"also": "--jobs 0"}),
    ("a transcript of a million words", swap(f"{TRAIN}/text", "ZERO", MILLION), ("1 of 16 utterances", "ann-train0")),
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
        "meta.json: kind 'lstm' is none of classifier, ctc, gmm",
    ),
    ("a meta.json nested without end", deep(f"{GMM}/meta.json"), f"{GMM}/meta.json: not JSON (nested too deeply)"),
    ("a meta.json that is a named pipe", pipe(f"{GMM}/meta.json"), f"{GMM}/meta.json: no such model"),
)

NEURAL = "exp/toy/neural/model.safetensors"
WITH_NEURAL = {"also": "--model exp/toy/neural"}
WITH_FRAMES = {"also": "--model exp/toy/classifier"}
TUNING = f"{GMM}/tuning.json"
DECODING = rows(
    "decode",
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
        entry(f"{TEST}/feats.scp", "ann-test0", matrix(50, 13)),
        f"{GMM}: features of shape (50, 13)",
    ),
    ("features of 16 kHz", swap(f"{TEST}/feats.json", "8000", "16000"), NOT_MINE),
    ("features of another normalisation", swap(f"{TEST}/feats.json", "true", "false"), "variance not normalised"),
    ("features of nothing", put(f"{TEST}/feats.scp", ""), f"{TEST}/feats.scp: 6 of 6 utterances are not there"),
    (
        "an index that leads elsewhere",
        swap(f"{TEST}/feats.scp", "ann-test0", "../../ran"),
        "would lead to another folder",
    ),
    ("features beyond all measure", entry(f"{TEST}/feats.scp", "ann-test0", matrix(50, 39, value=3e38)), "not finite"),
    (
        "a classifier of other HMMs",
        arrays("exp/toy/classifier/model.safetensors", log_prior=np.zeros(5)),
        "exp/toy/classifier",
        WITH_FRAMES,
    ),
    (
        "a classifier of infinite context",
        arrays("exp/toy/classifier/model.safetensors", context=np.array(10**9)),
        "exp/toy/classifier/model.safetensors: not a frame classifier",
        WITH_FRAMES,
    ),
    (
        "a classifier whose HMMs are gone",
        values("exp/toy/classifier/meta.json", hmm="no\0where"),
        "no such model",
        WITH_FRAMES,
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

ALIGNED = f"{GMM}/ali_test/alignment.json"
PLACE = rows(
    "place",
    ("a word that the lexicon lacks", swap(f"{TEST}/text", "ZERO", "NOUGHT"), 'word "NOUGHT" is not in lexicon.txt'),
    (
        "a transcript of a million words",
        swap(f"{TEST}/text", "ZERO", MILLION),
        ("ann-test0 (1000000 words in", "frames"),
    ),
    ("no network to take as it is", None, "exp/toy/gmm: no CTC network, as --raw wants", {"also": "--raw"}),
    ("a teacher at no time", put(f"{TRAIN}/phones.ctm", "ann-train0 1 nan 0.1 AH\n"), f"{TRAIN}/phones.ctm:1: "),
    (
        "a fold.txt of three fields",
        both(put(f"{TRAIN}/phones.ctm", "ann-train0 1 0.1 0.1 AH\n"), put("data/toy/fold.txt", "AH AX A\n")),
        'data/toy/fold.txt:1: "AH AX A"',
    ),
)

BOUNDARIES = rows(
    "boundaries",
    ("no alignment", gone(ALIGNED), f"{ALIGNED}: no alignment (no such file)"),
    ("an alignment that is a list", put(ALIGNED, "[]"), f"{ALIGNED}: no alignment (no object of utterances)"),
    (
        "an alignment of another corpus",
        swap(ALIGNED, "ann-test0", "kim-test0"),
        f'{ALIGNED}: 1 of 6 utterances are not there (first: "ann-test0"); remove {ALIGNED} and run make again',
    ),
    (
        "a phone that ends before it begins",
        put(
            ALIGNED,
            '{"u": {"num_frames": 9, "words": [], "phones": [{"phone": "AH", "start": 5, "end": 2, "word": -1}]}}',
        ),
        "u: 'AH' from 5 to 2 of 9 frames",
    ),
    (
        "a phone of a word that is not there",
        put(
            ALIGNED,
            '{"u": {"num_frames": 9, "words": [], "phones": [{"phone": "AH", "start": 0, "end": 2, "word": 7}]}}',
        ),
        "u: word 7 of 0",
    ),
    ("gold phones at no time", put(f"{TEST}/phones.ctm", "ann-test0 1 nan 0.1 AH\n"), f"{TEST}/phones.ctm:1: "),
)

EXPLAIN_ERRORS = rows(
    "explain_errors",
    ("no decode", gone(f"{DECODE}/words.ctm"), f"{DECODE}/words.ctm: no such file"),
    (
        "a lattice that is gone",
        both(
            member(f"{DECODE}/lattices/word_arcs/lattices.jsonl.gz", "ann-test0"), swap(f"{TEST}/text", "ZERO", "ONE")
        ),
        f'{DECODE}/lattices/word_arcs/lattices.jsonl.gz: nothing of "ann-test0" is in it; decode again: remove ',
    ),
    ("no features of an utterance", change(f"{TEST}/feats.scp", lambda data: data.split(b"\n", 1)[1]), "ann-test0"),
    (
        "a tuning of flashlight without its readings",
        values(TUNING, search="flashlight"),
        f"{DECODE}/nbest.jsonl: no such file",
    ),
    ("a decode that is damaged", put(f"{DECODE}/free.ctm", "ann-test0 1 x y SIL\n"), f"{DECODE}/free.ctm:1: "),
)

MATRIX = rows(
    "matrix",
    ("no decode without grammar", None, "exp/toy/flat/gmm/decode_test: no such decode"),
    ("a system twice", None, '--systems: "gmm" for the second time', {"also": "--systems gmm gmm"}),
)

REPLAY = rows(
    "replay",
    (
        "no such utterance",
        None,
        'UTT "ann-test" is not in data/toy/test/text; did you mean ',
        {"also": "--utt ann-test"},
    ),
    ("no such graph", None, "--graph", {"also": "--graph loop"}),
    ("an untuned system", gone(TUNING), f"{TUNING}: no tuned settings"),
    (
        "no features",
        change(f"{TEST}/feats.scp", lambda data: data.split(b"\n", 1)[1]),
        '1 of 6 utterances are not there (first: "ann-test0")',
    ),
    ("a search that no model can do", values(TUNING, search="flashlight"), "no CTC network"),
)

FLAT_LANG = rows(
    "flat_lang",
    ("no lang", gone(f"{LANG}/lang.json"), f"{LANG}: no lang.json"),
    ("a damaged model", put(f"{LANG}/lm.arpa", "\\data\\\nngram 1=1\n"), f"{LANG}/lm.arpa:"),
)

COMPARE = rows(
    "compare",
    ("no such system", None, "exp/toy/magic/decode_test: no such decode", {"also": "--systems magic"}),
    ("a system twice", None, '"gmm" for the second time', {"also": "--systems gmm gmm"}),
    ("a speed of NaN", change(f"{DECODE}/decode.json", lambda data: b'{"rtf": NaN}'), 'decode.json: "rtf" is nan'),
    ("no speed", values(f"{DECODE}/decode.json", rtf=None), 'decode.json: no "rtf"'),
    ("parameters in words", values(f"{GMM}/meta.json", parameters="many"), "\"parameters\" is 'many', not int"),
    (
        "parameters of 5000 digits",
        change(f"{GMM}/meta.json", lambda data: b'{"parameters": ' + b"9" * 5000 + b"}"),
        "meta.json: not JSON",
    ),
    ("a lang.json cut short", cut(f"{LANG}/lang.json", 0.5), f"{LANG}/lang.json: not JSON"),
    (
        "a reference that lacks an utterance",
        swap(f"{GMM}/ali_test/reference.txt", "ann-test0", "ann-test9"),
        'reference.txt: 1 of 6 utterances are not there (first: "ann-test0")',
    ),
)

REPORT = rows(
    "report",
    ("words at no time", put(f"{DECODE}/words.ctm", "ann-test0 1 nan 0.1 ZERO 1\n"), f"{DECODE}/words.ctm:1: "),
    (
        "phones before the beginning",
        put(f"{DECODE}/phones.ctm", "ann-test0 1 -5 0.1 Z 1\n"),
        f"{DECODE}/phones.ctm:1: ",
    ),
    ("a CTM of two fields", put(f"{DECODE}/free.ctm", "ann-test0 1\n"), f"{DECODE}/free.ctm:1: "),
    (
        "utterances fewer than none",
        None,
        "argument --utterances: -1 is not a number of at least 0",
        {"also": "--utterances -1"},
    ),
    (
        "recordings that are gone",
        change(f"{TEST}/wav.scp", lambda data: data.replace(b"corpus/", b"corpse/")),
        "wav.scp:1: ",
    ),
    (
        "a link where the folder goes",
        lambda place: (place / "exp/linked").symlink_to("toy"),
        "exp/linked: a file or link",
        {"also": "--out exp/linked"},
    ),
)

FREE, WORDS = (f"{DECODE}/lattices/{graph}/lattices.jsonl.gz" for graph in ("free", "words"))
LATTICE = FREE, "ann-test0"
SHOW = rows(
    "show_lattice",
    ("no such utterance", None, 'UTT "nobody" is not in', {"also": "--utt nobody"}),
    (
        "an utterance that leads elsewhere",
        None,
        'UTT "../../../gmm/meta" is not in',
        {"also": "--utt ../../../gmm/meta"},
    ),
    ("no such model", None, 'MODEL "magic" has no free lattices', {"also": "--model magic"}),
    ("no such second model", None, 'MODEL "magic" has no free lattices', {"also": "--model2 magic"}),
    ("a floor that is no number", None, "argument --min-posterior: ", {"also": "--min-posterior high"}),
    ("no archive", gone(FREE), f"{FREE}: no such file; decode again: remove {DECODE}/hyp.txt and run: make"),
    ("no index", gone(f"{FREE}.index"), f"{FREE}.index: no such index; decode again: remove {DECODE}/hyp.txt"),
    ("an index cut short", cut(f"{FREE}.index", 0.5), f"{FREE}.index: damaged or cut short; decode again"),
    ("an index that is damaged", flipped(f"{FREE}.index"), f"{FREE}.index: damaged or cut short; decode again"),
    ("no lattice", member(*LATTICE), f'{FREE}: nothing of "ann-test0" is in it; decode again'),
    ("an archive cut short", cut(FREE, 0.1), f"{FREE}: ann-test0: cut short: it has "),
    ("a pipe in place of the archive", pipe(FREE), f"{FREE}: no such file; "),
    (
        "the index of another archive",
        lambda place: shutil.copy(place / f"{WORDS}.index", place / f"{FREE}.index"),
        f"{FREE}: ann-test0: damaged, or the index is another's",
    ),
    (
        "the lattice of another graph's archive",
        member(*LATTICE, utterance="ann-test1"),
        f'{FREE}: ann-test0: a lattice of "ann-test1" in its place; ',
    ),
    ("a lattice nested without end", member(*LATTICE, b"[" * 200_000), f"{FREE}: ann-test0: not JSON (nested too"),
    ("a lattice cut short", member(*LATTICE, lambda data: data[:99]), f"{FREE}: ann-test0: not JSON"),
    (
        "a lattice that unpacks to more than any",
        lambda place: bomb(place / FREE, "ann-test0"),
        f"{FREE}: ann-test0: unpacks to more than the 67108864 bytes it may have; decode again",
    ),
    (
        "a lattice of another version",
        member(*LATTICE, version=1),
        f"(version 1, this program reads 2); decode again: remove {DECODE}/hyp.txt and run: make",
    ),
    (
        "a lattice whose arcs go back",
        member(*LATTICE, arcs=lambda arcs: arcs[::-1]),
        f"{FREE}: ann-test0: not a phone lattice",
    ),
    ("a lattice with scores of NaN", member(*LATTICE, acoustic_scale=float("nan")), "scores are not finite"),
    (
        "a lattice with times of 400 digits",
        member(*LATTICE, nodes=lambda nodes: [*nodes[:-1], 10**400]),
        "not a phone lattice",
    ),
    ("a lattice as long as the universe", member(*LATTICE, num_frames=10**300), "frames outside the utterance"),
    ("a lattice without arcs", member(*LATTICE, arcs=[]), f"{FREE}: ann-test0: not a phone lattice"),
)

DIFFERENCE = rows(
    "lattice_difference",
    (
        "a system without lattices",
        None,
        "exp/toy/magic/decode_test/lattices/free: no lattices; ",
        {"also": "--systems gmm magic"},
    ),
    ("one system", None, "argument --systems: expected 2 arguments", {"also": "--systems gmm"}),
    ("an archive cut short", cut(FREE, 0.1), f"{FREE}: ann-test0: cut short"),
    ("no reference times", gone(f"{GMM}/ali_test/phones.ctm"), "ali_test/phones.ctm: no such file"),
)

EXPORT = rows(
    "export_lattices",
    (
        "no such graph",
        None,
        "lattices/magic: no lattices; GRAPH is free",
        {"also": f"--lattices {DECODE}/lattices/magic"},
    ),
    ("an archive with a flipped bit", flipped(WORDS), (f"{WORDS}: ", ": damaged, or the index is another's")),
    (
        "lattices of two scales",
        member(WORDS, "ann-test0", acoustic_scale=7.5),
        f"{DECODE}/lattices/words: of several searches",
    ),
)

LOOK = rows(
    "show",
    ("no such stage", None, 'STAGE "taste" is none of: data, ', {"also": "--stage taste"}),
    (
        "no such utterance",
        None,
        'UTT "ann-tset0" is not in data/toy/{test,dev,train}/text; did you mean ann-test0',
        {"also": "--stage data --utt ann-tset0"},
    ),
    ("no utterance", None, "name an utterance, UTT=..., of ", {"also": "--stage data --utt="}),
    (
        "a recording that is gone",
        change(f"{TEST}/wav.scp", lambda data: data.replace(b"corpus/", b"corpse/")),
        "wav.scp:1: ",
        {"also": "--stage data"},
    ),
    ("no lang directory", None, "nowhere", {"also": "--stage lexicon --lang nowhere"}),
    ("no features", gone(f"{TEST}/feats.scp"), "feats.scp: no such index", {"also": "--stage mfcc"}),
    (
        "features of others only",
        swap(f"{TEST}/feats.scp", "ann-test0 ", "ann-test9 "),
        '1 of 6 utterances are not there (first: "ann-test0")',
        {"also": "--stage mfcc"},
    ),
    (
        "a CTM of no times",
        put("exp/toy/gmm/ali_test/phones.ctm", "ann-test0 1 soon 1 Z\n"),
        "phones.ctm:1: ",
        {"also": "--stage mfcc"},
    ),
    (
        "no network",
        gone("exp/toy/neural/model.safetensors"),
        "model.safetensors: no such file",
        {"also": "--stage neural"},
    ),
    ("features of another rate", swap(f"{TEST}/feats.json", "8000", "16000"), NOT_MINE, {"also": "--stage gmm"}),
    (
        "an alignment of other features",
        entry(f"{GMM}/ali_test/ali.scp", "ann-test0", vector(0, 1, 2)),
        "ali.scp: ann-test0: an alignment of other features",
        {"also": "--stage classifier"},
    ),
    (
        "an alignment of another text",
        put(f"{GMM}/ali_test/phones.ctm", "ann-test0 1 0.0075 0.5 OY\n"),
        "ali.scp: ann-test0: an alignment of other features, or by another model",
        {"also": "--stage gmm"},
    ),
    (
        "an alignment.json of something else",
        put(f"{GMM}/ali_test/alignment.json", "[]"),
        "alignment.json: no alignment",
        {"also": "--stage align"},
    ),
    (
        "an alignment.json of other utterances",
        put(f"{GMM}/ali_test/alignment.json", "{}"),
        '"ann-test0" is not aligned there',
        {"also": "--stage align"},
    ),
    (
        "a system that has not aligned",
        None,
        '"ann-test0" is not aligned by magic',
        {"also": "--stage align --systems magic"},
    ),
    (
        "a system that has not decoded",
        None,
        "magic: not decoded in exp/toy; there are: classifier, gmm, neural",
        {"also": "--stage decode --systems magic"},
    ),
    (
        "an utterance that is not decoded",
        None,
        'UTT "ann-dev0" is of dev, and only the test set is decoded',
        {"also": "--stage score --utt ann-dev0"},
    ),
    (
        "a hypothesis that is missing",
        swap(f"{DECODE}/hyp.txt", "ann-test0", "ann-test9"),
        'hyp.txt: no line for "ann-test0"',
        {"also": "--stage score"},
    ),
    ("a score of nothing", put(f"{DECODE}/wer.txt", "100 %\n"), "wer.txt:1: '100 %' is not", {"also": "--stage score"}),
    (
        "n-best lists that are none",
        put(f"{DECODE}/nbest.jsonl", "[1]\n"),
        "nbest.jsonl:1: no n-best list",
        {"also": "--stage decode"},
    ),
    (
        "a decode without its settings",
        put(f"{DECODE}/decode.json", "{}"),
        'decode.json: no "search"',
        {"also": "--stage decode"},
    ),
    ("no lattice", member(*LATTICE), 'no lattice of "ann-test0"', {"also": "--stage lattice"}),
)

CHECK = rows(
    "check",
    ("no such folder", None, "nowhere", {"command": "nowhere"}),
    ("a file", put("a.wav", wav()), "a.wav", {"command": "a.wav"}),
    ("text in Latin-1", put(f"{DEV}/text", b"ann-dev0 Z\xc9RO\n"), f"{DEV}: "),
    ("an empty wav.scp", put(f"{DEV}/wav.scp", ""), f"{DEV}: "),
    ("segments at no time", segments("ann-dev0 0 nan"), f"{DEV}: "),
    ("a wav that claims 1 MB", sounding(wav(claimed=10**6)), f"{DEV}: 1 errors"),
    ("a FLAC that claims a day", sounding(FLAC_OF_A_DAY), f"{DEV}: "),
)

TRANSCRIBE = rows(
    "transcribe",
    ("no such recording", None, "nowhere.wav: ", {"also": "--wav nowhere.wav"}),
    ("a folder", None, "corpus: ", {"also": "--wav corpus"}),
    ("a recording that is a named pipe", pipe("odd.wav"), "odd.wav: ", {"also": "--wav odd.wav"}),
    ("a recording that never ends", None, "/dev/zero: ", {"also": "--wav /dev/zero"}),
    ("a wav of text", put("odd.wav", "<html>404</html>"), "odd.wav: not a WAV file", {"also": "--wav odd.wav"}),
    ("a wav that claims 1 MB", put("odd.wav", wav(claimed=10**6)), "odd.wav: truncated", {"also": "--wav odd.wav"}),
    ("a FLAC that claims a day", put("odd.flac", FLAC_OF_A_DAY), "odd.flac: ", {"also": "--wav odd.flac"}),
    (
        "samples that are no numbers",
        put("odd.wav", wav(np.full(4000, np.nan, "<f4").tobytes(), kind=3, bits=32)),
        "odd.wav: samples that are not finite",
        {"also": "--wav odd.wav"},
    ),
    ("a recording of 20 ms", put("odd.wav", wav(bytes(320))), "odd.wav: ", {"also": "--wav odd.wav"}),
    (
        "no such model",
        None,
        "none of gmm is trained and tuned yet",
        {"command": "--wav corpus/test/ann/test0.wav --exp exp/toy --system gmm nowhere data/toy/lang"},
    ),
    ("a tuning of nothing", put(TUNING, "{}"), f"{TUNING}: no tuned settings"),
)

SAYING = "--exp exp/toy --system gmm exp/toy/gmm --lang data/toy/lang --cache cache --wav corpus/test/ann/test0.wav"
ALIGN_TEXT = rows(
    "align_text",
    ("no text", None, "", {"command": SAYING}),
    ("no such text", None, "nowhere.txt: no such file", {"command": f"{SAYING} --text-file nowhere.txt"}),
    (
        "a text in Latin-1",
        put("said.txt", b"Z\xc9RO\n"),
        "said.txt:1: b'Z\\xc9RO\\n' is not UTF-8",
        {"command": f"{SAYING} --text-file said.txt"},
    ),
    (
        "a text of a million words",
        put("said.txt", MILLION),
        "1000000 words of the text do not fit",
        {"command": f"{SAYING} --text-file said.txt"},
    ),
    ("a text of nothing but signs", put("said.txt", "... !\n"), "", {"command": f"{SAYING} --text-file said.txt"}),
    ("no such recording", None, "nowhere.wav: ", {"also": "--wav nowhere.wav"}),
)

PRON_PROBS = rows(
    "pron_probs",
    ("no alignment", gone(f"{GMM}/ali_train/phones.ctm"), "phones.ctm: no such file"),
    ("an alignment at no time", swap(f"{GMM}/ali_train/phones.ctm", " 0.", " nan"), "phones.ctm:1: "),
    ("an alignment of two fields", put(f"{GMM}/ali_train/words.ctm", "ann-train0 1\n"), "words.ctm:1: "),
    (
        "a file where the folder goes",
        put("exp/taken", "precious"),
        "exp/taken: a file or link",
        {"also": "--out exp/taken"},
    ),
)

SHOW_PRON_PROBS = rows(
    "show_pron_probs",
    ("no tuning", None, "exp/toy/probs/without/tuning.json: no tuned settings"),
    ("features of 16 kHz", HZ16, "features of 16000 Hz"),
)

RECORD = rows(
    "record", ("no time", None, "SECONDS=0"), ("a time of NaN", None, "SECONDS=nan", {"also": "--seconds nan"})
)

ROWS: list[Row] = [
    *PREPARE,
    *LANGUAGE,
    *FEATURES,
    *TRAIN_GMM,
    *ALIGN,
    *TRAIN_FRAMES,
    *TRAIN_NEURAL,
    *TUNE,
    *DECODING,
    *SCORE,
    *PLACE,
    *BOUNDARIES,
    *EXPLAIN_ERRORS,
    *MATRIX,
    *REPLAY,
    *FLAT_LANG,
    *COMPARE,
    *REPORT,
    *SHOW,
    *DIFFERENCE,
    *EXPORT,
    *LOOK,
    *CHECK,
    *TRANSCRIBE,
    *ALIGN_TEXT,
    *PRON_PROBS,
    *SHOW_PRON_PROBS,
    *RECORD,
]
