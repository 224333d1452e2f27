"""Where things are in the small experiment, and what several tables say of them."""

from __future__ import annotations

from bad_inputs.spoil import Spoil, put, swap

DEV, TRAIN, TEST, LANG, GMM = "data/toy/dev", "data/toy/train", "data/toy/test", "data/toy/lang", "exp/toy/gmm"
DECODE = f"{GMM}/decode_test"
ALI, ALIGNED, TUNING = f"{GMM}/ali_dev/ali.scp", f"{GMM}/ali_test/alignment.json", f"{GMM}/tuning.json"
FREE, WORDS = (f"{DECODE}/lattices/{graph}/lattices.jsonl.gz" for graph in ("free", "words"))
LATTICE = FREE, "ann-test0"
NEURAL = "exp/toy/neural/model.safetensors"
WITH_NEURAL, WITH_CLASSIFIER = {"also": "--model exp/toy/neural"}, {"also": "--model exp/toy/classifier"}
MILLION = "ZERO " * 1_000_000
SPEEDS = "0", "-1", "1000", "1.234", "fast"  # none of them
FSDD = {"command": "--corpus fsdd --downloads downloads --cache cache --out data/toy"}
KALDI = {"command": "--corpus toy --corpus-dir data/toy --out data/other"}
HZ16 = swap(f"{DEV}/feats.json", "8000", "16000")
NOT_MINE = (
    "mfcc of 16000 Hz, 13 numbers every 10 ms; the model exp/toy/gmm was trained on mfcc of 8000 Hz, 13 numbers every"
    " 10 ms"
)


def segments(first: str) -> Spoil:
    """segments of data/toy/dev, each a whole recording but the first."""
    utterances = [f"{speaker}-dev{number}" for speaker in ("ann", "bob") for number in range(3)]
    return put(f"{DEV}/segments", f"ann-dev0 {first}\n" + "".join(f"{utt} {utt} 0 0.5\n" for utt in utterances[1:]))
