"""Folders of recordings and transcripts: speakers, text, gold tiers; what is missing or no name is listed."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest
import soundfile
from praatio import textgrid

from bring import RATE, noise
from bring.recordings import record, stage
from lexicon.errors import UserError
from pipeline.corpora import own
from stages import prepare_data


def test_folders_are_speakers_and_text_is_normalised(four_speakers):
    (four_speakers / "ann/00.wav").rename(four_speakers / "ann/ann-zero.wav")
    (four_speakers / "ann/00.txt").rename(four_speakers / "ann/ann-zero.lab")
    soundfile.write(four_speakers / "bob/new one.flac", noise(1), RATE)
    (four_speakers / "bob/new one.txt").write_text("It's the 3rd.")
    found = {u.id: u for u in own.read(four_speakers).sets[""]}
    assert len(found) == 41 and found["ann-01"].speaker == "ann"
    assert found["ann-01"].words == ("HELLO", "NUMBER", "ONE")
    assert found["ann-zero"].words == ("HELLO", "NUMBER", "ZERO")
    assert found["bob-new_one"].words == ("IT'S", "THE", "THIRD") and found["bob-new_one"].speaker == "bob"


def test_without_folders_it_is_one_speaker(tmp_path):
    for index in range(12):
        record(tmp_path / "field notes" / f"{index:02}.wav", "yes")
    prepared, split, origin = own.prepare(tmp_path / "field notes")
    assert split == "utterance" and {u.speaker for u in prepared.sets["train"]} == {"field_notes"}
    assert [u.id for u in prepared.sets["dev"]] == ["field_notes-07"]
    assert [u.id for u in prepared.sets["test"]] == ["field_notes-04", "field_notes-09"]


def test_halves_that_are_missing_are_listed_together(four_speakers):
    record(four_speakers / "ann/cough.wav", None)
    (four_speakers / "bob/lost.txt").write_text("gone")
    (four_speakers / "cat/empty.txt").write_text(" ... ")
    record(four_speakers / "cat/empty.wav", " ... ")
    (four_speakers / "dan/00.wav").write_bytes(b"RIFF")
    (four_speakers / "dan/._00.wav").write_bytes(b"what a Mac leaves")
    out = four_speakers.parent / "data/mine"
    done = stage("prepare_data", "--corpus", "mine", "--corpus-dir", four_speakers, "--out", out)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and not out.exists()
    for part in (
        "4 of 43 utterances unreadable",
        "cough.wav: audio without transcript",
        "lost.txt: transcript without audio",
        "empty.txt: no words",
        "dan/00.wav: ",
        "--allow-missing 4",
    ):
        assert part in done.stderr
    done = stage(
        "prepare_data", "--corpus", "mine", "--corpus-dir", four_speakers, "--out", out, "--allow-missing", "4"
    )
    assert done.returncode == 0 and "39" in done.stdout.splitlines()[3].split()[-1]


def grid(path: Path, **tiers: list[tuple[float, float, str]]) -> None:
    made = textgrid.Textgrid(0, 1)
    for name, entries in tiers.items():
        made.addTier(textgrid.IntervalTier(name.replace("__", " - "), entries, 0, 1))
    made.save(str(path), format="short_textgrid", includeBlankSpaces=True)


def test_textgrids_become_gold(four_speakers):
    """Words and phones by tiers, in the aligner's names and Praat's; phones alone have their words from a text."""
    grid(
        four_speakers / "ann/00.TextGrid",
        ann__words=[(0.1, 0.5, "hi"), (0.5, 0.9, "don't")],
        ann__phones=[(0.1, 0.3, "HH"), (0.3, 0.5, "AY1"), (0.5, 0.9, "x y")],
    )
    (four_speakers / "ann/00.txt").unlink()
    grid(four_speakers / "ann/01.TextGrid", MAU=[(0, 0.2, "<p:>"), (0.2, 0.6, "ah")])
    grid(four_speakers / "ann/02.TextGrid", sentence=[(0, 1, "Take 32 of them.")])
    (four_speakers / "ann/02.txt").unlink()
    prepared, *_ = own.prepare(four_speakers, "utterance")
    words = {u.id: u.words for members in prepared.sets.values() for u in members}
    assert words["ann-00"] == ("HI", "DON'T") and words["ann-01"] == ("HELLO", "NUMBER", "ONE")
    assert words["ann-02"] == ("TAKE", "THIRTY", "TWO", "OF", "THEM") and prepared.gold.keys() == {"ann-00", "ann-01"}
    assert [tuple(i) for i in prepared.gold["ann-00"].words] == [(0.1, 0.5, "HI"), (0.5, 0.9, "DON'T")]
    assert [i.label for i in prepared.gold["ann-00"].phones] == ["SIL", "HH", "AY1", "x_y", "SIL"]
    assert [i.label for i in prepared.gold["ann-01"].phones] == ["SIL", "ah", "SIL"]
    assert prepared.fold == {"AY1": "AY", "ah": "AH"}


@pytest.mark.parametrize(
    "content,message",
    [
        ("", "not a TextGrid"),
        ("not a grid\n", "not a TextGrid"),
        (
            'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n1\n<exists>\n1\n'
            '"IntervalTier"\n"tones"\n0\n1\n1\n0\n1\n"H"\n',
            "no tier of words or phones (tiers: tones)",
        ),
    ],
)
def test_textgrids_that_are_none_are_named(four_speakers, content, message):
    (four_speakers / "ann/00.TextGrid").write_text(content)
    ((name, error),) = own.read(four_speakers).unreadable
    assert name == "ann/00" and message in error and "00.TextGrid" in error and "; " in error


def test_two_files_for_one_name_are_refused(four_speakers):
    (four_speakers / "ann/00.lab").write_text("hello")
    ((name, error),) = own.read(four_speakers).unreadable
    assert name == "ann/00" and "00.lab" in error and "00.txt" in error


@pytest.mark.parametrize(
    "corpus,folder,message",
    [
        (
            "prompts",
            "mine",
            "CORPUS=prompts: the name of a corpus that comes built in; give yours another: make CORPUS=my-prompts",
        ),
        ("a/b", "mine", "a corpus is named with letters"),
        ("-x", "mine", "a corpus is named with letters"),
        ("mine", "nowhere", "nowhere: no such folder"),
        ("mine", "mine", "no corpus; expected wav.scp"),
        ("mine", "data", "lies in .*data, which would be overwritten; .* CORPUS=my-data"),
        ("mine", "data/x", "lies in "),
    ],
)
def test_names_and_folders_that_do_not_do(tmp_path, corpus, folder, message):
    (tmp_path / "mine").mkdir()
    with pytest.raises(UserError, match=message):
        prepare_data.main(
            Namespace(corpus=corpus, corpus_dir=tmp_path / folder, out=tmp_path / "data", split=None, lexicon=None)
        )
    assert not (tmp_path / "data").exists()
