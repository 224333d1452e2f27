"""Reading a data directory: every problem of its tables, and its utterances when there is none."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import read_json
from lexicon.text import unfit_for_a_file
from pipeline.datadir.tables import ARCHIVED, Problem, Table, is_pipe, read_table
from pipeline.datadir.write import Utterance
from pipeline.sound.audio import SAMPLE_RATES, Cut, audio_info

# What is missing where one table has an utterance and another lacks it.
LACKS = {
    "text": "audio without transcript; add its line to text",
    "utt2spk": "no speaker; add its line to utt2spk",
    "utt2num_samples": "no length; add its line to utt2num_samples",
}
EXTRA = {
    "text": "transcript without audio; add its line to {audio}",
    "utt2spk": "speaker of an utterance without audio; add its line to {audio}",
    "utt2num_samples": "length of an utterance without audio; add its line to {audio}",
}

# what soundfile reads
AUDIO_SUFFIXES = (".wav", ".flac", ".sph", ".wv1", ".wv2", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au")
# Commands that change nothing: Kaldi's recipes have flac and sph2pipe, lhotse's export ffmpeg.
DECODERS = [
    re.compile(rf"\s*(\S*/)?{command}\s*\|\s*")
    for command in (
        r"flac(\s+(-[cdsf]+|--(decode|stdout|silent)))+\s+(?P<file>\S+)",
        r"sph2pipe(\s+(-p|-f\s+(wav|rif|riff|sph)|-c\s+1))*\s+(?P<file>\S+)",
        r"cat\s+(?P<file>\S+)",
        r"ffmpeg -threads 1 -i (?P<file>\S+) -ar \d+ -map_channel 0\.0\.0\s+-f wav -threads 1 pipe:1",
    )
]
NUMBER = re.compile(r"0*[1-9][0-9]{0,14}")  # of samples


def read_datadir(path: Path | str) -> list[Utterance]:
    """Read and validate a data directory: its utterances, sorted by id.

    Raises UserError (file:line) on whatever Kaldi's validate_data_dir.sh refuses: a missing file, text that is not
    UTF-8, a malformed, unsorted or double line, an utterance that one table has and another lacks, a spk2utt that
    differs from utt2spk; and on empty transcripts, and audio that is a pipe or does not exist. The message is the first
    problem and says how many there are.
    """
    directory = DataDir(path)
    refuse([problem for problem in directory.problems() if not problem.remark], directory.path)
    return directory.utterances()


def sample_rate(datadir: Path) -> int:
    """The rate of the corpus (Hz) from the splits.json that the data stage wrote beside the set."""
    path = datadir.parent / "splits.json"
    try:
        rate = read_json(path)["sample_rate"]
        if type(rate) is not int or rate not in SAMPLE_RATES:
            raise ValueError(f"sample_rate {rate!r}")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run: make data") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}: does not say the sample rate of the corpus ({error!r}); run again: make data"
        ) from None
    return rate


def refuse(errors: list[Problem], path: Path) -> None:
    """UserError with the first of the errors, if there are any."""
    if errors:
        more = f" ({len(errors)} problems in all; make check DIR={path} lists them)" if len(errors) > 1 else ""
        raise UserError(f"{errors[0]}{more}")


class DataDir:
    """The tables of a data directory. One that is ``foreign`` (Kaldi's or lhotse's) may lack spk2utt and
    utt2num_samples.

    wav.scp lists files, one an utterance; where there are ``segments``, one a recording, and these its stretches.
    """

    def __init__(self, path: Path | str, foreign: bool = False):
        self.path = Path(path)
        if not self.path.is_dir():
            raise UserError(f"{self.path}: no such data directory; make it with: python -m stages.prepare_data")
        self.foreign = foreign
        self.wavs = read_table(self.path / "wav.scp", "a file")
        self.segments = read_table(self.path / "segments", "a recording, its start and end", needed=False, of_ids=True)
        self.texts = read_table(self.path / "text", "a transcript")
        self.speakers = read_table(self.path / "utt2spk", "a speaker", of_ids=True)
        self.lengths = read_table(self.path / "utt2num_samples", "a number of samples", needed=not foreign)
        self.members = read_table(self.path / "spk2utt", "its utterances", needed=not foreign, of_ids=True)
        self._found: dict[str, Path | Problem] = {}

    @property
    def tables(self) -> list[Table]:
        """All tables, in the order of their problems."""
        return [self.wavs, self.segments, self.texts, self.speakers, self.lengths, self.members]

    @property
    def audio(self) -> Table:
        """The table that says which utterances have audio."""
        return self.segments if self.segments.exists else self.wavs

    def problems(self) -> Iterator[Problem]:
        """All that is wrong with the tables; the audio files must exist, but are not opened."""
        for table in self.tables:
            yield from table.problems
        if self.audio.exists and not (self.audio or self.audio.broken or self.audio.lost):
            yield Problem(str(self.audio.path), "no utterances", "prepare the corpus again")
        for utterance in self.audio:
            if why := unfit_for_a_file(utterance):
                yield Problem(
                    self.audio.where(utterance),
                    f'"{utterance}" {why} as the name of a file',
                    "give the utterance another id in every table",
                )
        yield from self._uneven()
        yield from self._wrong_speakers()
        for utterance, line in self.lengths.items():
            if not NUMBER.fullmatch(line.value):
                yield Problem(
                    self.lengths.where(utterance),
                    f'"{line.value}" is not a number of samples',
                    "prepare the corpus again",
                )
        for name in self.wavs:
            if isinstance(found := self.wav(name), Problem):
                yield found
        yield from self._wrong_segments()

    def utterances(self) -> list[Utterance]:
        """The utterances of a directory without problems, sorted by id; ``num_samples`` 0 where it has no lengths."""
        return [
            Utterance(
                id=utterance,
                speaker=self.speakers[utterance].value,
                wav=self._wav_of(utterance),
                words=tuple(self.texts[utterance].value.split()),
                num_samples=int(self.lengths[utterance].value) if self.lengths else 0,
                cut=self.cut(utterance),
            )
            for utterance in sorted(self.audio)
        ]

    def recording(self, utterance: str) -> str:
        """The entry of wav.scp that holds the utterance."""
        return self.segments[utterance].value.split()[0] if self.segments.exists else utterance

    def wav(self, name: str) -> Path | Problem:
        """The audio file of an entry of wav.scp, or what is wrong with the entry."""
        if name not in self._found:
            self._found[name] = self._find(self.wavs[name].value, self.wavs.where(name))
        return self._found[name]

    def _wav_of(self, utterance: str) -> Path:
        """The audio file that holds the utterance; UserError if there is none."""
        name = self.recording(utterance)
        if name not in self.wavs:
            raise UserError(f'{self.segments.where(utterance)}: recording "{name}" is not in wav.scp; add its line')
        if isinstance(wav := self.wav(name), Problem):
            raise UserError(str(wav))
        return wav

    def _find(self, entry: str, where: str) -> Path | Problem:
        if is_pipe(entry):
            return Problem(where, f'"{entry}" is a pipe', instead_of(entry))
        if ARCHIVED.fullmatch(entry):
            return Problem(where, f'"{entry}" is a place in an archive', "write the audio to a file of its own")
        wav = find_audio(entry, self.path)
        return wav or Problem(where, f"{entry}: no such audio file", "restore it, or remove the utterance")

    def cut(self, utterance: str) -> Cut | None:
        """The stretch of the recording that is the utterance; ValueError if its line does not say so."""
        if not self.segments.exists:
            return None
        _, start, end = self.segments[utterance].value.split()
        cut = Cut(float(start), float(end))
        if cut.end == -1:  # in Kaldi: to the end of the recording
            info = audio_info(self._wav_of(utterance))
            cut = cut._replace(end=info.num_samples / info.sample_rate)
        if not 0 <= cut.start < cut.end < float("inf"):
            raise ValueError
        return cut

    def _uneven(self) -> Iterator[Problem]:
        """Every table must have the utterances that have audio, no more and no fewer."""
        for table in (self.texts, self.speakers, self.lengths):
            if not (table.exists and self.audio.exists):
                continue
            name = table.path.name
            extra = EXTRA[name].format(audio=self.audio.path.name)
            for here, there, problem in ((self.audio, table, LACKS[name]), (table, self.audio, extra)):
                what, fix = problem.split("; ")
                for key in here:
                    if not there.may_have(key):
                        yield Problem(here.where(key), f'"{key}": {what}', f"{fix}, or remove the utterance")

    def _wrong_speakers(self) -> Iterator[Problem]:
        """spk2utt must be utt2spk turned around, as Kaldi's utt2spk_to_spk2utt.pl makes it."""
        expected: dict[str, list[str]] = {}
        for utterance, line in self.speakers.items():
            if len(line.value.split()) != 1:
                yield Problem(
                    self.speakers.where(utterance), f'"{line.value}" is not one speaker', "a speaker id has no spaces"
                )
            expected.setdefault(line.value, []).append(utterance)
        again = "make spk2utt from utt2spk again"
        if not (self.members.exists and self.speakers.exists) or self.speakers.broken or self.speakers.lost:
            return
        for speaker, line in self.members.items():
            if line.value.split() != expected.get(speaker):
                yield Problem(self.members.where(speaker), f'utterances of "{speaker}" differ from utt2spk', again)
        for speaker, utterances in expected.items():
            if not self.members.may_have(speaker):
                yield Problem(self.speakers.where(utterances[0]), f'speaker "{speaker}" is not in spk2utt', again)

    def _wrong_segments(self) -> Iterator[Problem]:
        """A segment is a stretch of a recording that wav.scp lists."""
        for utterance, line in self.segments.items():
            where, fields = self.segments.where(utterance), line.value.split()
            if len(fields) == 4:
                yield Problem(
                    where,
                    f'"{line.value}" chooses a channel',
                    "phonoscope averages channels: write this one to a file of its own",
                )
            elif fields[0] not in self.wavs:
                if self.wavs.exists and not self.wavs.may_have(fields[0]):
                    yield Problem(
                        where, f'recording "{fields[0]}" is not in wav.scp', "add its line, or remove the utterance"
                    )
            elif not isinstance(self.wav(fields[0]), Problem):
                try:
                    self.cut(utterance)
                except ValueError:
                    yield Problem(
                        where,
                        f'"{line.value}" is not a recording, its start and its end in seconds',
                        "correct it, or remove the utterance",
                    )
                except UserError as error:
                    yield Problem(where, str(error), "correct the recording")


def instead_of(pipe: str) -> str:
    """What to write in place of a pipe: the file it decodes if phonoscope reads that itself."""
    refused = "commands of a data directory are never run, for they could be anything"
    if named := decoded_file(pipe):
        return f"{refused}; give the file itself, which phonoscope reads: {named}"
    return f"{refused}: run it once and give the file it writes"


def decoded_file(pipe: str) -> str | None:
    """The audio file of a pipe that does nothing but decode it."""
    found = next(filter(None, (decoder.fullmatch(pipe) for decoder in DECODERS)), None)
    return found["file"] if found and Path(found["file"]).suffix.lower() in AUDIO_SUFFIXES else None


def find_audio(entry: str, folder: Path) -> Path | None:
    """The file of a path that may be relative to the current folder, to ``folder``, or to one of its parents.

    The path is tried as written, then in NFC and NFD: a Mac, an archive or a synchronised folder may have changed
    it."""
    bases = [Path(), *(() if Path(entry).is_absolute() else (folder.resolve(), *folder.resolve().parents))]
    forms = dict.fromkeys((entry, unicodedata.normalize("NFC", entry), unicodedata.normalize("NFD", entry)))
    return next(
        (base / form for form in forms for base in bases if os.path.isfile(base / form)), None
    )  # Path.is_file raises for names that are too long
