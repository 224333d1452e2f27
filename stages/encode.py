"""Encode a data directory with an encoder from outside: each layer is a kind of features, DATA/ENCODER.LAYER.

ENCODER.json says what they are of; with --words, ENCODER.txt is what the recogniser itself writes."""

from __future__ import annotations

import shutil
import time
from argparse import Namespace
from pathlib import Path

from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.files import write_json, write_lines
from pipeline.base.parallel import each
from pipeline.datadir import read_datadir, sample_rate
from pipeline.datadir.short import without_short
from pipeline.encoders.encoder import SAMPLE_RATE, plain_words
from pipeline.encoders.extract import made_by
from pipeline.encoders.layers import SHIFT_MS, encode_shard, file_name, fingerprint, join, only, results_of, shards_of
from pipeline.encoders.load import load_encoder
from pipeline.sound.front_end import Raw
from stages.common import at_least, jobs, leave_out, models_option, parser, run


def main(args: Namespace) -> tuple[Path, str]:
    began = time.monotonic()
    encoder = load_encoder(args.encoder, args.models, args.language)
    layers = [encoder.layers[encoder.number_of(layer)] for layer in args.layers or encoder.layers]
    if args.words:
        encoder.can_write()
    utterances, left_out = without_short(read_datadir(args.data), args.leave_out)
    rate = sample_rate(args.data)
    name = file_name(args.encoder)
    target = args.data / f"{name}.json"
    if args.out != target:
        raise UserError(f"--out {args.out}: layers of {args.encoder} are looked for beside {target}")
    kept = args.data / f"{name}.shards" / fingerprint(encoder, layers, utterances, args.words, args.together == "yes")
    only(kept.parent, kept)
    shards = shards_of(utterances, rate, kept)
    for _ in tqdm(
        each(lambda shard: encode_shard(encoder, layers, shard, args.words, args.together == "yes"), shards, args.jobs),
        total=len(shards),
        desc=f"{name} {args.data}",
        unit="shard",
        disable=None,
    ):
        pass

    failed = results_of(shards, "failed")
    if len(failed) > args.allow_missing or len(failed) == len(utterances):
        more = f" (and {len(failed) - 1} more like it)" if len(failed) > 1 else ""
        raise UserError(f"{next(iter(failed.values()))}{more}; or go on without: --allow-missing {len(failed)}")
    for layer in layers:
        raw = Raw(f"{name}.{layer}", SAMPLE_RATE, encoder.width, SHIFT_MS, made_by(encoder))
        join(shards, layer, raw, args.data, [*left_out, *failed])
    (args.data / f"{name}.txt").unlink(missing_ok=True)  # words of an earlier run are those of another file, perhaps
    if args.words:
        said = results_of(shards, "words")
        write_lines(args.data / f"{name}.txt", [" ".join([utt, *plain_words(said[utt])]) for utt in sorted(said)])
    about = {"encoder": encoder.name, "sha256": encoder.sha256, "layers": layers, "width": encoder.width}
    about["together"] = args.together
    times = {"frame_shift_ms": SHIFT_MS, "first_centre_ms": 12.5}
    write_json(target, about | times)
    shutil.rmtree(kept.parent)
    minutes = sum(utterance.num_samples for utterance in utterances) / rate / 60
    without = f"; {len(failed)} unreadable ({', '.join(failed.values())})" if failed else ""
    without += f"; {len(left_out)} left out, too short for their words: {', '.join(left_out)}" if left_out else ""
    return target, (
        f"{args.data}: {len(utterances) - len(failed)} utterances, {minutes:.1f} min, {len(layers)} layers of"
        f" {encoder.name}, {encoder.width} numbers every 20 ms, {time.monotonic() - began:.0f} s{without}"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True, help="data directory")
    options.add_argument(
        "--encoder",
        required=True,
        help="name of a model, as make models lists them; for a control with :random or :shuffled",
    )
    options.add_argument("--out", type=Path, required=True, help="what says which layers there are: DATA/ENCODER.json")
    models_option(options)
    options.add_argument("--layers", nargs="+", help="conv, block1, ..., norm; without it all")
    options.add_argument(
        "--language", help="what a multilingual Whisper shall write, such as en; without it what it hears"
    )
    options.add_argument(
        "--together",
        choices=["yes", "no"],
        default="yes",
        help="Whisper hears a speaker's utterances together, up to 30 s; no: each by itself",
    )
    options.add_argument("--words", action="store_true", help="also write what the recogniser itself writes")
    options.add_argument("--allow-missing", type=at_least(0), default=0, help="unreadable utterances to put up with")
    leave_out(options)
    jobs(options)
    run(options, main)
