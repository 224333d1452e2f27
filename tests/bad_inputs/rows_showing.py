"""What is bad for the stages that show what is inside, and what they say."""

from __future__ import annotations

import shutil

from bad_inputs.paths import DECODE, FREE, GMM, LATTICE, NOT_MINE, TEST, TUNING, WORDS
from bad_inputs.spoil import bomb, change, cut, flipped, gone, member, pipe, put, rows, swap, values

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


LADDER = [
    *rows(
        "adapt", ("a model that adapts to nobody", None, "exp/toy/gmm/meta.json: teacher None is no model directory")
    ),
    *rows("tree", ("a model without trees", None, "exp/toy/gmm/tree.json: no such file; run: make gmm")),
    *rows(
        "spread",
        ("a system that is not scored", gone(f"{DECODE}/wer.txt"), "wer.txt: no such file"),
        ("a score that is none", put(f"{DECODE}/wer.txt", "nothing"), "wer.txt:1: 'nothing' is no error rate"),
    ),
]

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
        "an alignment.json of something else",
        put(f"{GMM}/ali_test/alignment.json", "[]"),
        "alignment.json: no alignment",
        {"also": "--stage align"},
    ),
    (
        "an alignment.json of other utterances",
        put(f"{GMM}/ali_test/alignment.json", "{\n}\n"),
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
