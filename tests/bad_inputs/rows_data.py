"""What is bad for the stages that make data, lexicon and features, and what they say."""

from __future__ import annotations

import numpy as np

from bad_inputs.paths import DEV, FSDD, KALDI, SPEEDS, TEST, TRAIN, segments
from bad_inputs.spoil import (
    FLAC_OF_A_DAY,
    both,
    change,
    folder,
    gone,
    half,
    pipe,
    put,
    recorded,
    rows,
    sounding,
    swap,
    tarred,
    values,
    wav,
)

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
    *((f"a speed of {word}", None, f"speed '{word}': write a number", {"also": f"--speed {word}"}) for word in SPEEDS),
    ("a speed among the ordinary", None, f"looked for in {DEV}/speed0.9", {"also": f"--speed 0.9 --out {DEV}"}),
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
    ("a kind that is none", None, "argument --features: invalid choice: 'plp'", {"also": "--features plp"}),
    (
        "a folder where nobody looks",
        None,
        "--out own: features of kind mfcc at speed 1.0 are looked for in",
        {"also": "--out own"},
    ),
)
