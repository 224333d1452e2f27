"""What is bad for the stages that compare systems and explain their errors, and what they say."""

from __future__ import annotations

from bad_inputs.paths import ALIGNED, DECODE, FREE, GMM, LANG, TEST, TUNING
from bad_inputs.spoil import both, change, cut, gone, half, member, put, rows, swap, values


def one_phone(start: int, word: int) -> str:
    """An alignment.json of an utterance without words."""
    phone = f'{{"phone": "AH", "start": {start}, "end": 2, "word": {word}}}'
    return f'{{\n"u": {{"num_frames": 9, "words": [], "phones": [{phone}]}}\n}}\n'


BOUNDARIES = rows(
    "boundaries",
    ("no alignment", gone(ALIGNED), f"{ALIGNED}: no alignment (no such file)"),
    (
        "an alignment that is a list",
        put(ALIGNED, "[]"),
        f"{ALIGNED}: no alignment (no object with a line for each utterance)",
    ),
    ("an alignment cut short", change(ALIGNED, half), f"{ALIGNED}: no alignment ("),
    (
        "an alignment of another corpus",
        swap(ALIGNED, "ann-test0", "kim-test0"),
        f'{ALIGNED}: 1 of 6 utterances are not there (first: "ann-test0"); remove {ALIGNED} and run make again',
    ),
    (
        "a phone that ends before it begins",
        put(ALIGNED, one_phone(start=5, word=-1)),
        "u: 'AH' from 5 to 2 of 9 frames",
    ),
    (
        "a phone of a word that is not there",
        put(ALIGNED, one_phone(start=0, word=7)),
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


FLAT_LANG = rows(
    "flat_lang",
    ("no lang", gone(f"{LANG}/lang.json"), f"{LANG}: no lang.json"),
    ("a damaged model", put(f"{LANG}/lm.arpa", "\\data\\\nngram 1=1\n"), f"{LANG}/lm.arpa:"),
)

OWN_LM = rows(
    "own_lm",
    ("no lang", gone(f"{LANG}/lang.json"), f"{LANG}: no lang.json"),
    ("no such file", None, "mine.arpa: no such file", {"also": "--lm mine.arpa"}),
    ("an empty file", put("mine.arpa", ""), "mine.arpa: an empty file", {"also": "--lm mine.arpa"}),
    ("text", put("mine.arpa", "\\data\\\nngram 1=1\n"), "mine.arpa:2: the file ends", {"also": "--lm mine.arpa"}),
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

COMBINE = rows(
    "combine",
    ("a system twice", None, "a system for the second time", {"also": "--systems gmm gmm"}),
    ("a system that has not decoded dev", gone("exp/toy/gmm/decode_dev/hyp.txt"), "decode_dev/hyp.txt: no such file"),
    (
        "a system without lattices of words",
        gone("exp/toy/classifier/decode_test/lattices/word_arcs/lattices.jsonl.gz.index"),
        "lattices.jsonl.gz.index: no such index",
    ),
    ("a lattice cut short", cut(FREE, 0.1), f"{FREE}: ann-test0: cut short"),
    ("no reference phones of dev", gone(f"{GMM}/ali_dev/reference.txt"), "ali_dev/reference.txt: no such file"),
)

NEURAL_LM = rows(
    "neural_lm",
    ("no lang", gone(f"{LANG}/lang.json"), f"{LANG}: no lang.json"),
    ("no text of train", gone("data/toy/train/text"), "data/toy/train/text: no such file"),
    ("all activations dropped", None, "setting dropout 1.0, not in 0..1", {"also": "--dropout 1"}),
)

LM, WORD_ARCS = "exp/toy/rescored/neural_lm", f"{DECODE}/lattices/word_arcs/lattices.jsonl.gz"
RESCORE = rows(
    "rescore",
    ("no language model", gone(f"{LM}/meta.json"), f"{LM}/meta.json: no such language model; run: make rescore"),
    ("damaged weights", cut(f"{LM}/model.safetensors", 0.5), f"{LM}/model.safetensors: does not hold the network"),
    ("weights that are gone", gone(f"{LM}/model.safetensors"), f"{LM}/model.safetensors: no such file; remove"),
    (
        "a language model of other words",
        swap(f"{LM}/meta.json", '"ZERO"', '"HERO"'),
        "trained with other words than the lexicon has (first: HERO)",
    ),
    (
        "a network of another size",
        swap(f"{LM}/meta.json", '"num_symbols": 4', '"num_symbols": 5'),
        f"{LM}/meta.json: not a language model's description (5 symbols for 2 words)",
    ),
    ("no such system", None, "exp/toy/magic/decode_dev: neither lattices of words", {"also": "--system magic"}),
    ("a system that has not decoded dev", gone("exp/toy/gmm/decode_dev/hyp.txt"), "decode_dev/hyp.txt: no such file"),
    ("a lattice cut short", cut(WORD_ARCS, 0.1), f"{WORD_ARCS}: ann-test0: cut short"),
    ("histories of no word", None, "argument --history: 0 is not a number of at least 1", {"also": "--history 0"}),
)

REPORT = rows(
    "report",
    (
        "a combination of nobody",
        put("exp/toy/combined/gmm.classifier/combine.json", "{}"),
        "combine.json: does not say of which systems; remove exp/toy/combined/gmm.classifier and run: make combine",
    ),
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

KALDI_DIR = rows(
    "kaldi_dir",
    ("no lang", gone(f"{LANG}/lang.json"), f"{LANG}: no lang.json"),
    (
        "recordings that are gone",
        change(f"{TEST}/wav.scp", lambda data: data.replace(b"corpus/", b"corpse/")),
        "wav.scp:1: ",
    ),
    (
        "a folder of the user's",
        put("mine/data/diary.txt", "dear"),
        "mine/data: a folder that phonoscope has not made",
        {"also": "--out mine"},
    ),
)

BEST_WER = "tri1/decode_test/scoring_kaldi/best_wer"
KALDI_RESULTS = rows(
    "kaldi_results",
    ("no such folder", None, "tri1/decode_test: no such folder"),
    (
        "a decode that was not scored",
        put("tri1/decode_test/num_jobs", "1\n"),
        "neither scoring_kaldi/best_wer nor wer_*",
    ),
    ("a best WER of nothing", put(BEST_WER, "\n"), f"{BEST_WER}: no line `%WER ... [ ... ]`"),
    (
        "another test set",
        both(
            put(BEST_WER, "%WER 0.0 [ 0 / 1, 0 ins, 0 del, 0 sub ] exp/tri1/decode_test/wer_9_0.0\n"),
            put("tri1/decode_test/scoring_kaldi/penalty_0.0/9.txt", "kim-test0 ZERO\n"),
        ),
        'tri1/decode_test: "kim-test0" (1 such ids) is no utterance of the test set',
    ),
)
