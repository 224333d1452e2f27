"""prompts: the voice prompts of the Asterisk telephone system, one woman (Allison Smith), 8 kHz, CC BY-SA 3.0.

The files of Debian's package asterisk-core-sounds-en-wav 1.6.1 with the transcripts of asterisk-core-sounds-en. They
are taken from a folder of archives, an installed package, apt (without root, without installing), or the publisher's
tarball, in this order, and every file is checked against prompts.sha256.

The split is fixed by a rule: distinct transcripts, numbered in the C-sorted order of the first utterance that has them;
number % 10 in {4, 9} is test, number % 10 == 7 is dev, the rest train. So no transcript is in two sets.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from lexicon.errors import UserError
from lexicon.normalise import to_words
from lexicon.text import numbered_lines
from pipeline.corpora import fetch
from pipeline.corpora.prepared import SETS, Prepared, chosen_split, measure, unmeasured
from pipeline.corpora.tree import below
from pipeline.corpora.unpack import extract_stream, gunzip
from pipeline.datadir import Utterance

VERSION = "1.6.1"
SPEAKER = "allison"
SPLITS = ("official",)
SUMS = Path(__file__).with_name("prompts.sha256")
TRANSCRIPTS = "core-sounds-en.txt"
VOICE = "usr/share/asterisk/sounds/en_US_f_Allison"
DOCUMENT = f"usr/share/doc/asterisk-core-sounds-en/{TRANSCRIPTS}.gz"
PACKAGES = ("asterisk-core-sounds-en-wav", "asterisk-core-sounds-en")
TARBALL = f"asterisk-core-sounds-en-wav-{VERSION}.tar.gz"
URL = f"https://downloads.asterisk.org/pub/telephony/sounds/releases/{TARBALL}"

# 73 s: an alignment over so long a stretch costs much memory and gains nothing. The next longest has 31 s.
TOO_LONG = {"demo-instruct": "longer than 35 s"}

# What is said for what the transcript writes: symbols, letters, numbers that are not read as numbers, misspellings.
SAID = {
    "*": "STAR",
    "#": "POUND",
    "H.323": "H THREE TWO THREE",
    "IP": "I P",
    "IVR": "I V R",
    "MGCP": "M G C P",
    "PBX": "P B X",
    "USB": "U S B",
    "WWW.ASTERISK.ORG": "W W W DOT ASTERISK DOT ORG",
    "1234": "ONE TWO THREE FOUR",
    "4242": "FOUR TWO FOUR TWO",
    "8500": "EIGHTY FIVE HUNDRED",
    "DE-ACTIVATED": "DEACTIVATED",
    "EXCLAIMATION-POINT": "EXCLAMATION POINT",
    "FOURTIETH": "FORTIETH",
    "REPRESENATIVES": "REPRESENTATIVES",
    "THRU": "THROUGH",
    "UMUTE": "UNMUTE",
    "UN-INDENTIFIED": "UNIDENTIFIED",
    "WITHELD": "WITHHELD",
    "XRAY": "X RAY",
}


def get(downloads: Path | None, cache: Path) -> Path:
    """The folder ``cache``/prompts with the wavs and core-sounds-en.txt, made if it is not there yet, and verified."""
    root = cache / "prompts"
    if not (root / fetch.ORIGIN).is_file():
        _obtain(downloads, root, cache)
    fetch.verify(root, SUMS, f"{root}/", f"delete {root} and run the command again")
    return root


def prepare(root: Path, split: str | None = None) -> Prepared:
    """Utterances `allison-NAME` by the rule above; tones, silences, over-long and unpaired files are left out."""
    chosen_split("prompts", split, SPLITS)
    transcripts = read_transcripts(root / TRANSCRIPTS)
    names = {wav.relative_to(root).with_suffix("").as_posix() for wav in below(root, "*.wav")}
    left_out = [(name, "no audio") for name in sorted(transcripts.keys() - names)]
    usable: list[Utterance] = []
    for name in sorted(names):
        words = clean(transcripts.get(name, ""))
        if name not in transcripts:
            left_out.append((name, "no transcript"))
        elif not words:
            left_out.append((name, "not speech"))
        elif name in TOO_LONG:
            left_out.append((name, TOO_LONG[name]))
        else:
            usable.append(unmeasured(f"{SPEAKER}-{name.replace('/', '-')}", SPEAKER, root / f"{name}.wav", words))
    return measure(_cut(usable), left_out)


def read_transcripts(path: Path) -> dict[str, str]:
    """Read lines `name: what is said` (`;` begins a comment) into {name: text}; UserError on other or double lines."""
    transcripts: dict[str, str] = {}
    for number, line in numbered_lines(path):
        if not line.strip() or line.startswith(";"):
            continue
        name, colon, text = line.partition(":")
        if not colon:
            raise UserError(f'{path}:{number}: "{line}": a line is `name: what is said`; correct it')
        if name in transcripts:
            raise UserError(f'{path}:{number}: duplicate utterance id "{name}"; remove one of the lines')
        transcripts[name] = text.strip()
    return transcripts


def clean(text: str) -> tuple[str, ...]:
    """The words said, upper case: notes in brackets dropped, digits and symbols written out; () if nothing is said.

    >>> clean("press * to go, or 2 (beeps)")
    ('PRESS', 'STAR', 'TO', 'GO', 'OR', 'TWO')
    """
    text = re.sub(r"\[.*?\]|\(.*?\)|<.*?>", " ", text)
    return tuple(to_words(" ".join(_said(token) for token in text.upper().split())))


def _said(token: str) -> str:
    return SAID.get(token.strip('.,:;!?"'), token)


def _cut(usable: list[Utterance]) -> dict[str, list[Utterance]]:
    """The split rule at the head of this module."""
    numbers: dict[tuple[str, ...], int] = {}
    sets: dict[str, list[Utterance]] = {name: [] for name in SETS}
    for utterance in sorted(usable, key=lambda utterance: utterance.id):
        last = numbers.setdefault(utterance.words, len(numbers)) % 10
        sets["test" if last in (4, 9) else "dev" if last == 7 else "train"].append(utterance)
    return sets


def _obtain(downloads: Path | None, root: Path, cache: Path) -> None:
    """Fill ``root`` from the first source that has the files; the error at the end names each that failed."""
    debs = [sorted(downloads.glob(f"{package}_{VERSION}*.deb")) for package in PACKAGES] if downloads else [[], []]
    if downloads and (downloads / TARBALL).is_file():
        return _fill(root, lambda folder: fetch.extract(downloads / TARBALL, folder), f"{TARBALL} from {downloads}")
    if all(debs):
        return _fill(root, lambda folder: _unpack([found[-1] for found in debs], folder), f"packages from {downloads}")
    if (Path("/") / VOICE).is_dir() and (Path("/") / DOCUMENT).is_file():
        with contextlib.suppress(UserError):  # another version is installed
            return _fill(root, lambda folder: _take(Path("/"), folder), "the Debian packages installed here")
    try:
        return _fill(root, _fetch_with_apt, f"{PACKAGES[0]} fetched with apt-get")
    except (_NoApt, UserError) as error:
        why = error
    try:
        fetch.download(URL, cache / TARBALL)
        return _fill(root, lambda folder: fetch.extract(cache / TARBALL, folder), URL)
    except UserError as error:
        raise UserError(f"prompts: {why}; {error}") from None


def _fill(root: Path, make: Callable[[Path], None], source: str) -> None:
    """``fetch.fill`` with files that are verified before they count."""

    def make_and_verify(folder: Path) -> None:
        make(folder)
        fetch.verify(folder, SUMS, f"{source}: ", f"version {VERSION} is needed, fetch it again")

    fetch.fill(root, make_and_verify, f"{source}, version {VERSION}, verified")


class _NoApt(Exception):
    """apt-get cannot give the packages; the message says why."""


def _fetch_with_apt(folder: Path) -> None:
    """Fetch the packages with lists and cache of our own, which needs no root and leaves the system as it is."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise _NoApt("no apt-get on this machine")
    # Absolute, because apt-get takes a relative folder as one below the configured root.
    with tempfile.TemporaryDirectory(dir=folder.resolve()) as temporary:
        for name in ("lists/partial", "cache/archives/partial", "state"):
            (Path(temporary) / name).mkdir(parents=True)
        user = pwd.getpwuid(os.geteuid()).pw_name  # apt would step down to a user who may not write here
        options = [
            f"Dir::State={temporary}/state",
            f"Dir::State::Lists={temporary}/lists",
            f"Dir::Cache={temporary}/cache",
            f"APT::Sandbox::User={user}",
            "Dir::State::status=/var/lib/dpkg/status",
        ]
        apt = ["apt-get", "-q", *(word for option in options for word in ("-o", option))]
        for command in (["update"], ["download", *PACKAGES]):
            done = subprocess.run([*apt, *command], cwd=temporary, capture_output=True, text=True, errors="replace")
            if done.returncode:
                lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
                raise _NoApt(f"apt-get {command[0]} failed ({lines[-1]})")
        _unpack(sorted(Path(temporary).glob("*.deb")), folder)


def _unpack(debs: list[Path], folder: Path) -> None:
    """Take the voice and its transcripts out of Debian packages."""
    if not shutil.which("dpkg-deb"):
        raise UserError(f"{debs[0]}: no dpkg-deb here to unpack it; give {TARBALL} instead")
    # Absolute, because apt-get takes a relative folder as one below the configured root.
    with tempfile.TemporaryDirectory(dir=folder.resolve()) as temporary:
        for deb in debs:
            _unpack_one(deb, Path(temporary))
        _take(Path(temporary), folder)


def _unpack_one(deb: Path, folder: Path) -> None:
    """dpkg-deb takes the package apart; what is in it is unpacked here, as other archives are."""
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None  # a pipe
        try:
            extract_stream(deb, process.stdout, folder)
        finally:
            process.stdout.close()  # so that it ends
    if process.returncode:
        raise UserError(f"{deb}: a damaged package; fetch it again")


def _take(system: Path, folder: Path) -> None:
    """Copy from a system's root folder into the layout of the publisher's tarball."""
    shutil.copytree(system / VOICE, folder, dirs_exist_ok=True)
    gunzip(system / DOCUMENT, folder / TRANSCRIPTS)
