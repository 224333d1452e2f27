"""an4, speech_commands and commonvoice as small trees in their publishers' exact layouts."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers.corpora import ANN, BOB, CYN, language
from sphere import write_sphere

from lexicon.dictionary import look_up, read_lexicon
from lexicon.errors import UserError
from pipeline.corpora import an4, commonvoice, fetch, speech_commands
from pipeline.sound.audio import read_audio

SAMPLES = np.arange(-800, 800, dtype=np.int16)  # 0.1 s
AN4_DIC = "A\tAH\nA(2)\tEY\nENTER  EH N T ER\nGO  G OW\nSIX  S IH K S\n"


def pack(folder: Path, archive: Path, name: str) -> Path:
    archive.parent.mkdir(exist_ok=True)
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(folder, name)
    return archive.parent


# an4


@pytest.fixture
def an4_tree(tmp_path) -> Path:
    """74 and 10 speakers with two files each, in the form of the release: train with <s> </s>, test without."""
    top = tmp_path / "an4"
    (top / "etc").mkdir(parents=True)
    for name, folder, count in (("train", "an4_clstk", 74), ("test", "an4test_clstk", 10)):
        files, lines = [], []
        for speaker in (f"{'mf'[i % 2]}{name[1]}{i:02}" for i in range(count)):
            for stem in (f"an{len(files)}-{speaker}-b", f"cen{len(files) + 1}-{speaker}-b"):
                write_sphere(top / "wav" / folder / speaker / f"{stem}.sph", SAMPLES, big_endian=True)
                files.append(f"{folder}/{speaker}/{stem}")
                lines.append(f"<s> ENTER SIX </s> ({stem})" if name == "train" else f"GO A ({stem})")
        (top / f"etc/an4_{name}.fileids").write_text("\n".join(files) + "\n")
        (top / f"etc/an4_{name}.transcription").write_text("\n".join(lines) + "\n")
    (top / "etc/an4.dic").write_text(AN4_DIC)
    return top


def test_an4_has_the_published_sets_and_a_dev_set_of_whole_speakers(an4_tree, tmp_path):
    downloads = pack(an4_tree, tmp_path / "downloads/an4_sphere.tar.gz", "an4")
    root = an4.get(downloads, tmp_path / "cache")
    assert fetch.origin(root).startswith(f"an4_sphere.tar.gz from {downloads}: taken as it is")
    prepared = an4.prepare(root)
    sets = prepared.sets
    speakers = {name: {u.speaker for u in members} for name, members in sets.items()}
    assert {name: len(members) for name, members in speakers.items()} == {"train": 67, "dev": 7, "test": 10}
    assert not speakers["train"] & speakers["dev"]
    assert {name: len(members) for name, members in sets.items()} == {"train": 134, "dev": 14, "test": 20}
    first = sets["test"][0]
    assert (first.id, first.speaker, first.words) == ("fe01-an2-fe01-b", "fe01", ("GO", "A"))
    assert {u.words for u in sets["train"]} == {("ENTER", "SIX")} and not prepared.unreadable
    assert np.array_equal(read_audio(first.wav, 16000) * 32768, SAMPLES)  # big-endian


def test_an4_brings_its_own_dictionary(an4_tree, tmp_path):
    assert an4.get(tmp_path, tmp_path / "cache") == an4_tree  # the unpacked folder will do
    path = tmp_path / "lexicon.txt"
    path.write_text(an4.prepare(an4_tree).lexicon)
    assert read_lexicon(path) == {
        "A": [("AH",), ("EY",)],
        "ENTER": [tuple("EH N T ER".split())],
        "GO": [("G", "OW")],
        "SIX": [("S", "IH", "K", "S")],
    }


@pytest.mark.parametrize(
    "file,old,new,message",
    [
        ("an4_test.transcription", "GO A (an0-me00-b)\n", "", 'an4_test.fileids:1: "an0-me00-b": no transcript'),
        ("an4_test.fileids", "an4test_clstk/me00/an0-me00-b\n", "", 'an4_test.fileids: no line for "an0-me00-b"'),
        ("an4_test.transcription", "(an0-me00-b)", "an0-me00-b", "an4_test.transcription:1: .* is not `<s> WORD"),
        (
            "an4_train.transcription",
            "ENTER SIX </s> (an0",
            "</s> (an0",
            "an4_train.transcription:1: .* is not `<s> WORD",
        ),
        ("an4_test.fileids", "an4test_clstk/me00/an0", "an0", "an4_test.fileids:1: .* is not like an4_clstk/fash"),
    ],
)
def test_an4_faults_are_named(an4_tree, file, old, new, message):
    path = an4_tree / "etc" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=message):
        an4.prepare(an4_tree)


def test_an4_audio_that_is_missing_is_reported_as_unreadable(an4_tree):
    next(an4_tree.rglob("an0-me00-b.sph")).unlink()
    (problem,) = an4.prepare(an4_tree).unreadable
    assert problem[0] == "me00-an0-me00-b" and "an0-me00-b.sph: no such audio file" in problem[1]


# speech_commands

COMMANDS = """backward bed bird cat dog down eight five follow forward four go happy house learn left marvin nine no off
on one right seven sheila six stop three tree two up visual wow yes zero""".split()


@pytest.fixture
def commands_tree(tmp_path) -> Path:
    """The 35 words by three speakers, the second of whom is validation and the third testing; noise."""
    top = tmp_path / "commands"
    for word in COMMANDS:
        (top / word).mkdir(parents=True)
        for speaker in ("0a7c2a8d", "1b4c9b89", "ffd2ba2f"):
            soundfile.write(top / word / f"{speaker}_nohash_0.wav", SAMPLES, 16000)
    (top / "_background_noise_").mkdir()
    soundfile.write(top / "_background_noise_/pink_noise.wav", SAMPLES, 16000)
    for table, speaker in (("validation_list.txt", "1b4c9b89"), ("testing_list.txt", "ffd2ba2f")):
        (top / table).write_text("".join(f"{word}/{speaker}_nohash_0.wav\n" for word in COMMANDS))
    return top


def test_speech_commands_sets_are_those_of_the_lists(commands_tree, tmp_path):
    downloads = pack(commands_tree, tmp_path / "downloads/speech_commands_v0.02.tar.gz", ".")
    root = speech_commands.get(downloads, tmp_path / "cache")
    assert fetch.origin(root).endswith("not the publisher's known archive, taken as it is")
    prepared = speech_commands.prepare(root)
    sets = prepared.sets
    assert {name: {u.speaker for u in members} for name, members in sets.items()} == {
        "train": {"0a7c2a8d"},
        "dev": {"1b4c9b89"},
        "test": {"ffd2ba2f"},
    }
    assert all(len(members) == 35 for members in sets.values())
    assert (sets["dev"][0].id, sets["dev"][0].words) == ("1b4c9b89_nohash_0_backward", ("BACKWARD",))
    assert prepared.left_out == [("_background_noise_/pink_noise.wav", "noise, not speech")]
    assert len(look_up([word.upper() for word in COMMANDS])) == 35  # none has to be guessed


def test_speech_commands_faults_are_named(commands_tree):
    (commands_tree / "yes/ffd2ba2f_nohash_0.wav").rename(commands_tree / "yes/mine.wav")
    with pytest.raises(UserError, match="testing_list.txt:34: yes/ffd2ba2f_nohash_0.wav: no such file"):
        speech_commands.prepare(commands_tree)
    (commands_tree / "testing_list.txt").write_text("")
    with pytest.raises(UserError, match="yes/mine.wav: the name should be like 0a7c2a8d_nohash_0.wav"):
        speech_commands.prepare(commands_tree)
    (commands_tree / "validation_list.txt").unlink()
    with pytest.raises(UserError, match="no validation_list.txt"):
        speech_commands.prepare(commands_tree)


# commonvoice


WELSH = {
    "train": [(ANN, "Mae'r tŷ’n fawr."), (ANN, '"Croeso," meddai hi – ail-ddweud'), (BOB, "...")],
    "dev": [(BOB, "Ble mae 3 chath?"), (BOB, "Nos da!")],
    "test": [(CYN, "Ie")],
}


def test_commonvoice_of_one_language(tmp_path):
    language(tmp_path / "cv-corpus-17.0-2024-03-15", "cy", WELSH)
    downloads = pack(
        tmp_path / "cv-corpus-17.0-2024-03-15",
        tmp_path / "downloads/cv-corpus-17.0-2024-03-15-cy.tar.gz",
        "cv-corpus-17.0-2024-03-15",
    )
    prepared = commonvoice.prepare(commonvoice.get(downloads, tmp_path / "cache"))
    sets = prepared.sets
    assert [u.words for u in sets["train"]] == [("Mae'r", "tŷ’n", "fawr"), ("Croeso", "meddai", "hi", "ail", "ddweud")]
    assert [u.id for u in sets["train"]] == [f"012345678-common_voice_cy_{n}" for n in (17299385, 17299386)]
    assert [u.speaker for u in sets["dev"] + sets["test"]] == ["012345670", "fffffffff"]  # 8 digits would not do
    assert prepared.left_out == [
        ("common_voice_cy_17299387.mp3", "a sentence without words"),
        (
            'common_voice_cy_17299388.mp3 (cy/dev.tsv:2: "3")',
            "figures can be read in several ways; write them as the words that are said",
        ),
    ]
    assert prepared.sample_rate == 48000 and not prepared.unreadable
    first = sets["test"][0]
    assert len(read_audio(first.wav, 48000)) == first.num_samples >= 9600  # of MP3, which pads, exactly what is read
    assert np.abs(read_audio(first.wav, 48000)).max() == pytest.approx(0.25, abs=0.05)


def test_commonvoice_in_english_reads_numbers(tmp_path):
    folder = language(tmp_path, "en", {name: [(name * 40, "He's got 3 well-known cats.")] for name in WELSH})
    assert commonvoice.get(tmp_path, tmp_path / "cache") == tmp_path  # the unpacked folder will do
    for root in (tmp_path, folder):
        (utterance,) = commonvoice.prepare(root).sets["train"]
        assert utterance.words == ("HE'S", "GOT", "THREE", "WELL", "KNOWN", "CATS")


def test_commonvoice_is_spelled_as_its_lexicon(tmp_path):
    language(tmp_path, "cy", WELSH)
    (tmp_path / "welsh.txt").write_text("mae'r m aː r\ntŷ'n t ɪ n\nfawr v aʊ r\nail-ddweud a i l\nie i e\n")
    sets = commonvoice.prepare(tmp_path, lexicon=tmp_path / "welsh.txt").sets
    assert [u.words for u in sets["train"]] == [("mae'r", "tŷ'n", "fawr"), ("croeso", "meddai", "hi", "ail-ddweud")]


def test_commonvoice_of_several_languages_wants_one_named(tmp_path):
    for name in ("cy", "en"):
        language(tmp_path, name, {table: [(table * 40, name)] for table in WELSH})
    with pytest.raises(UserError, match="2 languages; name one: SPLIT=cy or en"):
        commonvoice.prepare(tmp_path)
    with pytest.raises(UserError, match="SPLIT=de: commonvoice has no such split; use one of: cy, en"):
        commonvoice.prepare(tmp_path, "de")
    sets = commonvoice.prepare(tmp_path, "en").sets
    assert {name: [u.words for u in members] for name, members in sets.items()} == dict.fromkeys(WELSH, [("EN",)])


def test_commonvoice_is_not_fetched(tmp_path):
    for downloads in (None, tmp_path):
        with pytest.raises(UserError, match="Mozilla asks for consent, .* DOWNLOADS="):
            commonvoice.get(downloads, tmp_path)
    for name in ("cy", "en"):
        (tmp_path / f"cv-corpus-17.0-{name}.tar.gz").touch()
    with pytest.raises(UserError, match="17.0-cy.tar.gz and also cv-corpus-17.0-en.tar.gz; give a folder with one"):
        commonvoice.get(tmp_path, tmp_path)


@pytest.mark.parametrize(
    "old,new,message",
    [
        ("sentence\tup", "text\tup", "dev.tsv:1: no column sentence"),
        ("\tNos da!", "", "dev.tsv:3: 10 columns of 11"),
        ("common_voice_cy_17299389", "../../x", 'dev.tsv:3: "../../x.mp3" is no clip of a speaker'),
        (f"{BOB}\tcommon_voice_cy_17299389", "\tcommon_voice_cy_17299389", 'dev.tsv:3: ".*" is no clip of a speaker'),
    ],
)
def test_commonvoice_faults_are_named(tmp_path, old, new, message):
    table = language(tmp_path, "cy", WELSH) / "dev.tsv"
    assert old in table.read_text()
    table.write_text(table.read_text().replace(old, new))
    with pytest.raises(UserError, match=message):
        commonvoice.prepare(tmp_path)
