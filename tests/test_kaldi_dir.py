"""A corpus written for Kaldi's recipes, against Kaldi's own rules, lhotse, and our reader of Kaldi's directories."""

from __future__ import annotations

import gzip
from pathlib import Path

import lhotse.kaldi
import numpy as np
import pytest
import soundfile
from helpers.kaldi import lines_of, validate_data_dir, validate_dict_dir
from helpers.langs import BUGS_ARPA, make_lang

from lexicon.errors import UserError
from lexicon.lang import Lang
from lexicon.phones import INVENTORY
from pipeline.corpora.kaldi_dir import read_one
from pipeline.corpora.kaldi_export import export, questions
from pipeline.corpora.prepared import SETS
from pipeline.datadir import Utterance
from pipeline.sound.audio import Cut, read_audio

RATE = 8000


def sound(seed: int, seconds: float = 0.5, rate: int = RATE) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, int(seconds * rate)).astype(np.float32)


def utterance(folder: Path, name: str, speaker: str, seed: int = 0, suffix: str = "wav") -> Utterance:
    wav = folder / f"{name}.{suffix}"
    soundfile.write(wav, sound(seed), RATE, subtype="PCM_16")
    return Utterance(name, speaker, wav, ("BUGS", "BUNNY"), RATE // 2)


@pytest.fixture
def lang(tmp_path: Path) -> Lang:
    return make_lang(tmp_path / "lang", ["BUGS 1.0 B AH G Z", "BUNNY 1.0 B AH N IY", "BUNNY 0.5 B AH N IH"], BUGS_ARPA)


@pytest.fixture
def sets(tmp_path: Path) -> dict[str, list[Utterance]]:
    return {
        name: [utterance(tmp_path, f"{speaker}-{name}{i}", speaker, i) for speaker in ("bob", "ann") for i in range(2)]
        for name in SETS
    }


def test_kaldi_lhotse_and_our_own_reader_take_what_is_written(tmp_path, lang, sets):
    out = tmp_path / "kaldi"
    assert export(out, sets, lang, RATE) == {"utterances": 12, "converted": 0}
    for name, members in sets.items():
        folder = out / "data" / name
        validate_data_dir(folder)
        again, gold = read_one(folder, list)
        assert {u.id: (u.speaker, u.words, u.wav) for u in again} == {
            u.id: (u.speaker, u.words, u.wav.resolve()) for u in members
        } and not gold
        recordings, supervisions, _ = lhotse.kaldi.load_kaldi_data_dir(folder, RATE)
        assert {(s.id, s.speaker, s.text) for s in supervisions} == {(u.id, u.speaker, "BUGS BUNNY") for u in members}
        assert recordings["ann-" + name + "1"].load_audio() == pytest.approx(sound(1)[None], abs=1e-4)
    assert (out / "conf/mfcc.conf").read_text().split() == ["--use-energy=false", "--sample-frequency=8000"]


def test_dictionaries_and_language_models(tmp_path, lang, sets):
    local = tmp_path / "kaldi/data/local"
    export(tmp_path / "kaldi", sets, lang, RATE)
    assert validate_dict_dir(local / "dict") == {"BUGS", "BUNNY", "<UNK>"}
    assert ["BUNNY", "0.5", "B", "AH", "N", "IH"] in lines_of(local / "dict/lexiconp.txt")
    assert ["<UNK>", "SPN"] in lines_of(local / "dict/lexicon.txt")
    assert validate_dict_dir(local / "dict_phones") == {"B", "AH", "G", "Z", "N", "IY", "IH", "<UNK>"}
    for name, arpa in (("words", "lm.arpa"), ("phones", "phone_lm.arpa")):
        assert gzip.decompress((local / f"lm/{name}.arpa.gz").read_bytes()) == (lang.path / arpa).read_bytes()


def test_questions_are_classes_that_divide_the_phones():
    """Voiced (as is said of stops and fricatives), plosive, alveolar; what is said of one phone or of all asks
    nothing."""
    assert questions(["B", "AH", "G", "N", "Z"], INVENTORY) == ["SIL SPN", "B G Z", "B G", "N Z"]


def test_what_kaldi_would_hear_otherwise_is_converted(tmp_path, lang, sets):
    """FLAC, another rate, two channels and a header that says nothing: as our own reader has it, to half a bit."""
    flac, stereo, fast, longer = (utterance(tmp_path, f"bob-x{i}", "bob", i) for i in range(4))
    flac = utterance(tmp_path, "bob-x0", "bob", 0, "flac")
    soundfile.write(stereo.wav, np.stack([sound(1), sound(5)], 1), RATE)
    soundfile.write(fast.wav, sound(2, rate=2 * RATE), 2 * RATE)
    data = bytearray(longer.wav.read_bytes())
    data[40:44] = bytes(4)  # the size of the chunk of samples, as a program that writes into a pipe leaves it
    longer.wav.write_bytes(data)
    out = tmp_path / "kaldi"
    assert export(out, {**sets, "test": [flac, stereo, fast, longer]}, lang, RATE)["converted"] == 4
    validate_data_dir(out / "data/test")
    for u in (flac, stereo, fast, longer):
        wav = out / "wav" / f"{u.id}.wav"
        info = soundfile.info(wav)
        assert (info.format, info.subtype, info.channels, info.samplerate) == ("WAV", "PCM_16", 1, RATE)
        assert soundfile.read(wav)[0] == pytest.approx(read_audio(u.wav, RATE), abs=1.01 / 65536)
    assert [line[1] for line in lines_of(out / "data/test/wav.scp")] == [
        str((out / "wav" / f"bob-x{i}.wav").absolute()) for i in range(4)
    ]


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_segments_of_recordings(tmp_path, lang, sets, suffix):
    """Of plain recordings they are named, of others each becomes a file."""
    whole = utterance(tmp_path, "rec", "bob", 7, suffix)
    cuts = [Utterance(f"bob-{i}", "bob", whole.wav, ("BUNNY",), 1000, Cut(i / 8, (i + 1) / 8)) for i in range(3)]
    export(tmp_path / "kaldi", {**sets, "test": cuts}, lang, RATE)
    folder = tmp_path / "kaldi/data/test"
    validate_data_dir(folder)
    assert (folder / "segments").exists() == (suffix == "wav")
    again, _ = read_one(folder, list)
    for u, before in zip(again, cuts):
        heard, said = (read_audio(x.wav, RATE, x.cut) for x in (u, before))
        assert heard == pytest.approx(said, abs=1.01 / 65536) and len(said) == 1000


def test_speakers_come_first_where_ids_would_not_sort(tmp_path, lang, sets):
    odd = [utterance(tmp_path, name, speaker) for name, speaker in (("a", "zoe"), ("b", "ann"), ("c", "zoe"))]
    export(tmp_path / "kaldi", {**sets, "test": odd}, lang, RATE)
    validate_data_dir(tmp_path / "kaldi/data/test")
    validate_data_dir(tmp_path / "kaldi/data/train")
    assert [line[0] for line in lines_of(tmp_path / "kaldi/data/test/text")] == ["ann-b", "zoe-a", "zoe-c"]
    inside = [utterance(tmp_path, name, speaker) for name, speaker in (("0", "bo"), ("3", "bo"), ("2", "bo-1"))]
    with pytest.raises(UserError, match='speaker "bo-1" begins with the name of "bo", which Kaldi cannot sort'):
        export(tmp_path / "kaldi", {**sets, "test": inside}, lang, RATE)
    assert lines_of(tmp_path / "kaldi/data/test/text")  # what was there is


def test_phones_that_kaldi_has_a_use_for_are_refused(tmp_path, sets):
    lang = make_lang(tmp_path / "lang", ["BUGS 1.0 B SPN", "BUNNY 1.0 B"], BUGS_ARPA)
    with pytest.raises(UserError, match='phone "SPN" cannot be one of Kaldi'):
        export(tmp_path / "kaldi", sets, lang, RATE)


def test_what_kaldi_made_stays(tmp_path, lang, sets):
    made = tmp_path / "kaldi/exp/mono/final.mdl"
    export(tmp_path / "kaldi", sets, lang, RATE)
    made.parent.mkdir(parents=True)
    made.write_text("model")
    (tmp_path / "kaldi/.phonoscope").touch()
    export(tmp_path / "kaldi", sets, lang, RATE)
    assert made.read_text() == "model"
