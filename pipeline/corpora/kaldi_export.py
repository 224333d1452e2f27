"""A corpus as Kaldi's own recipes want it: data directories, dictionaries, language models and conf/mfcc.conf.

data/{train,dev,test}        what utils/validate_data_dir.sh accepts
data/local/dict              words: for utils/prepare_lang.sh data/local/dict "<UNK>" ...
data/local/dict_phones       each phone a word: for the search without words
data/local/lm/{words,phones}.arpa.gz   for utils/format_lm.sh, with these dictionaries
wav                          recordings that are no plain WAV of the corpus's rate, converted
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import soundfile

from lexicon.dictionary import Weighted
from lexicon.errors import UserError
from lexicon.files import atomic_dir, atomic_write, write_lines
from lexicon.lang import Lang, write_weighted
from lexicon.phone_sets import phone_set_of
from lexicon.phones import SILENCE, PhoneSet
from pipeline.corpora.prepared import SETS
from pipeline.datadir import Utterance
from pipeline.datadir.write import unfit_entry, write_datadir
from pipeline.sound.audio import read_audio

UNKNOWN_WORD, NOISE = "<UNK>", "SPN"  # of a word that the lexicon lacks, and the phone that it is
PCM_16 = 1 << 15
LARGEST_HEADER = 1024  # bytes beside the samples; where there are more, the header may have counted too few
POSITIONS = ("_B", "_E", "_I", "_S")  # what Kaldi adds to a phone for its place in a word


def export(out: Path, sets: Mapping[str, Sequence[Utterance]], lang: Lang, sample_rate: int) -> dict[str, int]:
    """Write the folder; how many utterances, and how many of them were converted. What Kaldi has made in ``out`` beside
    data, conf and wav stays. UserError for phones and speakers that Kaldi cannot take."""
    _refuse_phones(lang.phones)
    named = with_speaker_first(sets)
    plain = {name: all(_is_plain(u.wav, sample_rate) for u in members) for name, members in named.items()}
    with atomic_dir(out / "data") as data, atomic_dir(out / "wav") as folder:  # the latter is there first
        converted = 0
        for name in (name for name in SETS if not plain[name]):
            named[name] = [_converted(u, folder, out / "wav", sample_rate) for u in named[name]]
            converted += len(named[name])
        for name, members in named.items():
            write_datadir(data / name, members, name_of=_absolute)
        _write_dictionaries(data / "local", lang)
        for model, file in (("lm", "words"), ("phone_lm", "phones")):
            _pack(lang.path / f"{model}.arpa", data / "local" / "lm" / f"{file}.arpa.gz")
    write_lines(out / "conf" / "mfcc.conf", ["--use-energy=false", f"--sample-frequency={sample_rate}"])
    return {"utterances": sum(map(len, named.values())), "converted": converted}


# ---- data directories


def with_speaker_first(sets: Mapping[str, Sequence[Utterance]]) -> dict[str, list[Utterance]]:
    """The sets with ids that are in one order by speaker and by utterance, as Kaldi wants them: as they are where they
    are so, else with the speaker before each."""
    if all(map(_ordered, sets.values())):
        return {name: list(members) for name, members in sets.items()}
    named = {name: [replace(u, id=kaldi_id(u)) for u in members] for name, members in sets.items()}
    for members in named.values():
        pairs = permutations(sorted({u.speaker for u in members}), 2)
        if not _ordered(members) and (found := next((pair for pair in pairs if pair[1].startswith(pair[0])), None)):
            raise UserError(
                f'speaker "{found[1]}" begins with the name of "{found[0]}", which Kaldi cannot sort; rename one'
            )
    return named


def kaldi_id(utterance: Utterance) -> str:
    """The id of an utterance with its speaker first."""
    return f"{utterance.speaker}-{utterance.id}"


def _ordered(utterances: Iterable[Utterance]) -> bool:
    lines = [(u.id, u.speaker) for u in sorted(utterances, key=lambda u: u.id)]
    return lines == sorted(lines, key=lambda line: (line[1], line[0]))


def _absolute(wav: Path) -> str:
    return str(wav.absolute())


@functools.cache
def _is_plain(wav: Path, sample_rate: int) -> bool:
    """Whether Kaldi reads the file as phonoscope does: mono WAV of 16 bits at the rate of the corpus, whole."""
    try:
        info = soundfile.info(str(wav))
    except (soundfile.LibsndfileError, RuntimeError):
        return False
    size = 2 * info.frames  # bytes
    return (
        (info.format, info.subtype, info.channels, info.samplerate) == ("WAV", "PCM_16", 1, sample_rate)
        and 0 <= wav.stat().st_size - size < LARGEST_HEADER
        and not unfit_entry(_absolute(wav))
    )


def _converted(utterance: Utterance, folder: Path, place: Path, sample_rate: int) -> Utterance:
    """The utterance as a WAV of its own in ``folder``, which will be called ``place``."""
    samples = np.clip(np.round(read_audio(utterance.wav, sample_rate, utterance.cut) * PCM_16), -PCM_16, PCM_16 - 1)
    name = f"{utterance.id}.wav"
    soundfile.write(folder / name, samples.astype(np.int16), sample_rate)
    return replace(utterance, wav=place / name, cut=None)


# ---- dictionaries and language models


def _refuse_phones(phones: Iterable[str]) -> None:
    for phone in phones:
        if phone == NOISE or phone.startswith("#") or phone.endswith(POSITIONS):
            raise UserError(
                f'phone "{phone}" cannot be one of Kaldi\'s, which has {NOISE} for noise, "#" for its own symbols and '
                f"{' '.join(POSITIONS)} for places in a word; give it another name (LEXICON, PHONES)"
            )


def _write_dictionaries(local: Path, lang: Lang) -> None:
    unknown: Weighted = {UNKNOWN_WORD: [(1.0, (NOISE,))]}
    phones: Weighted = {phone: [(1.0, (phone,))] for phone in lang.phones if phone != SILENCE}
    for name, lexicon in (("dict", lang.lexicon), ("dict_phones", phones)):
        folder = local / name
        folder.mkdir(parents=True)
        every = lexicon | unknown
        write_weighted(folder / "lexiconp.txt", every)
        lines = [f"{word} {' '.join(said)}" for word in sorted(every) for _, said in every[word]]
        write_lines(folder / "lexicon.txt", lines)
        write_lines(folder / "silence_phones.txt", [SILENCE, NOISE])
        write_lines(folder / "optional_silence.txt", [SILENCE])
        write_lines(folder / "nonsilence_phones.txt", phones)
        write_lines(folder / "extra_questions.txt", questions(list(phones), phone_set_of(lang.info)))


def questions(phones: Sequence[str], phone_set: PhoneSet) -> list[str]:
    """What the tree may ask of a phone beside what it finds in the data: each articulatory class that divides the
    phones (voiced, nasal, bilabial), and whether it is silence."""
    classes: dict[str, list[str]] = {}
    for phone in phones:
        for name in phone_set[phone].classes.split() if phone in phone_set else ():
            classes.setdefault(name, []).append(phone)
    dividing = dict.fromkeys(" ".join(found) for found in classes.values() if 1 < len(found) < len(phones))
    return [f"{SILENCE} {NOISE}", *dividing]


def _pack(arpa: Path, out: Path) -> None:
    with atomic_write(out, "wb") as stream, gzip.GzipFile(filename="", fileobj=stream, mode="wb", mtime=0) as packed:
        packed.write(arpa.read_bytes())
