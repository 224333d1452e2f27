"""What is bad for the stages that take data, recordings and texts of one's own, and what they say."""

from __future__ import annotations

import numpy as np

from bad_inputs.paths import DEV, GMM, HZ16, MILLION, NOT_MINE, TUNING, segments
from bad_inputs.spoil import FLAC_OF_A_DAY, gone, pipe, put, rows, sounding, swap, wav

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

LISTEN = rows(
    "listen",
    ("no such recording", None, "nowhere.wav: no such audio file", {"also": "--wav nowhere.wav"}),
    ("a folder", None, "corpus: a folder, not audio file", {"also": "--wav corpus"}),
    ("a recording of 0 bytes", put("odd.wav", ""), "odd.wav: 0 bytes", {"also": "--wav odd.wav"}),
    ("a recording of 20 ms", put("odd.wav", wav(bytes(320))), "shorter than one frame", {"also": "--wav odd.wav"}),
    ("a wav of text", put("odd.wav", "<html>404</html>"), "odd.wav: not a WAV file", {"also": "--wav odd.wav"}),
    ("a wav that claims 1 MB", put("odd.wav", wav(claimed=10**6)), "odd.wav: truncated", {"also": "--wav odd.wav"}),
    (
        "a wav of 100 Hz",
        put("odd.wav", wav(bytes(320), rate=100)),
        "odd.wav: a sample rate of 100 Hz",
        {"also": "--wav odd.wav"},
    ),
    (
        "samples that are no numbers",
        put("odd.wav", wav(np.full(4000, np.nan, "<f4").tobytes(), kind=3, bits=32)),
        "odd.wav: samples that are not finite",
        {"also": "--wav odd.wav"},
    ),
    (
        "no such model",
        None,
        "none of gmm is trained and tuned yet; run: make",
        {"command": "--wav corpus/test/ann/test0.wav --exp exp/toy --system gmm nowhere data/toy/lang"},
    ),
    ("a tuning of nothing", put(TUNING, "{}"), f"{TUNING}: no tuned settings"),
    ("a port beyond all", None, "--port 70000: ", {"also": "--page yes --port 70000"}),
    ("a look-ahead into the past", None, "-1 is not a number of at least 0", {"also": "--look-ahead -1"}),
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
    ("features of 16 kHz", HZ16, NOT_MINE),
)

RECORD = rows(
    "record", ("no time", None, "SECONDS=0"), ("a time of NaN", None, "SECONDS=nan", {"also": "--seconds nan"})
)
