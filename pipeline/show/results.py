"""What the searches found, beside what was said: hypotheses with their scores, and the errors counted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from lexicon.errors import UserError
from lexicon.ngram import BEGIN, END, NATURAL
from lexicon.phones import SILENT, spoken
from lexicon.text import numbered_lines
from pipeline.base.edits import Pairs, pair_up
from pipeline.compare.results import MEASURES, read_fields
from pipeline.compare.score import Counts, alignment_picture, count, kaldi_line
from pipeline.datadir.sets import read_spoken
from pipeline.draw.chart import COLUMNS, counted, level, note, numbers, table, wrap
from pipeline.draw.lattice_svg import in_ipa, lattice_svg
from pipeline.draw.lattice_text import lattice_page
from pipeline.lattice import Lattice, best_path, kept_lattice, nbest
from pipeline.lattice.archive import NAME
from pipeline.show.place import Place, Shown
from pipeline.times.clock import FRAME_SHIFT_MS, frame_to_seconds
from pipeline.times.intervals import Interval, read_ctm

READINGS = 6  # of the n-best list


@dataclass(frozen=True)
class Decode:
    """What one system heard in an utterance of the test set; files are read when asked for."""

    name: str
    folder: Path
    utterance: str

    @cached_property
    def settings(self) -> dict:
        """Of the search: decode.json."""
        return read_fields(self.folder / "decode.json", search=str)

    def labels(self, file: str, fold=None) -> tuple[str, ...]:
        """The words or phones of a text file of the decode."""
        found = read_spoken(self.folder / file, fold or {})
        if self.utterance not in found:
            raise UserError(
                f'{self.folder / file}: no line for "{self.utterance}"; remove {self.folder}/hyp.txt and'
                " run: make decode"
            )
        return found[self.utterance]

    def intervals(self, kind: str) -> list[Interval]:
        """The "words" or "phones" with their times."""
        return read_ctm(self.folder / f"{kind}.ctm").get(self.utterance, [])

    def lattice(self, graph: str) -> Lattice | None:
        """The lattice of a search; none where that search gives none."""
        return kept_lattice(self.folder, graph, self.utterance)


def decodes(place: Place) -> list[Decode]:
    """Those of the systems; UserError if the utterance is not of the test set, or none of them is decoded."""
    if place.part != "test":
        raise UserError(
            f'UTT "{place.id}" is of {place.part}, and only the test set is decoded; choose one of'
            f" {place.data / 'test' / 'text'}"
        )
    found = [
        Decode(name, place.exp / name / "decode_test", place.id)
        for name in place.systems
        if (place.exp / name / "decode_test" / "decode.json").exists()
    ]
    if not found:
        there = sorted(path.parts[-3] for path in place.exp.glob("*/decode_test/decode.json"))
        raise UserError(
            f"{' '.join(place.systems)}: not decoded in {place.exp}; "
            f"{'there are: ' + ', '.join(there) if there else 'run: make'}"
        )
    return found


# ---- score


def score(place: Place) -> Shown:
    """Each system's words and phones under the reference, and how many are wrong."""
    found = decodes(place)
    phones = _reference_phones(place)
    lines = [place.title("score: what was heard against what was said"), ""]
    lines += wrap(
        "in",
        [
            f"reference: {counted(len(place.utterance.words), 'word')},",
            f"{counted(len(phones), 'phone')};",
            f"hypotheses of {', '.join(decode.name for decode in found)}",
        ],
    )
    lines += wrap(
        "out",
        ["alignments with the fewest errors", "(each substitution, deletion, insertion one),", "and their counts"],
    )
    references = {"words": place.utterance.words, "phones": phones}
    rows = []
    for measure, (name, file, kind) in MEASURES.items():
        fold = place.fold if kind == "phones" else None
        lines += ["", f"{name}: {TOLD[measure]}"]
        for decode in found:
            pairs = pair_up(references[kind], decode.labels(file, fold))
            lines += [
                "",
                f"  {decode.name}  {kaldi_line(count(pairs), name.split()[-1])}",
                *(f"  {line}" for line in alignment_picture(pairs, COLUMNS - 2).splitlines()),
            ]
            rows.append(_row(decode, name, measure, pairs))
    head = ["<", "<system", "errors", "of", "%", "<", "of the test set", "%"]
    return Shown(
        [
            *lines,
            "",
            *table(head, rows),
            "",
            "  S: another one was heard, D: nothing was heard (deletion), I: one too many (insertion)",
        ]
    )


TOLD = {
    "wer": "the words of the search with lexicon and language model",
    "per": "the phones of these words",
    "free_per": "the phones of a search that knows no words",
}


def _reference_phones(place: Place) -> tuple[str, ...]:
    path = place.exp / place.yardstick / "ali_test" / "reference.txt"
    found = read_spoken(path)
    if place.id not in found:
        raise UserError(
            f'{path}: no line for "{place.id}"; remove {path.with_name("phones.txt")} and run: make compare'
        )
    return found[place.id]


def _row(decode: Decode, name: str, measure: str, pairs: Pairs) -> list[str]:
    """The errors of the utterance, and the Kaldi line's figures of the whole set."""
    counts = count(pairs)
    whole = _whole(decode.folder / f"{measure}.txt")
    return [
        name,
        decode.name,
        str(counts.errors),
        str(counts.length),
        f"{counts.percent:.1f}",
        level(counts.percent / 100),
        *([f"{whole.errors} of {whole.length}", f"{whole.percent:.1f}"] if whole else ["", ""]),
    ]


def _whole(path: Path) -> Counts | None:
    """The counts in the first line that the score stage wrote; none where it has not run."""
    if not path.exists():
        return None
    _, line = next(numbered_lines(path), (1, ""))
    fields = line.replace(",", "").split()
    try:
        return Counts(int(fields[6]), int(fields[8]), int(fields[10]), int(fields[5]))
    except (IndexError, ValueError):
        raise UserError(
            f"{path}:1: {line[:80]!r} is not `%WER ... [ errors / words, ins, del, sub ]`; remove it and run:"
            " make compare"
        ) from None


# ---- lattice


def lattice(place: Place) -> Shown:
    """The lattice of free phones of the first of the systems, as text, and drawn."""
    one = decodes(place)[0]
    found, graph = one.lattice("free"), one.folder / "lattices" / "free"
    if found is None:
        raise UserError(f'{graph}: no lattice of "{place.id}"; remove {one.folder}/hyp.txt and run: make decode')
    lines = [place.title(f"lattice: what {one.name} considered when it knew no words"), ""]
    lines += wrap("in", ["scores of the acoustic model;", "the graph of phones, one after any other by a bigram"])
    lines += wrap(
        "out",
        [
            "phones between nodes in time,",
            "each with acoustic and language score and posterior;",
            "kept in:",
            f"{graph}/{NAME};",
            f"as SLF and JSON: make lattice MODEL={one.name} UTT={place.id}",
        ],
    )
    drawn = lattice_svg(in_ipa(found, place.phone_set))
    return Shown([*lines, "", *lattice_page(found, _reference_phones(place), place.fold)], {"svg": drawn})


# ---- decode


def decode(place: Place) -> Shown:
    """Each system's words with times, posteriors and scores, and what else it might have said."""
    found = decodes(place)
    lines = [place.title("decode: the words that fit sound, lexicon and language model best"), ""]
    lines += wrap(
        "in",
        [
            "scores of the acoustic model, a matrix (frames, states);",
            "the graph: states of phones,",
            "phones of words,",
            "words after words",
        ],
    )
    lines += wrap("out", ["the best path: words and phones with times;", "a lattice of all other paths worth keeping"])
    for one in found:
        lines += ["", *_heard(place, one)]
    lines += [
        "",
        *note(
            "posterior: the least of the word's phones in the lattice; sound: mean acoustic log score"
            " a frame; grammar: natural log probability of the word after those before it, by the language"
            " model; all else: grammar, variants, pauses, transitions, and the score for each word"
        ),
    ]
    return Shown(lines)


def _heard(place: Place, one: Decode) -> list[str]:
    """The section of one system."""
    words, phones = one.intervals("words"), one.intervals("phones")
    lattice = one.lattice("words")
    lines = [f"{one.name}: {one.settings['search']} search", ""]
    picture = alignment_picture(pair_up(place.utterance.words, one.labels("hyp.txt")), COLUMNS - 2)
    lines += [f"  {line}" for line in picture.splitlines()]
    rows, grammar = [], _grammar(place, [word.label for word in words])
    for word, ln in zip(words, grammar):
        own = [phone.label for phone in phones if word.start - 1e-3 <= phone.start < word.end - 1e-3]
        rows.append(
            [
                f"{word.start:.2f}",
                f"{1000 * (word.end - word.start):.0f}",
                word.label,
                *_sure(lattice, word),
                *_sound(lattice, word),
                *numbers([ln], 1),
                " ".join(phone for phone in own if phone not in SILENT),
            ]
        )
    lines += ["", *table(["start s", "ms", "<word", "posterior", "<", "sound", "grammar", "<phones"], rows)]
    if lattice is None:
        lines += ["", "  this search keeps no lattice, and so no posteriors and no scores of the sound"]
    else:
        path = best_path(lattice)
        acoustic, language = lattice.acoustic[path].sum(), lattice.language[path].sum()
        lines += [
            "",
            f"  the whole path: {lattice.acoustic_scale:g} x {acoustic:.1f} (sound) {language:+.1f} (all"
            f" else) = {lattice.acoustic_scale * acoustic + language:.1f}",
        ]
    return [*lines, *_nbest(one)]


def _grammar(place: Place, words: Sequence[str]) -> list[float]:
    """ln p(word | words before) of each word."""
    lm, padded = place.lang.lm, (BEGIN, *words, END)
    return [NATURAL * lm.score(padded[max(0, i - lm.order + 1) : i], padded[i]) for i in range(1, len(words) + 1)]


def _arcs(lattice: Lattice, word: Interval) -> list[int]:
    """The arcs of the best path within a word."""
    starts = np.asarray(frame_to_seconds(lattice.node_frame[lattice.arc_from]))
    return [arc for arc in best_path(lattice) if word.start - 1e-3 <= starts[arc] < word.end - 1e-3]


def _sure(lattice: Lattice | None, word: Interval) -> list[str]:
    arcs = [arc for arc in _arcs(lattice, word) if lattice.label[arc] not in SILENT] if lattice else []
    if lattice is None or not arcs:
        return ["", ""]
    sure = min(float(lattice.posterior[arc]) for arc in arcs)
    return [*numbers([sure]), level(sure)]


def _sound(lattice: Lattice | None, word: Interval) -> list[str]:
    arcs = _arcs(lattice, word) if lattice else []
    frames = round(1000 * (word.end - word.start) / FRAME_SHIFT_MS)
    return numbers([lattice.acoustic[arcs].sum() / max(frames, 1)], 1) if lattice and arcs else [""]


def _nbest(one: Decode) -> list[str]:
    """Further readings with their scores, where the search gives some."""
    words = one.lattice("word_arcs")
    readings = _read_nbest(one.folder / "nbest.jsonl", one.utterance)[:READINGS]
    if words and not readings:
        readings = [
            (value, " ".join(spoken(words.label[arc] for arc in path))) for value, path in nbest(words, READINGS)
        ]
    if len(readings) < 2:
        return ["", f"  no other string of words is within {words.beam:g} of it in score"] if words else []
    best = readings[0][0]
    lines = ["", "  and what else it might have been, by score:"]
    for value, text in readings:
        lines += wrap(f"  {value:9.1f}  {value - best:6.1f}", text.split() or ["(nothing)"], 21)
    return lines


def _read_nbest(path: Path, utterance: str) -> list[tuple[float, str]]:
    """The readings of an utterance, best first; none where there is no such file."""
    for number, line in numbered_lines(path) if path.exists() else ():
        try:
            value = json.loads(line)
            if value["utterance"] == utterance:
                return [(float(score), str(text)) for score, text in value["nbest"]]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise UserError(
                f"{path}:{number}: no n-best list ({error!r}); remove {path.with_name('hyp.txt')} and run: make decode"
            ) from error
    return []
