"""A folder of recordings, each with its transcript beside it: name.wav or .flac, and name.txt, .lab or .TextGrid.

Sub-folders are speakers, as LibriSpeech and the Montreal Forced Aligner have it; folders train, dev and test above them
are the sets. Without sub-folders everything is taken for one speaker, unless a TextGrid names some. Text is read by
`lexicon.written`, times by `transcript`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import count
from pathlib import Path

from lexicon.errors import UserError
from lexicon.letters import nfc
from lexicon.written import Written
from pipeline.corpora.cutting import Found
from pipeline.corpora.prepared import SETS, unmeasured
from pipeline.corpora.transcript import GRID, TEXTS, Turn, read_turns
from pipeline.corpora.tree import below
from pipeline.datadir import AUDIO_SUFFIXES
from pipeline.sound.audio import audio_info

LEXICON = "lexicon.txt"  # in the folder itself: the corpus's pronunciations, and no transcript
AUDIO = "audio"


def holds_audio(folder: Path) -> bool:
    """Whether there is a recording somewhere below."""
    return any(map(is_audio, below(folder)))


def is_audio(path: Path) -> bool:
    """A recording by its name."""
    return path.suffix.lower() in AUDIO_SUFFIXES and path.is_file()


def read(folder: Path, written: Written) -> Found:
    """Every recording below ``folder`` with its words; what lacks its other half, or words, is listed as unreadable."""
    found = Found("a folder of recordings and transcripts", defaultdict(list))
    halves: dict[Path, dict[str, Path]] = defaultdict(dict)  # by path without suffix, in NFC
    others: dict[Path, str] = {}
    for path in below(folder):
        kind = AUDIO if is_audio(path) else path.suffix.lower()
        stem = Path(nfc(path.relative_to(folder).with_suffix("").as_posix()))
        if kind not in (AUDIO, GRID, *TEXTS) or path == folder / LEXICON:
            others[stem] = path.name
            continue
        if other := halves[stem].get(kind):
            form = ": the two differ only in Unicode form" if nfc(str(other)) == nfc(str(path)) else ""
            raise UserError(f"{path}: beside {other.name}, which is {kind} of the same name{form}; keep one of them")
        halves[stem][kind] = path
    names = _names(folder, sorted(halves))
    for stem, files in halves.items():
        try:
            _take(found, stem, files, names[stem], written, others.get(stem))
        except UserError as error:
            found.unreadable.append((stem.as_posix(), str(error)))
    found.speakers_known = len({u.speaker for members in found.sets.values() for u in members}) > 1
    return found


def _take(
    found: Found, stem: Path, files: dict[str, Path], names: tuple[str, str, str], written: Written, other: str | None
) -> None:
    """Add the utterances of one recording, of these ``names``. UserError if it is not whole, which may be because
    ``other``, of the same name, is of a kind that is not read."""
    strange = f" ({other} is of a kind that is not read)" if other else ""
    if AUDIO not in files:
        raise UserError(
            f"{next(iter(files.values()))}: transcript without audio{strange}; add the recording as WAV, "
            f"FLAC, Ogg or MP3, or take it away"
        )
    if len(files) == 1:
        raise UserError(
            f"{files[AUDIO]}: audio without transcript{strange}; write {stem.name}.txt beside it, or take it away"
        )
    transcripts = [path for kind, path in files.items() if kind != AUDIO]
    for turn in read_turns(transcripts, audio_info(files[AUDIO]), written):
        name, utterance, speaker = _of_turn(stem, names, turn)
        found.sets[name].append(unmeasured(utterance, speaker, files[AUDIO], turn.words, turn.cut))
        if turn.gold.phones or turn.gold.words:
            found.gold[utterance] = turn.gold


def _of_turn(stem: Path, names: tuple[str, str, str], turn: Turn) -> tuple[str, str, str]:
    """The names of a recording, or of a turn in it: a TextGrid's name for a speaker counts where it has several, or no
    folder names one."""
    chosen, utterance, speaker = names
    parents = stem.parts[1 if chosen else 0 : -1]
    if turn.speaker and (turn.number or not parents):
        speaker, *rest = ("_".join(part.split()) for part in (turn.speaker, *parents, stem.name))
        utterance = "-".join([speaker, *rest])
    return chosen, f"{utterance}-{turn.number:04}" if turn.number else utterance, speaker


def _names(folder: Path, stems: list[Path]) -> dict[Path, tuple[str, str, str]]:
    """(set or "", utterance id, speaker) of each recording, given by its path in ``folder`` without suffix.

    A speaker's name begins the ids of his utterances, as Kaldi wants it. An id is as short as may be: one that two
    recordings would share is made of the whole path, and if need be of its set and of a number.
    """
    names: dict[Path, tuple[str, str, str]] = {}
    taken: set[str] = set()
    left = stems
    for attempt in range(3):
        wanted = {stem: _name(folder, stem, attempt) for stem in left}
        counts = Counter(utterance for _, utterance, _ in wanted.values())
        fine = {stem: name for stem, name in wanted.items() if counts[name[1]] == 1 and name[1] not in taken}
        names |= fine
        taken |= {utterance for _, utterance, _ in fine.values()}
        left = [stem for stem in left if stem not in fine]
    for stem in left:
        chosen, utterance, speaker = _name(folder, stem, 2)
        free = next(name for n in count(1) if (name := f"{utterance}-{n}") not in taken)
        taken.add(free)
        names[stem] = chosen, free, speaker
    return names


def _name(folder: Path, stem: Path, attempt: int) -> tuple[str, str, str]:
    *parents, name = ("_".join(part.split()) for part in stem.parts)  # ids have no spaces
    chosen = parents.pop(0) if parents and parents[0] in SETS else ""
    speaker = parents[0] if parents else nfc("_".join(folder.resolve().name.split()))
    whole = [*(parents or [speaker]), name]
    short = [name] if name.startswith(speaker) else whole
    return chosen, "-".join((short, whole, [*whole, chosen] if chosen else whole)[attempt]), speaker
