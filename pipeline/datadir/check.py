"""Everything that can be wrong with a data directory: its tables, and what they say of audio, features and gold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from lexicon.errors import UserError
from lexicon.files import read_json
from pipeline.base.archive import PLACE, checksum, read_checksums, read_place
from pipeline.datadir.read import NUMBER, DataDir
from pipeline.datadir.tables import Problem, Table, read_table, text_lines
from pipeline.sound.audio import LONGEST_UTTERANCE_S, SAMPLE_RATES, AudioInfo, audio_info, resampled_length
from pipeline.times.intervals import ctm_interval

SHORTEST_S = 0.025  # one frame
OVERSHOOT_S = 0.5  # Kaldi's extract-segments cuts a segment short by so much without complaint
GOLD_OVERSHOOT_S = 0.05
GOLD = ("phones.ctm", "words.ctm")
# Tables that Kaldi or lhotse write and phonoscope does not read: what a value is, and whose ids the keys are.
OTHERS = {
    "utt2dur": ("a duration", "utterance"),
    "utt2num_frames": ("a number of frames", "utterance"),
    "utt2lang": ("a language", "utterance"),
    "utt2gender": ("a gender", "utterance"),
    "utt2uniq": ("an utterance", "utterance"),
    "vad.scp": ("a place", "utterance"),
    "spk2gender": ("a gender", "speaker"),
    "spk2age": ("an age", "speaker"),
    "cmvn.scp": ("a place", "speaker"),
    "reco2dur": ("a duration", "recording"),
    "reco2num_spk": ("a number of speakers", "recording"),
    "reco2file_and_channel": ("a file and a channel", "recording"),
}
NUMBERS = ("utt2dur", "reco2dur", "utt2num_frames")


class Check:
    """A data directory with its audio and features; ``problems`` checks all of it.

    A directory below a splits.json was written by the data stage and must have all that later stages read; another one
    may lack what these can make.
    """

    def __init__(self, path: Path | str):
        splits = Path(path).parent / "splits.json"
        self.tables = DataDir(path, foreign=not splits.is_file())
        self.path = self.tables.path
        self._splits = splits

    @cached_property
    def infos(self) -> dict[str, AudioInfo | UserError]:
        """What the header of each recording says, or what is wrong with it; those whose file was not found are left
        out."""
        found: dict[str, AudioInfo | UserError] = {}
        for name in self.tables.wavs:
            if isinstance(wav := self.tables.wav(name), Path):
                try:
                    found[name] = audio_info(wav)
                except UserError as error:
                    found[name] = error
        return found

    @cached_property
    def sample_rate(self) -> int:
        """What utt2num_samples counts in: the rate of the corpus, or that of most files."""
        if not self.tables.foreign:
            splits = read_json(self._splits)
            rate = splits.get("sample_rate") if isinstance(splits, dict) else None
            if type(rate) is not int or rate not in SAMPLE_RATES:
                raise UserError(f'{self._splits}: no "sample_rate" in Hz; make it again: make data')
            return rate
        rates = Counter(info.sample_rate for info in self.infos.values() if isinstance(info, AudioInfo))
        return rates.most_common(1)[0][0] if rates else 0

    @cached_property
    def lengths(self) -> dict[str, int]:
        """Samples of each utterance at ``sample_rate``, measured; those that cannot be measured are left out."""
        found = {}
        for utterance in self.tables.audio:
            try:
                info = self.infos.get(self.tables.recording(utterance))
                cut = self.tables.cut(utterance)
            except (ValueError, UserError):
                continue  # a problem of its line
            if isinstance(info, AudioInfo):
                first, last = cut.samples(info) if cut else (0, info.num_samples)
                found[utterance] = resampled_length(last - first, info.sample_rate, self.sample_rate)
        return found

    def problems(self) -> Iterator[Problem]:
        """Everything, errors and remarks."""
        yield from self.tables.problems()
        if self.tables.foreign:
            for table in (self.tables.members, self.tables.lengths):
                if not table.exists:
                    yield Problem(str(table.path), "no such file", "it can be made: FIX=yes", remark=True)
        yield from self._prefixes()
        yield from self._audio()
        yield from self.features()
        for name in GOLD:
            yield from self._gold(name)
        yield from self._others()

    def _prefixes(self) -> Iterator[Problem]:
        """Kaldi sorts by utterance and by speaker, and wants both orders to agree."""
        odd = [
            utterance
            for utterance, line in self.tables.speakers.items()
            if " " not in line.value and not utterance.startswith(line.value)
        ]
        if odd:
            speaker = self.tables.speakers[odd[0]].value
            yield Problem(
                self.tables.speakers.where(odd[0]),
                f'speaker "{speaker}" does not begin the id "{odd[0]}" ({len(odd)} such utterances)',
                "some of Kaldi's scripts want that",
                remark=True,
            )

    def _audio(self) -> Iterator[Problem]:
        for name, info in self.infos.items():
            if isinstance(info, UserError):
                what, _, fix = str(info).rpartition("; ")
                yield Problem(self.tables.wavs.where(name), what, fix)
        for utterance in self.tables.segments:
            yield from self.overshoot(utterance)
        for utterance, length in self.lengths.items():
            where = self.tables.audio.where(utterance)
            if length < SHORTEST_S * self.sample_rate:
                yield Problem(
                    where, f'"{utterance}": {length} samples, shorter than one 25 ms frame', "remove the utterance"
                )
            elif length > LONGEST_UTTERANCE_S * self.sample_rate:
                hours = length / self.sample_rate / 3600
                yield Problem(
                    where,
                    f'"{utterance}": {hours:.1f} hours at a stretch, more than {LONGEST_UTTERANCE_S / 3600:g}',
                    "cut it into utterances: write segments",
                )
            given = self.tables.lengths.get(utterance)
            if given and NUMBER.fullmatch(given.value) and int(given.value) != length:
                yield Problem(
                    self.tables.lengths.where(utterance),
                    f'"{utterance}": {given.value} samples, but the audio has {length} at {self.sample_rate} Hz',
                    "measure it again: FIX=yes",
                )
        if not self.tables.segments.exists:
            yield from self._shared_files()

    def overshoot(self, utterance: str) -> Iterator[Problem]:
        """A segment that goes on beyond its recording."""
        try:
            cut, info = self.tables.cut(utterance), self.infos.get(self.tables.recording(utterance))
        except (ValueError, UserError):
            return  # reported already
        if cut is None or not isinstance(info, AudioInfo):
            return
        beyond = cut.end - info.num_samples / info.sample_rate
        if beyond > 1 / info.sample_rate:  # a time may be rounded
            yield Problem(
                self.tables.segments.where(utterance),
                f'"{utterance}" ends at {cut.end:g} s, {beyond:.2f} s beyond the end of the recording',
                "correct the time, or let it end there: FIX=yes",
                remark=beyond <= OVERSHOOT_S,
            )

    def _shared_files(self) -> Iterator[Problem]:
        first: dict[Path, str] = {}
        shared = [
            (name, other)
            for name in self.infos
            if isinstance(wav := self.tables.wav(name), Path)  # as all are that were opened
            if (other := first.setdefault(wav.resolve(), name)) != name
        ]
        if shared:
            name, other = shared[0]
            yield Problem(
                self.tables.wavs.where(name),
                f'"{name}" has the file of "{other}" ({len(shared)} such utterances)',
                "is that meant?",
                remark=True,
            )

    def features(self) -> Iterator[Problem]:
        """feats.scp, and every matrix in it."""
        table = read_table(self.path / "feats.scp", "a place in an archive", needed=False)
        yield from table.problems
        again = "take feats.scp away and make them again: make mfcc, or FIX=yes"
        dimensions: dict[int, str] = {}
        for what in self._unlike_checksums(table):
            yield Problem(str(table.path), what, again)
        for utterance, line in table.items():
            where = table.where(utterance)
            if not self.tables.audio.may_have(utterance):
                yield Problem(where, f'features of "{utterance}", which has no audio', again)
            elif not PLACE.fullmatch(line.value):
                yield Problem(where, f'"{line.value}" is not `file.ark:offset` (pipes are not run)', again)
            elif what := self._misfit(utterance, line.value, dimensions):
                yield Problem(where, f'features of "{utterance}": {what}', again)
        if table.exists and (missing := [u for u in self.tables.audio if not table.may_have(u)]):
            yield Problem(
                self.tables.audio.where(missing[0]),
                f'"{missing[0]}" has no features ({len(missing)} such utterances)',
                "make them again: make mfcc",
                remark=True,
            )

    def _unlike_checksums(self, table: Table) -> Iterator[str]:
        """What is wrong with feats.crc beside the index, or with the index according to feats.crc."""
        try:
            missing = [u for u in self.checksums if not table.may_have(u)] if table.exists else []
        except UserError as error:
            yield str(error).rpartition("; ")[0]
            return
        if missing:
            yield f'"{missing[0]}" was in it when it was made ({len(missing)} such utterances)'

    @cached_property
    def checksums(self) -> dict[str, str]:
        """feats.crc; empty where there is none. UserError if it is damaged."""
        path = self.path / "feats.crc"
        return read_checksums(path) if path.is_file() else {}

    def _misfit(self, utterance: str, place: str, dimensions: dict[int, str]) -> str:
        """What is wrong with the features of an utterance; "" if nothing is. ``dimensions`` seen so far, and where
        first."""
        try:
            feats = read_place(place, self.path)
        except Exception as error:  # damaged bytes: see read_place
            return f"cannot read {place} ({error})"
        if not isinstance(feats, np.ndarray) or feats.ndim != 2 or not feats.size:
            return f"{place} holds no matrix"
        if bad := int((~np.isfinite(feats)).any(axis=1).sum()):
            return f"{bad} of {len(feats)} frames hold NaN or infinity"
        try:
            if self.checksums.get(utterance, known := checksum(feats)) != known:
                return f"{place} is damaged, its checksum is another"
        except UserError:
            pass  # reported already
        if dimensions and feats.shape[1] not in dimensions:
            ((dimension, other),) = dimensions.items()
            return f'{feats.shape[1]} dimensions; "{other}" has {dimension}'
        dimensions[feats.shape[1]] = dimensions.get(feats.shape[1], utterance)
        if utterance in self.lengths and (self.path / "feats.json").is_file():  # others may have other frames
            expected = num_frames(self.lengths[utterance], self.sample_rate)
            if len(feats) != expected:
                return f"{len(feats)} frames, but the audio has {expected}"
        return ""

    def _gold(self, name: str) -> Iterator[Problem]:
        """Gold phones or words, in seconds from the beginning of their utterance."""
        table = Table(self.path / name)
        if not table.path.is_file():
            return
        for number, line in text_lines(table):
            try:
                utterance, interval = ctm_interval(line)
            except ValueError as error:
                yield Problem(table.at(number), str(error), "make the file again")
                continue
            if utterance not in self.tables.audio:
                if not self.tables.audio.may_have(utterance):
                    yield Problem(
                        table.at(number), f'"{utterance}" has no audio', "add it, or take the line away: FIX=yes"
                    )
                continue
            end = self.lengths[utterance] / self.sample_rate if utterance in self.lengths else float("inf")
            if interval.end > end + GOLD_OVERSHOOT_S:
                yield Problem(
                    table.at(number),
                    f'"{interval.label}" ends at {interval.end:g} s, "{utterance}" at {end:g} s',
                    "correct the times",
                )
        yield from table.problems

    def _others(self) -> Iterator[Problem]:
        """Tables that phonoscope does not read: their form and their keys; and unknown files."""
        speakers = {line.value for line in self.tables.speakers.values()}
        ids = {
            "utterance": self.tables.audio.may_have,
            "recording": self.tables.wavs.may_have,
            "speaker": lambda key: key in speakers or self.tables.speakers.broken or self.tables.speakers.lost,
        }
        for name, (what, whose) in OTHERS.items():
            table = read_table(self.path / name, what, needed=False)
            yield from table.problems
            for key, line in table.items():
                if not ids[whose](key):
                    yield Problem(
                        table.where(key), f'"{key}" is no {whose} of this directory', "take the line away: FIX=yes"
                    )
                elif name in NUMBERS and not _positive(line.value):
                    yield Problem(
                        table.where(key), f'"{line.value}" is not {what}', "correct it, or take the file away"
                    )
        unknown = sorted(path.name for path in self.path.iterdir() if path.is_file() and not _known(path.name))
        if unknown:
            yield Problem(
                str(self.path), f"not looked at: {' '.join(unknown)}", "no files of a data directory", remark=True
            )


def num_frames(num_samples: int, sample_rate: int) -> int:
    """How many frames `pipeline.sound.mfcc.mfcc` makes of so many samples."""
    window, shift = int(sample_rate * 0.025), int(sample_rate * 0.010)
    return 1 + (num_samples - window) // shift if num_samples >= window else 0


def _positive(value: str) -> bool:
    try:
        return 0 < float(value) < float("inf")
    except ValueError:
        return False


def _known(name: str) -> bool:
    return (
        name
        in (
            *OTHERS,
            *GOLD,
            "wav.scp",
            "segments",
            "text",
            "utt2spk",
            "spk2utt",
            "utt2num_samples",
            "feats.scp",
            "frame_shift",
            "feats_type",
        )
        or name.startswith(".")
        or name.endswith((".made", ".ark", ".crc", ".json"))
    )
