"""Repairing a data directory: what can be mended without losing speech. The originals are kept in a folder .backup.

No utterance that has both readable audio and words is ever removed. Where there is a choice (two lines of one id that
differ, another encoding than UTF-8, audio that is missing or damaged) nothing is done: the user must decide.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import write_lines
from lexicon.letters import nfc
from lexicon.text import BYTE_ORDER_MARK, CONTROL
from pipeline.datadir.check import GOLD, OTHERS, Check
from pipeline.datadir.read import decoded_file, find_audio
from pipeline.datadir.tables import ODD_SPACE, UTF16
from pipeline.sound.audio import AudioInfo, audio_info

TABLES = ("wav.scp", "segments", "text", "utt2spk", "utt2num_samples", "spk2utt", "feats.scp", *OTHERS)
OF_IDS = ("segments", "utt2spk", "spk2utt")  # whose values are ids too


def repair(path: Path | str) -> list[str]:
    """Mend the directory; returns what was done, a line each, `file: what`."""
    mender = _Mender(Path(path))
    for name in (*TABLES, *GOLD):
        if (mender.path / name).is_file():
            mender.clean(name)
    for step in (
        mender.files_for_pipes,
        mender.speakers,
        mender.without_audio,
        mender.ends_of_segments,
        mender.members,
        mender.lengths,
        mender.features,
    ):
        step()
    return mender.done


class _Mender:
    """The directory under repair: ``done`` lists the changes, ``backup`` is where the originals are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: list[str] = []
        numbers = ("", *(f".{number}" for number in range(2, 10_000)))
        self.backup = next(folder for n in numbers if not (folder := path / f".backup{n}").exists())

    def check(self) -> Check:
        """The directory as it is now."""
        return Check(self.path)

    def keep(self, name: str) -> None:
        """Copy the original, before its first change, to the backup."""
        self.backup.mkdir(exist_ok=True)
        if (self.path / name).is_file() and not (self.backup / name).exists():
            shutil.copy2(self.path / name, self.backup / name)

    def write(self, name: str, lines: list[str], what: str) -> None:
        """Replace a file and note why."""
        self.keep(name)
        if name in ("feats.scp", "cmvn.scp"):
            self._forget_checksums(name)
        write_lines(self.path / name, lines)
        self.done.append(f"{self.path / name}: {what}")

    def _forget_checksums(self, index: str) -> None:
        """Move the checksums of an index aside: they are of the index as it was."""
        sums = (self.path / index).with_suffix(".crc")
        self.keep(sums.name)
        sums.unlink(missing_ok=True)

    def rewrite(self, name: str, change: Callable[[str], str | None], what: str) -> None:
        """Pass each line that has a key through ``change``; None removes it. Nothing is written if nothing changes.

        A file that is not UTF-8 is left alone.
        """
        lines = _utf8(self.path / name)
        if lines is None:
            return
        changed = [change(line) for line in lines]
        kept = [line for line in changed if line is not None]
        if kept != lines:
            count = sum(new != old for new, old in zip(changed, lines))
            self.write(name, kept, f"{what} ({count} lines)" if count > 1 else what)

    def clean(self, name: str) -> None:
        """Encoding, line ends, white space, empty and double lines, order."""
        data = (self.path / name).read_bytes()
        what = []
        if data.startswith(UTF16):
            try:
                data = data.decode("utf-16").encode()
            except UnicodeDecodeError:
                return
            what.append("UTF-16 became UTF-8")
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return  # its encoding is not known
        if text.startswith(BYTE_ORDER_MARK):
            text = text.removeprefix(BYTE_ORDER_MARK)
            what.append("byte order mark taken away")
        ends = "\r" if "\n" not in text else "\r\n"  # of an old Mac, of Windows
        if ends in text:
            text = text.replace(ends, "\n")
            what.append("Unix line ends")
        lines = text.removesuffix("\n").split("\n")
        for change, how in (
            (lambda line: CONTROL.sub(_instead, line), "control characters taken out"),
            (lambda line: ODD_SPACE.sub(" ", line.replace("\t", " ")).strip(), "plain spaces"),
            (nfc if name in OF_IDS else _composed_key, "ids in NFC"),
        ):
            new = [change(line) for line in lines]
            if new != lines:
                what.append(f"{how} ({sum(a != b for a, b in zip(new, lines))} lines)")
                lines = new
        lines = self._in_order(name, lines, what)
        if data and not data.endswith(b"\n"):
            what.append("newline at the end")
        if what:
            self.write(name, lines, "; ".join(what))

    def _in_order(self, name: str, lines: list[str], what: list[str]) -> list[str]:
        """Without empty lines; tables without a line that is there already, and sorted by key."""
        kept = [line for line in lines if line]
        if len(kept) < len(lines):
            what.append(f"{len(lines) - len(kept)} empty lines taken out")
        if name in GOLD:
            return kept
        once = list(dict.fromkeys(kept))
        if len(once) < len(kept):
            what.append(f"{len(kept) - len(once)} double lines taken out")
        ordered = sorted(once, key=lambda line: line.split(maxsplit=1)[0])
        if ordered != once:
            what.append("sorted")
        return ordered

    def files_for_pipes(self) -> None:
        """A pipe that only decodes a file which phonoscope reads, becomes that file. No command is run."""
        tables = self.check().tables

        def change(line: str) -> str:
            name, _, entry = line.partition(" ")
            named = decoded_file(entry)
            found = find_audio(named, tables.path) if named else None
            try:
                return f"{name} {found}" if found and audio_info(found).channels == 1 else line
            except UserError:
                return line  # damaged: leave the command

        if tables.wavs.exists:
            self.rewrite("wav.scp", change, "the file itself in place of a pipe that decodes it")

    def speakers(self) -> None:
        """Utterances without a speaker become their own, as Kaldi's recipes do it."""
        tables = self.check().tables
        missing = [u for u in tables.audio if not tables.speakers.may_have(u)]
        lines = _utf8(self.path / "utt2spk") if tables.speakers.exists else []
        if missing and lines is not None:
            self.write(
                "utt2spk",
                sorted([*lines, *(f"{u} {u}" for u in missing)], key=_key),
                f"no speaker known: the utterance is its own, {_some(missing)}",
            )

    def without_audio(self) -> None:
        """Lines of utterances, speakers and recordings that are not there are moved aside; wav.scp and segments are not
        touched, and nothing is if they have lines that cannot be read."""
        tables = self.check().tables
        if not tables.audio or any(table.broken or table.lost for table in (tables.audio, tables.wavs)):
            return
        utterances = {*tables.audio, *tables.wavs}  # an entry of wav.scp may be an utterance that segments lack
        speakers = {line.value for utterance, line in tables.speakers.items() if utterance in utterances}
        ids = {"utterance": utterances, "recording": set(tables.wavs), "speaker": speakers}
        whose = {name: "utterance" for name in ("text", "utt2spk", "utt2num_samples", "feats.scp", *GOLD)}
        speakers_known = not (tables.speakers.broken or tables.speakers.lost)
        whose |= {name: of for name, (_, of) in OTHERS.items() if of != "speaker" or speakers_known}
        for name, of in whose.items():
            lines = _utf8(self.path / name)
            if name == "text" and not any(_key(line) in utterances for line in lines or ()):
                continue  # ids of another kind: the user must decide
            if gone := {_key(line) for line in lines or ()} - ids[of]:
                self.rewrite(
                    name,
                    lambda line: None if _key(line) in gone else line,
                    f"moved aside, no such {of} with audio: {_some(sorted(gone))}",
                )

    def ends_of_segments(self) -> None:
        """A segment that goes on beyond its recording ends with it."""
        check = self.check()
        ends: dict[str, str] = {}
        for utterance in check.tables.segments:
            if list(check.overshoot(utterance)):
                cut, info = check.tables.cut(utterance), check.infos[check.tables.recording(utterance)]
                if cut and isinstance(info, AudioInfo) and cut.start < info.num_samples / info.sample_rate:
                    ends[utterance] = f"{info.num_samples / info.sample_rate!r}"
        if ends:
            self.rewrite(
                "segments",
                lambda line: line if _key(line) not in ends else " ".join([*line.split()[:3], ends[_key(line)]]),
                f"ends with its recording: {_some(sorted(ends))}",
            )

    def members(self) -> None:
        """spk2utt is utt2spk turned around."""
        tables = self.check().tables
        faulty = any(not problem.remark for problem in tables.speakers.problems) or any(
            len(line.value.split()) != 1 for line in tables.speakers.values()
        )
        if faulty or not tables.speakers:
            return
        members: dict[str, list[str]] = {}
        for utterance, line in tables.speakers.items():
            members.setdefault(line.value, []).append(utterance)
        lines = [f"{speaker} {' '.join(members[speaker])}" for speaker in sorted(members)]
        if _utf8(self.path / "spk2utt") != lines:
            self.write("spk2utt", lines, "made from utt2spk")

    def lengths(self) -> None:
        """utt2num_samples is measured; of audio that cannot be, the old line is kept."""
        check = self.check()
        known = {utterance: line.value for utterance, line in check.tables.lengths.items()}
        changed = [utterance for utterance, length in check.lengths.items() if known.get(utterance) != str(length)]
        known |= {utterance: str(check.lengths[utterance]) for utterance in changed}
        lines = [f"{utterance} {known[utterance]}" for utterance in sorted(known)]
        if lines and _utf8(self.path / "utt2num_samples") != lines:
            what = f"measured: {_some(changed)}" if changed else "one line for each utterance"
            self.write("utt2num_samples", lines, what)

    def features(self) -> None:
        """Features that do not fit are moved aside: they can be made again."""
        problems = [problem for problem in self.check().features() if not problem.remark]
        if problems:
            self.keep("feats.scp")
            self._forget_checksums("feats.scp")
            os.unlink(self.path / "feats.scp")
            self.done.append(
                f"{self.path / 'feats.scp'}: moved aside, make it again with make mfcc: {problems[0].what}"
            )


def _instead(control: re.Match[str]) -> str:
    """What replaces a control character: a space for those that end a line or page, nothing for NUL and the like."""
    return " " if control[0].isspace() else ""


def _utf8(path: Path) -> list[str] | None:
    """The lines of a file; None if it is not there or not UTF-8."""
    try:
        text = path.read_bytes().decode()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return text.removesuffix("\n").split("\n") if text else []


def _composed_key(line: str) -> str:
    """The line with its id in NFC."""
    key, space, rest = line.partition(" ")
    return nfc(key) + space + rest


def _key(line: str) -> str:
    return line.split(maxsplit=1)[0]


def _some(names: list[str], most: int = 5) -> str:
    return " ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
