"""Corpora in the layouts of LibriSpeech, LJSpeech and VCTK: transcripts are in one file, or in a tree of their own."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lexicon.errors import UserError, at
from lexicon.letters import nfc
from lexicon.text import numbered_lines
from lexicon.written import Written
from pipeline.corpora import librispeech
from pipeline.corpora.cutting import Found
from pipeline.corpora.folder import TEXTS, is_audio
from pipeline.corpora.label_file import MOST
from pipeline.corpora.prepared import SETS, unmeasured
from pipeline.corpora.tree import below, within
from pipeline.datadir import Utterance

VCTK_SOUND = ("wav48_silence_trimmed", "wav48", "wav16", "wav", "wavs", "flac", "audio")
VCTK_TEXT = ("txt", "text", "lab", "transcripts")
WORD = re.compile(r"\w+")
MICROPHONE = re.compile(r"_mic([12])$")  # of VCTK 0.92, which has both


def read(folder: Path, written: Written) -> Found | None:
    """The corpus in ``folder``, or in the one folder that it holds; None where it has none of these layouts."""
    tops = [path for path in within(folder, "*") if path.is_dir()]
    for top in (folder, *(tops if len(tops) == 1 else ())):
        for layout in LAYOUTS:
            if found := layout(top, written):
                return found
    return None


def _librispeech(folder: Path, written: Written) -> Found | None:
    """READER/CHAPTER/READER-CHAPTER.trans.txt beside READER-CHAPTER-NUMBER.flac, in parts train-*, dev-* and test-*."""
    if not next(below(folder, "*.trans.txt"), None):
        return None
    sets: dict[str, list[Utterance]] = defaultdict(list)
    for part, utterances in librispeech.read_parts(folder).items():
        sets[part.partition("-")[0] if part.partition("-")[0] in SETS else ""].extend(
            replace(utterance, words=tuple(written.tokens(utterance.words))) for utterance in utterances
        )
    if "train" not in sets:  # parts for testing alone: cut them
        sets = {"": [utterance for members in sets.values() for utterance in members]}
    return Found("LibriSpeech's layout", dict(sets))


def _ljspeech(folder: Path, written: Written) -> Found | None:
    """metadata.csv, lines `name|as written|in words`, beside wavs/name.wav; each such folder is a speaker. UserError
    for other columns, such as names of speakers."""
    tables = [table for table in below(folder, "metadata.csv") if (table.parent / "wavs").is_dir()]
    if not tables:
        return None
    found = Found("LJSpeech's layout", defaultdict(list), speakers_known=len(tables) > 1)
    for table in tables:
        speaker = nfc(
            "_".join("-".join(table.parent.relative_to(folder).parts).split())
            or "_".join(folder.resolve().name.split())
        )
        audio = {nfc(path.stem): path for path in within(table.parent, "wavs/*") if is_audio(path)}
        lines = [(number, line.split("|")) for number, line in numbered_lines(table)]
        odd = [number for number, (_, *texts) in lines if not _are_one_text(texts)]
        if len(odd) > MOST * len(lines):
            raise UserError(
                f"{table}:{odd[0]}: columns that are not the same text, as written and in words; keep "
                f"`name|text` (each speaker has a folder, with metadata.csv and wavs in it)"
            )
        for number, (name, *texts) in lines:
            name = nfc(Path(name.strip()).name).removesuffix(".wav")
            text = next((text for text in reversed(texts) if text.strip()), "")
            _add(found, written, f"{table}:{number}", speaker, name, audio.pop(name, None), text)
        found.unreadable += [
            (name, f"{path}: audio without transcript; add its line to {table}, or take it away")
            for name, path in audio.items()
        ]
    return found


def _are_one_text(texts: list[str]) -> bool:
    """Whether texts share a word with the first, or it has figures, which others have in words."""
    first, *others = [set(WORD.findall(text.casefold())) for text in texts if text.strip()] or [set()]
    return any(word.isdecimal() for word in first) or all(first & other for other in others)


def _vctk(folder: Path, written: Written) -> Found | None:
    """wav48/SPEAKER/name.wav with txt/SPEAKER/name.txt: two trees of one shape. Of two microphones the first."""
    trees = [
        next((folder / name for name in names if (folder / name).is_dir()), None) for names in (VCTK_SOUND, VCTK_TEXT)
    ]
    sound, text = trees
    if sound is None or text is None:
        return None
    texts = {
        nfc(path.relative_to(text).with_suffix("").as_posix()): path
        for path in below(text)
        if path.suffix.lower() in TEXTS
    }
    found = Found("VCTK's layout", defaultdict(list))
    recorded = set()
    transcribed = {key.rpartition("/")[0] for key in texts}
    for path in filter(is_audio, below(sound)):
        key = nfc(path.relative_to(sound).with_suffix("").as_posix())
        microphone, plain = MICROPHONE.search(key), MICROPHONE.sub("", key)
        recorded.add(plain)
        if microphone and microphone[1] == "2":
            found.left_out.append((path.name, "the second microphone"))
        elif plain.rpartition("/")[0] not in transcribed:
            found.left_out.append((path.name, "a speaker without transcripts"))  # p315
        elif plain not in texts:
            found.unreadable.append(
                (path.stem, f"{path}: audio without transcript; add {text / plain}.txt, or take it away")
            )
        else:
            *parents, name = ("_".join(part.split()) for part in plain.split("/"))
            said = " ".join(line for _, line in numbered_lines(texts[plain]))
            _add(found, written, str(texts[plain]), "-".join(parents) or sound.name, name, path, said)
    if not found.sets:
        return None
    found.left_out += [
        (path.name, "a transcript without recording") for key, path in texts.items() if key not in recorded
    ]
    return found


def _add(found: Found, written: Written, where: str, speaker: str, name: str, audio: Path | None, text: str) -> None:
    """One utterance, or why it is none."""
    utterance = "_".join((name if name.startswith(speaker) else f"{speaker}-{name}").split())
    try:
        with at(where):
            words = written.words(text)
    except UserError as error:
        found.unreadable.append((utterance, str(error)))
        return
    if audio is None:
        found.unreadable.append(
            (utterance, f'{where}: "{name}": transcript without audio; restore the recording, or remove the line')
        )
    elif not words:
        found.unreadable.append((utterance, f"{where}: no words; write what is said, or take the recording away"))
    else:
        found.sets[""].append(unmeasured(utterance, speaker, audio, words))


LAYOUTS: tuple[Callable[[Path, Written], Found | None], ...] = (_librispeech, _ljspeech, _vctk)
