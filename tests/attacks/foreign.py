"""Attacks of kind C: what comes from elsewhere is not run and writes nowhere else; and of kind E: no Latin-1."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import soundfile
from attacks.attack import REFUSED, WORKS, Attack, all_of, first, given, write
from attacks.sandbox import Done, Sandbox

ODD = (
    "my own files",
    "$(shell touch pwned)",
    "`touch pwned`",
    'say "hello"',
    "a#b",
    "a=b",
    "$$(touch pwned)",
    "it's",
    "$(touch pwned)",
    ";touch pwned;",
    "a%b",
    "a:b",
    "a&b",
    "back\\slash",
    "-rf",
    "*",
    "Straße 東京",
    "{a,b}",
    "~",
    "a\nb",
    "a\x1b[31mb",
)
ARPABET = "AA B CH D EH F G HH IY JH K L M N OW P NG R S T UH V W SH Y Z".split()


def named() -> list[Attack]:
    """Folders and files with names that make or the shell could take for something else."""
    rows = first(
        6,
        [
            Attack(
                "C",
                f"make data of a folder named {name!r}",
                ("data", f"CORPUS_DIR={{root}}/odd/{name}"),
                before=lambda sandbox, name=name: shutil.copytree(sandbox.mine, sandbox.root / "odd" / name),
                may=("data", "exp"),
            )
            for name in ODD
        ],
    )
    rows += first(
        1,
        [
            Attack(
                "C",
                f"make data of a folder named {name!r}, with a CORPUS",
                ("data", "CORPUS=plain", f"CORPUS_DIR={{root}}/odd/{name}"),
                may=("data", "exp"),
                before=lambda sandbox, name=name: shutil.copytree(sandbox.mine, sandbox.root / "odd" / name),
            )
            for name in ("a#b", "a=b", "my own", "it's")
        ],
    )
    rows += first(
        4,
        [
            Attack(
                "C",
                f"make check DIR of a folder named {name!r}",
                ("check", f"DIR=odd/{name}"),
                WORKS,
                before=lambda sandbox, name=name: shutil.copytree(
                    sandbox.project / "data/mine/train", sandbox.project / "odd" / name
                ),
                may=("odd",),
            )
            for name in (*ODD[:5], *ODD[6:10], "-rf", "Straße 東京")
        ],
    )
    rows += first(
        4,
        [
            Attack(
                "C",
                f"make lexicon {setting} named {name!r}",
                ("lexicon", "CORPUS=mine", *(f"{each}={{root}}/odd/{name}/{each}.txt" for each in settings)),
                WORKS,
                before=lambda sandbox, name=name: dictionary(
                    sandbox.root / "odd" / name, sandbox.project / "data/mine"
                ),
            )
            for settings, setting in ((("LEXICON",), "LEXICON"), (("LEXICON", "PHONES"), "LEXICON and PHONES"))
            for name in ("my own files", 'it\'s "said"', "$(touch pwned)", "`touch pwned`", "a#b")
        ],
    )
    rows += first(
        2,
        [
            Attack(
                "C",
                f"make data DOWNLOADS named {name!r}",
                ("data", "CORPUS=yesno", f"DOWNLOADS=../../../odd/{name}"),
                WORKS,
                before=lambda sandbox, name=name: archive(sandbox.root / "odd" / name),
                may=("downloads", "data", "data/yesno"),
            )
            for name in ("my own files", "x$(touch pwned)", "`touch pwned`", "it's", "a#b")
        ],
    )
    return rows


def dictionary(folder: Path, data: Path) -> None:
    """A dictionary of the corpus's words that has a phone for each letter, and the set of these phones."""
    folder.mkdir(parents=True)
    words = {
        word
        for part in ("train", "dev", "test")
        for line in (data / part / "text").read_text().splitlines()
        for word in line.split()[1:]
    }
    phones = {letter: phone for letter, phone in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", ARPABET)}
    spelled = {word: " ".join(phones[letter] for letter in word if letter in phones) for word in words}
    (folder / "LEXICON.txt").write_text("".join(f"{word} {spelled[word]}\n" for word in sorted(words)))
    (folder / "PHONES.txt").write_text("".join(f"{phone} {letter.lower()}\n" for letter, phone in phones.items()))


def archive(folder: Path) -> None:
    """Something like the yesno corpus: noise under the names of its recordings."""
    waves = folder / "waves_yesno"
    waves.mkdir(parents=True)
    for number in range(24):
        name = "_".join(f"{number:08b}")
        soundfile.write(waves / f"{name}.wav", np.random.default_rng(number).normal(0, 0.1, 8000), 8000)
    shutil.make_archive(str(folder / "waves_yesno"), "gztar", folder, "waves_yesno")
    shutil.rmtree(waves)


RECORDS = {
    "$(shell)": "$(shell touch pwned)",
    "backquotes": "`touch pwned`",
    "$$()": "$$(touch pwned)$(touch pwned)",
    "quotes": "' \" '; touch pwned; '",
    "; and #": "; touch pwned # = % :",
    "a line break": "a\ntouch pwned\n\t@touch pwned",
    "make's own words": "define x\nendif\nall: ; touch pwned\n",
    "bytes": "\udcff\udcfe\x01\x1b[2J",
    "nothing": "",
    "the setting of another folder": "--corpus mine --corpus-dir $(shell touch pwned) --out ../../../canary",
}


def is_record(path: Path) -> bool:
    """A stage's note of the settings it ran with, or make's."""
    return path.suffix in (".args", ".made", ".mk") or path.name.startswith((".settings", ".made", ".phonoscope"))


def received() -> list[Attack]:
    """data/ and exp/ from elsewhere, whose records hold commands; and conf files that are none."""
    rows = []
    for name, text in RECORDS.items():
        for how in ("instead", "after"):
            rows.append(
                Attack(
                    "C",
                    f"records of settings with {name} {'in place' if how == 'instead' else 'at the end'}",
                    ("data", "CORPUS=mine"),
                    after=looks,
                    before=lambda sandbox, text=text, how=how: poison(sandbox, text, how),
                )
            )
    remembered = [
        Attack(
            "C",
            f"the corpus's folder is {text!r} in all that data/mine remembers",
            ("data", "CORPUS=mine"),
            before=lambda sandbox, text=text: rename_in_all(sandbox, text),
            after=looks,
        )
        for text in ("$(shell touch pwned)", "`touch pwned`", "'; touch pwned; '", "$$(touch pwned)")
    ]
    conf = [
        Attack(
            "C",
            f"make help CORPUS={value!r} reads no rules from there",
            ("help", f"CORPUS={value}"),
            before=write("evil.mk", "x := $(shell touch pwned)\n"),
        )
        for value in ("../../../../../evil", "x/../../../../../../evil")
    ]
    files = [
        Attack(
            "C",
            f"a corpus whose recording is named {name!r}",
            ("data", "CORPUS_DIR={root}/evil"),
            before=lambda sandbox, name=name: evil_corpus(sandbox, name),
            may=("data/evil", "exp/evil", "data"),
            after=checked,
        )
        for name in (
            "$(shell touch pwned)",
            "a\x1b[2Jb",
            "a\udcffb",
            ";touch pwned;",
            "`touch pwned`",
            "it's",
            "-rf",
            "a\nb",
            "<b>x",
            "..",
        )
    ]
    pipes = [
        Attack(
            "C",
            "a Kaldi directory whose wav.scp holds a command",
            ("data", "CORPUS_DIR={root}/given"),
            REFUSED,
            before=all_of(given, evil_pipe),
            may=("data/given", "data"),
        ),
        Attack(
            "C",
            "make check FIX=yes of one",
            ("check", "DIR={root}/given/train", "FIX=yes"),
            before=all_of(given, evil_pipe),
            may=("../../../given",),
        ),
    ]
    return [
        *first(7, rows[::2]),
        *first(1, rows[1::2]),
        *first(2, remembered),
        *first(1, conf),
        *first(4, files),
        *pipes,
        Attack(
            "E",
            "a corpus whose lexicon.txt is Latin-1",
            ("data", "CORPUS_DIR={root}/evil"),
            before=lambda sandbox: latin_1(sandbox),
            may=("data/evil", "data"),
        ),
        Attack(
            "E",
            "make lexicon with a LEXICON in Latin-1",
            ("lexicon", "CORPUS=mine", "LEXICON={root}/l.txt"),
            REFUSED,
            before=write("l.txt", "CAF\udcc9 K A\n"),
        ),
    ]


def poison(sandbox: Sandbox, text: str, how: str) -> None:
    data = os.fsencode(text)
    records = [path for path in (sandbox.project / "data").rglob("*") if path.is_file() and is_record(path)]
    for path in [*records, *([] if records else [sandbox.project / "data/mine/splits.json.args"])]:
        path.write_bytes(data if how == "instead" else path.read_bytes().rstrip() + b" " + data)


def rename_in_all(sandbox: Sandbox, text: str) -> None:
    for path in (sandbox.project / "data/mine").rglob("*"):
        if path.is_file() and (was := path.read_bytes()) and str(sandbox.mine).encode() in was:
            path.write_bytes(was.replace(str(sandbox.mine).encode(), text.encode()))


def looks(sandbox: Sandbox, done: Done) -> list[str]:
    """Other commands on the same files."""
    found = []
    for words in (("help",), ("-n", "data"), ("clean",)):
        done = sandbox.make(*words, "CORPUS=mine")
        found += [f"make {' '.join(words)}: {fault}" for fault in done.faults()]
        found += [f"make {' '.join(words)}: runs it: {path}" for path in sandbox.pwned()]
        if words == ("help",) and done.code:
            found.append(f"make help fails: {' '.join(done.message)[:200]}")
    return found


def evil_corpus(sandbox: Sandbox, name: str) -> None:
    shutil.copytree(sandbox.mine, sandbox.root / "evil")
    for path in sorted((sandbox.root / "evil").glob("*/*"))[:2]:
        path.rename(path.with_name(name + path.suffix))


def checked(sandbox: Sandbox, done: Done) -> list[str]:
    """What `make data` took is what the stages after it take."""
    if done.code:
        return []
    after = sandbox.make("check", "CORPUS=evil")
    return [*after.faults(), *(["make data takes what make check refuses"] * bool(after.code))]


def evil_pipe(sandbox: Sandbox) -> None:
    wavs = sandbox.root / "given/train/wav.scp"
    wavs.write_text(
        "".join(f"{line.split()[0]} touch pwned; cat {line.split()[1]} |\n" for line in wavs.read_text().splitlines())
    )


def latin_1(sandbox: Sandbox) -> None:
    shutil.copytree(sandbox.mine, sandbox.root / "evil")
    (sandbox.root / "evil/lexicon.txt").write_bytes("CAFÉ K A\n".encode("latin-1"))
