"""Combine systems: the words, and the phones of the free search, of least expected error over the lattices of all of
them. How far each is believed is tuned on dev. And beside it, ROVER: the vote of their best strings alone.
Writes hyp.txt, free.txt, rover.txt, rover_free.txt and combine.json; `make compare` adds two rows."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from lexicon.errors import UserError
from lexicon.files import atomic_dir, write_json, write_lines
from lexicon.fold import Fold, read_fold
from lexicon.phones import spoken
from lexicon.text import same_ids
from pipeline.base.parallel import each
from pipeline.base.spill import OnDisk
from pipeline.datadir.sets import GRAPHS, align_again, read_set, read_spoken
from pipeline.lattice import Lattice, LatticeArchive, kept_lattices
from pipeline.search.combine import combined, labels_of, tune
from pipeline.search.rover import network, read_said, tune_vote, voted
from stages.common import jobs, parser, reference_option, run

ROVER = {"words": "rover.txt", "free": "rover_free.txt"}
Of = Mapping[str, Sequence[Lattice | None]]
Best = TypeVar("Best")


def lattices_of(decodes: Sequence[Path], graph: str, utterances: Sequence[str], scratch: Path) -> Of:
    """Of each utterance the lattice of each decode."""
    archives: list[LatticeArchive] = [kept_lattices(decode, graph) for decode in decodes]
    found = ((utt, [own.read(utt) if utt in own else None for own in archives]) for utt in utterances)
    return OnDisk(scratch, found)


def chosen(tried: Mapping[Best, int], references: Mapping[str, Sequence[str]]) -> tuple[Best, dict[str, Any]]:
    """The settings with the fewest errors on dev; and what combine.json says of the tuning."""
    best, total = min(tried, key=tried.__getitem__), sum(map(len, references.values()))
    return best, {"error_rate": 100 * tried[best] / max(total, 1), "tried": len(tried)}


def combine(
    args: Namespace,
    graph: str,
    references: Mapping[str, Sequence[str]],
    utterances: Sequence[str],
    out: Path,
    fold: Fold = {},
) -> dict[str, Any]:
    """Tune on dev against ``references``, write what is heard in the ``utterances`` of the test set; what combine.json
    says of it."""
    decodes = {name: [args.exp / system / f"decode_{name}" for system in args.systems] for name in ("dev", "test")}
    dev = lattices_of(decodes["dev"], graph, list(references), out)
    tried = tune(dev, references, len(args.systems), fold, args.jobs)
    best, told = chosen(tried, references)
    test = lattices_of(decodes["test"], graph, utterances, out)
    heard = each(lambda utt: labels_of(combined(test[utt], best, fold)), utterances, args.jobs)
    write_lines(out / GRAPHS[graph], (" ".join([utt, *labels]) for utt, labels in zip(utterances, heard)))
    return {**asdict(best), **told}


def vote(
    args: Namespace,
    kind: str,
    references: Mapping[str, Sequence[str]],
    utterances: Sequence[str],
    out: Path,
    fold: Fold = {},
) -> dict[str, Any]:
    """ROVER, tuned on dev, of the "words" or "free" phones of the test set; what combine.json says of it."""
    dev, test = (
        [read_said(args.exp / system / f"decode_{name}" / f"{kind}.ctm", fold) for system in args.systems]
        for name in ("dev", "test")
    )
    tried = tune_vote(dev, {utt: spoken(said, fold) for utt, said in references.items()}, args.jobs)
    best, told = chosen(tried, references)
    heard = {utt: voted(network([said.get(utt, ()) for said in test]), best) for utt in utterances}
    write_lines(out / ROVER[kind], (" ".join([utt, *labels]) for utt, labels in heard.items()))
    return {**best._asdict(), **told}


def main(args: Namespace) -> tuple[Path, str]:
    if len(set(args.systems)) < len(args.systems):
        raise UserError(f"--systems: {' '.join(args.systems)}: a system for the second time; name each once")
    words = {utterance.id: utterance.words for utterance in read_set(args.data / "dev")}
    aligned = args.exp / args.reference / "ali_dev"
    phones, fold = read_spoken(aligned / "reference.txt"), read_fold(args.data)
    same_ids(aligned / "reference.txt", phones, words, align_again(aligned))
    utterances = [utterance.id for utterance in read_set(args.data / "test")]
    with atomic_dir(args.out) as out:
        free = combine(args, "free", phones, utterances, out, fold)
        by_words = combine(args, "word_arcs", words, utterances, out)
        rover = {
            "words": vote(args, "words", words, utterances, out),
            "free": vote(args, "free", phones, utterances, out, fold),
        }
        write_json(out / "combine.json", {"systems": args.systems, "words": by_words, "free": free, "rover": rover})
    return args.out / "hyp.txt", (
        f"{' + '.join(args.systems)}: dev WER {by_words['error_rate']:.1f} %, weights"
        f" {' : '.join(f'{weight:g}' for weight in by_words['weights'])}; dev free PER {free['error_rate']:.1f} %,"
        f" weights {' : '.join(f'{weight:g}' for weight in free['weights'])}; ROVER dev WER"
        f" {rover['words']['error_rate']:.1f} %, free PER {rover['free']['error_rate']:.1f} %"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument(
        "--exp", type=Path, required=True, help="experiment folder, whose systems have decoded dev too"
    )
    options.add_argument(
        "--data", type=Path, required=True, help="data folder of the corpus, with dev/, test/ and lang/"
    )
    reference_option(options)
    options.add_argument("--systems", nargs="+", required=True, help="systems that keep lattices of words")
    options.add_argument("--out", type=Path, required=True, help="folder to write (replaced if it is there)")
    jobs(options)
    run(options, main)
