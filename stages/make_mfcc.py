"""Extract raw features of a kind (13 MFCC, or 40 log-mel energies): feats.scp, and cmvn.scp, what normalisation needs
of each speaker. What is made of them on the way, each system says itself."""

from __future__ import annotations

import zlib
from argparse import Namespace
from fractions import Fraction
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lexicon.errors import UserError, reading
from pipeline.base.parallel import each
from pipeline.datadir import Utterance, read_datadir, sample_rate
from pipeline.datadir.feats import raw_folder, write_raw
from pipeline.datadir.short import without_short
from pipeline.sound.audio import read_audio
from pipeline.sound.front_end import EXTRACTORS, USUAL, Extractor, raw_of
from pipeline.sound.speed import ORDINARY, at_speed, speed_of
from stages.common import at_least, jobs, leave_out, parser, run


def dithered(samples: np.ndarray, utterance: str, dither: float, seed: int) -> np.ndarray:
    """Samples (N,) in [-1, 1] with Gaussian noise of so many steps of 16 bits, as Kaldi's --dither; the same for an
    utterance and seed each time."""
    if not dither:
        return samples
    noise = np.random.default_rng([seed, zlib.crc32(utterance.encode())]).standard_normal(len(samples))
    return (samples + dither / 32768 * noise).astype(np.float32)


def extract(
    extractor: Extractor, utterance: Utterance, rate: int, speed: Fraction, dither: float, seed: int
) -> tuple[str, np.ndarray | UserError]:
    """(id, raw features) of one utterance at a ``speed``, dithered, or (id, what is wrong with it)."""
    try:
        with reading(utterance.wav):
            samples = at_speed(read_audio(utterance.wav, rate, utterance.cut), speed)
            rows = extractor.rows(dithered(samples, utterance.id, dither, seed), rate)
    except UserError as error:
        return utterance.id, error
    if not len(rows):
        return utterance.id, UserError(f"{utterance.wav}: shorter than one 25 ms frame; remove the utterance")
    return utterance.id, rows


def main(args: Namespace) -> tuple[Path, str]:
    folder, speed = raw_folder(args.data, args.features, args.speed), speed_of(args.speed)
    if (args.out or args.data) != folder:
        raise UserError(
            f"--out {args.out or args.data}: features of kind {args.features} at speed {args.speed} are looked for in"
            f" {folder}"
        )
    utterances, left_out = without_short(read_datadir(args.data), args.leave_out)
    raw, extractor = raw_of(args.features, sample_rate(args.data)), EXTRACTORS[args.features]
    extractor.rows(np.zeros(raw.sample_rate), raw.sample_rate)  # imports PyTorch here, once for all workers
    results = tqdm(
        each(
            lambda u: extract(extractor, u, raw.sample_rate, speed, args.dither, args.seed),
            utterances,
            args.jobs,
            spread=True,
        ),
        total=len(utterances),
        desc=f"{raw.kind} {folder}",
        unit="utt",
        disable=None,
    )
    failed: list[tuple[str, UserError]] = []
    missing = [*left_out]

    def usable():
        for utt, rows in results:
            if isinstance(rows, UserError):
                failed.append((utt, rows))
                missing.append(utt)
            else:
                yield utt, rows
        if len(failed) > args.allow_missing:
            more = f" (and {len(failed) - 1} more like it)" if len(failed) > 1 else ""
            raise UserError(f'{failed[0][1]}{more}; or go on without: MFCC_ARGS="--allow-missing {len(failed)}"')

    count, speakers = write_raw(args.data, raw, usable(), {u.id: u.speaker for u in utterances}, missing, args.speed)
    seconds = sum(u.num_samples for u in utterances) / raw.sample_rate
    without = f"; {len(failed)} unreadable ({', '.join(f'{utt}: {why}' for utt, why in failed)})" if failed else ""
    if left_out:
        without += f"; {len(left_out)} left out, too short for their words: {', '.join(left_out)}"
    return folder / "feats.scp", (
        f"{args.data}: {count} of {len(utterances) + len(left_out)} utterances, {seconds / 60:.1f} min,"
        f" {raw.coefficients} {raw.kind}, {speakers} speakers{without}"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True, help="data directory")
    options.add_argument("--features", choices=sorted(EXTRACTORS), default=USUAL, help="kind of raw features")
    options.add_argument("--speed", default=ORDINARY, help="speed that the sound is played at")
    options.add_argument(
        "--out",
        type=Path,
        help="where they go: of another kind than mfcc, DATA/KIND; at another speed, speedSPEED in it",
    )
    options.add_argument("--dither", type=at_least(0.0), default=0.0, help="noise added to the sound, in 16-bit steps")
    options.add_argument("--seed", type=at_least(0), default=0, help="of that noise")
    options.add_argument("--allow-missing", type=at_least(0), default=0, help="unreadable utterances to put up with")
    leave_out(options)
    jobs(options)
    run(options, main)
