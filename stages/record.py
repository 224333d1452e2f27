"""Record from the microphone to a 16-bit WAV file."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np
import soundfile

from lexicon.errors import UserError
from lexicon.files import atomic_write
from pipeline.sound.microphone import ELSEWHERE, no_microphone, sound_library
from stages.common import parser, run

LONGEST = 3600  # seconds, all in memory
QUIET_DB = -60  # a louder sample must occur, or nothing was said


def record(seconds: float) -> tuple[np.ndarray, int]:
    """Samples (N,) int16 from the default microphone, and its sample rate."""
    devices = sound_library()
    try:
        rate = int(devices.query_devices(kind="input")["default_samplerate"])
        print(f"recording {seconds:g} s; speak now (Ctrl-C ends it and keeps nothing) ...", flush=True)
        samples = devices.rec(round(seconds * rate), samplerate=rate, channels=1, dtype="int16")
        devices.wait()
    except (devices.PortAudioError, ValueError) as error:
        raise no_microphone(error) from None
    return samples[:, 0], rate


def main(args: Namespace) -> tuple[Path, str]:
    if not 0 < args.seconds <= LONGEST:
        raise UserError(f"SECONDS={args.seconds:g}: not between 0 and {LONGEST}; for more, {ELSEWHERE}")
    samples, rate = record(args.seconds)
    peak = 20 * np.log10(max(1, np.abs(samples.astype(int)).max()) / 32768)
    with atomic_write(args.out, "wb") as stream:
        soundfile.write(stream, samples, rate, subtype="PCM_16", format="WAV")
    loud = "; clipped: go farther from the microphone" if peak > -0.1 else ""
    quiet = "; silence: is the microphone muted?" if peak < QUIET_DB else ""
    return args.out, f"{args.out}: {len(samples) / rate:.1f} s at {rate} Hz, loudest {peak:.0f} dB{loud}{quiet}"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=10.0, help="how long")
    options.add_argument("--out", type=Path, required=True, help="the WAV file")
    run(options, main)
