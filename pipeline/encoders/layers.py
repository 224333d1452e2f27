"""Layers of a data directory on disk, as features of a kind of their own: DATA/whisper-base.block4/feats.scp and so on.

Utterances are encoded in shards, so that an hour of sound takes little memory and a run that was broken off goes on
where it was. Values are float16: 185 MB an hour and layer of 512 numbers.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lexicon.errors import UserError, reading
from lexicon.files import read_json, write_json
from pipeline.base.archive import Archive, archive_writer
from pipeline.datadir import Utterance
from pipeline.datadir.feats import write_raw
from pipeline.encoders.encoder import SAMPLE_RATE, Encoder
from pipeline.sound.audio import read_audio
from pipeline.sound.front_end import Raw
from pipeline.times.clock import FRAME_LENGTH_MS

SHARD_S = 300  # of sound
SHIFT_MS = 20.0  # from one frame to the next, of every encoder here
BEST = "best"  # ENCODER.best: the layer of those on disk that is best on dev
DONE = "done.json"  # in the folder of a shard that is whole
LARGEST = float(np.finfo(np.float16).max)
FIRST_CENTRE = (
    FRAME_LENGTH_MS / 2000 * SAMPLE_RATE
)  # the sample on which the first 10 ms frame of all systems is centred


@dataclass(frozen=True)
class Shard:
    """Some utterances, in their order, and where their layers go."""

    utterances: tuple[Utterance, ...]
    folder: Path


def on_the_clock(samples: np.ndarray, encoder: Encoder) -> np.ndarray:
    """Samples from where the encoder's first frame is centred as the first frame of the systems is (12.5 ms)."""
    return samples[max(0, int(FIRST_CENTRE - encoder.offset)) :]


def shards_of(utterances: Sequence[Utterance], sample_rate: int, folder: Path) -> list[Shard]:
    """Utterances in their order, in shards of about SHARD_S; ``sample_rate`` is that of their lengths."""
    groups: list[list[Utterance]] = []
    seconds = float("inf")
    for utterance in utterances:
        length = utterance.num_samples / sample_rate
        if seconds + length > SHARD_S:
            groups.append([])
            seconds = 0.0
        groups[-1].append(utterance)
        seconds += length
    return [Shard(tuple(group), folder / f"{number:05}") for number, group in enumerate(groups)]


def fingerprint(encoder: Encoder, layers: Sequence[str], utterances: Sequence[Utterance], *how: bool) -> str:
    """Names the folder of shards: of the same encoder, layers and sound, and settings of `encode_shard`."""
    about: list[object] = [encoder.name, encoder.sha256, encoder.language, *how, *layers]
    for one in utterances:
        stat = one.wav.stat()
        about += [one.id, one.speaker, one.wav, one.cut, stat.st_size, stat.st_mtime_ns]
    return hashlib.sha256("\n".join(map(str, about)).encode()).hexdigest()[:16]


def encode_shard(
    encoder: Encoder, layers: Sequence[str], shard: Shard, words: bool = False, together: bool = True
) -> None:
    """Write the layers of a shard's utterances, and with ``words`` what the recogniser writes; unless it is done.

    Consecutive utterances of a speaker are heard ``together``, where the encoder can.
    """
    hear = type(encoder).encode_together if together else Encoder.encode_together
    if (shard.folder / DONE).is_file():
        return
    written, failed = {}, {}
    with contextlib.ExitStack() as stack:
        add = [stack.enter_context(archive_writer(shard.folder / f"{layer}.scp")) for layer in layers]
        for _, group in itertools.groupby(shard.utterances, key=lambda utterance: utterance.speaker):
            sounds: dict[str, np.ndarray] = {}
            for utterance in group:
                try:
                    with reading(utterance.wav):
                        samples = read_audio(utterance.wav, SAMPLE_RATE, utterance.cut)
                        sounds[utterance.id] = encoder.long_enough(on_the_clock(samples, encoder))
                        if words:
                            written[utterance.id] = encoder.words(samples)
                except UserError as error:
                    sounds.pop(utterance.id, None)
                    failed[utterance.id] = f"{utterance.wav}: {error}"
            for utt, found in zip(sounds, hear(encoder, list(sounds.values()), layers)):
                for add_to, layer in zip(add, found):
                    add_to(utt, layer.clip(-LARGEST, LARGEST).astype(np.float16))
    write_json(shard.folder / DONE, {"words": written, "failed": failed})


def results_of(shards: Sequence[Shard], what: str) -> dict[str, str]:
    """What shards that are done say of their utterances: their "words", or why they "failed"."""
    return {utt: said for shard in shards for utt, said in read_json(shard.folder / DONE)[what].items()}


def join(shards: Sequence[Shard], layer: str, raw: Raw, datadir: Path, missing: Sequence[str]) -> None:
    """Write a layer of all shards as the ``raw`` features of a data directory."""

    def rows() -> Iterator[tuple[str, np.ndarray]]:
        for shard in shards:
            archive = Archive(shard.folder / f"{layer}.scp")
            for utterance in shard.utterances:
                if utterance.id in archive:
                    yield utterance.id, archive[utterance.id].astype(np.float16)

    speaker_of = {utterance.id: utterance.speaker for shard in shards for utterance in shard.utterances}
    write_raw(datadir, raw, rows(), speaker_of, missing)


def file_name(encoder: str) -> str:
    """What the files of an encoder are called: "whisper-base-random" for the control "whisper-base:random"."""
    return encoder.replace(":", "-")


def layers_on_disk(datadir: Path, encoder: str) -> list[str]:
    """The layers of an encoder that has encoded a data directory, in order."""
    path = datadir / f"{file_name(encoder)}.json"
    try:
        return [str(layer) for layer in read_json(path)["layers"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}: does not say which layers there are ({error!r:.80}); remove it and run: make encode"
            f" ENCODER={encoder}"
        ) from error


def layer_kinds(datadir: Path, kind: str) -> list[str]:
    """The kinds of features that ``kind`` may be: itself, or, of ENCODER.best, the layers of the encoder on disk."""
    encoder, _, layer = kind.rpartition(".")
    if layer != BEST or not encoder:
        return [kind]
    return [f"{encoder}.{layer}" for layer in layers_on_disk(datadir, encoder)]


def only(folder: Path, kept: Path) -> None:
    """Remove shards of other settings from their folder."""
    for other in folder.glob("*") if folder.is_dir() else ():
        if other != kept:
            shutil.rmtree(other, ignore_errors=True)
