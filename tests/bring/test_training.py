"""Training: the best epoch is kept, and utterances too short for their words are named or left out."""

from __future__ import annotations

import shutil
from argparse import Namespace
from pathlib import Path

import pytest
import soundfile
import torch

from bring import RATE, noise
from lexicon.errors import UserError
from lexicon.files import write_lines
from pipeline.base.training import Material
from pipeline.neural.checkpoint import State
from pipeline.neural.config import EncoderConfig
from pipeline.neural.model import Encoder
from pipeline.neural.settings import TrainSettings
from pipeline.neural.train import goes_on, keep_best
from pipeline.systems import ctc, gmm
from stages import align as align_set
from stages import make_lang, make_mfcc, prepare_data

TINY = EncoderConfig("conv-bilstm", 39, 4, 8, 1, 1, 3, 0.0)


@pytest.mark.parametrize(
    "pers, best, last",
    [
        ([60, 30, 100, 101, 40], 2, 5),  # later ones are worse
        ([60, 30, 100, 101, 29], 5, 5),
        ([100, 100, 100, 100, 100, 90, 95, 95, 95], 6, 9),  # blanks alone: no reason to stop
        ([100, 100, 100], 3, 3),  # of blanks alone the last
        ([140, 120, 130, 101], 4, 4),
        ([140, 101, 130, 150], 2, 4),  # more insertions than phones, but the fewest
        ([50, 60, 70, 80, 10], 1, 4),  # patience: the fifth is never tried
        ([99.9, 100, 100, 100, 5], 1, 4),
        ([30, 30, 30, 30], 1, 4),  # the first of equals
    ],
)
def test_the_best_epoch_is_kept(pers, best, last):
    torch.manual_seed(0)
    model, average = Encoder(TINY), Encoder(TINY)
    state, settings = State(model, average, None, {}), TrainSettings(epochs=len(pers), patience=3)
    for per in pers:
        if not goes_on(state, settings):
            break
        state.epoch += 1
        with torch.no_grad():
            average.mean.fill_(state.epoch)
        keep_best(state, float(per))
    assert (state.best_epoch, state.epoch, state.best_per) == (best, last, pers[best - 1])
    assert (state.best["mean"] == best).all()


TOO_LONG = "one two three four five six seven eight nine ten " * 3  # 94 phones in a second: 98 frames, 3 for each phone


@pytest.fixture(scope="module")
def crowded(tmp_path_factory) -> Path:
    """Data directories in which some utterances of every set have far too many words."""
    root = tmp_path_factory.mktemp("crowded")
    (root / "mine").mkdir()
    for number in range(40):
        soundfile.write(root / f"mine/u{number:02}.wav", noise(seed=number), RATE)
        (root / f"mine/u{number:02}.txt").write_text(TOO_LONG if number % 3 == 0 else "one two")
    prepare_data.main(
        Namespace(
            corpus="mine",
            corpus_dir=root / "mine",
            out=root / "data",
            split=None,
            allow_missing=0,
            jobs=1,
            lexicon=None,
        )
    )
    make_lang.main(
        Namespace(
            data=root / "data",
            out=root / "data/lang",
            vocab="closed",
            order=2,
            oov="error",
            lexicon=None,
            phones=None,
            extra=None,
            cache=root,
        )
    )
    return root


def features(root: Path, leave_out: bool) -> str:
    return "; ".join(
        make_mfcc.main(
            Namespace(
                data=root / "data" / name,
                features="mfcc",
                speed="1.0",
                dither=0.0,
                seed=0,
                out=None,
                allow_missing=0,
                jobs=1,
                leave_out=root / "data" / name / "short.txt" if leave_out else None,
            )
        )[1]
        for name in ("train", "dev", "test")
    )


def stage(root: Path, name: str) -> str:
    data, lang = root / "data", root / "data/lang"
    if name == "train_gmm":
        settings = gmm.Settings(max_mix=1, warm_up=1, passes=0, last=0, warn_frames=0)
        return gmm.train(Material(data / "train", data / "dev", lang, root / "exp/gmm"), settings)[-1]
    if name == "train_ctc":
        settings = ctc.Settings(width=8, conv_layers=1, epochs=1, min_updates=1, device="cpu")
        return ctc.train(Material(data / "train", data / "dev", lang, root / "exp/neural"), settings)[-1]
    return align_set.main(
        Namespace(model=root / "exp/gmm", data=data / name, lang=lang, out=root / f"exp/gmm/ali_{name}", jobs=1)
    )[1]


def too_long(root: Path, name: str) -> list[str]:
    lines = (root / "data" / name / "text").read_text().splitlines()
    return sorted(line.split()[0] for line in lines if len(line.split()) > 5)


@pytest.mark.parametrize(
    "name, data", [("train_gmm", "train"), ("train_ctc", "train"), ("dev", "dev"), ("test", "test")]
)
def test_utterances_too_short_are_all_named_and_can_be_left_out(crowded, tmp_path, name, data):
    root = tmp_path / "copy"
    shutil.copytree(crowded, root)
    short = too_long(root, data)
    assert short
    if name in ("dev", "test"):  # a GMM is needed first
        write_lines(root / "data/train/short.txt", too_long(root, "train"))
        features(root, leave_out=True)
        stage(root, "train_gmm")
    features(root, leave_out=False)
    with pytest.raises(UserError) as error:
        stage(root, name)
    said = str(error.value)
    assert f"{root}/data/{data}/text: {len(short)} of " in said and "ALLOW_SHORT=yes" in said
    assert [utt in said for utt in short] == [True] * min(5, len(short)) + [False] * max(0, len(short) - 5)
    assert (root / "data" / data / "short.txt").read_text().split() == short
    result = features(root, leave_out=True)
    assert all(utt in result for utt in short)
    stage(root, name)
