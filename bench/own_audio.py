"""Measure `make transcribe` and `make align` on test utterances joined into one file of a rate and kind of their own.

    python bench/own_audio.py --corpus prompts --seconds 180 --gap 0.3

Joins test utterances, with so much faint noise between them, resamples with torchaudio (the pipeline uses scipy),
writes a 16-bit stereo file at 44.1 kHz, and compares, for each system, the WER over the whole file with that of the
same utterances decoded one by one, and the word boundaries with those of their own alignment. Needs a finished `make`.

    python bench/own_audio.py --single --set test

Takes each utterance of a set as a recording of its own, and compares the WER with that of the decode of the test set,
where mean and variance are the speaker's. For dev there is no decode to compare with: tuning.json has its WER.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import kaldialign
import numpy as np
import soundfile
import torch
import torchaudio

from lexicon.files import read_json, write_lines
from lexicon.text import read_text
from pipeline.compare.listen import ListedSystem, listen, load_searches, raw_wanted
from pipeline.datadir import Utterance, read_datadir
from pipeline.datadir.feats import front_end_of
from pipeline.sound.audio import read_audio
from pipeline.sound.recording import read_recording
from pipeline.times.intervals import read_ctm

RATE = 44100


def join(
    utterances: Sequence[Utterance], rate: int, seconds: float, gap: float, noise: float, seed: int, wav: Path
) -> list[tuple[Utterance, float]]:
    """Write the file; returns its utterances with the second at which each begins."""
    rng, parts, placed, at = np.random.default_rng(seed), [], [], 0
    for index in rng.permutation(len(utterances)):
        if at / rate >= seconds:
            break
        samples = read_audio(utterances[index].wav, rate, utterances[index].cut)
        placed.append((utterances[index], at / rate))
        parts += [samples, rng.normal(0, noise, round(gap * rate)).astype(np.float32)]
        at += len(parts[-2]) + len(parts[-1])
    mono = torchaudio.functional.resample(torch.from_numpy(np.concatenate(parts)), rate, RATE, lowpass_filter_width=64)
    wav.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(wav, np.stack([mono, 0.7 * mono], axis=1), RATE, subtype="PCM_16")
    return placed


def make(target: str, corpus: str, wav: Path, *settings: str) -> None:
    """Run a target as a user would."""
    command = ["make", "-s", target, f"CORPUS={corpus}", f"WAV={wav}", *settings]
    done = subprocess.run(command, capture_output=True, text=True)
    print(f"  {(done.stdout or done.stderr).splitlines()[-1]}")
    if done.returncode:
        sys.exit(done.stderr)


def word_errors(reference: Sequence[str], words: Sequence[str]) -> float:
    """WER in percent."""
    return 100 * kaldialign.edit_distance(list(reference), list(words))["total"] / len(reference)


def one_by_one(corpus: str, name: str, systems: Sequence[str]) -> None:
    """WER of each system on the utterances of set ``name``, each a file of its own, as `make transcribe` recognises
    them."""
    exp, data = Path("exp") / corpus, Path("data") / corpus
    lang = data / "lang"
    models = {system: exp / (system.removesuffix("_wfst")) for system in systems}
    searches = load_searches(exp, [ListedSystem(system, models[system], lang) for system in systems])
    raw = raw_wanted(searches)
    rate = min(raw, key=str).sample_rate
    utterances = read_datadir(data / name)
    recognised: dict[str, dict[str, list[str]]] = {system: {} for system in systems}
    with tempfile.TemporaryDirectory() as folder:
        for utterance in utterances:
            wav = Path(folder) / "one.wav"
            soundfile.write(wav, read_audio(utterance.wav, rate, utterance.cut), rate)
            recording = read_recording(wav, raw)
            for piece in filter(lambda piece: piece.speech, recording.pieces()):
                for system, (words, *_) in listen(searches, recording, piece).items():
                    recognised[system].setdefault(utterance.id, []).extend(word.label for word in words.words)
    total = sum(len(utterance.words) for utterance in utterances)
    print(f"{len(utterances)} utterances of {name}, each a file\n{'':12} WER %  one set   files   difference")
    for system in systems:
        errors = sum(
            kaldialign.edit_distance(list(u.words), recognised[system].get(u.id, []))["total"] for u in utterances
        )
        if name == "test":
            single = read_text(exp / system / "decode_test" / "hyp.txt")
            before = sum(kaldialign.edit_distance(list(u.words), list(single[u.id]))["total"] for u in utterances)
        else:
            before = read_json(exp / system / "tuning.json")["words"]["error_rate"] * total / 100
        print(
            f"{system:18} {100 * before / total:9.2f} {100 * errors / total:7.2f} "
            f"{100 * (errors - before) / total:+12.2f}"
        )


def main(corpus: str, seconds: float, gap: float, noise: float, seed: int, systems: Sequence[str]) -> None:
    exp, data = Path("exp") / corpus, Path("data") / corpus
    wav = exp / "own" / f"joined-{seed}.wav"
    placed = join(
        read_datadir(data / "test"), front_end_of(exp / "gmm").raw.sample_rate, seconds, gap, noise, seed, wav
    )
    words = [word for utterance, _ in placed for word in utterance.words]
    text = wav.with_suffix(".txt")
    write_lines(text, [" ".join(words)])
    info = soundfile.info(wav)
    print(
        f"{wav}: {len(placed)} utterances, {len(words)} words, {info.duration:.0f} s, {info.samplerate} Hz,"
        f" {info.channels} channels"
    )

    out = exp / "own" / wav.stem
    make("transcribe", corpus, wav, f"SYSTEMS={' '.join(systems)}")
    print(f"\n{'':12} WER %  one by one   whole file   difference")
    for system in systems:
        single = read_text(exp / system / "decode_test" / "hyp.txt")
        by_one = word_errors(words, [word for utterance, _ in placed for word in single.get(utterance.id, ())])
        whole = word_errors(words, [i.label for i in read_ctm(out / f"{system}.words.ctm").get(wav.stem, [])])
        print(f"{system:18} {by_one:11.2f} {whole:12.2f} {whole - by_one:+12.2f}")

    own = read_ctm(exp / "gmm" / "ali_test" / "words.ctm")
    expected = 1000 * np.array([(i.start + at, i.end + at) for utterance, at in placed for i in own[utterance.id]])
    print()
    lines = []
    for system in systems:
        make("align", corpus, wav, f"MODEL={system}", f"TEXTFILE={text}")
        found = 1000 * np.array([(i.start, i.end) for i in read_ctm(out / f"{system}.aligned.words.ctm")[wav.stem]])
        error = found - expected
        lines.append(
            f"{system:18} {100 * (np.abs(error) <= 20).mean():8.1f} {100 * (np.abs(error) <= 50).mean():8.1f}"
            f" {np.abs(error).mean():10.1f} {error[:, 0].mean():+12.1f} {error[:, 1].mean():+10.1f}"
        )
    print(
        f"\n{'word boundaries':18} {'20 ms %':>8} {'50 ms %':>8} {'mean |ms|':>10} {'bias start':>12} {'end':>10}",
        *lines,
        sep="\n",
    )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"\nmost memory a stage took: {peak:.2f} GB")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--corpus", default="prompts")
    options.add_argument("--seconds", type=float, default=180, help="length of the file")
    options.add_argument("--gap", type=float, default=0.3, help="seconds of noise between utterances")
    options.add_argument("--noise", type=float, default=1e-4, help="its root mean square; 1e-4: 80 dB below full scale")
    options.add_argument("--seed", type=int, default=0, help="of the choice and order of utterances")
    options.add_argument("--systems", nargs="+", default=["gmm", "classifier", "neural", "neural_wfst"])
    options.add_argument("--single", action="store_true", help="each utterance as a file of its own")
    options.add_argument("--set", default="test", choices=["dev", "test"], help="whose utterances --single takes")
    arguments = vars(options.parse_args())
    single, name = arguments.pop("single"), arguments.pop("set")
    if single:
        one_by_one(arguments["corpus"], name, arguments["systems"])
    else:
        main(**arguments)
