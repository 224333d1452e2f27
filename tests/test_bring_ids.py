"""Files, ids and results as people bring and find them: no two share an id, each result stays, and what cannot be read
is named."""

from __future__ import annotations

import os
import unicodedata
import zipfile
from pathlib import Path

import pytest
import soundfile
from bring import RATE, noise

from lexicon.errors import UserError
from lexicon.written import Written
from pipeline.corpora import commonvoice, fsdd, own, timit, yesno
from pipeline.corpora.cutting import Found
from pipeline.corpora.unpack import extract
from pipeline.datadir.check import Check
from pipeline.datadir.repair import repair
from pipeline.sound.recording import begin_results, own_folder

NFC, NFD = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
MAC = b"\0\5\x16\7\0\2\0\0Mac OS X"  # how ._ files begin


def sound(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise(0.5, seed), RATE, format="FLAC" if path.suffix == ".flac" else "WAV")
    return path


def tree(folder: Path, *names: str) -> Path:
    """name.wav with name.txt for each name, and ten more of speaker zz."""
    for name in (*names, *(f"zz/{number}" for number in range(10))):
        sound(folder / f"{name}.wav")
        (folder / f"{name}.txt").write_text("yes", encoding="utf-8")
    return folder


def ids(folder: Path, others: str = "zz") -> dict[str, str]:
    """{path of the recording: id} of what CORPUS_DIR finds, but for speaker zz."""
    found = read(folder)
    return {
        u.wav.relative_to(folder.resolve()).as_posix(): u.id
        for members in found.sets.values()
        for u in members
        if u.speaker != others
    }


def read(folder: Path) -> Found:
    return own.read(folder, Written())


# Ids


@pytest.mark.parametrize(
    "names,expected",
    [
        (("1/10", "10/10"), ("1-10", "10-10")),
        (("a/s1/a_0", "a/s2/a_0"), ("a-s1-a_0", "a-s2-a_0")),
        (("ann/1", "bob/1"), ("ann-1", "bob-1")),  # as ever
        (("ann/ann_1", "ann/x/ann_2"), ("ann_1", "ann_2")),  # as ever: they do not collide
        (("train/s/s_1", "test/s/s_1"), ("s-s_1-train", "s-s_1-test")),
        (("train/s/1", "test/s/1"), ("s-1-train", "s-1-test")),
        (("a/b-c", "a-b/c"), ("a-b-c-1", "a-b-c-2")),
        (("a/b c", "a/b_c"), ("a-b_c-1", "a-b_c-2")),
        (("1/10", "10/10", "1/1-10"), ("1-10-1", "10-10", "1-10")),
        ((f"{NFD}/1",), (f"{NFC}-1",)),
    ],
)
def test_every_recording_has_an_id_of_its_own_that_its_speaker_begins(tmp_path, names, expected):
    found = read(tree(tmp_path / "c", *names))
    ours = {
        u.wav.relative_to((tmp_path / "c").resolve()).with_suffix("").as_posix(): u
        for members in found.sets.values()
        for u in members
        if u.speaker != "zz"
    }
    assert {ours[name].id for name in names} == set(expected) and len(ours) == len(names)
    assert all(u.id.startswith(u.speaker) for u in ours.values())


@pytest.mark.parametrize("audio,text", [(NFC, NFD), (NFD, NFC), (NFD, NFD)])
def test_a_file_name_in_either_unicode_form_is_one_id(tmp_path, audio, text):
    folder = tree(tmp_path / "c")
    sound(folder / f"s/caf{audio}.wav")
    (folder / f"s/caf{text}.txt").write_text("yes")
    assert ids(folder) == {f"s/caf{audio}.wav": f"s-caf{NFC}"}


def test_two_files_that_differ_only_in_unicode_form_are_named(tmp_path):
    folder = tree(tmp_path / "c", f"s/{NFC}", f"s/{NFD}")
    with pytest.raises(UserError, match="Unicode form"):
        read(folder)


# Kaldi directories in two forms


def kaldi(folder: Path, forms: dict[str, str]) -> Path:
    """A data directory of eleven utterances; ``forms`` of the é in each table."""
    folder.mkdir()
    names = [*(f"s-{number}" for number in range(10)), "sé-1"]
    lines = {
        "wav.scp": [f"{name} {sound(folder / 'wav' / f'{number}.wav', number)}" for number, name in enumerate(names)],
        "text": [f"{name} YES" for name in names],
        "utt2spk": [f"{name} {name.split('-')[0]}" for name in names],
    }
    for table, rows in lines.items():
        rows = [row.replace("é", forms.get(table, NFC)) for row in rows]
        (folder / table).write_text("".join(f"{row}\n" for row in sorted(rows)), encoding="utf-8")
    return folder


FORMS = [{"wav.scp": NFD}, {"text": NFD}, {"utt2spk": NFD}, {"wav.scp": NFD, "text": NFD, "utt2spk": NFD}]


@pytest.mark.parametrize("forms", FORMS)
def test_ids_of_kaldi_directories_in_either_form_are_one(tmp_path, forms):
    found = read(kaldi(tmp_path / "k", forms))
    assert (f"s{NFC}-1", f"s{NFC}") in {(u.id, u.speaker) for u in found.sets[""]} and len(found.sets[""]) == 11


@pytest.mark.parametrize("forms", FORMS)
def test_repair_writes_one_form_and_loses_no_line(tmp_path, forms):
    folder = kaldi(tmp_path / "k", forms)
    repair(folder)
    for table in ("wav.scp", "text", "utt2spk"):
        lines = (folder / table).read_text(encoding="utf-8").splitlines()
        assert len(lines) == 11 and sum(line.startswith(f"s{NFC}-1 ") for line in lines) == 1
    assert not list(Check(folder).problems())


def test_repair_does_not_empty_text(tmp_path):
    """Where its ids are of another kind altogether."""
    folder = kaldi(tmp_path / "k", {})
    text = "".join(f"{number}_x YES\n" for number in range(10, 20))
    (folder / "text").write_text(text)
    repair(folder)
    assert (folder / "text").read_text() == text


@pytest.mark.parametrize("on_disk,in_table", [(NFC, NFD), (NFD, NFC)])
def test_a_path_in_wav_scp_may_have_the_other_form(tmp_path, on_disk, in_table):
    folder = kaldi(tmp_path / "k", {})
    wav = sound(folder / f"caf{on_disk}/x.wav")
    table = (folder / "wav.scp").read_text(encoding="utf-8").splitlines()
    table[0] = f"s-0 {folder}/caf{in_table}/x.wav"
    (folder / "wav.scp").write_text("\n".join(table) + "\n", encoding="utf-8")
    assert wav.resolve() in {u.wav for u in read(folder).sets[""]}


# What a Mac leaves behind


def plain(folder: Path) -> Path:
    return tree(folder, "s/1")


def kaldi_sets(folder: Path) -> Path:
    folder.mkdir()
    kaldi(folder / "train", {})
    return folder


def lj(folder: Path, count: int = 12, table: str = "{name}|Yes, no.|yes no") -> Path:
    for number in range(count):
        sound(folder / f"wavs/LJ001-{number:04}.wav", number)
    (folder / "metadata.csv").write_text("".join(table.format(name=f"LJ001-{n:04}") + "\n" for n in range(count)))
    return folder


def vctk(folder: Path, top: str = "wav48", end: str = ".wav") -> Path:
    for speaker in ("p225", "p226"):
        for number in range(6):
            sound(folder / f"{top}/{speaker}/{speaker}_{number:03}{end}", number)
            text = folder / f"txt/{speaker}/{speaker}_{number:03}.txt"
            text.parent.mkdir(parents=True, exist_ok=True)
            text.write_text("Please call Stella.")
    return folder


def libri(folder: Path, end: str = ".flac") -> Path:
    for chapter in (10, 11):
        names = [f"84-{chapter}-{number:04}" for number in range(6)]
        for number, name in enumerate(names):
            sound(folder / f"84/{chapter}/{name}{end}", number)
        (folder / f"84/{chapter}/84-{chapter}.trans.txt").write_text("".join(f"{name} YES NO\n" for name in names))
    return folder


def mac(folder: Path) -> None:
    """._name beside each file, and again below __MACOSX, as unzip leaves them on other systems."""
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        (path.parent / f"._{path.name}").write_bytes(MAC)
        there = folder / "__MACOSX" / path.relative_to(folder).parent
        there.mkdir(parents=True, exist_ok=True)
        (there / f"._{path.name}").write_bytes(MAC)
        (there / path.name).write_bytes(MAC)


@pytest.mark.parametrize("make", [plain, kaldi_sets, lj, vctk, libri])
def test_what_a_mac_leaves_is_no_recording(tmp_path, make):
    folder = make(tmp_path / "c")
    before = {name: sorted(u.id for u in members) for name, members in read(folder).sets.items()}
    mac(folder)
    found = read(folder)
    assert {name: sorted(u.id for u in members) for name, members in found.sets.items()} == before
    assert not found.unreadable and not found.left_out


@pytest.mark.parametrize("corpus,name", [(fsdd, "recordings/7_jackson_{}.wav"), (yesno, "w/0_1_0_1_{:04b}.wav")])
def test_nor_of_corpora_that_come_built_in(tmp_path, corpus, name):
    for number in range(16):
        sound(
            tmp_path / "c" / name.format(number).replace("0b", "")
            if corpus is fsdd
            else tmp_path / "c/w" / ("0_1_" + "_".join(f"{number:04b}") + ".wav"),
            number,
        )
    before = sum(map(len, corpus.prepare(tmp_path / "c").sets.values()))
    mac(tmp_path / "c")
    assert sum(map(len, corpus.prepare(tmp_path / "c").sets.values())) == before == 16


def test_nor_of_common_voice_and_timit(tmp_path):
    rows = [f"client{n}\t{n}.wav\tyes" for n in range(3)]
    for number, name in enumerate(("train", "dev", "test")):
        sound(tmp_path / f"cv/en/clips/{number}.wav")
        (tmp_path / f"cv/en/{name}.tsv").write_text(f"client_id\tpath\tsentence\n{rows[number]}\n")
    mac(tmp_path / "cv")
    assert sum(map(len, commonvoice.prepare(tmp_path / "cv").sets.values())) == 3
    speaker = tmp_path / "t/TRAIN/DR1/FCJF0"
    sound(speaker / "SI1027.WAV")
    for ending, line in (("PHN", "0 4000 h#"), ("WRD", "0 4000 yes"), ("TXT", "0 4000 Yes.")):
        (speaker / f"SI1027.{ending}").write_text(f"{line}\n")
    mac(tmp_path / "t")
    assert len(list(timit.sentences(tmp_path / "t"))) == 1


def test_nor_are_they_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as packed:
        for name in ("c/a.wav", "c/._a.wav", "__MACOSX/c/._a.wav", "__MACOSX/c/a.wav"):
            packed.writestr(name, MAC)
    extract(tmp_path / "c.zip", tmp_path / "out")
    assert [path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")] == ["c/a.wav"]


# Layouts


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
def test_what_is_no_corpus_is_told_with_its_reasons(tmp_path, make):
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


# Results of one's own recordings


def results(base: Path, wav: Path, what: str = "new") -> Path:
    out = own_folder(base, wav)
    begin_results(out, wav)
    (out / "a.ctm").write_text(what)
    return out


def test_results_of_one_name_from_two_folders_stay_apart(tmp_path):
    own_dir, wavs = tmp_path / "own", [sound(tmp_path / folder / "a.wav") for folder in ("s1", "s2", "x/s2")]
    folders = [results(own_dir, wav, str(wav)) for wav in wavs]
    assert [folder.name for folder in folders] == ["a", "s2-a", "s2-a-2"]
    assert [own_folder(own_dir, wav) for wav in wavs] == folders  # again, in any order, and relative or not
    assert own_folder(own_dir, os.path.relpath(wavs[1])) == folders[1]
    assert [(folder / "a.ctm").read_text() for folder in folders] == list(map(str, wavs))


def test_files_of_two_endings_are_two_recordings(tmp_path):
    folders = {results(tmp_path / "own", sound(tmp_path / f"s/a{end}")) for end in (".wav", ".flac")}
    assert len(folders) == 2


@pytest.mark.parametrize("old", ["of an earlier recording", "of nobody knows what"])
def test_old_results_do_not_mix_with_new_ones(tmp_path, old):
    own_dir, wav = tmp_path / "own", sound(tmp_path / "a.wav")
    out = results(own_dir, wav, "old")
    if old == "of an earlier recording":
        soundfile.write(wav, noise(0.7, 5), RATE)
    else:
        (out / "recording.txt").unlink()
    assert results(own_dir, wav) == out and (out / "a.ctm").read_text() == "new"
    assert (own_dir / "a.1/a.ctm").read_text() == "old"
