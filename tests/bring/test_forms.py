"""The same speech as folder, Kaldi directory and lhotse export gives the same features to the bit."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest
import soundfile
from lhotse import Recording, RecordingSet, SupervisionSegment, SupervisionSet
from lhotse.kaldi import export_to_kaldi

from bring import RATE
from bring.recordings import manifests
from pipeline.datadir import read_datadir
from stages import make_mfcc, prepare_data


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
            Namespace(corpus=form, corpus_dir=root / form, out=out, split=None, allow_missing=0, jobs=1, lexicon=None)
        )
        for name in ("train", "dev", "test"):
            options = Namespace(
                data=out / name,
                features="mfcc",
                out=None,
                allow_missing=0,
                leave_out=None,
                jobs=1,
                speed="1.0",
                dither=0.0,
                seed=0,
            )
            make_mfcc.main(options)
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
