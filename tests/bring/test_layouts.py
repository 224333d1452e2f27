"""Layouts that many corpora have: LJSpeech, VCTK, LibriSpeech; what is none is named with its reasons."""

from __future__ import annotations

from pathlib import Path

import pytest

from bring.trees import libri, lj, read, sound, tree, vctk
from lexicon.errors import UserError
from pipeline.corpora import own


@pytest.mark.parametrize(
    "make,speakers,first,words",
    [
        (lj, {"c"}, "c-LJ001-0000", "YES NO"),
        (lambda folder: lj(folder, table="{name}|yes no"), {"c"}, "c-LJ001-0000", "YES NO"),
        (lambda folder: lj(folder, table="wavs/{name}.wav|yes no|"), {"c"}, "c-LJ001-0000", "YES NO"),
        (lambda folder: lj(folder, table="{name}|1 2|yes no"), {"c"}, "c-LJ001-0000", "YES NO"),
        (lambda folder: lj(folder / "LJSpeech-1.1").parent, {"LJSpeech-1.1"}, "LJSpeech-1.1-LJ001-0000", "YES NO"),
        (lambda folder: lj(lj(folder / "ann").parent / "bob").parent, {"ann", "bob"}, "ann-LJ001-0000", "YES NO"),
        (vctk, {"p225", "p226"}, "p225_000", "PLEASE CALL STELLA"),
        (
            lambda folder: vctk(folder, "wav48_silence_trimmed", "_mic1.flac"),
            {"p225", "p226"},
            "p225_000",
            "PLEASE CALL STELLA",
        ),
        (lambda folder: vctk(folder, "wav"), {"p225", "p226"}, "p225_000", "PLEASE CALL STELLA"),
        (libri, {"84"}, "84-10-0000", "YES NO"),
        (lambda folder: libri(folder, ".wav"), {"84"}, "84-10-0000", "YES NO"),
        (lambda folder: libri(folder / "LibriSpeech/dev-clean").parents[1], {"84"}, "84-10-0000", "YES NO"),
    ],
)
def test_layouts_that_many_corpora_have(tmp_path, make, speakers, first, words):
    prepared = own.prepare(make(tmp_path / "c"))[0]
    utterances = sorted((u for members in prepared.sets.values() for u in members), key=lambda u: u.id)
    assert {u.speaker for u in utterances} == speakers and not prepared.unreadable
    assert utterances[0].id == first and " ".join(utterances[0].words).upper() == words
    assert len(utterances) == (24 if speakers == {"ann", "bob"} else 12)


def test_libri_parts_are_the_sets(tmp_path):
    for part in ("train-clean-100", "dev-clean", "test-clean"):
        libri(tmp_path / "c" / part)
        for path in sorted((tmp_path / "c" / part).rglob("*"), reverse=True):  # each part has its own chapters
            path.rename(path.with_name(path.name.replace("84", part[:2])))
        for text in (tmp_path / "c" / part).rglob("*.trans.txt"):
            text.write_text(text.read_text().replace("84-", f"{part[:2]}-"))
    assert {name: len(members) for name, members in read(tmp_path / "c").sets.items()} == {
        "train": 12,
        "dev": 12,
        "test": 12,
    }


def test_of_two_microphones_the_first_and_no_speaker_without_text(tmp_path):
    folder = vctk(tmp_path / "c", end="_mic1.flac")
    sound(folder / "wav48/p225/p225_000_mic2.flac")
    sound(folder / "wav48/p315/p315_000_mic1.flac")
    (folder / "txt/p225/p225_099.txt").write_text("Please call Stella.")
    found = read(folder)
    assert len(found.sets[""]) == 12 and not found.unreadable
    assert {name for name, _ in found.left_out} == {"p225_000_mic2.flac", "p315_000_mic1.flac", "p225_099.txt"}


def lj_without_sound(folder: Path) -> str:
    lj(folder)
    for path in (folder / "wavs").iterdir():
        path.rename(path.with_name(f"x{path.name}"))
    return "metadata.csv:1"


def lj_with_speakers(folder: Path) -> str:
    lj(folder, table="{name}|yes no|ann")
    return "metadata.csv:1: columns"


def lj_of_speakers(folder: Path) -> str:
    lj(folder, table="{name}|ann|yes no")
    return "metadata.csv:1: columns"


def audio_alone(folder: Path) -> str:
    for number in range(12):
        sound(folder / f"{number}.wav")
    return "0.wav"


def one_table(folder: Path) -> str:
    audio_alone(folder)
    (folder / "all.csv").write_text("0.wav,yes\n")
    return "all.csv"


def strange(folder: Path) -> str:
    folder.mkdir()
    (folder / "talk.m4a").write_bytes(b"\0" * 99)
    return "talk.m4a"


def three_good(folder: Path) -> str:
    for number in range(12):
        sound(folder / f"{number:02}.wav")
        if number < 3:
            (folder / f"{number:02}.txt").write_text("yes")
    return "03.wav"


@pytest.mark.parametrize(
    "make", [lj_without_sound, lj_with_speakers, lj_of_speakers, audio_alone, one_table, strange, three_good]
)
def test_what_is_no_corpus_is_named_with_its_reasons(tmp_path, make):
    """What was found, the first file that is at fault among it."""
    named = make(tmp_path / "c")
    with pytest.raises(UserError) as error:
        own.prepare(tmp_path / "c")
    assert named in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "there,missing", [("x.m4a", "x.txt: transcript without audio"), ("x.srt", "x.wav: audio without transcript")]
)
def test_a_half_of_another_kind_is_named(tmp_path, there, missing):
    folder = tree(tmp_path / "c", "a")
    (folder / there).write_bytes(b"\0")
    sound(folder / "x.wav") if there == "x.srt" else (folder / "x.txt").write_text("yes")
    ((_, error),) = read(folder).unreadable
    assert f"{missing} ({there} is of a kind that is not read); " in error
