"""Files that are per utterance hold the utterances of their set, or are named with a way out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.features import write_feats

from lexicon.errors import UserError
from lexicon.files import write_json
from lexicon.text import same_ids
from pipeline.datadir import Utterance, write_datadir
from pipeline.datadir.feats import RawFeatures
from pipeline.datadir.sets import aligned_ctm, decoded_ctm, read_gold, read_placed, read_set
from pipeline.times.intervals import Interval

IDS = ("a-1", "a-2", "b-1")


@pytest.fixture
def test_set(tmp_path: Path) -> Path:
    """data/c/test: three utterances of one word, features of all, the first with gold phones."""
    (tmp_path / "a.wav").touch()
    data = tmp_path / "data/c/test"
    gold = {"phones": {"a-1": [Interval(0, 0.1, "AY"), Interval(0.1, 0.2, "T")]}, "words": {}}
    write_datadir(data, [Utterance(utt, utt[0], tmp_path / "a.wav", ("EIGHT",), 800) for utt in IDS], gold)
    write_json(
        data.parent / "splits.json", {"sets": {"test": {"utterances": 3, "placed_by_hand": {"phones": 1, "words": 0}}}}
    )
    features(data, IDS)
    return data


def features(data: Path, ids: tuple[str, ...], missing: tuple[str, ...] = ()) -> None:
    write_feats(data, {utt: np.ones((9, 13), np.float32) for utt in ids}, missing)


def without_last_line(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def test_ids_are_compared_both_ways():
    same_ids("x", ["a", "b"], iter(["b", "a"]), "run")
    with pytest.raises(UserError, match=r'^x: 2 of 3 utterances are not there \(first: "b"\); run$'):
        same_ids("x", ["a"], ["c", "b", "a"], "run")
    with pytest.raises(UserError, match=r'^x: 1 utterances are none of this set\'s 1 \(first: "z"\); run$'):
        same_ids("x", ["a", "z"], ["a"], "run")


def test_features_of_some_are_no_features_of_all(test_set):
    assert len(RawFeatures(test_set).of(read_set(test_set))) == 3
    features(test_set, IDS[:2])  # its checksums are whole: only the set knows
    with pytest.raises(
        UserError, match=r'feats.scp: 1 of 3 utterances are not there \(first: "b-1"\); remove \S*feats.scp'
    ):
        RawFeatures(test_set).of(read_set(test_set))
    features(test_set, (*IDS, "c-1"))
    with pytest.raises(UserError, match="1 utterances are none of this set's 3"):
        RawFeatures(test_set).of(read_set(test_set))


def test_what_mfcc_was_told_to_go_on_without_may_miss_and_nothing_else(test_set):
    features(test_set, IDS[:2], missing=("b-1",))
    assert [utterance.id for utterance in read_set(test_set)] == ["a-1", "a-2"]
    assert [utterance.id for utterance in RawFeatures(test_set).of(read_set(test_set))] == ["a-1", "a-2"]
    without_last_line(test_set / "feats.scp")
    (test_set / "feats.crc").unlink()
    with pytest.raises(UserError, match='1 of 2 utterances are not there .first: "a-2"'):
        RawFeatures(test_set).of(read_set(test_set))
    write_json(test_set / "feats.json", {"kind": "mfcc", "sample_rate": 8000, "coefficients": 13, "missing": "b-1"})
    with pytest.raises(UserError, match=r"feats.json: not the settings .*; remove \S*feats.scp and run make again"):
        read_set(test_set)


def test_a_ctm_holds_what_its_text_says(tmp_path):
    """Utterance u3 has no words, so no lines; of u2 a line is cut off, then all."""
    (tmp_path / "hyp.txt").write_text("u1 ONE\nu2 TWO ONE\nu3\n")
    ctm = tmp_path / "words.ctm"
    ctm.write_text("u1 1 0.1 0.1 ONE 1\nu2 1 0.1 0.1 TWO 1\nu2 1 0.2 0.1 ONE 1\n")
    assert [i.label for i in decoded_ctm(tmp_path, "words")["u2"]] == ["TWO", "ONE"]
    without_last_line(ctm)
    with pytest.raises(
        UserError, match=r'words.ctm: the 1 lines of utterance "u2" do not hold its 2 labels; remove \S*hyp'
    ):
        decoded_ctm(tmp_path, "words")
    without_last_line(ctm)
    with pytest.raises(
        UserError, match=r'words.ctm: 1 of 2 utterances are not there \(first: "u2"\); remove \S*hyp.txt'
    ):
        decoded_ctm(tmp_path, "words")


def test_an_alignment_cut_at_a_line(tmp_path):
    for name, lines in (
        ("phones.txt", "u1 SIL AH\nu2 SIL\n"),
        ("words.ctm", "u1 1 0.1 0.1 A 1\n"),
        ("phones.ctm", "u1 1 0 0.1 SIL 1\nu1 1 0.1 0.1 AH 1\nu2 1 0 0.1 SIL 1\n"),
    ):
        (tmp_path / name).write_text(lines)
    assert set(aligned_ctm(tmp_path, "phones")) == {"u1", "u2"} and set(aligned_ctm(tmp_path, "words")) == {"u1"}
    without_last_line(tmp_path / "words.ctm")
    without_last_line(tmp_path / "phones.ctm")
    for name in ("phones", "words"):
        with pytest.raises(
            UserError, match=rf"{name}.ctm: 1 of \d utterances are not there .*; remove \S*phones.txt and"
        ):
            aligned_ctm(tmp_path, name)


def test_hand_placed_phones_that_are_gone_are_not_replaced_by_an_aligners(test_set):
    aligned = test_set.parent / "ali_test"
    aligned.mkdir()
    (aligned / "phones.txt").write_text("a-1 EY T\n")
    (aligned / "phones.ctm").write_text("a-1 1 0 0.1 EY 1\na-1 1 0.1 0.1 T 1\n")
    assert [i.label for i in read_placed("phones", test_set, aligned)["a-1"]] == ["AY", "T"]
    (test_set / "phones.ctm").write_text("a-9 1 0 0.1 AY\n")
    with pytest.raises(
        UserError, match=r'phones.ctm: 1 utterances that text has not \(first: "a-9"\); remove \S*splits'
    ):
        read_placed("phones", test_set, aligned)
    (test_set / "phones.ctm").unlink()
    with pytest.raises(UserError, match=r"phones.ctm: 0 utterances, the corpus has 1 with gold phones; remove"):
        read_placed("phones", test_set, aligned)
    (test_set.parent / "splits.json").unlink()  # nobody knows: a directory of somebody else's
    assert read_gold(test_set, "phones") == {}
