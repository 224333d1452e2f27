"""Train, dev and test: those a folder has are kept, the others are cut by speaker or by utterance."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bring.recordings import record
from lexicon.errors import UserError
from pipeline.corpora import own
from pipeline.corpora.cutting import Found, by_speaker, cut
from pipeline.datadir import Utterance


def test_four_speakers_are_cut_by_speaker(four_speakers):
    prepared, split, origin = own.prepare(four_speakers)
    speakers = {name: {u.speaker for u in members} for name, members in prepared.sets.items()}
    assert split == "speaker" and speakers == {"train": {"ann", "bob"}, "test": {"cat"}, "dev": {"dan"}}
    assert "cut by speaker (dev: dan; test: cat)" in origin
    assert own.prepare(four_speakers, "utterance").split == "utterance"


def test_three_speakers_are_cut_by_utterance_unless_asked(four_speakers):
    shutil.rmtree(four_speakers / "dan")
    assert own.prepare(four_speakers).split == "utterance"
    sets = own.prepare(four_speakers, "speaker").prepared.sets
    assert sorted(len({u.speaker for u in members}) for members in sets.values()) == [1, 1, 1]


def test_speakers_are_cut_into_balanced_sets_whoever_speaks_how_much():
    """Forty speakers of 1 to 40 utterances: about 70, 10 and 20 %, nobody in two sets, and the same in any order."""
    utterances = [
        Utterance(f"s{s:02}-{i}", f"s{s:02}", Path("x.wav"), ("A",), 0) for s in range(1, 41) for i in range(s)
    ]
    shares = {"train": 0.7, "dev": 0.1, "test": 0.2}
    sets = by_speaker(utterances, shares)
    for name, share in shares.items():
        assert len(sets[name]) == pytest.approx(share * len(utterances), abs=2)
    assert sum(len({u.speaker for u in members}) for members in sets.values()) == 40
    again = by_speaker(utterances[::-1], shares)
    assert {name: {u.id for u in m} for name, m in again.items()} == {
        name: {u.id for u in m} for name, m in sets.items()
    }


def test_sets_that_a_folder_has_are_kept_and_those_it_lacks_are_cut(four_speakers):
    for name, speakers in (("train", ["ann", "bob", "cat"]), ("test", ["dan"])):
        (four_speakers / name).mkdir()
        for speaker in speakers:
            (four_speakers / speaker).rename(four_speakers / name / speaker)
    prepared, split, origin = own.prepare(four_speakers)
    assert split == "given" and "train and test as the folder has them" in origin
    assert {u.speaker for u in prepared.sets["test"]} == {"dan"} and {u.id for u in prepared.sets["test"]} >= {"dan-00"}
    assert len(prepared.sets["dev"]) == 3 and len(prepared.sets["train"]) == 27
    record(four_speakers / "eve/00.wav", "and I?")
    with pytest.raises(UserError, match="1 utterances outside of train, test .*eve/00.wav"):
        own.prepare(four_speakers)


@pytest.mark.parametrize(
    "found,split,message",
    [
        (
            Found("x", {"": [Utterance(f"a{i}", "a", Path("x"), ("A",), 0) for i in range(9)]}),
            None,
            "at least 10 are needed",
        ),
        (
            Found("x", {"": [Utterance(f"a{i}", "a", Path("x"), ("A",), 0) for i in range(10)]}),
            "speaker",
            "SPLIT=utterance",
        ),
        (
            Found("x", {"": [Utterance(f"a{i}", "a", Path("x"), ("A",), 0) for i in range(10)]}),
            "given",
            "has no train, dev, test",
        ),
        (Found("x", {"test": [Utterance("a", "a", Path("x"), ("A",), 0)]}), None, "only test in the folder"),
    ],
)
def test_what_cannot_be_cut_is_said(found, split, message):
    with pytest.raises(UserError, match=message):
        cut(found, split)
