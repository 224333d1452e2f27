"""Small corpora in the layouts that people have."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import soundfile

from bring import RATE, noise
from lexicon.written import Written
from pipeline.corpora import own
from pipeline.corpora.cutting import Found

NFC, NFD = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
MAC = b"\0\5\x16\7\0\2\0\0Mac OS X"  # how ._ files begin


def sound(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise(0.5, seed), RATE, format="FLAC" if path.suffix == ".flac" else "WAV")
    return path


def tree(folder: Path, *names: str) -> Path:
    """name.wav with name.txt for each name, and ten more of speaker zz."""
    for name in (*names, *(f"zz/{number}" for number in range(10))):
        sound(folder / f"{name}.wav")
        (folder / f"{name}.txt").write_text("yes", encoding="utf-8")
    return folder


def ids(folder: Path, others: str = "zz") -> dict[str, str]:
    """{path of the recording: id} of what CORPUS_DIR finds, but for speaker zz."""
    found = read(folder)
    return {
        u.wav.relative_to(folder.resolve()).as_posix(): u.id
        for members in found.sets.values()
        for u in members
        if u.speaker != others
    }


def read(folder: Path) -> Found:
    return own.read(folder, Written())


def kaldi(folder: Path, forms: dict[str, str]) -> Path:
    """A data directory of eleven utterances; ``forms`` of the é in each table."""
    folder.mkdir()
    names = [*(f"s-{number}" for number in range(10)), "sé-1"]
    lines = {
        "wav.scp": [f"{name} {sound(folder / 'wav' / f'{number}.wav', number)}" for number, name in enumerate(names)],
        "text": [f"{name} YES" for name in names],
        "utt2spk": [f"{name} {name.split('-')[0]}" for name in names],
    }
    for table, rows in lines.items():
        rows = [row.replace("é", forms.get(table, NFC)) for row in rows]
        (folder / table).write_text("".join(f"{row}\n" for row in sorted(rows)), encoding="utf-8")
    return folder


def lj(folder: Path, count: int = 12, table: str = "{name}|Yes, no.|yes no") -> Path:
    for number in range(count):
        sound(folder / f"wavs/LJ001-{number:04}.wav", number)
    (folder / "metadata.csv").write_text("".join(table.format(name=f"LJ001-{n:04}") + "\n" for n in range(count)))
    return folder


def vctk(folder: Path, top: str = "wav48", end: str = ".wav") -> Path:
    for speaker in ("p225", "p226"):
        for number in range(6):
            sound(folder / f"{top}/{speaker}/{speaker}_{number:03}{end}", number)
            text = folder / f"txt/{speaker}/{speaker}_{number:03}.txt"
            text.parent.mkdir(parents=True, exist_ok=True)
            text.write_text("Please call Stella.")
    return folder


def libri(folder: Path, end: str = ".flac") -> Path:
    for chapter in (10, 11):
        names = [f"84-{chapter}-{number:04}" for number in range(6)]
        for number, name in enumerate(names):
            sound(folder / f"84/{chapter}/{name}{end}", number)
        (folder / f"84/{chapter}/84-{chapter}.trans.txt").write_text("".join(f"{name} YES NO\n" for name in names))
    return folder
