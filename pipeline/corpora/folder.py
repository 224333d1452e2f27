"""A folder of recordings, each with its transcript beside it: name.wav or .flac, and name.txt, .lab or .TextGrid.

Sub-folders are speakers, as LibriSpeech and the Montreal Forced Aligner have it; folders train, dev and test above them
are the sets. Without sub-folders everything is taken for one speaker. Text is read as `lexicon.written` does it.
"""
from __future__ import annotations

from collections import Counter, defaultdict
from itertools import count
from pathlib import Path

from lexicon.errors import UserError, at
from lexicon.phones import PHONES, SILENCE
from lexicon.text import nfc, numbered_lines
from lexicon.written import Written
from pipeline.corpora.cutting import Found
from pipeline.corpora.prepared import SETS, Gold, unmeasured
from pipeline.corpora.tree import below
from pipeline.datadir import AUDIO_SUFFIXES
from pipeline.intervals import Interval

TEXTS = (".txt", ".lab")
GRID = ".textgrid"
LEXICON = "lexicon.txt"  # in the folder itself: the corpus's pronunciations, and no transcript
WORD_TIERS, PHONE_TIERS = ("word", "ort"), ("phone", "mau", "segment")  # beginnings of names
SENTENCE_TIERS = ("transcript", "transcription", "text", "sentence", "utterance")
PAUSES = {"", "sil", "sp", "spn", "pau", "h#", "#", "_", "<eps>", "<sil>", "<p:>", "<p>", "silence"}


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
    for path in below(folder):
        suffix = path.suffix.lower()
        if is_audio(path):
            kind = "audio"
        elif suffix in (*TEXTS, GRID) and path != folder / LEXICON:
            kind = "grid" if suffix == GRID else "text"
        else:
            continue
        stem = Path(nfc(path.relative_to(folder).with_suffix("").as_posix()))
        if other := halves[stem].get(kind):
            form = ": the two differ only in Unicode form" if nfc(str(other)) == nfc(str(path)) else ""
            raise UserError(
                f"{path}: beside {other.name}, which is {kind} of the same name{form}; keep one of them")
        halves[stem][kind] = path
    names = _names(folder, sorted(halves))
    for stem, files in halves.items():
        try:
            _take(found, stem, files, names[stem], written)
        except UserError as error:
            found.unreadable.append((stem.as_posix(), str(error)))
    found.speakers_known = len({u.speaker for members in found.sets.values() for u in members}) > 1
    return found


def _take(found: Found, stem: Path, files: dict[str, Path], names: tuple[str, str, str], written: Written) -> None:
    """Add one utterance, of these ``names``. UserError if it is not whole."""
    if "audio" not in files:
        raise UserError(f"{next(iter(files.values()))}: transcript without audio; add the recording, or take it away")
    if len(files) == 1:
        raise UserError(f"{files['audio']}: audio without transcript; write {stem.name}.txt beside it, or take it away")
    words, gold = _grid(files["grid"], written) if "grid" in files else ((), Gold())
    if "text" in files:
        words = words_of_file(files["text"], written)
    if not words:
        raise UserError(
            f"{files.get('text') or files['grid']}: no words; write what is said, or take the recording away")
    name, utterance, speaker = names
    found.sets[name].append(unmeasured(utterance, speaker, files["audio"], words))
    if gold.phones or gold.words:
        found.gold[utterance] = gold


def _names(folder: Path, stems: list[Path]) -> dict[Path, tuple[str, str, str]]:
    """(set or "", utterance id, speaker) of each recording, given by its path in ``folder`` without suffix.

    A speaker's name begins the ids of his utterances, as Kaldi wants it. An id is as short as may be: one that two
    recordings would share is made of the whole path, and if need be of its set and of a number.
    """
    names, left, taken = {}, stems, set()
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


def _grid(path: Path, written: Written) -> tuple[tuple[str, ...], Gold]:
    """Words and gold of a TextGrid: tiers are known by their names. A word interval that reads as several words ("32")
    gives its words, but no gold, for nobody has placed them."""
    from pipeline.textgrid import read_textgrid  # a slow import that most corpora do not need

    tiers = read_textgrid(path)
    words, phones, sentences = (_tier(tiers, names) for names in (WORD_TIERS, PHONE_TIERS, SENTENCE_TIERS))
    if words is None and phones is None and sentences is None:
        raise UserError(f'{path}: no tier of words or phones (tiers: {", ".join(tiers) or "none"}); '
                        f'name one "words" or "phones"')
    with at(path):
        placed = [(interval, written.words(interval.label)) for interval in words or sentences or ()
                  if interval.label.lower() not in PAUSES]
    gold_words = tuple(interval._replace(label=said[0]) for interval, said in placed if len(said) == 1) if words else ()
    gold_phones = tuple(i._replace(label="_".join(i.label.split()) if i.label.lower() not in PAUSES else SILENCE)
                        for i in phones or ())
    return tuple(word for _, said in placed for word in said), Gold(gold_phones, gold_words)


def words_of_file(path: Path, written: Written) -> tuple[str, ...]:
    """The words of a transcript; UserError with the line of what cannot be read."""
    words: list[str] = []
    for number, line in numbered_lines(path):
        with at(f"{path}:{number}"):
            words += written.words(line.removeprefix("\ufeff"))
    return tuple(words)


def _tier(tiers: dict[str, list[Interval]], names: tuple[str, ...]) -> list[Interval] | None:
    """The first tier with such a name: "words", or "ann - words" as the Montreal Forced Aligner writes."""
    for tier, intervals in tiers.items():
        last = tier.lower().split(" - ")[-1].strip()
        if last.startswith(names):
            return intervals
    return None


def fold(gold: dict[str, Gold]) -> dict[str, str]:
    """Hand-made labels that are phones of the lexicon but for stress and case ("ah0"); others stand for themselves."""
    labels = {phone.label for placed in gold.values() for phone in placed.phones}
    bare = {label: label.upper().rstrip("012") for label in labels}
    return {label: bare[label] for label in sorted(labels) if bare[label] in PHONES and bare[label] != label}
