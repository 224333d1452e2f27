"""Search one utterance again and show what the beam held, and where the grammar overruled the sound; text and JSON."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import write_json
from pipeline.datadir.feats import read_feats
from pipeline.datadir.sets import read_spoken
from pipeline.search.decode import FlashlightWords, WfstDecoder, knowledge, word_decoder
from pipeline.search.graph import AnswerGraphs
from pipeline.search.replay import replay_flashlight, replay_graph
from pipeline.search.replay_text import as_json, text
from pipeline.search.tuning import read_tuning
from pipeline.search.wfst import Beams
from pipeline.show.place import find_utterance
from pipeline.systems import load_system
from stages.common import at_least, parser, reference_alignment, reference_option, run, show
from stages.search_options import lang_option, searched_lang


def main(args: Namespace) -> tuple[Path, str]:
    _, utterance = find_utterance(args.data, args.utt)
    name, directory = args.system
    system, lang, tuned = load_system(directory), searched_lang(args), read_tuning(args.exp / name / "tuning.json")
    feats, settings = read_feats(args.data / "test", Path(directory)), getattr(tuned, args.graph)
    if utterance.id not in feats:
        raise UserError(f'{feats.path}: utterance "{utterance.id}" has no features; make them again: make mfcc')
    scores = system.scores(feats[utterance.id])
    if args.graph == "words" and system.writer:
        raise UserError(f"MODEL={name}: it writes letter by letter, there is no beam of every row; use GRAPH=free")
    if args.graph == "words" and tuned.search == "flashlight":
        words = word_decoder(system, lang, tuned.search, settings)
        assert isinstance(words, FlashlightWords)
        replay = replay_flashlight(words.decoder, scores)
    else:
        graph = WfstDecoder(system, lang, args.graph, settings).graph
        replay = replay_graph(graph, scores, settings.acoustic_scale, args.beam)
    answers = AnswerGraphs(*knowledge(system, lang, args.graph), settings.insertion_score)
    reference = (
        utterance.words
        if args.graph == "words"
        else read_spoken(reference_alignment(args) / "reference.txt").get(utterance.id, ())
    )

    def language(words: tuple[str, ...]) -> float:
        return answers.language(words, ends=False)

    title = {"utterance": utterance.id, "system": name, "graph": args.graph}
    lines = text(replay, f"{utterance.id}, {name}", language, system.step, reference)
    target = args.exp / "replay" / f"{utterance.id}.{name}.{args.graph}.json"
    show(lines, target.with_suffix(".txt"))
    write_json(target, as_json(replay, title, language, system.step, reference))
    return target, f"{target.with_suffix('.txt')}, .json"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--exp", type=Path, required=True, help="experiment folder of the corpus")
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus, with test/")
    reference_option(options)
    lang_option(options)
    options.add_argument("--utt", required=True, help="id of a test utterance")
    options.add_argument(
        "--system", nargs=2, required=True, metavar=("NAME", "MODEL"), help="a system and its model directory"
    )
    options.add_argument("--graph", choices=("words", "free"), default="words", help="words, or free phones")
    options.add_argument(
        "--beam", type=at_least(0.001), default=Beams.beam, help="search beam (natural log, scaled scores)"
    )
    run(options, main)
