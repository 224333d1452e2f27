"""A folder of recordings, each with its transcript beside it: name.wav or .flac, and name.txt, .lab or .TextGrid.

Sub-folders are speakers, as LibriSpeech and the Montreal Forced Aligner have it; folders train, dev and test above them
are the sets. Without sub-folders everything is taken for one speaker, unless a TextGrid names some. Text is read as
`lexicon.written` does it; what is said when is read by `transcript`.
"""
from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from lexicon.errors import UserError
from lexicon.written import Written
from pipeline.audio import audio_info
from pipeline.corpora.cutting import Found
from pipeline.corpora.prepared import SETS, unmeasured
from pipeline.corpora.transcript import GRID, TEXTS, Turn, read_turns
from pipeline.datadir import AUDIO_SUFFIXES

LEXICON = "lexicon.txt"  # in the folder itself: the corpus's pronunciations, and no transcript
AUDIO = "audio"


def holds_audio(folder: Path) -> bool:
    """Whether there is a recording somewhere below."""
    return any(is_audio(path) for path in folder.rglob("*"))


def is_audio(path: Path) -> bool:
    """A recording by its name; hidden files (a Mac leaves ._name.wav) are none."""
    return path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".") and path.is_file()


def read(folder: Path, written: Written) -> Found:
    """Every recording below ``folder`` with its words; what lacks its other half, or words, is listed as unreadable."""
    found = Found("a folder of recordings and transcripts", defaultdict(list))
    halves: dict[Path, dict[str, Path]] = defaultdict(dict)  # by path without suffix
    for path in sorted(folder.rglob("*")):
        kind = AUDIO if is_audio(path) else path.suffix.lower()
        if kind not in (AUDIO, GRID, *TEXTS) or path.name.startswith(".") or path == folder / LEXICON:
            continue
        if kind in halves[path.with_suffix("")]:
            raise UserError(f"{path}: beside {halves[path.with_suffix('')][kind].name}, which is {kind} of the same "
                            f"name; keep one of them")
        halves[path.with_suffix("")][kind] = path
    for stem, files in halves.items():
        try:
            _take(found, folder, stem, files, written)
        except UserError as error:
            found.unreadable.append((stem.relative_to(folder).as_posix(), str(error)))
    found.speakers_known = len({u.speaker for members in found.sets.values() for u in members}) > 1
    return found


def _take(found: Found, folder: Path, stem: Path, files: dict[str, Path], written: Written) -> None:
    """Add the utterances of one recording. UserError if it is not whole."""
    if AUDIO not in files:
        raise UserError(f"{next(iter(files.values()))}: transcript without audio; add the recording, or take it away")
    if len(files) == 1:
        raise UserError(f"{files[AUDIO]}: audio without transcript; write {stem.name}.txt beside it, or take it away")
    transcripts = [path for kind, path in files.items() if kind != AUDIO]
    for turn in read_turns(transcripts, audio_info(files[AUDIO]), written):
        name, utterance, speaker = _names(folder, stem, turn)
        found.sets[name].append(unmeasured(utterance, speaker, files[AUDIO], turn.words, turn.cut))
        if turn.gold.phones or turn.gold.words:
            found.gold[utterance] = turn.gold


def _names(folder: Path, stem: Path, turn: Turn) -> tuple[str, str, str]:
    """(set or "", utterance id, speaker): a speaker's name begins the ids of his utterances, as Kaldi wants it. A
    TextGrid's name for him counts where it has several speakers, or no folder names one."""
    *parents, name = ("_".join(part.split()) for part in stem.relative_to(folder).parts)  # ids have no spaces
    chosen = parents.pop(0) if parents and parents[0] in SETS else ""
    if turn.speaker and (turn.number or not parents):
        speaker = "_".join(turn.speaker.split())
        within = [speaker, *parents, name]
    else:
        speaker = parents[0] if parents else "_".join(folder.resolve().name.split())
        within = [name] if name.startswith(speaker) else [*(parents or [speaker]), name]
    return chosen, "-".join([*within, *([f"{turn.number:04}"] if turn.number else [])]), speaker
