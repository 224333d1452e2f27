"""lhotse manifests: a pair recordings*.jsonl[.gz] and supervisions*.jsonl[.gz], through lhotse's own Kaldi export.

The export writes a pipe for anything but a WAV of one channel. Commands are never run: a recording that is a whole file
is read as that file, and any other is refused.
"""

from __future__ import annotations

import gzip
import tempfile
import zlib
from pathlib import Path
from typing import Any

from lexicon.errors import UserError
from lexicon.files import write_lines
from lexicon.text import LONGEST_LINE
from lexicon.written import Written
from pipeline.corpora.cutting import Found
from pipeline.corpora.kaldi_dir import read_one, speakers_known
from pipeline.corpora.prepared import SETS, Gold
from pipeline.corpora.tree import within
from pipeline.datadir import Utterance, find_audio

# JSON shrinks to a tenth; 256 MB are half a million supervisions.
LARGEST_RATIO = 30
LARGEST_SMALL = 1 << 28  # bytes
BLOCK = 1 << 20
PATTERNS = ("*recordings*.jsonl", "*recordings*.jsonl.gz")


def manifests(folder: Path) -> list[tuple[Path, Path]]:
    """Pairs of files named alike, (recordings, supervisions)."""
    pairs = []
    for recordings in sorted(path for pattern in PATTERNS for path in within(folder, pattern)):
        supervisions = recordings.with_name(recordings.name.replace("recordings", "supervisions"))
        if supervisions.is_file():
            pairs.append((recordings, supervisions))
    return pairs


def read(folder: Path, written: Written) -> Found:
    """The supervisions of every pair; pairs named after train, dev or test (lhotse's recipes do) are the sets."""
    sets: dict[str, list[Utterance]] = {}
    gold: dict[str, Gold] = {}
    for recordings, supervisions in manifests(folder):
        words = recordings.name.replace(".", "_").replace("-", "_").split("_")
        name = next((name for name in SETS if name in words), "")
        with tempfile.TemporaryDirectory() as temporary:
            _export(recordings, supervisions, Path(temporary))
            try:
                members, placed = read_one(Path(temporary), lambda words: written.words(" ".join(words)))
            except UserError as error:
                raise UserError(
                    f"{supervisions}: exported to a data directory, {str(error).replace(f'{temporary}/', '')}"
                ) from None
        sets.setdefault(name, []).extend(members)
        gold |= placed
    everybody = [utterance for members in sets.values() for utterance in members]
    return Found("lhotse manifests", sets, gold, speakers_known=speakers_known(everybody))


def _export(recordings: Path, supervisions: Path, out: Path) -> None:
    """Let lhotse write a data directory; then name files where it wrote pipes."""
    try:
        from lhotse import load_manifest
        from lhotse.kaldi import export_to_kaldi
    except ImportError as error:
        raise UserError(
            f"{recordings}: lhotse, which reads it, is not installed ({error}); run: pip install lhotse urllib3"
        ) from None
    for manifest in (recordings, supervisions):
        _refuse_bomb(manifest)
    try:
        audio, segments = load_manifest(recordings), load_manifest(supervisions).to_eager()
        _refuse_unspoken(segments, supervisions)
        files = {recording.id: _file(recording, recordings) for recording in audio}
        export_to_kaldi(audio, segments, out)
    except (UserError, MemoryError):
        raise
    except Exception as error:  # lhotse's readers raise anything on a manifest that is none
        if isinstance(error, OSError) and error.errno is not None:
            raise  # a full disk, not a bad manifest
        raise UserError(
            f"{recordings}: lhotse cannot export it ({type(error).__name__}: {error}); make the manifests again"
        ) from None
    write_lines(out / "wav.scp", [f"{name} {files[name]}" for name in sorted(files)])


def _refuse_bomb(manifest: Path) -> None:
    """UserError for a manifest that unpacks out of all proportion, or has an endless line: lhotse reads whole lines,
    and keeps all supervisions."""
    left, line = max(LARGEST_RATIO * manifest.stat().st_size, LARGEST_SMALL), 0
    try:
        with (gzip.open if manifest.suffix == ".gz" else open)(manifest, "rb") as stream:
            while block := stream.read(BLOCK):
                first, *more = block.split(b"\n")
                left, line = left - len(block), max(line + len(first), *map(len, more), 0)
                if left < 0 or line > LONGEST_LINE:
                    what = (
                        "unpacks out of all proportion" if left < 0 else f"a line of more than {LONGEST_LINE >> 20} MB"
                    )
                    raise UserError(f"{manifest}: {what}; make the manifests again")
                line = len(more[-1]) if more else line
    except (EOFError, gzip.BadGzipFile, zlib.error):
        pass  # lhotse says what is wrong


def _refuse_unspoken(segments: Any, path: Path) -> None:
    """A supervision without text or speaker would be exported with the word None."""
    for field in ("text", "speaker"):
        lacking = [segment.id for segment in segments if not (getattr(segment, field) or "").strip()]
        if lacking:
            raise UserError(
                f'{path}: supervision "{lacking[0]}" has no {field} ({len(lacking)} such); give it, or remove '
                f"the supervision"
            )


def _file(recording: Any, manifest: Path) -> Path:
    """The one file that is the whole recording."""
    kinds = [source.type for source in recording.sources]
    if kinds != ["file"]:
        raise UserError(
            f'{manifest}: recording "{recording.id}" is {" + ".join(kinds) or "no source"}, not one file; '
            f"commands are never run and nothing is fetched: save the audio as files "
            f"(lhotse: CutSet.save_audios)"
        )
    channels = len(recording.sources[0].channels)
    if recording.transforms or channels != 1:
        what = "has transforms" if recording.transforms else f"has {channels} channels"
        raise UserError(
            f'{manifest}: recording "{recording.id}" {what}; save what is meant as files of one channel '
            f"(lhotse: CutSet.save_audios)"
        )
    found = find_audio(recording.sources[0].source, manifest.parent)
    if found is None:
        raise UserError(
            f'{manifest}: recording "{recording.id}": {recording.sources[0].source}: no such audio file; '
            f"restore it, or remove the recording"
        )
    return found.resolve()
