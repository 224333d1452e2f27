"""Gold phones: their labels are folded to the lexicon's, and those that are no phones are counted."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import pytest

from bring import folder_of
from bring.times import grid, prepared_with
from lexicon.errors import UserError
from lexicon.fold import fold_of, unknown_labels
from lexicon.nonspeech import is_nonspeech
from pipeline.classifier.labels import phone_of
from pipeline.corpora import own
from pipeline.datadir import read_datadir
from pipeline.datadir.check import Check
from stages import prepare_data, score


@pytest.mark.parametrize(
    "labels,fold",
    [
        ("HH_B AH0_I L_I OW1_E AY_S SIL SPN_S", {"HH_B": "HH", "AH0_I": "AH", "L_I": "L", "OW1_E": "OW", "AY_S": "AY"}),
        ("ah0 AY1 B", {"ah0": "AH", "AY1": "AY"}),
        ("t͡ʃ_B ˈa_I b_E", {"t͡ʃ_B": "t͡ʃ", "ˈa_I": "a", "b_E": "b"}),  # IPA keeps its small letters
        ("ˈa b d ø", {"ˈa": "a"}),
        ("a_B b d ø", {}),  # X-SAMPA's extra low tone
        ("NOTE_B blah_I", {"NOTE_B": "NOTE", "blah_I": "blah"}),
    ],
)
def test_stress_case_and_positions_are_folded(labels, fold):
    assert fold_of(labels.split()) == fold


def test_timits_labels_fold_as_lee_and_hon_did():
    fold = fold_of("h# sh iy hv ae dcl d ax-h q".split())
    assert [fold[label] for label in "hv dcl ax-h q ix zh".split()] == ["HH", "SIL", "AH", "SIL", "IH", "SH"]


@pytest.mark.parametrize(
    "labels,phones,unknown",
    [
        ("HH_B AH_I sil SIL", (), {}),
        ("foo_bar HH foo_bar", (), {"foo_bar": 2}),
        ("ɛ̃ t͡ʃ blah", (), {"blah": 1}),
        ("2 9 a", ("2", "9", "E"), {"a": 1}),
    ],
)
def test_labels_that_are_no_phones_are_counted(labels, phones, unknown):
    labels = labels.replace("sil", "SIL").split()
    assert unknown_labels(labels, fold_of(labels, phones), phones) == unknown


@pytest.mark.parametrize(
    "label,expected",
    [
        ("<unk>", True),
        ("[laughter] <cough>", True),
        ("(cough)", False),
        ("{SL}", True),
        ("SPN_S", True),
        (" ", True),
        ("h#", True),
        ("[laughter] hello [noise]", False),
        ("a", False),
        ("silence", False),
        ("<s", False),
    ],
)
def test_what_is_no_speech(label, expected):
    assert is_nonspeech(label) is expected


def test_labels_of_no_known_notation_are_not_taken_for_the_words_of_a_text(tmp_path):
    files = {".lab": "0 3000000 Q_6\n3000000 10000000 aI_^\n", ".txt": "eye"}
    ((_, error),) = prepared_with(tmp_path / "mine", 1, files).unreadable
    assert "x.lab: " in error and "x.phn" in error


def test_positions_teach_the_phones_they_are_of():
    transitions = SimpleNamespace(topologies=["SIL", "HH", "b"])
    labels = ["HH_B", "SIL", "AH_I"]
    assert [phone_of(label, transitions, fold_of(labels)) for label in labels] == ["HH", "SIL", None]
    assert phone_of("b", transitions, fold_of(["ˈa", "b", "ø"])) == "b"


def kaldi(folder: Path, ctm: str, name: str = "phones.ctm") -> Path:
    """Twelve utterances u00 ... of a second in a Kaldi data directory, with this gold."""
    folder_of(folder / "wav", ["yes"])
    ids = [f"u{number:02}" for number in range(12)]
    (folder / "wav.scp").write_text("".join(f"{utt} {folder}/wav/{utt}.wav\n" for utt in ids))
    (folder / "text").write_text("".join(f"{utt} yes\n" for utt in ids))
    (folder / "utt2spk").write_text("".join(f"{utt} {utt}\n" for utt in ids))
    (folder / name).write_text(ctm)
    return folder


def test_kaldis_gold_has_one_silence_and_no_positions(tmp_path):
    folder = kaldi(
        tmp_path / "k", "u00 1 0 0.5 SIL\nu00 1 0.5 0.25 Y_B\nu00 1 0.75 0.125 EH1_E\nu00 1 0.875 0.1 SPN_S\n"
    )
    (folder / "words.ctm").write_text("u00 1 0 0.5 <eps>\nu00 1 0.5 0.5 yes\nu01 1 0 1 [noise]\n")
    prepared = own.prepare(folder).prepared
    assert [i.label for i in prepared.gold["u00"].phones] == ["SIL", "Y_B", "EH1_E", "SIL"]
    assert [i.label for i in prepared.gold["u00"].words] == ["yes"] and "u01" not in prepared.gold
    assert prepared.fold == {"Y_B": "Y", "EH1_E": "EH"}


@pytest.mark.parametrize("end", [1.02, 1.5])
def test_make_check_and_make_data_agree_about_gold_beyond_the_end(tmp_path, end):
    folder = kaldi(tmp_path / "k", f"u00 1 0.5 {end - 0.5:g} Y\n")
    errors = [problem for problem in Check(folder).problems() if not problem.remark]
    unreadable = own.prepare(folder).prepared.unreadable
    assert len(errors) == len(unreadable) == (end > 1.05)
    assert all(name == "u00" for name, _ in unreadable)


def test_make_data_and_make_score_count_labels_that_are_no_phones(tmp_path, capsys):
    ctm = "".join(
        f"u{u:02} 1 {i / 4} 0.25 {label}\n" for u in range(12) for i, label in enumerate(["sil", "foo", "S", "b_r"])
    )
    folder, out = kaldi(tmp_path / "k", ctm), tmp_path / "data" / "k"
    prepare_data.main(
        Namespace(corpus="k", corpus_dir=str(folder), out=out, split=None, lexicon=None, allow_missing=0, jobs=1)
    )
    said = capsys.readouterr().out
    assert "24 of 36 gold phones are unknown (foo 12, b_r 12)" in said
    (out / "lang").mkdir()
    (out / "lang" / "phones.txt").write_text("<eps> 0\nSIL 1\nEH 2\nS 3\nY 4\n")
    test = [u.id for u in read_datadir(out / "test")]
    decode = tmp_path / "decode"
    decode.mkdir()
    for name, labels in (
        ("hyp.txt", "yes"),
        ("phones.txt", "Y EH S"),
        ("free.txt", "S"),
        ("reference.txt", "foo S b_r"),
    ):
        (decode / name).write_text("".join(f"{utt} {labels}\n" for utt in test))
    _, line = score.main(Namespace(decode=decode, data=out / "test", ref_phones=decode / "reference.txt"))
    assert f"{2 * len(test)} of {3 * len(test)} reference phones" in line and "foo" in line


def test_unreadable_files_do_not_hide_from_make_data(tmp_path):
    folder = folder_of(tmp_path / "mine", ["yes"])
    (folder / "u03.TextGrid").write_text(grid({"words": [(0, 5, "yes")]}, 5))
    with pytest.raises(UserError, match=r"u03\.TextGrid"):
        prepare_data.main(
            Namespace(
                corpus="m",
                corpus_dir=str(folder),
                out=tmp_path / "d/m",
                split=None,
                lexicon=None,
                allow_missing=0,
                jobs=1,
            )
        )
