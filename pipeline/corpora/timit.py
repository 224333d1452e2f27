"""TIMIT (LDC93S1): 630 speakers of eight American dialects, ten sentences each, 16 kHz, gold phones.

Licensed by the LDC, so there is nothing to fetch: DOWNLOADS= holds the folder or an archive of it. The tree is
TIMIT/TRAIN/DR1/FCJF0/SA1.{WAV,PHN,WRD,TXT}, in upper or lower case; the audio is NIST SPHERE, as the LDC has it, or
RIFF, also named SA1.WAV.wav as some conversions do.

Sets as in Kaldi's recipe (egs/timit/s5): the 462 speakers of TRAIN; 50 speakers of TEST for dev; the core test set, two
men and a woman of each dialect, who share no sentence text with train. The SA sentences, two texts which all speakers
read, are in no set. So 3,696, 400 and 192 utterances. The other 94 speakers of TEST are left out.

The words are those of .TXT, which .WRD repeats with times; those are gold, as are the phones, in TIMIT's own 61 labels.
The pronunciations are the dictionary's, as elsewhere: TIMIT's own (TIMITDIC.TXT) are no nearer to what was said: on the
sample 21.4 % of their phones differ from the gold phones, and 21.6 % of the dictionary's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lexicon import timit as phone_set
from lexicon.errors import UserError
from lexicon.normalise import to_words
from lexicon.text import numbered_lines
from pipeline.corpora import fetch
from pipeline.corpora.prepared import SETS, Gold, Prepared, chosen_split, measure, unmeasured
from pipeline.corpora.tree import below, within
from pipeline.datadir import Utterance
from pipeline.times.intervals import Interval

SPLITS = ("official",)
NAMES = (
    "TIMIT",
    "timit",
    "LDC93S1",
    *(f"{name}{ending}" for name in ("TIMIT", "timit", "LDC93S1") for ending in (".tar.gz", ".tgz", ".tar", ".zip")),
)
SAMPLE_RATE = 16000  # that the sample indices of .PHN and .WRD count in
SAMPLE = re.compile("[0-9]{1,12}")
AUDIO = (".wav.wav", ".wav", ".sph", ".flac")  # the first that is there; of two, the converted one
DEV_SPEAKERS = """FADG0 FAKS0 FCAL1 FCMH0 FDAC1 FDMS0 FDRW0 FEDW0 FGJD0 FJEM0 FJMG0 FJSJ0 FKMS0 FMAH0 FMML0 FNMR0 FREW0
FSEM0 MAJC0 MBDG0 MBNS0 MBWM0 MCSH0 MDLF0 MDLS0 MDVC0 MERS0 MGJF0 MGLB0 MGWT0 MJAR0 MJFC0 MJSW0 MMDB1 MMDM2 MMJR0 MMWH0
MPDF0 MRCS0 MREB0 MRJM4 MRJR0 MROA0 MRTK0 MRWS1 MTAA0 MTDT0 MTEB0 MTHC0 MWJG0""".split()
TEST_SPEAKERS = """FDHC0 FELC0 FJLM0 FMGD0 FMLD0 FNLP0 FPAS0 FPKT0 MBPM0 MCMJ0 MDAB0 MGRT0 MJDH0 MJLN0 MJMP0 MKLT0 MLLL0
MLNT0 MNJM0 MPAM0 MTAS1 MTLS0 MWBT0 MWEW0""".split()


class Sentence(NamedTuple):
    """One recording and what was placed in it; ``folder`` is the name of its speaker's, FAKS0 or (NLTK's) dr1-fvmh0."""

    utterance: Utterance
    folder: str
    gold: Gold

    @property
    def same_for_all(self) -> bool:
        """Whether it is one of the two dialect sentences that every speaker read."""
        return self.utterance.wav.name.upper().startswith("SA")


def get(downloads: Path | None, cache: Path) -> Path:
    """The user's folder TIMIT as it is (it may be ``downloads`` itself), or the user's archive unpacked."""
    if downloads and fetch.given(downloads, ("TRAIN", "train")):
        return downloads.resolve()
    found = fetch.given(downloads, NAMES)
    if found is None:
        raise UserError(
            f"timit: the LDC licenses TIMIT (LDC93S1), so it cannot be fetched; put the folder TIMIT or "
            f"{NAMES[3]} into {downloads or 'a folder'} and give DOWNLOADS={downloads or 'that folder'}"
        )
    if found.is_dir():
        return found.resolve()
    source = f"{found.name} from {found.parent}: taken as it is; its publisher names no hash to compare with"
    return fetch.unpack(found, "timit", source, cache)


def prepare(root: Path, split: str | None = None) -> Prepared:
    """Utterances SPEAKER_SENTENCE, named as the files are; a tree without TRAIN and TEST is an error."""
    chosen_split("timit", split, SPLITS)
    sets: dict[str, list[Utterance]] = {name: [] for name in SETS}
    gold: dict[str, Gold] = {}
    left_out: list[tuple[str, str]] = []
    for half in ("TRAIN", "TEST"):
        for sentence in sentences(_half(root, half)):
            utterance, speaker = sentence.utterance, sentence.utterance.speaker.upper()
            name = (
                "train"
                if half == "TRAIN"
                else "dev"
                if speaker in DEV_SPEAKERS
                else "test"
                if speaker in TEST_SPEAKERS
                else None
            )
            if sentence.same_for_all:
                left_out.append((utterance.id, "SA, the same sentences for all speakers"))
            elif name is None:
                left_out.append((utterance.id, "TEST speakers beyond dev and the core test set"))
            else:
                sets[name].append(utterance)
                gold[utterance.id] = sentence.gold
    return measure(sets, left_out, gold=gold, fold=phone_set.fold())


def sentences(root: Path) -> Iterator[Sentence]:
    """Every sentence below ``root``, sorted by path. Raises UserError for one without audio, .PHN, .WRD or .TXT."""
    folders: dict[Path, dict[str, Path]] = {}  # of each speaker, the files by their names in lower case
    for path in below(root):
        folders.setdefault(path.parent, {})[path.name.lower()] = path
    for phones in [path for files in folders.values() for name, path in files.items() if name.endswith(".phn")]:
        beside = folders[phones.parent]
        stem = phones.stem.lower()
        wav = next((beside[stem + ending] for ending in AUDIO if stem + ending in beside), None)
        if wav is None:
            raise UserError(f"{phones}: phones without audio; restore {phones.with_suffix('.WAV')}, or remove them")
        words, text = (_beside(phones, beside, ending) for ending in (".wrd", ".txt"))
        speaker = re.sub(r"^dr[1-8]-", "", phones.parent.name, flags=re.IGNORECASE)  # dr1-fvmh0 in NLTK's layout
        utterance = unmeasured(f"{speaker}_{phones.stem}", speaker, wav, _prompt(text))
        gold = Gold(
            _intervals(phones, phone_set.LABELS), tuple(i._replace(label=i.label.upper()) for i in _intervals(words))
        )
        yield Sentence(utterance, phones.parent.name, gold)


def _half(root: Path, name: str) -> Path:
    """The folder TRAIN or TEST: in ``root``, or one or two levels below it."""
    for pattern in ("*", "*/*", "*/*/*"):
        for path in within(root, pattern):
            if path.name.upper() == name and path.is_dir():
                return path
    raise UserError(f"{root}: no folder {name}; TIMIT has TRAIN and TEST (for NLTK's sample: CORPUS=timit_sample)")


def _beside(phones: Path, beside: dict[str, Path], ending: str) -> Path:
    if (found := beside.get(phones.stem.lower() + ending)) is None:
        raise UserError(f"{phones}: no {ending} file beside it; copy it from the LDC's disc again")
    return found


def _prompt(path: Path) -> list[str]:
    """The words of a .TXT file: one line, first and last sample, then the sentence."""
    fields = " ".join(line for _, line in numbered_lines(path)).split(maxsplit=2)
    words = to_words(fields[2]) if len(fields) == 3 and all(map(SAMPLE.fullmatch, fields[:2])) else []
    if not words:
        raise UserError(f'{path}:1: "{" ".join(fields)[:80]}" is not `first-sample last-sample sentence`; restore it')
    return words


def _intervals(path: Path, labels: list[str] | None = None) -> tuple[Interval, ...]:
    """Lines `first-sample last-sample label`, in seconds; a label that is not in ``labels`` is an error."""
    found = []
    for number, line in numbered_lines(path):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 3 or not all(map(SAMPLE.fullmatch, fields[:2])) or int(fields[1]) < int(fields[0]):
            raise UserError(f'{path}:{number}: "{line[:80]}" is not `first-sample last-sample label`; restore the file')
        if labels is not None and fields[2] not in labels:
            raise UserError(f'{path}:{number}: "{fields[2]}" is none of TIMIT\'s 61 phones; restore the file')
        found.append(Interval(int(fields[0]) / SAMPLE_RATE, int(fields[1]) / SAMPLE_RATE, fields[2]))
    return tuple(found)
