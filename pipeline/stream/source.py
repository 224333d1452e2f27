"""Sound as it comes: from the microphone, or from a file that is played in real time; in blocks, each with its time."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile

from pipeline.sound.audio import read_stretch
from pipeline.sound.microphone import no_microphone, sound_library
from pipeline.sound.recording import begin_results, own_folder, recording_info, too_short
from pipeline.stream.listener import BLOCK_MS
from pipeline.times.clock import FRAME_LENGTH_MS

READ_S = 10  # of a file that are read at a time
BEHIND_S = 1
SOUND = "sound.wav"


class Source(Protocol):
    """``blocks`` gives mono samples (N,), none before its time: those of BLOCK_MS, or, to who is late, of BEHIND_S at
    most; none at all where none come. ``since`` is how many seconds ago the sound began."""

    sample_rate: int

    def blocks(self) -> Iterator[np.ndarray]: ...

    def since(self) -> float: ...


class Played:
    """A file, played in real time; UserError for one that cannot be."""

    def __init__(self, wav: Path | str):
        self.wav, info = recording_info(wav)
        self.sample_rate, self.num_samples = info.sample_rate, info.num_samples
        self.seconds = info.num_samples / info.sample_rate
        if 1000 * self.seconds < FRAME_LENGTH_MS:
            raise too_short(self.wav, self.seconds)
        read_stretch(self.wav, self.sample_rate, 0, 1)  # what cannot be read is better known now
        self.began = time.monotonic()

    def since(self) -> float:
        return time.monotonic() - self.began

    def blocks(self) -> Iterator[np.ndarray]:
        size, read = self.sample_rate * BLOCK_MS // 1000, self.sample_rate * READ_S
        self.began = time.monotonic()
        for first in range(0, self.num_samples, read):
            stretch = read_stretch(self.wav, self.sample_rate, first, min(first + read, self.num_samples))
            at = 0
            while at < len(stretch):
                due = int(self.since() * self.sample_rate) - first - at
                block = stretch[at : at + min(max(due // size, 1) * size, BEHIND_S * self.sample_rate)]
                at += len(block)
                time.sleep(max(0.0, (first + at) / self.sample_rate - self.since()))
                yield block


class Microphone:
    """The default microphone, until somebody interrupts it. What is said is written to ``kept``, a WAV file."""

    def __init__(self, kept: Path):
        self.devices, self.kept = sound_library(), kept
        self.arrived: queue.Queue[np.ndarray] = queue.Queue()
        self.began = time.monotonic()
        try:
            self.sample_rate = int(self.devices.query_devices(kind="input")["default_samplerate"])
            self.stream = self.devices.InputStream(
                samplerate=self.sample_rate,
                blocksize=self.sample_rate * BLOCK_MS // 1000,
                channels=1,
                dtype="int16",
                callback=self._take,
            )
        except (self.devices.PortAudioError, ValueError) as error:
            raise no_microphone(error) from None

    def _take(self, samples: np.ndarray, *_: object) -> None:
        self.arrived.put(samples[:, 0].copy())

    def since(self) -> float:
        return time.monotonic() - self.began

    def blocks(self) -> Iterator[np.ndarray]:
        with soundfile.SoundFile(self.kept, "w", self.sample_rate, 1, "PCM_16", format="WAV") as file, self.stream:
            self.began = time.monotonic()
            while True:
                waiting = [np.zeros(0, np.int16)]
                with contextlib.suppress(queue.Empty):
                    waiting.append(self.arrived.get(timeout=BEHIND_S))
                while not self.arrived.empty() and len(waiting) * BLOCK_MS < 1000 * BEHIND_S:
                    waiting.append(self.arrived.get())
                block = np.concatenate(waiting)
                file.write(block)
                file.flush()
                yield (block / np.float32(32768)).astype(np.float32)


def open_source(wav: str, own: Path) -> tuple[Source, Path, str]:
    """File ``wav``, or without one the microphone; the folder below ``own``, made, for what is heard; and a title."""
    if wav:
        played = Played(wav)
        out = own_folder(own, wav)
        begin_results(out, wav)
        return played, out, Path(wav).name
    out = own / time.strftime("%Y%m%d-%H%M%S")
    microphone = Microphone(out / SOUND)
    out.mkdir(parents=True)
    return microphone, out, "Microphone"
