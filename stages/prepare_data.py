"""Get a corpus and cut it into Kaldi data directories OUT/train, OUT/dev and OUT/test, counted in OUT/splits.json."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.files import atomic_write, write_json, write_lines
from lexicon.fold import unknown_in_words, unknown_labels, write_fold
from lexicon.given import phones_in
from lexicon.phones import SILENT
from pipeline.corpora import CORPORA, fetch, own
from pipeline.corpora.prepared import Prepared, chosen_split
from pipeline.datadir import Utterance, refuse_unwritable, write_datadir
from pipeline.datadir.survey import survey
from pipeline.datadir.survey_picture import fitted, picture
from stages.common import at_least, jobs, parser, path, run


def main(args: Namespace) -> tuple[Path, str]:
    prepared, split, origin = read_own(args) if args.corpus_dir else read_corpus(args)
    refuse_incomplete(args.corpus, prepared, args.allow_missing)
    for name, utterances in prepared.sets.items():
        refuse_unwritable(args.out / name, utterances)  # before anything changes
    splits = args.out / "splits.json"
    splits.unlink(missing_ok=True)  # from here on the sets change; without splits.json they are not taken for finished
    for name, utterances in prepared.sets.items():
        write_datadir(
            args.out / name,
            utterances,
            {
                "phones": {utt: gold.phones for utt, gold in prepared.gold.items()},
                "words": {utt: gold.words for utt, gold in prepared.gold.items()},
            },
        )
    write_fold(args.out, prepared.fold)
    lexicon = args.out / "lexicon.txt"
    lexicon.unlink(missing_ok=True)
    if prepared.lexicon:
        with atomic_write(lexicon) as stream:
            stream.write(prepared.lexicon)
    if args.corpus_dir:
        write_lines(args.out / "corpus_dir.txt", [args.corpus_dir])  # where a later `make CORPUS=name` looks
    write_json(
        splits,
        {
            "corpus": args.corpus,
            "split": split,
            "sample_rate": prepared.sample_rate,
            "origin": origin,
            "sets": {name: totals(utterances, prepared) for name, utterances in prepared.sets.items()},
            "left_out": [*prepared.left_out, *prepared.unreadable],
        },
    )
    print(f"prepare_data: {args.corpus}: {origin}", flush=True)
    for why, names in by_reason(prepared).items():
        print(fitted(f"  left out, {why}: {len(names)}: ", names), flush=True)  # splits.json names them all
    for line in unknown_gold(prepared, phones_in(args.lexicon or lexicon) if args.lexicon or prepared.lexicon else ()):
        print(f"  ! {line}", flush=True)
    found = survey(
        {
            name: tqdm(members, desc=f"survey {name}", unit="utt", disable=None, leave=False)
            for name, members in prepared.sets.items()
        },
        lexicon if prepared.lexicon else None,
        args.jobs,
    )
    print("\n".join(picture(found)), flush=True)
    return splits, summary(args.corpus, prepared)


def read_corpus(args: Namespace) -> tuple[Prepared, str | None, str]:
    """One that comes built in, fetched or from DOWNLOADS; the name of its split, and where it is from."""
    if args.corpus not in CORPORA:
        raise UserError(
            f"CORPUS={args.corpus}: no such corpus; use one of: {', '.join(sorted(CORPORA))}, or give the "
            "folder of your own: CORPUS_DIR=folder"
        )
    if args.downloads and not args.downloads.is_dir():
        raise UserError(f"DOWNLOADS={args.downloads}: no such folder; give the folder that holds the corpus's archive")
    corpus = CORPORA[args.corpus]
    split = args.split
    if corpus.SPLITS:
        split = chosen_split(args.corpus, split, corpus.SPLITS)  # before a long download
    root = corpus.get(args.downloads, args.cache)
    prepared = (
        corpus.prepare(root, split, args.lexicon) if corpus is CORPORA["commonvoice"] else corpus.prepare(root, split)
    )
    return prepared, split, fetch.origin(root)


def read_own(args: Namespace) -> tuple[Prepared, str, str]:
    """The folder of --corpus-dir, under a name that no other corpus has."""
    folder = Path(args.corpus_dir).expanduser()
    own.refuse_name(args.corpus, list(CORPORA), folder)
    own.refuse_output(folder, args.out)
    return own.prepare(folder, args.split, args.lexicon)


def refuse_incomplete(corpus: str, prepared: Prepared, allow_missing: int) -> None:
    """UserError that names the unreadable files if there are more than allowed, and the sets that came out empty."""
    if len(prepared.unreadable) > allow_missing:
        total = len(prepared.unreadable) + sum(map(len, prepared.sets.values()))
        problems = "; ".join(error for _, error in prepared.unreadable[:5])
        raise UserError(
            f"{corpus}: {len(prepared.unreadable)} of {total} utterances unreadable ({problems}"
            f"{'; ...' if len(prepared.unreadable) > 5 else ''}); mend them, or go on without them: "
            f"--allow-missing {len(prepared.unreadable)}"
        )
    empty = [name for name, utterances in prepared.sets.items() if not utterances]
    if empty:
        raise UserError(f"{corpus}: no utterances for {' and '.join(empty)}; is the archive complete?")


def unknown_gold(prepared: Prepared, phones: Collection[str]) -> list[str]:
    """A line if gold phones are not in the lexicon, or (no phones given) not in ARPAbet or IPA."""
    labels = [
        phone.label
        for members in prepared.sets.values()
        for u in members
        if u.id in prepared.gold
        for phone in prepared.gold[u.id].phones
    ]
    unknown = unknown_labels(labels, prepared.fold, phones)
    if not unknown:
        return []
    total = sum(prepared.fold.get(label, label) not in SILENT for label in labels)
    return [
        f"{unknown_in_words(unknown, total, 'gold phones')}: they count as errors of every system; say "
        f"what they are in fold.txt of the corpus, lines `LABEL PHONE`"
    ]


def totals(utterances: list[Utterance], prepared: Prepared) -> dict[str, Any]:
    """What splits.json says of a set."""
    gold = [prepared.gold[u.id] for u in utterances if u.id in prepared.gold]
    return {
        "utterances": len(utterances),
        "seconds": round(sum(u.num_samples for u in utterances) / prepared.sample_rate, 3),
        "words": sum(len(u.words) for u in utterances),
        "speakers": len({u.speaker for u in utterances}),
        "placed_by_hand": {
            "phones": sum(bool(placed.phones) for placed in gold),
            "words": sum(bool(placed.words) for placed in gold),
        },
    }


def by_reason(prepared: Prepared) -> dict[str, list[str]]:
    """{why: names left out}, the most frequent reason first."""
    reasons: dict[str, list[str]] = {}
    for name, why in prepared.left_out:
        reasons.setdefault(why, []).append(name)
    if prepared.unreadable:
        reasons["unreadable"] = [name for name, _ in prepared.unreadable]
    return dict(sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0])))


def summary(corpus: str, prepared: Prepared) -> str:
    """The result line."""
    sets = ", ".join(
        f"{name} {len(utterances)} utterances "
        f"{sum(u.num_samples for u in utterances) / prepared.sample_rate / 60:.1f} min"
        for name, utterances in prepared.sets.items()
    )
    reasons = {why: len(names) for why, names in by_reason(prepared).items()}
    left_out = ", ".join(f"{count} {why}" for why, count in reasons.items())
    return f"{corpus}: {sets}; {sum(reasons.values())} left out" + (f" ({left_out})" if left_out else "")


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--corpus", default="prompts", help=f"one of: {', '.join(sorted(CORPORA))}")
    options.add_argument(
        "--corpus-dir",
        help="a corpus of one's own: Kaldi data directories, lhotse manifests, "
        "or recordings beside transcripts; --corpus is then its name",
    )
    options.add_argument(
        "--lexicon",
        type=path,
        help="the lexicon whose words a corpus of one's own, or of several "
        "languages, is spelled in (default: lexicon.txt of the corpus, else the English dictionary)",
    )
    options.add_argument("--out", type=Path, required=True, help="folder for train, dev, test and splits.json")
    options.add_argument(
        "--split",
        help="one of the corpus's splits (default: its first); with --corpus-dir: "
        "given, speaker or utterance (default: the first that is possible)",
    )
    options.add_argument(
        "--downloads", type=path, help="folder of archives, taken as they are; without it they are fetched"
    )
    options.add_argument("--cache", type=Path, default=Path("downloads"), help="where corpora are fetched and unpacked")
    options.add_argument("--allow-missing", type=at_least(0), default=0, help="so many utterances may be unreadable")
    jobs(options)
    run(options, main)
