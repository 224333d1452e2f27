"""Kaldi data directories: ``wav.scp text utt2spk spk2utt``, C-sorted UTF-8, and ``utt2num_samples``.

The format is Kaldi's (https://kaldi-asr.org/doc/data_prep.html) without pipes: an entry of wav.scp is a file.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import atomic_dir, write_lines
from lexicon.text import numbered_lines
from pipeline.audio import Cut
from pipeline.intervals import Intervals, write_intervals


@dataclass(frozen=True)
class Utterance:
    """One utterance: who says which words in which file; ``num_samples`` at the sample rate of the corpus.

    ``cut`` is the stretch of the file that holds it; None: the file is the utterance.
    """

    id: str
    speaker: str
    wav: Path
    words: tuple[str, ...]
    num_samples: int
    cut: Cut | None = None


@dataclass(frozen=True)
class _Line:
    """A value of a table and the line it stands on, for messages."""

    value: str
    number: int


def read_datadir(path: Path | str) -> list[Utterance]:
    """Read and validate a data directory: its utterances, sorted by id.

    Raises UserError (file:line) on whatever Kaldi's validate_data_dir.sh refuses: a missing file, text that is not
    UTF-8, a malformed, unsorted or double line, an utterance that one table has and another lacks, a spk2utt that
    differs from utt2spk; and on empty transcripts, and audio that is a pipe or does not exist.
    """
    path = Path(path)
    if not path.is_dir():
        raise UserError(f"{path}: no such data directory; make it with: python -m stages.prepare_data")
    wavs = _read_table(path / "wav.scp", "a file")
    texts = _read_table(path / "text", "a transcript")
    speakers = _read_table(path / "utt2spk", "a speaker")
    lengths = _read_table(path / "utt2num_samples", "a number of samples")
    if not wavs:
        raise UserError(f"{path}/wav.scp: no utterances; prepare the corpus again")
    _refuse_missing(path, wavs, {"text": texts, "utt2spk": speakers, "utt2num_samples": lengths})
    _refuse_wrong_speakers(path, speakers)
    return [Utterance(id=utterance, speaker=speakers[utterance].value,
                      wav=_wav(path / "wav.scp", wav), words=tuple(texts[utterance].value.split()),
                      num_samples=_count(path / "utt2num_samples", lengths[utterance]))
            for utterance, wav in wavs.items()]


def write_datadir(path: Path | str, utterances: Iterable[Utterance], gold: Mapping[str, Intervals] | None = None) -> None:
    """Write a data directory, replacing the one that was there (features included) when all is written.

    gold: hand-made "phones" and "words" of all or some of the utterances, which become phones.ctm and words.ctm.
    """
    ordered = sorted(utterances, key=lambda utterance: utterance.id)
    _refuse_unwritable(path, ordered)
    by_speaker: dict[str, list[str]] = {}
    for utterance in ordered:
        by_speaker.setdefault(utterance.speaker, []).append(utterance.id)
    with atomic_dir(path) as temporary:
        if any(u.cut for u in ordered):
            recordings = {wav: f"{number:06d}" for number, wav in enumerate(sorted({str(u.wav) for u in ordered}))}
            write_lines(temporary / "wav.scp", [f"{name} {wav}" for wav, name in recordings.items()])
            write_lines(temporary / "segments", [f"{u.id} {recordings[str(u.wav)]} {u.cut.start!r} {u.cut.end!r}"
                                                 for u in ordered])
        else:
            write_lines(temporary / "wav.scp", [f"{u.id} {u.wav}" for u in ordered])
        write_lines(temporary / "text", [f"{u.id} {' '.join(u.words)}" for u in ordered])
        write_lines(temporary / "utt2spk", [f"{u.id} {u.speaker}" for u in ordered])
        write_lines(temporary / "spk2utt", [f"{s} {' '.join(by_speaker[s])}" for s in sorted(by_speaker)])
        write_lines(temporary / "utt2num_samples", [f"{u.id} {u.num_samples}" for u in ordered])
        for tier, placed in (gold or {}).items():
            if here := {u.id: placed[u.id] for u in ordered if placed.get(u.id)}:
                write_intervals(temporary / f"{tier}.ctm", here)


def _read_table(path: Path, what: str) -> dict[str, _Line]:
    """Read lines `key value`, sorted by key as ``LC_ALL=C sort`` does (code points order as UTF-8 bytes do)."""
    table: dict[str, _Line] = {}
    last = ""
    for number, line in numbered_lines(path):
        fields = line.split(maxsplit=1)
        if len(fields) < 2:
            found = f'"{fields[0]}" without {what}' if fields else "an empty line"
            raise UserError(f"{path}:{number}: {found}; each line is an id, a space, and {what}")
        key, value = fields
        if key in table:
            raise UserError(f'{path}:{number}: duplicate id "{key}", first on line {table[key].number}; '
                            f"give each its own id, or remove one")
        if key < last:
            raise UserError(f'{path}:{number}: "{key}" after "{last}" is not sorted; sort with: LC_ALL=C sort -k1,1')
        table[key] = _Line(value.strip(), number)
        last = key
    return table


def _refuse_missing(path: Path, wavs: dict[str, _Line], tables: dict[str, dict[str, _Line]]) -> None:
    """Every table must have the utterances of wav.scp, no more and no fewer; the message counts all that differ."""
    lacks = {"text": "audio without transcript; add its line to text",
             "utt2spk": "no speaker; add its line to utt2spk",
             "utt2num_samples": "no length; add its line to utt2num_samples"}
    extra = {"text": "transcript without audio; add its line to wav.scp",
             "utt2spk": "speaker of an utterance without audio; add its line to wav.scp",
             "utt2num_samples": "length of an utterance without audio; add its line to wav.scp"}
    for name, table in tables.items():
        for at, here, there, problem in (("wav.scp", wavs, table, lacks[name]), (name, table, wavs, extra[name])):
            missing = [key for key in here if key not in there]
            if missing:
                more = f" ({len(missing)} such utterances)" if len(missing) > 1 else ""
                raise UserError(f'{path / at}:{here[missing[0]].number}: "{missing[0]}": {problem}, '
                                f"or remove the utterance{more}")


def _refuse_wrong_speakers(path: Path, speakers: dict[str, _Line]) -> None:
    """spk2utt must be utt2spk turned around, as Kaldi's utt2spk_to_spk2utt.pl makes it."""
    expected: dict[str, list[str]] = {}
    for utterance, line in speakers.items():
        expected.setdefault(_one_word(path / "utt2spk", line), []).append(utterance)
    given = _read_table(path / "spk2utt", "its utterances")
    for speaker, line in given.items():
        if line.value.split() != expected.get(speaker):
            raise UserError(f'{path}/spk2utt:{line.number}: utterances of "{speaker}" differ from utt2spk; '
                            f"make spk2utt from utt2spk again")
    for speaker, utterances in expected.items():
        if speaker not in given:
            raise UserError(f'{path}/utt2spk:{speakers[utterances[0]].number}: speaker "{speaker}" is not in spk2utt; '
                            f"make spk2utt from utt2spk again")


def _wav(table: Path, line: _Line) -> Path:
    if line.value.startswith("|") or line.value.endswith("|") or line.value == "-":
        raise UserError(f'{table}:{line.number}: "{line.value}" is a pipe; phonoscope reads files, so run the command '
                        f"once and give the file it writes")
    wav = Path(line.value)
    if not wav.is_file():
        raise UserError(f"{table}:{line.number}: {wav}: no such audio file; restore it, or remove the utterance")
    return wav


def _one_word(table: Path, line: _Line) -> str:
    if len(line.value.split()) != 1:
        raise UserError(f'{table}:{line.number}: "{line.value}" is not one speaker; a speaker id has no spaces')
    return line.value


def _count(table: Path, line: _Line) -> int:
    if not (line.value.isascii() and line.value.isdigit() and int(line.value) > 0):
        raise UserError(f'{table}:{line.number}: "{line.value}" is not a number of samples; prepare the corpus again')
    return int(line.value)


def _refuse_unwritable(path: Path | str, ordered: list[Utterance]) -> None:
    """What could not be read back must not be written."""
    if not ordered:
        raise UserError(f"{path}: no utterances to write; is the corpus complete?")
    for before, utterance in zip([None, *ordered], ordered):
        if before is not None and before.id == utterance.id:
            raise UserError(f'{utterance.wav}: duplicate utterance id "{utterance.id}", also of {before.wav}; '
                            f"rename or remove one")
        if not utterance.words:
            raise UserError(f'{utterance.wav}: utterance "{utterance.id}" has no words; give them, or remove it')
        if len(utterance.id.split()) != 1 or len(utterance.speaker.split()) != 1 or "\n" in str(utterance.wav):
            raise UserError(f'{utterance.wav}: white space in id "{utterance.id}", speaker "{utterance.speaker}" '
                            f"or a line break in the path; rename it")
