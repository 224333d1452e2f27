"""People's own corpora through CORPUS_DIR: the same speech as folder, Kaldi directory and lhotse export is the same."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import Recording, RecordingSet, SupervisionSegment, SupervisionSet
from lhotse.kaldi import export_to_kaldi
from praatio import textgrid

from lexicon.errors import UserError
from pipeline.corpora import own
from pipeline.corpora.cutting import Found, by_speaker, cut
from pipeline.datadir import Utterance, read_datadir
from pipeline.times.intervals import read_ctm
from stages import make_mfcc, prepare_data

PROJECT = Path(__file__).resolve().parents[1]
RATE = 8000


def stage(name: str, *options: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", f"stages.{name}", *map(str, options)], cwd=PROJECT, text=True, capture_output=True
    )


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def record(path: Path, text: str | None, seconds: float = 1.0, seed: int = 0) -> None:
    """A recording and, unless None, its transcript."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise(seconds, seed), RATE)
    if text is not None:
        path.with_suffix(".txt").write_text(text, encoding="utf-8")


@pytest.fixture
def plain(tmp_path) -> Path:
    """Ten utterances of each of four speakers, in folders."""
    for number, speaker in enumerate(["ann", "bob", "cat", "dan"]):
        for index in range(10):
            record(
                tmp_path / "mine" / speaker / f"{index:02}.wav", f"Hello, number {index}!\n", seed=10 * number + index
            )
    return tmp_path / "mine"


def manifests(
    folder: Path, recordings: list[Recording], supervisions: list[SupervisionSegment], name: str = ""
) -> None:
    folder.mkdir(exist_ok=True)
    RecordingSet.from_recordings(recordings).to_file(folder / f"{name}recordings.jsonl.gz")
    SupervisionSet.from_segments(supervisions).to_file(folder / f"{name}supervisions.jsonl.gz")


# The same data in three forms
# -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def thirty(speech, tmp_path_factory) -> dict[str, Path]:
    """25 prompts, each in three forms, the lhotse manifests and their export made by lhotse; and what stages make of
    them."""
    root = tmp_path_factory.mktemp("thirty")
    lines: dict[str, list[str]] = {"wav.scp": [], "text": [], "utt2spk": []}
    recordings, supervisions = [], []
    for utt, samples in sorted(speech.samples.items()):
        wav = root / "plain" / "allison" / f"{utt}.wav"
        wav.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(wav, samples, RATE, subtype="PCM_16")
        wav.with_suffix(".txt").write_text(f"{' '.join(speech.words[utt]).capitalize()}.\n")
        for name, value in (("wav.scp", wav), ("text", " ".join(speech.words[utt])), ("utt2spk", "allison")):
            lines[name].append(f"{utt} {value}\n")
        recordings.append(Recording.from_file(wav))
        supervisions.append(
            SupervisionSegment(
                utt, utt, start=0, duration=recordings[-1].duration, speaker="allison", text=" ".join(speech.words[utt])
            )
        )
    (root / "kaldi").mkdir()
    for name, content in lines.items():
        (root / "kaldi" / name).write_text("".join(content))
    manifests(root / "lhotse", recordings, supervisions)
    export_to_kaldi(
        RecordingSet.from_recordings(recordings), SupervisionSet.from_segments(supervisions), root / "export"
    )
    data = {form: root / "data" / form for form in ("plain", "kaldi", "lhotse", "export")}
    for form, out in data.items():
        prepare_data.main(
            Namespace(corpus=form, corpus_dir=root / form, out=out, split=None, allow_missing=0, lexicon=None)
        )
        for name in ("train", "dev", "test"):
            make_mfcc.main(Namespace(data=out / name, norm_vars="yes", allow_missing=0, leave_out=None, jobs=1))
    return data


@pytest.mark.parametrize("form", ["kaldi", "lhotse", "export"])
def test_the_form_makes_no_difference(thirty, form):
    """The same utterances in the same sets, and features that do not differ in a single bit."""
    for name in ("train", "dev", "test"):
        plain, other = (read_datadir(thirty[f] / name) for f in ("plain", form))
        assert [(u.id, u.speaker, u.words, u.num_samples, u.wav) for u in other] == [
            (u.id, u.speaker, u.words, u.num_samples, u.wav) for u in plain
        ] and plain
        ours, theirs = ((thirty[f] / name / "feats.ark").read_bytes() for f in ("plain", form))
        assert ours == theirs


# A folder of recordings and transcripts
# ---------------------------------------------------------------------------------


def test_folders_are_speakers_and_text_is_normalised(plain):
    (plain / "ann/00.wav").rename(plain / "ann/ann-zero.wav")
    (plain / "ann/00.txt").rename(plain / "ann/ann-zero.lab")
    soundfile.write(plain / "bob/new one.flac", noise(1), RATE)
    (plain / "bob/new one.txt").write_text("It's the 3rd.")
    found = {u.id: u for u in own.read(plain).sets[""]}
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


def test_halves_that_are_missing_are_listed_together(plain):
    record(plain / "ann/cough.wav", None)
    (plain / "bob/lost.txt").write_text("gone")
    (plain / "cat/empty.txt").write_text(" ... ")
    record(plain / "cat/empty.wav", " ... ")
    (plain / "dan/00.wav").write_bytes(b"RIFF")
    (plain / "dan/._00.wav").write_bytes(b"what a Mac leaves")
    out = plain.parent / "data/mine"
    done = stage("prepare_data", "--corpus", "mine", "--corpus-dir", plain, "--out", out)
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
    done = stage("prepare_data", "--corpus", "mine", "--corpus-dir", plain, "--out", out, "--allow-missing", "4")
    assert done.returncode == 0 and "39" in done.stdout.splitlines()[3].split()[-1]


def grid(path: Path, **tiers: list[tuple[float, float, str]]) -> None:
    made = textgrid.Textgrid(0, 1)
    for name, entries in tiers.items():
        made.addTier(textgrid.IntervalTier(name.replace("__", " - "), entries, 0, 1))
    made.save(str(path), format="short_textgrid", includeBlankSpaces=True)


def test_textgrids_become_gold(plain):
    """Words and phones by tiers, in the aligner's names and Praat's; phones alone have their words from a text."""
    grid(
        plain / "ann/00.TextGrid",
        ann__words=[(0.1, 0.5, "hi"), (0.5, 0.9, "don't")],
        ann__phones=[(0.1, 0.3, "HH"), (0.3, 0.5, "AY1"), (0.5, 0.9, "x y")],
    )
    (plain / "ann/00.txt").unlink()
    grid(plain / "ann/01.TextGrid", MAU=[(0, 0.2, "<p:>"), (0.2, 0.6, "ah")])
    grid(plain / "ann/02.TextGrid", sentence=[(0, 1, "Take 32 of them.")])
    (plain / "ann/02.txt").unlink()
    prepared, *_ = own.prepare(plain, "utterance")
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
def test_textgrids_that_are_none_are_named(plain, content, message):
    (plain / "ann/00.TextGrid").write_text(content)
    ((name, error),) = own.read(plain).unreadable
    assert name == "ann/00" and message in error and "00.TextGrid" in error and "; " in error


def test_two_files_for_one_name_are_refused(plain):
    (plain / "ann/00.lab").write_text("hello")
    ((name, error),) = own.read(plain).unreadable
    assert name == "ann/00" and "00.lab" in error and "00.txt" in error


# Sets
# -------------------------------------------------------------------------------------------------------------------


def test_four_speakers_are_cut_by_speaker(plain):
    prepared, split, origin = own.prepare(plain)
    speakers = {name: {u.speaker for u in members} for name, members in prepared.sets.items()}
    assert split == "speaker" and speakers == {"train": {"ann", "bob"}, "test": {"cat"}, "dev": {"dan"}}
    assert "cut by speaker (dev: dan; test: cat)" in origin
    assert own.prepare(plain, "utterance").split == "utterance"


def test_three_speakers_are_cut_by_utterance_unless_asked(plain):
    shutil.rmtree(plain / "dan")
    assert own.prepare(plain).split == "utterance"
    sets = own.prepare(plain, "speaker").prepared.sets
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


def test_sets_that_a_folder_has_are_kept_and_those_it_lacks_are_cut(plain):
    for name, speakers in (("train", ["ann", "bob", "cat"]), ("test", ["dan"])):
        (plain / name).mkdir()
        for speaker in speakers:
            (plain / speaker).rename(plain / name / speaker)
    prepared, split, origin = own.prepare(plain)
    assert split == "given" and "train and test as the folder has them" in origin
    assert {u.speaker for u in prepared.sets["test"]} == {"dan"} and {u.id for u in prepared.sets["test"]} >= {"dan-00"}
    assert len(prepared.sets["dev"]) == 3 and len(prepared.sets["train"]) == 27
    record(plain / "eve/00.wav", "and I?")
    with pytest.raises(UserError, match="1 utterances outside of train, test .*eve/00.wav"):
        own.prepare(plain)


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


# Kaldi data directories
# -------------------------------------------------------------------------------------------------


def kaldi(path: Path, utterances: dict[str, str], wav: str, segments: dict[str, str] | None = None) -> Path:
    """A data directory as Kaldi's recipes leave it, without what only phonoscope has."""
    path.mkdir(parents=True)
    tables = {
        "wav.scp": {name: wav for name in (["tape"] if segments else utterances)},
        "text": utterances,
        "utt2spk": {u: u.split("-")[0] for u in utterances},
    }
    if segments:
        tables["segments"] = {u: f"tape {times}" for u, times in segments.items()}
    for name, table in tables.items():
        (path / name).write_text("".join(f"{key} {table[key]}\n" for key in sorted(table)))
    return path


def test_segments_gold_and_words_as_they_are(tmp_path):
    soundfile.write(tmp_path / "tape.flac", noise(12), RATE)
    texts = {f"ann-{i:02}": f"straße Nr.{i}" for i in range(12)}
    path = kaldi(
        tmp_path / "k",
        texts,
        f"{tmp_path}/tape.flac",
        {u: f"{i}.0 {i + 1 if i < 11 else -1}" for i, u in enumerate(texts)},
    )
    (path / "phones.ctm").write_text("ann-00 1 0.1 0.2 sh\nann-04 1 0.5 0.25 t\n")
    (path / "fold.txt").write_text("sh ʃ\n")
    out = tmp_path / "data/k"
    done = stage("prepare_data", "--corpus", "k", "--corpus-dir", path, "--out", out)
    assert done.returncode == 0, done.stderr
    first, *_ = read_datadir(out / "train")
    assert first.words == ("straße", "Nr.0") and first.cut == (0, 1) and first.num_samples == RATE
    assert read_ctm(out / "train/phones.ctm")["ann-00"][0][:2] == (0.1, pytest.approx(0.3))
    assert list(read_ctm(out / "test/phones.ctm")) == ["ann-04"] and "sh ʃ" in (out / "fold.txt").read_text()


def test_directories_named_as_sets_are_the_sets(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(1), RATE)
    for name in ("train", "dev", "test", "train_sp"):
        kaldi(tmp_path / "d" / name, {f"{name}-{i}": "A" for i in range(3)}, "../../a.wav")
    prepared, split, _ = own.prepare(tmp_path / "d")
    assert split == "given" and {name: len(m) for name, m in prepared.sets.items()} == {"train": 3, "dev": 3, "test": 3}
    assert prepared.left_out == [("train_sp", "neither train, dev nor test")]


@pytest.mark.parametrize(
    "name,line,message",
    [
        ("wav.scp", "ann-0 sph2pipe -f wav -p -c 1 /ldc/a.sph |\n", "never run, .*give the file itself.* /ldc/a.sph"),
        ("wav.scp", "ann-0 touch owned |\n", "is a pipe.*never run"),
        ("text", "", "audio without transcript; .*$"),
        ("words.ctm", "tape 1 0 1 A\n", '"tape" is no utterance of text'),
    ],
)
def test_what_is_wrong_with_a_directory_is_said(tmp_path, name, line, message):
    soundfile.write(tmp_path / "a.wav", noise(1), RATE)
    path = kaldi(tmp_path / "k", {f"ann-{i}": "A" for i in range(3)}, f"{tmp_path}/a.wav")
    before = (path / name).read_text().splitlines(keepends=True) if (path / name).exists() else []
    (path / name).write_text("".join([line, *before[1:]]))  # in place of the first
    with pytest.raises(UserError, match=message):
        own.prepare(path)
    assert not (path / "owned").exists() and not Path("owned").exists()


def test_speakers_nobody_knew_are_not_taken_for_known(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(1), RATE)
    path = kaldi(tmp_path / "k", {f"u{i:02}": "A" for i in range(20)}, f"{tmp_path}/a.wav")
    assert own.prepare(path).split == "utterance"


# lhotse
# -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def flacs(tmp_path) -> tuple[list[Recording], list[SupervisionSegment]]:
    """Two utterances in each of six FLAC files, for which lhotse's export writes a pipe with ffmpeg."""
    recordings, supervisions = [], []
    for number in range(6):
        path = tmp_path / f"rec{number}.flac"
        soundfile.write(path, noise(2, number), RATE)
        recordings.append(Recording.from_file(path))
        supervisions += [
            SupervisionSegment(
                f"s{number}-{half}",
                f"rec{number}",
                start=half,
                duration=1 - half / 8,
                speaker=f"s{number}",
                text=f"half {half}",
            )
            for half in (0, 1)
        ]
    return recordings, supervisions


def test_no_pipe_is_needed_for_whole_files(flacs, tmp_path):
    manifests(tmp_path / "m", *flacs)
    export_to_kaldi(RecordingSet.from_recordings(flacs[0]), SupervisionSet.from_segments(flacs[1]), tmp_path / "export")
    assert "|" in (tmp_path / "export/wav.scp").read_text()
    with pytest.raises(UserError, match="never run, .*give the file itself.*rec0.flac"):
        own.prepare(tmp_path / "export")
    prepared, split, _ = own.prepare(tmp_path / "m")
    found = {u.id: u for members in prepared.sets.values() for u in members}
    assert split == "speaker" and len(found) == 12
    assert found["s3-1"].num_samples == 7000 and found["s3-1"].cut == (1, 1.875)
    assert found["s3-1"].wav == tmp_path / "rec3.flac" and found["s3-1"].words == ("HALF", "ONE")


def test_manifests_named_as_sets_are_the_sets(flacs, tmp_path):
    for index, name in enumerate(("train", "dev", "test")):
        manifests(
            tmp_path / "m", flacs[0][2 * index : 2 * index + 2], flacs[1][4 * index : 4 * index + 4], f"corpus_{name}_"
        )
    # lhotse's recipes name them corpus_recordings_train.jsonl.gz; here the set stands first. Both are understood.
    os.rename(tmp_path / "m/corpus_test_recordings.jsonl.gz", tmp_path / "m/corpus_recordings_test.jsonl.gz")
    os.rename(tmp_path / "m/corpus_test_supervisions.jsonl.gz", tmp_path / "m/corpus_supervisions_test.jsonl.gz")
    prepared, split, _ = own.prepare(tmp_path / "m")
    assert split == "given" and {u.id for u in prepared.sets["test"]} == {"s4-0", "s4-1", "s5-0", "s5-1"}


def rewrite(path: Path, change) -> None:
    lines = [json.loads(line) for line in gzip.open(path, "rt")]
    change(lines[0])
    with gzip.open(path, "wt") as stream:
        stream.writelines(json.dumps(line) + "\n" for line in lines)


@pytest.mark.parametrize(
    "name,change,message",
    [
        (
            "recordings",
            lambda r: r["sources"][0].update(type="command", source="touch owned"),
            '"rec0" is command, not one file',
        ),
        ("recordings", lambda r: r["sources"][0].update(source="gone.flac"), "gone.flac: no such audio file"),
        ("recordings", lambda r: r["sources"][0].update(channels=[0, 1]), "has 2 channels"),
        ("supervisions", lambda s: s.pop("text"), 'supervision "s0-0" has no text'),
        ("supervisions", lambda s: s.pop("speaker"), 'supervision "s0-0" has no speaker'),
        ("supervisions", lambda s: s.pop("recording_id"), "lhotse cannot export it"),
    ],
)
def test_manifests_that_do_not_fit_are_refused_in_a_line(flacs, tmp_path, name, change, message):
    manifests(tmp_path / "m", *flacs)
    rewrite(tmp_path / f"m/{name}.jsonl.gz", change)
    with pytest.raises(UserError, match=message):
        own.prepare(tmp_path / "m")
    assert not (tmp_path / "owned").exists() and not Path("owned").exists()


# Names
# ------------------------------------------------------------------------------------------------------------------


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
