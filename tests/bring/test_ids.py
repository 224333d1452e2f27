"""Ids as people bring them: no two recordings share one, and either Unicode form of a name is the same."""

from __future__ import annotations

import pytest

from bring.trees import NFC, NFD, ids, kaldi, read, sound, tree
from lexicon.errors import UserError
from pipeline.datadir.check import Check
from pipeline.datadir.repair import repair


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
