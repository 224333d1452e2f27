"""Small corpora in the trees of their publishers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from sphere import write_sphere


def chapter(top: Path, part: str, reader: int, number: int, utterances: int) -> None:
    """One chapter as LibriSpeech lays it out: FLAC files and one file of transcripts."""
    folder = top / "LibriSpeech" / part / str(reader) / str(number)
    folder.mkdir(parents=True)
    names = [f"{reader}-{number}-{i:04}" for i in range(utterances)]
    for name in names:
        soundfile.write(folder / f"{name}.flac", np.full(1600, 0.1), 16000)
    (folder / f"{reader}-{number}.trans.txt").write_text("".join(f"{name} IT'S WORD {name[-1]}\n" for name in names))


SAMPLES = np.arange(-800, 800, dtype=np.int16)  # 0.1 s


PHN = "0 160 h#\n160 400 q\n400 800 ix\n800 1000 tcl\n1000 1100 t\n1100 1520 h#\n"


WRD = "160 1100 it\n"


def sentence(folder: Path, name: str, text: str, upper: bool = True, audio: str = "sphere") -> None:
    """One recording as the LDC lays it out; audio: sphere, riff, or both (SA1.WAV and SA1.WAV.wav)."""
    case = str.upper if upper else str.lower
    folder.mkdir(parents=True, exist_ok=True)
    for ending, content in (("phn", PHN), ("wrd", WRD), ("txt", f"0 1600 {text}\n")):
        (folder / case(f"{name}.{ending}")).write_text(content)
    wav = folder / case(f"{name}.wav")
    if audio in ("sphere", "both"):
        write_sphere(wav, SAMPLES)
    if audio in ("riff", "both"):
        soundfile.write(f"{wav}.wav" if audio == "both" else wav, SAMPLES, 16000, format="WAV")


def small_tree(top: Path, upper: bool = True, audio: str = "sphere") -> Path:
    """A speaker for each set, and one of TEST who is in none."""
    case = str.upper if upper else str.lower
    for part in ("train/dr1/fcjf0", "test/dr1/faks0", "test/dr1/mdab0", "test/dr1/mreb9"):
        for name in ("sa1", "si648", "sx37"):
            sentence(top / case(part), name, 'It, doesn\'t -- e.g. "anti-slavery"!', upper, audio)
        (top / case(part) / "._SA1.PHN").write_bytes(b"\0\5\x16\7")  # as macOS leaves them in archives
    return top


COLUMNS = "client_id\tpath\tsentence_id\tsentence\tup_votes\tdown_votes\tage\tgender\taccents\tlocale\tsegment"


def language(top: Path, name: str, rows: dict[str, list[tuple[str, str]]]) -> Path:
    """LANG/{train,dev,test}.tsv of (speaker, sentence), and the clips as MP3 at 48 kHz."""
    folder = top / name
    (folder / "clips").mkdir(parents=True)
    clip = 17299384
    for table, members in rows.items():
        lines = [COLUMNS]
        for speaker, sentence in members:
            clip += 1
            wav = f"common_voice_{name}_{clip}.mp3"
            soundfile.write(folder / "clips" / wav, np.sin(np.arange(9600) / 20) / 4, 48000, format="MP3")
            lines.append(f"{speaker}\t{wav}\tabc\t{sentence}\t2\t0\t\t\t\t{name}\t")
        (folder / f"{table}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


ANN, BOB, CYN = "0123456789abcdef" * 8, "0123456701234567" * 8, "f" * 128
