"""No stage holds a corpus: four times as many utterances take hardly more memory.

bench/memory.py measures all stages of real corpora.
"""

from __future__ import annotations

import gc
import tracemalloc
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.features import CEPSTRA

from lexicon.files import write_json, write_lines
from lexicon.lang import build_lang
from pipeline.base.spill import OnDisk
from pipeline.base.training import Material
from pipeline.classifier import calibration
from pipeline.datadir.feats import write_raw
from pipeline.sound.mfcc import mfcc
from pipeline.systems import classifier, gmm
from stages import align, decode, place, tune

PER_UTTERANCE = 16_000  # bytes, of names, words and places in files; its features alone are 25,000
FEW = 5


def corpus(speech, root: Path, times: int) -> None:
    """Sets of FEW short prompts, each so many times."""
    utterances = list(speech.words)[:FEW]
    for name in ("train", "dev", "test"):
        folder = root / "data" / name
        ids = {f"{copy:02}-{utt}": utt for copy in range(times) for utt in utterances}
        tables = {
            "wav.scp": {utt: speech.wavs[own] for utt, own in ids.items()},
            "text": {utt: " ".join(speech.words[own]) for utt, own in ids.items()},
            "utt2spk": {utt: utt[:2] for utt in ids},
            "utt2num_samples": {utt: len(speech.samples[own]) for utt, own in ids.items()},
            "spk2utt": {f"{copy:02}": " ".join(f"{copy:02}-{utt}" for utt in utterances) for copy in range(times)},
        }
        for table, values in tables.items():
            write_lines(folder / table, (f"{key} {value}" for key, value in sorted(values.items())))
        cepstra = ((utt, mfcc(speech.samples[own], 8000)) for utt, own in sorted(ids.items()))
        write_raw(folder, CEPSTRA, cepstra, tables["utt2spk"])
    write_json(root / "data" / "splits.json", {"sample_rate": 8000})
    build_lang(root / "data", root / "data" / "lang")


def stages(root: Path) -> dict[str, Callable[[], object]]:
    """What each of them does in a corpus below ``root``, in one process."""
    data, exp = root / "data", root / "exp"
    sets = {name: data / name for name in ("train", "dev", "test")}
    model, lang = exp / "gmm", data / "lang"
    material = Material(sets["train"], sets["dev"], lang, model)
    hybrid = Material(sets["train"], sets["dev"], lang, exp / "classifier", teacher=model)

    def args(**more: object) -> Namespace:
        return Namespace(model=model, lang=lang, jobs=1, search="wfst", lm=None, **more)

    def aligned(name: str) -> None:
        align.main(args(data=sets[name], out=model / f"ali_{name}"))

    return {
        "gmm": lambda: gmm.train(material, gmm.Settings(max_mix=1, warm_up=2, last=0)),
        "align": lambda: [aligned(name) for name in ("train", "dev")],
        "classifier": lambda: classifier.train(hybrid, classifier.Settings(context=(2,))),
        "tune": lambda: tune.main(args(data=sets["dev"], ref_phones=model / "ali_dev/reference.txt", out=model)),
        "decode": lambda: decode.main(
            args(
                data=sets["test"],
                tuning=model / "tuning.json",
                out=model / "decode_test",
                beam=8.0,
                lattice_beam=2.0,
                letter_beam=8,
            )
        ),
        "place": lambda: place.main(args(data=sets["test"], raw=False, teacher=None, out=model / "ali_test")),
    }


@pytest.fixture
def small(monkeypatch):
    """Blocks and batches of an utterance or two, few settings to tune, and small networks."""
    monkeypatch.setattr(calibration, "MOST", 2**8)
    monkeypatch.setattr("pipeline.classifier.frames.BLOCK", 400)
    monkeypatch.setattr("pipeline.classifier.frames.PIECE", 256)
    monkeypatch.setattr("pipeline.hmm.gmm.BATCH_CELLS", 1)
    monkeypatch.setattr("pipeline.search.tuning.SCALES", (0.1, 0.28))
    monkeypatch.setattr("pipeline.search.tuning.SCORES", (0.0,))
    train = classifier.CLASSIFIERS["logistic"]
    monkeypatch.setitem(classifier.CLASSIFIERS, "mlp", lambda *given: train(*given, hidden=(16,), max_epochs=1))
    monkeypatch.setitem(classifier.CLASSIFIERS, "logistic", lambda *given: train(*given, max_epochs=1))


def peaks(speech, root: Path, times: int) -> dict[str, int]:
    """Bytes that each stage has at most of what Python and numpy allot."""
    corpus(speech, root, times)
    found = {}
    for name, run in stages(root).items():
        gc.collect()
        tracemalloc.start()
        try:
            run()
            found[name] = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    return found


def test_four_times_as_many_utterances_take_hardly_more_memory(speech, tmp_path, small):
    corpus(speech, tmp_path / "first", 1)
    for run in stages(tmp_path / "first").values():
        run()  # what is imported, compiled or cached once
    few, many = (peaks(speech, tmp_path / str(times), times) for times in (1, 4))
    grown = {name: round((many[name] - few[name]) / (3 * FEW)) for name in few}
    assert {name: size for name, size in grown.items() if size > PER_UTTERANCE} == {}, (few, many)


def test_values_come_back_from_disk_and_nothing_is_left_there(tmp_path):
    values = {f"u{n}": (np.arange(n), n) for n in range(5)}
    kept = OnDisk(tmp_path, values.items())
    assert list(kept) == list(values) and "u5" not in kept and list(tmp_path.iterdir()) == []
    for utt in reversed(values):
        assert np.array_equal(kept[utt][0], values[utt][0]) and kept[utt][1] == values[utt][1]


def test_a_full_disk_is_named(tmp_path):
    def full():
        yield "u", 1
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError) as caught:
        OnDisk(tmp_path, full())
    assert caught.value.filename == str(tmp_path)
