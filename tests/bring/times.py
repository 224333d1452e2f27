"""Recordings with time-aligned text beside them, and what is read of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import soundfile

from bring import RATE, folder_of, noise
from pipeline.corpora import own
from pipeline.corpora.prepared import Prepared
from pipeline.datadir import read_datadir, write_datadir
from pipeline.datadir.check import Check

Entry = tuple[float, float, str]
HEAD = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'


def grid(tiers: Mapping[str, Sequence[Entry]], end: float = 1.0, start: float = 0.0) -> str:
    """A TextGrid in the short form, of intervals."""
    lines = [f"{start}", f"{end}", "<exists>", f"{len(tiers)}"]
    for name, entries in tiers.items():
        lines += ['"IntervalTier"', f'"{name}"', f"{start}", f"{end}", f"{len(entries)}"]
        lines += [f'{a}\n{b}\n"{label}"' for a, b, label in entries]
    return HEAD + "\n".join(lines) + "\n"


class ReadUtterance(NamedTuple):
    """An utterance of the recording x as it was read, times to the millisecond."""

    speaker: str
    cut: tuple[float, float] | None
    words: str
    gold_words: list[Entry]
    gold_phones: list[Entry]


def prepared_with(folder: Path, seconds: float, files: Mapping[str, str | bytes]) -> Prepared:
    """Twelve plain recordings, and x.wav with these files (by suffix) beside it."""
    folder_of(folder, ["yes"])
    soundfile.write(folder / "x.wav", noise(seconds, 99), RATE)
    for suffix, content in files.items():
        (folder / f"x{suffix}").write_bytes(content if isinstance(content, bytes) else content.encode())
    return own.prepare(folder).prepared


def read_back(prepared: Prepared, tmp_path: Path) -> list[ReadUtterance]:
    """What is read of x, in order of ids, and `make check` has nothing against what is written of it."""
    assert prepared.unreadable == []
    gold = {name: {utt: getattr(placed, name) for utt, placed in prepared.gold.items()} for name in ("phones", "words")}
    found = []
    for name, members in prepared.sets.items():
        write_datadir(tmp_path / "written" / name, members, gold)
        assert [str(problem) for problem in Check(tmp_path / "written" / name).problems() if not problem.remark] == []
        assert [u.words for u in read_datadir(tmp_path / "written" / name)] == [u.words for u in members]
        found += [u for u in members if u.wav.stem == "x"]
    whole = all(u.cut is None or u.cut == (0, soundfile.info(u.wav).duration) for u in found)

    def times(intervals):
        return [(round(i.start, 3), round(i.end, 3), i.label) for i in intervals]

    return [
        ReadUtterance(
            u.speaker,
            None if whole else tuple(round(t, 3) for t in u.cut),
            " ".join(u.words),
            times(gold["words"].get(u.id, ())),
            times(gold["phones"].get(u.id, ())),
        )
        for u in sorted(found, key=lambda u: u.id)
    ]
