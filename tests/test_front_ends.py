"""Front ends: raw rows and statistics on disk, composed when read; systems with different ones side by side."""

from __future__ import annotations

import json
from pathlib import Path

import kaldi_native_io
import numpy as np
import pytest
from bad_inputs.place import TONES, WORDS
from helpers.features import CEPSTRA, as_it_is, write_feats
from helpers.projects import copied_project, make

from lexicon.errors import UserError
from pipeline.base.archive import Archive
from pipeline.base.meta import read_meta
from pipeline.datadir.feats import Features, RawFeatures, front_end_for, front_end_of, write_raw
from pipeline.sound.front_end import FrontEnd, FrontEndSettings, Prior, Raw, front_end_from, raw_of
from pipeline.times.clock import at_frames
from pipeline.times.intervals import read_ctm
from pipeline.times.textgrid import read_textgrid

LEVEL = Raw("level", 8000, 1)
SAID = {"ann-1": [[1], [3]], "ann-2": [[1], [3], [1], [3]], "bob-1": [[10], [20], [60]]}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One coefficient: ann's have mean 2 and deviation 1; bob's the mean 30."""
    rows = ((utt, np.array(levels, np.float32)) for utt, levels in SAID.items())
    (tmp_path / "utt2spk").write_text("ann-1 ann\nann-2 ann\nbob-1 bob\n")
    (tmp_path / "level").mkdir()
    assert write_raw(tmp_path, LEVEL, rows, {utt: utt[:3] for utt in SAID}) == (3, 2)
    return tmp_path


def composed(data: Path, *settings, of: str = "ann-1") -> list[list[float]]:
    return Features(data, FrontEnd(*settings, raw=LEVEL))[of].tolist()


def test_normalised_by_speaker_with_deltas_by_hand(data):
    # (1 - 2) / 1 and (3 - 2) / 1. The derivative with the edges repeated: (1 (1 - -1) + 2 (1 - -1)) / 10 = 0.6, twice.
    # The second derivative's filter is (4 4 1 -4 -10 -4 1 4 4) / 100; over -1 -1 -1 -1 -1 1 1 1 1 it gives 0.1.
    assert composed(data) == [pytest.approx([-1, 0.6, 0.1]), pytest.approx([1, 0.6, -0.1])]
    assert composed(data, "mean", 0) == [[-1], [1]]
    assert composed(data, "none", 1) == [pytest.approx([1, 0.6]), pytest.approx([3, 0.6])]
    assert composed(data, "none", 0, 1, of="bob-1") == [[10, 10, 20], [10, 20, 60], [20, 60, 60]]
    deviation = np.sqrt((400 + 100 + 900) / 3)
    normalised = np.array([[-20], [-10], [30]]) / deviation
    assert composed(data, "variance", 0, of="bob-1") == pytest.approx(normalised, rel=1e-6)
    assert (
        Features(data, FrontEnd("none", 2, 1, raw=LEVEL)).front_end.dimension
        == 9
        == len(composed(data, "none", 2, 1)[0])
    )


def test_on_disk_are_the_raw_rows_and_kaldis_sums(data):
    assert Archive(data / "level/feats.scp")["ann-1"].tolist() == SAID["ann-1"]
    with kaldi_native_io.SequentialDoubleMatrixReader(f"scp:{data}/level/cmvn.scp") as reader:
        sums = {speaker: np.array(matrix).tolist() for speaker, matrix in reader}
    assert sums == {"ann": [[12, 6], [30, 0]], "bob": [[90, 3], [4100, 0]]}


def test_the_prior_is_the_mean_of_all_and_the_variance_within_speakers(data):
    prior = front_end_for(data, FrontEndSettings("mean", 1, 0), "level").prior
    # (12 + 90) / 9; ann's variance 1 in six rows, bob's 1400 / 3 in three.
    assert prior == Prior((pytest.approx(102 / 9),), (pytest.approx((6 * 1 + 3 * 1400 / 3) / 9),))


def test_what_meta_json_says_is_the_front_end():
    wanted = FrontEnd("mean", 1, 3, raw=raw_of("fbank", 16000), prior=Prior((0.5,) * 40, (1.25,) * 40))
    assert front_end_from(json.loads(json.dumps(wanted.as_json()))) == wanted
    assert wanted.raw == Raw("fbank", 16000, 40, 10.0) and wanted.dimension == 40 * 2 * 7 and wanted.step == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"normalise": "both"},
        {"deltas": -1},
        {"splice": 0.5},
        {"deltas": 10**9},
        {"deltas": 50_000, "splice": 50_000},
        {"raw": None},
        {"raw": {"kind": "mfcc"}},
        {"raw": {"kind": "mfcc", "sample_rate": 8000, "coefficients": 0}},
        {"raw": {"kind": "mfcc", "sample_rate": 8000.0, "coefficients": 13}},
        {"raw": {"kind": "mfcc", "sample_rate": 8000, "coefficients": 13, "frame_shift_ms": 12.5}},
        {"raw": {"kind": "mfcc", "sample_rate": 8000, "coefficients": 13, "frame_shift_ms": -10}},
        {"prior": {"mean": [0.0], "variance": [1.0]}},
        {"prior": {"mean": [0.0] * 13, "variance": [-1.0] * 13}},
        {"prior": {"mean": [float("nan")] * 13, "variance": [1.0] * 13}},
        {"prior": 3},
    ],
)
def test_no_front_end(changed):
    for value in (None, [], {}, FrontEnd(raw=CEPSTRA).as_json() | changed):
        with pytest.raises(ValueError):
            front_end_from(value)


def test_features_that_do_not_fit_are_named(data):
    with pytest.raises(UserError, match="fbank/feats.scp: no such index; remove .*fbank/feats.scp and run make again"):
        RawFeatures(data, "fbank")
    with pytest.raises(UserError, match="level of 8000 Hz, 1 numbers every 10 ms; the training set has level of 16000"):
        Features(data, FrontEnd(raw=Raw("level", 16000, 1)))
    (data / "utt2spk").write_text("ann-1 ann\nann-2 eve\nbob-1 bob\n")
    assert composed(data, "none", 0) == [[1], [3]]
    with pytest.raises(UserError, match=r"utt2spk: ann-2: no statistics of speaker 'eve' in .*; remove .*feats.scp"):
        composed(data)


def test_a_row_of_twenty_ms_has_the_label_of_its_frame():
    # Rows of one frame at frames 0 2 4 6, the last of which the labels just miss; of three frames at frames 0 to 5.
    assert at_frames(np.array([7, 8, 9, 5, 4]), 1, np.array([0, 2, 4])).tolist() == [7, 9, 4]
    assert at_frames(np.array([7, 8, 9, 5, 4]), 1, np.array([0, 2, 4, 5])).tolist() == [7, 9, 4, 4]
    assert len(at_frames(np.array([7, 8, 9]), 1, np.array([0, 2, 4, 6]))) < 4  # of other utterances
    assert at_frames(np.array([7, 8]), 3, np.arange(6)).tolist() == [7, 7, 8, 8, 8, 8]


def test_archives_of_before_are_read_as_they_are(tmp_path):
    rows = {"u": np.random.default_rng(0).normal(size=(5, 39)).astype(np.float32)}
    write_feats(tmp_path, rows)
    np.testing.assert_array_equal(Features(tmp_path, as_it_is())["u"], rows["u"])


# Three systems on three front ends: gmm on cepstra of mean 0 with one derivative; the classifier on log-mel energies as
# it likes them; and a GMM on rows of 20 ms, made here of every other frame as an encoder from outside would make them.

LINES = "mel   classifier  gmm  wfst  fbank", "slow  gmm  -  wfst  every_other"
KIND = '\nEXTRACTORS["every_other"] = Extractor(NUM_CEPS, lambda samples, rate: mfcc(samples, rate)[::2], 20.0)\n'
SYSTEMS = ("gmm", "mel", "slow")
GIVEN = (
    f"SYSTEMS={' '.join(SYSTEMS)}",
    "PAIR=gmm slow",
    "GMM_ARGS=--max-mix 1 --warm-up 3 --last 1 --normalise mean --deltas 1",
    "MEL_ARGS=--classifiers lda --context 1",
    "SLOW_ARGS=--max-mix 1 --warm-up 3 --last 1",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    root = copied_project(tmp_path_factory.mktemp("fronts"), *LINES)
    path = root / "pipeline/sound/front_end.py"
    path.write_text(path.read_text().replace('\nUSUAL = "mfcc"', f'{KIND}USUAL = "mfcc"'))
    make(root, *GIVEN)
    return root


def test_systems_with_different_front_ends_are_compared(project):
    exp, data = project / "exp/mine", project / "data/mine"
    rows = [line.split("\t") for line in (exp / "compare.tsv").read_text().splitlines()]
    assert [row[0] for row in rows] == ["system", *SYSTEMS]
    assert all(float(row[1]) <= 50 for row in rows[1:])  # of tones each hears at least half of the words
    wanted = {name: front_end_of(exp / name) for name in SYSTEMS}
    assert [(w.raw.kind, w.normalise, w.deltas, w.step, w.dimension) for w in wanted.values()] == [
        ("mfcc", "mean", 1, 1, 26),
        ("fbank", "variance", 2, 1, 120),
        ("every_other", "variance", 2, 2, 39),
    ]
    raw = {kind: RawFeatures(data / "test", kind) for kind in ("mfcc", "fbank", "every_other")}
    for utt, rows_of in raw["mfcc"].items():
        assert rows_of.shape[1] == 13  # once, before any system's wishes
        np.testing.assert_array_equal(raw["every_other"][utt], rows_of[::2])
        assert raw["fbank"][utt].shape == (len(rows_of), 40)
    assert not list(data.rglob("*raw*")) and "front_end" in read_meta(exp / "mel")
    report = (exp / "report/index.html").read_text()
    assert all(name in report for name in SYSTEMS)
    assert "stages." not in make(project, *GIVEN)


def test_times_are_those_of_one_clock(project):
    """Each tone lasts 100 ms, after 100 ms of silence: every system places it there, whatever its rows last."""
    words = {line.split()[0]: line.split()[1:] for line in (project / "data/mine/test/text").read_text().splitlines()}
    for name in SYSTEMS:
        placed = read_ctm(project / f"exp/mine/{name}/ali_test/uncorrected.ctm")
        heard = read_ctm(project / f"exp/mine/{name}/decode_test/phones.ctm")
        assert placed.keys() == words.keys()
        off = []
        for utt, said in words.items():
            tones = [phone for word in said for phone in WORDS[word].split()]
            spoken = [phone for phone in placed[utt] if phone.label in TONES]
            assert [phone.label for phone in spoken] == tones
            off += [phone.start - 0.1 * (1 + number) for number, phone in enumerate(spoken)]
            last = max(phone.end for phone in heard[utt])
            assert abs(last - 0.1 * (len(tones) + 2)) < 0.04
        assert abs(np.median(off)) < 0.03 and np.mean(np.abs(off) < 0.04) > 0.8, (name, off)


def test_they_are_transcribed_aligned_and_shown_together(project):
    wav, utt = "mine/test/ann/test0.wav", "ann-test0"
    said = make(project, *GIVEN, "transcribe", f"WAV={wav}")
    assert all(f"  {name} " in said for name in SYSTEMS)
    tiers = read_textgrid(project / "exp/mine/own/test0/test0.TextGrid").tiers
    words = {name: [i for i in tiers[f"{name} words"] if i.label] for name in SYSTEMS}
    begins = [first[0].start for first in words.values() if first]
    assert len(begins) >= 2 and max(begins) - min(begins) < 0.06
    for name in SYSTEMS:
        assert f"placed by {name}" in make(project, *GIVEN, "align", f"WAV={wav}", "TEXT=zero", f"MODEL={name}")
        assert name in make(project, *GIVEN, "show", f"STAGE={name}", f"UTT={utt}")
        assert name in make(project, *GIVEN, "replay", f"MODEL={name}", f"UTT={utt}")
    shown = make(project, *GIVEN, "show", "STAGE=mfcc", f"UTT={utt}")
    assert "13) float32, on disk" in shown


def test_another_wish_trains_that_system_again_and_makes_no_features(project):
    planned = make(project, *GIVEN, "MEL_ARGS=--classifiers lda --context 1 --normalise mean", "-n")
    assert "make_mfcc" not in planned and planned.count("-m stages.train") == 1 and "--features fbank" in planned
