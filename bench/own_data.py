"""The same 30 prompts as a folder of WAV and text, as a Kaldi directory and as lhotse's manifests, through `make gmm`.

    PYTHONPATH=. .venv/bin/python bench/own_data.py [FOLDER]

Needs data/prompts (make data) and lhotse. Prints what differs from the folder's features, model, hypotheses and
lattices, and exits 1 if anything does. Half a minute for each form. The code must not change while it runs: the forms
are decoded one after the other, and another search is another result.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from lhotse import Recording, RecordingSet, SupervisionSegment, SupervisionSet
from lhotse.kaldi import export_to_kaldi

from pipeline.datadir import Utterance, read_datadir
from pipeline.sound.audio import read_audio

FORMS = ("plain", "kaldi", "lhotse", "export")
SHORT = "--max-mix 2 --warm-up 6 --passes 3 --last 2"
PROMPTS, LONGEST_S = 30, 3.0


def prompts() -> list[Utterance]:
    """Of all sets, the first by id that are short."""
    everything = [u for name in ("train", "dev", "test") for u in read_datadir(f"data/prompts/{name}")]
    short = [u for u in everything if len(read_audio(u.wav, 8000)) < LONGEST_S * 8000]
    return sorted(short, key=lambda u: u.id)[:PROMPTS]


def write_forms(root: Path, utterances: list[Utterance]) -> None:
    """The four forms below ``root``; what lhotse reads and exports, it writes itself."""
    tables: dict[str, list[str]] = {"wav.scp": [], "text": [], "utt2spk": []}
    recordings, supervisions = [], []
    for u in utterances:
        wav, text = root / "plain" / u.speaker / f"{u.id}.wav", " ".join(u.words)
        wav.parent.mkdir(parents=True, exist_ok=True)
        wav.write_bytes(u.wav.read_bytes())
        wav.with_suffix(".txt").write_text(f"{text.capitalize()}.\n")
        for name, value in (("wav.scp", wav), ("text", text), ("utt2spk", u.speaker)):
            tables[name].append(f"{u.id} {value}\n")
        recordings.append(Recording.from_file(wav))
        supervisions.append(SupervisionSegment(u.id, u.id, 0, recordings[-1].duration, speaker=u.speaker, text=text))
    (root / "kaldi").mkdir()
    for name, lines in tables.items():
        (root / "kaldi" / name).write_text("".join(lines))
    (root / "lhotse").mkdir()
    RecordingSet.from_recordings(recordings).to_file(root / "lhotse/recordings.jsonl.gz")
    SupervisionSet.from_segments(supervisions).to_file(root / "lhotse/supervisions.jsonl.gz")
    export_to_kaldi(
        RecordingSet.from_recordings(recordings), SupervisionSet.from_segments(supervisions), root / "export"
    )


def results(root: Path, form: str) -> dict[str, bytes]:
    """What must be the same: features, the model, hypotheses, lattices, scores."""
    data, exp = root / "data" / form, root / "exp" / form
    files = [
        *data.glob("*/feats.ark"),
        *data.glob("*/text"),
        exp / "gmm/model.safetensors",
        *(exp / "gmm/decode_test").glob("*.txt"),
        *(exp / "gmm/decode_test/lattices").rglob("*.jsonl.gz*"),
    ]
    return {str(path.relative_to(root)).replace(f"/{form}/", "/", 1): path.read_bytes() for path in files}


def main(root: Path) -> int:
    write_forms(root, prompts())
    for form in FORMS:
        subprocess.run(
            [
                "make",
                "gmm",
                f"CORPUS_DIR={root / form}",
                f"DATA={root}/data/{form}",
                f"EXP={root}/exp/{form}",
                f"GMM_ARGS={SHORT}",
                "NJ=1",
            ],
            check=True,
            stdout=sys.stderr,
        )
    plain = results(root, "plain")
    differ = 0
    for form in FORMS[1:]:
        other = results(root, form)
        differing = sorted(name for name in plain.keys() | other.keys() if plain.get(name) != other.get(name))
        print(
            f"{form}: {len(plain) - len(differing)} of {len(plain)} files are the same as the folder's, bit by bit"
            + "".join(f"\n  differs: {name}" for name in differing)
        )
        differ += len(differing)
    print((root / "exp/plain/gmm/decode_test/wer.txt").read_text().strip())
    return 1 if differ else 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).mkdir(parents=True)
        sys.exit(main(Path(sys.argv[1]).resolve()))
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(main(Path(folder)))
