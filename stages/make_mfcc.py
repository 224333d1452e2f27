"""Extract features: 13 MFCC + deltas + accelerations, normalised per speaker, into DATA/feats.ark and feats.scp."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lexicon.errors import UserError, reading
from lexicon.files import scratch_dir
from pipeline.base.archive import Archive, write_archive
from pipeline.base.parallel import each
from pipeline.datadir import Utterance, read_datadir, sample_rate
from pipeline.datadir.short import read_short
from pipeline.sound.audio import read_audio
from pipeline.sound.mfcc import Cepstra, CepstralStats, FeatureSettings, add_deltas, mfcc
from stages.common import at_least, jobs, parser, run


def extract(utterance: Utterance, rate: int):
    """(id, static features) of one utterance, or (id, what is wrong with it)."""
    try:
        with reading(utterance.wav):
            static = mfcc(read_audio(utterance.wav, rate, utterance.cut), rate)
    except UserError as error:
        return utterance.id, error
    if not len(static):
        return utterance.id, UserError(f"{utterance.wav}: shorter than one 25 ms frame; remove the utterance")
    return utterance.id, static


def of_all(speakers: Iterable[CepstralStats]) -> Cepstra | None:
    """The mean over all frames, and the variance within speakers, which is what a recording of one speaker has."""
    known = [(stats.count, stats.of_training()) for stats in speakers]
    if not known:
        return None
    weights = [count for count, _ in known]
    return {
        name: np.average([figures[name] for _, figures in known], axis=0, weights=weights).tolist()
        for name in ("mean", "variance")
    }


def main(args: Namespace) -> tuple[Path, str]:
    utterances, short = read_datadir(args.data), set()
    if args.leave_out:
        args.leave_out.touch()  # so that there is something to notice a change of
        short = read_short(args.leave_out)
    left_out = [utterance.id for utterance in utterances if utterance.id in short]
    utterances = [utterance for utterance in utterances if utterance.id not in short]
    if not utterances:
        raise UserError(f"{args.leave_out}: names every utterance; correct the transcripts, and remove the file")
    settings = FeatureSettings(sample_rate(args.data), args.norm_vars == "yes")
    rate = settings.sample_rate
    speaker = {utterance.id: utterance.speaker for utterance in utterances}
    mfcc(np.zeros(rate), rate)  # imports PyTorch here, once for all workers
    results = tqdm(
        each(lambda u: extract(u, rate), utterances, args.jobs),
        total=len(utterances),
        desc=f"mfcc {args.data}",
        unit="utt",
        disable=None,
    )
    stats: dict[str, CepstralStats] = {}
    failed: list[tuple[str, UserError]] = []

    def usable():
        for utt, static in results:
            if isinstance(static, UserError):
                failed.append((utt, static))
                continue
            stats.setdefault(speaker[utt], CepstralStats()).add(static)
            yield utt, static

    target = args.data / "feats.scp"
    with scratch_dir(args.data / "mfcc") as scratch:
        write_archive(scratch / "raw.scp", usable())
        if len(failed) > args.allow_missing:
            more = f" (and {len(failed) - 1} more like it)" if len(failed) > 1 else ""
            raise UserError(f'{failed[0][1]}{more}; or go on without: MFCC_ARGS="--allow-missing {len(failed)}"')
        raw = Archive(scratch / "raw.scp")

        def normalised():
            for utt in raw:
                yield utt, add_deltas(stats[speaker[utt]].normalise(raw[utt], settings.norm_vars))
            target.unlink(missing_ok=True)  # the old index goes, then feats.json changes, the new index is last
            settings.write(args.data, [*left_out, *(utt for utt, _ in failed)], of_all(stats.values()))

        count = write_archive(target, normalised())
    seconds = sum(u.num_samples for u in utterances) / rate
    without = f"; {len(failed)} unreadable ({', '.join(f'{utt}: {why}' for utt, why in failed)})" if failed else ""
    if left_out:
        without += f"; {len(left_out)} left out, too short for their words: {', '.join(left_out)}"
    return target, (
        f"{args.data}: {count} of {len(utterances) + len(left_out)} utterances, {seconds / 60:.1f} min, 39 dimensions,"
        f" {len(stats)} speakers{without}"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True, help="data directory")
    options.add_argument(
        "--norm-vars",
        choices=["yes", "no"],
        default="yes",
        help="divide by the standard deviation of the speaker as well",
    )
    options.add_argument("--allow-missing", type=at_least(0), default=0, help="unreadable utterances to put up with")
    options.add_argument(
        "--leave-out",
        type=Path,
        help="list of utterances too short for their words, as other stages"
        " write it, to go on without; where there is none it is begun",
    )
    jobs(options)
    run(options, main)
