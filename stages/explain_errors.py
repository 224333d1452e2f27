"""Say of each wrong word and phone of a decode where the error comes from: errors.json, errors.txt."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection, Sequence
from pathlib import Path

from tqdm import tqdm

from lexicon.files import write_json, write_lines
from lexicon.fold import read_fold
from lexicon.phone_sets import phone_set_of
from lexicon.phones import SILENT
from lexicon.text import read_text, same_ids
from pipeline.base.parallel import each
from pipeline.compare.cause_tables import as_json, summary, text
from pipeline.compare.causes import ErrorAnalysis, Wrong, judge_of, said_otherwise
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import read_feats
from pipeline.datadir.sets import align_again, aligned_ctm, decode_again, decoded_ctm, read_gold, read_spoken
from pipeline.lattice import Lattice, LatticeArchive
from pipeline.search.decode import WITH_NBEST, has_word_graph, read_nbest
from pipeline.search.tuning import read_tuning
from pipeline.systems import load_system
from stages.common import jobs, parser, run
from stages.search_options import lang_option, searched_lang

GRAPHS = ("words", "free")
LATTICES = {"words": "word_arcs", "free": "free"}


def main(args: Namespace) -> tuple[Path, str]:
    system, lang, feats = load_system(args.model), searched_lang(args), read_feats(args.data, args.model)
    tuned, fold, name = read_tuning(args.tuning), read_fold(args.data.parent), args.decode.parent.name
    words = {utterance.id: utterance.words for utterance in feats.of(read_datadir(args.data))}
    references = {"words": words, "free": read_spoken(args.ali / "reference.txt")}
    same_ids(args.ali / "reference.txt", references["free"], words, align_again(args.ali))
    heard = {graph: decoded_ctm(args.decode, graph) for graph in GRAPHS}
    placed = read_gold(args.data, "phones")
    aligned = aligned_ctm(args.ali, "words", words) if placed else {}
    readings = read_nbest(args.decode / "nbest.jsonl") if tuned.search in WITH_NBEST else {}
    for file in ("hyp.txt", "free.txt"):
        same_ids(args.decode / file, read_text(args.decode / file), words, decode_again(args.decode))
    if readings:
        same_ids(args.decode / "nbest.jsonl", readings, words, decode_again(args.decode))
    searched = [graph for graph in GRAPHS if graph == "free" or tuned.search not in WITH_NBEST]
    lattices = {graph: LatticeArchive(args.decode / "lattices" / LATTICES[graph]) for graph in searched}
    explained = [graph for graph in GRAPHS if graph == "free" or system.writer or has_word_graph(lang)]
    found: dict[str, dict[str, list[Wrong]]] = {graph: {} for graph in GRAPHS}

    def kept(graph: str, utt: str) -> Lattice | Collection[Sequence[str]]:
        """The lattice; some searches have readings instead, and one that found nothing has kept nothing."""
        if graph not in lattices:
            return [said for _, said in readings.get(utt, ())]
        return lattices[graph].read(utt) if utt in lattices[graph] or heard[graph].get(utt) else ()

    for graph in explained:
        judge = judge_of(system, lang, graph, getattr(tuned, graph))

        def wrong(utt: str) -> list[Wrong]:
            with_gold = graph == "words" and utt in placed and not (system.spelling or system.writer)
            said = said_otherwise(aligned.get(utt, ()), placed[utt], lang.lexicon, fold) if with_gold else ()
            analysis = ErrorAnalysis(
                judge,
                system.scores(feats[utt]),
                references[graph][utt],
                [i for i in heard[graph].get(utt, ()) if i.label not in SILENT],
                kept(graph, utt),
                fold if graph == "free" else {},
                said,
            )
            return analysis.wrong()

        inquiries = tqdm(
            each(wrong, references[graph], args.jobs),
            f"{name} {graph}",
            len(references[graph]),
            unit="utt",
            disable=None,
        )
        found[graph] = dict(zip(references[graph], inquiries))
    phones, target = phone_set_of(lang.info), args.decode / "errors.json"
    write_lines(target.with_suffix(".txt"), text(name, found, phones))
    write_json(target, as_json(name, found, phones))
    sums = {graph: summary(found[graph]) for graph in explained}
    return target, f"{target.with_suffix('.txt')}: " + "; ".join(
        f"{s['errors']} wrong {'words' if graph == 'words' else 'phones'}, {s['causes']['search']} of them by search"
        for graph, s in sums.items()
    ) + ("" if "words" in explained else "; words cannot be explained with this LM, only with an ARPA file")


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument(
        "--decode", type=Path, required=True, help="decode folder of the test set; errors.json goes there"
    )
    options.add_argument("--model", type=Path, required=True, help="model directory")
    options.add_argument("--tuning", type=Path, required=True, help="tuning.json of the system")
    options.add_argument("--data", type=Path, required=True, help="data directory of the test set with features")
    lang_option(options)
    options.add_argument("--ali", type=Path, required=True, help="alignment of the set: reference.txt, words.ctm")
    jobs(options)
    run(options, main)
