"""A small data directory whose tables can be changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from pipeline.base.archive import write_archive
from pipeline.datadir.check import Check, num_frames

RATE = 8000
LENGTHS = {"ann-1": 4000, "ann-2": 4800, "bob-1": 5600}
ENDS = {"ann-1": 0.5, "ann-2": 1.1, "bob-1": 1.8}  # the same as stretches of one recording


def noise(samples: int) -> np.ndarray:
    return np.random.default_rng(samples).normal(0, 0.1, samples).astype(np.float32)


class Directory:
    """A data directory whose tables are texts to be changed; paths are below `folder`."""

    def __init__(self, folder: Path, segments: bool = False) -> None:
        self.path = folder / "train"
        self.path.mkdir()
        for name, length in LENGTHS.items():
            soundfile.write(folder / f"{name}.wav", noise(length), RATE)
        soundfile.write(folder / "tape.wav", noise(sum(LENGTHS.values())), RATE)
        if segments:
            self["wav.scp"] = f"tape {folder}/tape.wav\n"
            starts = dict(zip(LENGTHS, [0, *ENDS.values()]))
            self["segments"] = "".join(f"{u} tape {starts[u]} {end}\n" for u, end in ENDS.items())
        else:
            self["wav.scp"] = "".join(f"{u} {folder}/{u}.wav\n" for u in LENGTHS)
        self["text"] = "ann-1 HELLO WORLD\nann-2 GRÜSS GOTT\nbob-1 YES\n"
        self["utt2spk"] = "ann-1 ann\nann-2 ann\nbob-1 bob\n"
        self["spk2utt"] = "ann ann-1 ann-2\nbob bob-1\n"
        self["utt2num_samples"] = "".join(f"{u} {n}\n" for u, n in LENGTHS.items())
        self["phones.ctm"] = "ann-1 1 0.0 0.25 HH\nann-1 1 0.25 0.25 AH\n"

    def __getitem__(self, name: str) -> str:
        return (self.path / name).read_bytes().decode()

    def __setitem__(self, name: str, text: str | bytes) -> None:
        (self.path / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    def edit(self, name: str, old: str, new: str) -> None:
        assert old in self[name]
        self[name] = self[name].replace(old, new)

    def features(self, **changed: np.ndarray | None) -> None:
        """Features of the audio, as our stage leaves them, with some changed."""
        feats = {u: np.ones((num_frames(n, RATE), 39), np.float32) for u, n in LENGTHS.items()}
        feats |= {name.replace("_", "-"): value for name, value in changed.items()}
        write_archive(self.path / "feats.scp", [(u, m) for u, m in sorted(feats.items()) if m is not None])
        self["feats.json"] = "{}"

    def errors(self) -> list[str]:
        return [str(p).replace(f"{self.path}/", "") for p in Check(self.path).problems() if not p.remark]

    def remarks(self) -> list[str]:
        return [str(p).replace(f"{self.path}/", "") for p in Check(self.path).problems() if p.remark]
