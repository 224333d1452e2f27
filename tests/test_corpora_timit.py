"""TIMIT in the LDC's layout, whole and in its variants, and NLTK's sample, with gold phones."""

from __future__ import annotations

import os
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from helpers.corpora import SAMPLES, sentence, small_tree

from lexicon import timit as phone_set
from lexicon.errors import UserError
from lexicon.phones import PHONES, spoken
from pipeline.corpora import fetch, timit, timit_sample
from pipeline.sound.audio import read_audio
from pipeline.times.intervals import Interval

REFERENCE = Path(__file__).parent / "reference/timit.map"


def numbered(sex: str, count: int) -> list[str]:
    """Names of invented speakers, none of which TIMIT has."""
    return [f"{sex}{i:03}9" for i in range(count)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """All 630 speakers' ten sentences, as hard links to the files of one."""
    top = tmp_path_factory.mktemp("ldc") / "TIMIT"
    sentence(top.parent, "one", "It.")
    test = [*timit.DEV_SPEAKERS, *timit.TEST_SPEAKERS, *numbered("M", 94)]
    for half, speakers in (("TRAIN", numbered("F", 462)), ("TEST", test)):
        for index, speaker in enumerate(speakers):
            folder = top / half / f"DR{index % 8 + 1}" / speaker
            folder.mkdir(parents=True)
            for name in ("SA1", "SA2", "SI1", "SI2", "SI3", "SX1", "SX2", "SX3", "SX4", "SX5"):
                for ending in (".WAV", ".PHN", ".WRD", ".TXT"):
                    os.link(top.parent / f"ONE{ending}", folder / f"{name}{ending}")
    return top


def test_the_published_counts(whole):
    """Kaldi's recipe: 3,696, 400 and 192 utterances of 462, 50 and 24 speakers, no SA sentence."""
    prepared = timit.prepare(whole.parent)
    sets = prepared.sets
    assert {name: len(members) for name, members in sets.items()} == {"train": 3696, "dev": 400, "test": 192}
    speakers = {name: {u.speaker for u in members} for name, members in sets.items()}
    assert {name: len(members) for name, members in speakers.items()} == {"train": 462, "dev": 50, "test": 24}
    assert not any(u.id.split("_")[1].startswith("SA") for members in sets.values() for u in members)
    assert Counter(why.split()[0] for _, why in prepared.left_out) == {"SA,": 1260, "TEST": 752}
    assert prepared.sample_rate == 16000 and not prepared.unreadable
    assert prepared.gold.keys() == {u.id for members in sets.values() for u in members}


def test_the_lists_of_speakers():
    """50 and 24, disjoint; of the core test set two men and a woman of each of the eight dialects."""
    dev, test = set(timit.DEV_SPEAKERS), set(timit.TEST_SPEAKERS)
    assert (len(dev), len(test), len(timit.DEV_SPEAKERS), len(timit.TEST_SPEAKERS)) == (50, 24, 50, 24)
    assert not dev & test
    assert Counter(name[0] for name in test) == {"M": 16, "F": 8}
    assert all(len(name) == 5 and name[0] in "FM" and name[-1].isdigit() for name in dev | test)


@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("audio", ["sphere", "riff", "both"])
def test_every_variant_of_the_tree_is_read_alike(tmp_path, upper, audio):
    case = str.upper if upper else str.lower
    small_tree(tmp_path / "TIMIT", upper, audio)
    prepared = timit.prepare(timit.get(tmp_path, tmp_path / "cache"))
    assert {name: [u.id for u in members] for name, members in prepared.sets.items()} == {
        "train": [case("fcjf0_si648"), case("fcjf0_sx37")],
        "dev": [case("faks0_si648"), case("faks0_sx37")],
        "test": [case("mdab0_si648"), case("mdab0_sx37")],
    }
    first = prepared.sets["test"][0]
    assert (first.speaker, first.num_samples) == (case("mdab0"), 1600)
    assert first.words == ("IT", "DOESN'T", "E", "G", "ANTI", "SLAVERY")
    assert first.wav.name == case("si648.wav") + (".wav" if audio == "both" else "")
    assert np.array_equal(read_audio(first.wav, 16000) * 32768, SAMPLES)


def test_gold_is_in_seconds_and_in_timits_own_labels(tmp_path):
    gold = timit.prepare(small_tree(tmp_path)).gold["FCJF0_SI648"]
    assert [phone.label for phone in gold.phones] == ["h#", "q", "ix", "tcl", "t", "h#"]
    assert gold.phones[1] == Interval(0.01, 0.025, "q") and gold.phones[-1].end == 0.095
    assert gold.words == (Interval(0.01, 1100 / 16000, "IT"),)


def test_archives_and_folders_are_found(tmp_path):
    small_tree(tmp_path / "disc/TIMIT")
    assert timit.get(tmp_path / "disc/TIMIT", tmp_path) == timit.get(tmp_path / "disc", tmp_path)  # either will do
    for name, pack in (("timit.zip", zip_up), ("LDC93S1.tgz", tar_up), ("TIMIT.tar", tar_up)):
        downloads = tmp_path / name.replace(".", "-")
        downloads.mkdir()
        pack(tmp_path / "disc/TIMIT", downloads / name)
        root = timit.get(downloads, tmp_path / "cache")
        assert len(timit.prepare(root).sets["train"]) == 2
        assert fetch.origin(root).startswith(f"{name} from {downloads}: taken as it is; its publisher names no hash")


def zip_up(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, Path("data") / path.relative_to(folder))


def tar_up(folder: Path, archive: Path) -> None:
    with tarfile.open(archive, "w:gz" if archive.suffix == ".tgz" else "w") as packed:
        packed.add(folder, "timit/TIMIT")


@pytest.mark.parametrize("downloads", [None, "empty"])
def test_without_a_licence_there_is_nothing_to_fetch(tmp_path, downloads):
    with pytest.raises(UserError, match="^timit: the LDC licenses TIMIT .*; put .* give DOWNLOADS="):
        timit.get(downloads and tmp_path, tmp_path)


@pytest.mark.parametrize(
    "file,content,message",
    [
        ("SI648.PHN", "0 160 h#\n160 400 schwa\n", r"SI648.PHN:2: \"schwa\" is none of TIMIT's 61 phones"),
        ("SI648.PHN", "0 160 h#\n400 160 ix\n", 'SI648.PHN:2: "400 160 ix" is not `first-sample last-sample label`'),
        ("SI648.PHN", "0 -1 h#\n", 'SI648.PHN:1: "0 -1 h#" is not'),
        ("SI648.WRD", "160 it\n", 'SI648.WRD:1: "160 it" is not'),
        ("SI648.WRD", None, r"SI648.PHN: no .wrd file beside it"),
        ("SI648.TXT", None, r"SI648.PHN: no .txt file beside it"),
        ("SI648.TXT", "0 1600 ...\n", 'SI648.TXT:1: "0 1600 ..." is not `first-sample last-sample sentence`'),
        ("SI648.TXT", "", "SI648.TXT:1: "),
        ("SI648.WAV", None, "SI648.PHN: phones without audio; restore .*SI648.WAV"),
    ],
)
def test_faults_are_named(tmp_path, file, content, message):
    path = small_tree(tmp_path) / "TRAIN/DR1/FCJF0" / file
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(UserError, match=message) as error:
        timit.prepare(tmp_path)
    assert "\n" not in str(error.value)


def test_a_tree_without_its_halves_is_refused(tmp_path):
    sentence(tmp_path / "timit/dr1-fvmh0", "sa1", "It.", upper=False)
    with pytest.raises(UserError, match="no folder TRAIN; .*CORPUS=timit_sample"):
        timit.prepare(tmp_path)


# The sample


def sample_tree(top: Path, dialects: int) -> Path:
    for dialect in range(1, dialects + 1):
        for sex in "fm":
            for name in ("sa1", "sa2", "si1", "sx1"):
                sentence(top / f"timit/dr{dialect}-{sex}abc{dialect}", name, "It.", upper=False, audio="riff")
    return top


@pytest.mark.parametrize("dialects", [4, 8])
def test_every_speaker_of_the_sample_is_tested_once(tmp_path, dialects):
    root, tested, dev_sexes = sample_tree(tmp_path, dialects), Counter(), Counter()
    for split in timit_sample.SPLITS:
        sets = timit_sample.prepare(root, split).sets
        speakers = {name: {u.speaker for u in members} for name, members in sets.items()}
        assert {name: len(members) for name, members in speakers.items()} == {
            "test": dialects // 2,
            "dev": dialects // 4,
            "train": dialects * 2 - 3 * dialects // 4,
        }
        assert not (
            speakers["train"] & speakers["dev"]
            or speakers["train"] & speakers["test"]
            or speakers["dev"] & speakers["test"]
        )
        for name in ("dev", "test"):
            assert {u.id.split("_")[1] for u in sets[name]} == {"si1", "sx1"}
        assert {u.id.split("_")[1] for u in sets["train"]} == {"sa1", "sa2", "si1", "sx1"}
        tested.update(speakers["test"])
        dev_sexes.update(speaker[0] for speaker in speakers["dev"])
    assert set(tested.values()) == {1} and len(tested) == 2 * dialects
    assert dev_sexes["f"] == dev_sexes["m"]


def test_the_sample_comes_as_nltk_packs_it_or_as_a_tarball(tmp_path):
    tree = sample_tree(tmp_path / "tree", 4)
    for name in ("timit.zip", "timit_sample_dr1-4.tar.gz"):
        downloads = tmp_path / name.replace(".", "-")
        downloads.mkdir()
        if name.endswith("zip"):
            zip_up(tree, downloads / name)
        else:
            tar_up(tree / "timit", downloads / name)
        root = timit_sample.get(downloads, tmp_path / "cache")
        assert f"{name} from {downloads}: taken as it is" in fetch.origin(root)
        assert len(timit_sample.prepare(root).sets["test"]) == 4
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match="none/timit.zip: no such archive; .* https://raw.githubusercontent.com/nltk"):
        timit_sample.get(tmp_path / "none", tmp_path / "cache")


# The folding


def test_the_folding_is_lee_and_hons():
    """Against the table that Kaldi's recipe publishes: 61 labels, 48 classes to train, 39 to count, q in neither."""
    rows = [line.split() for line in REFERENCE.read_text().splitlines() if not line.startswith("#")]
    assert phone_set.LABELS == sorted(row[0] for row in rows) and len(rows) == 61
    assert [row for row in rows if len(row) != 3] == [["q"]]
    mapped = [row for row in rows if len(row) == 3]
    assert phone_set.FOLD_61_48 == {label: middle for label, middle, _ in mapped}
    assert phone_set.FOLD_48_39 == {middle: last for _, middle, last in mapped}
    assert len(phone_set.FOLD_48_39) == 48 and len(set(phone_set.FOLD_48_39.values())) == 39


def test_labels_and_dictionary_meet_in_the_same_classes():
    """A gold transcription in TIMIT's labels folds to the same classes as the dictionary's phones."""
    fold = phone_set.fold()
    assert fold.keys() == {*phone_set.LABELS, *PHONES}
    gold = "h# hh ao dx ax-h q en tcl t pau zh axr ux epi nx ix h#".split()
    dictionary = "SIL HH AA T AH N T SH ER UW N IH".split()
    assert spoken(gold, fold) == spoken(dictionary, fold) == tuple("HH AA T AH N T SH ER UW N IH".split())
    assert {fold[phone] for phone in PHONES} == set(PHONES) - {"AO", "ZH"} == set(fold.values()) - {"SIL"}
    assert spoken(["AO", "ZH"], fold) == spoken(["aa", "sh"], fold) == ("AA", "SH")
