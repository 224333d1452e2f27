"""The attacks that are one command each: what is done, and what must come of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import soundfile
from attacks.sandbox import Done, Sandbox, differences, snapshot

WORKS, REFUSED, EITHER = "works", "is refused", "works or is refused in a line"


@dataclass(frozen=True)
class Attack:
    """``make WORDS`` in a sandbox with data/mine, made from ../../../mine, and exp/mine with a recording of its user.

    In words and environment {canary}, {root} and {mine} are folders of the sandbox. ``may`` lists what may change,
    seen from the project, beside exp/mine and data/mine; ``after`` returns further faults.
    """

    kind: str
    what: str
    words: tuple[str, ...]
    ends: str = EITHER
    env: dict[str, str] = field(default_factory=dict)
    before: Callable[[Sandbox], None] | None = None
    may: tuple[str, ...] = ()
    after: Callable[[Sandbox, Done], list[str]] | None = None
    always: bool = True  # in the tests too; the others, its siblings, are for bench/attack_all.py

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"

    def faults(self, sandbox: Sandbox) -> list[str]:
        """Do it; what was not held."""
        if self.before:
            self.before(sandbox)
        may = [sandbox.project / name for name in ("data/mine", "exp/mine", "data/g2p", "data/.mine.lock", *self.may)]
        may += [sandbox.root / "tmp", sandbox.root / "home/.cache"]
        seen = snapshot(sandbox.root, may)
        done = sandbox.make(
            *(filled(word, sandbox) for word in self.words),
            env={name: filled(value, sandbox) for name, value in self.env.items()},
        )
        found = [*done.faults(), *(f"runs it: {path}" for path in sandbox.pwned())]
        found += [
            line
            for line in differences(seen, snapshot(sandbox.root, may))
            if not line.startswith("new: in/here/project/") and "/pwned" not in line
        ]
        if self.ends == WORKS and done.code:
            found.append(f"does not work: {' '.join(done.message)[:300]}")
        if self.ends == REFUSED and done.code == 0:
            found.append("is not refused")
        return found + (self.after(sandbox, done) if self.after else [])


def filled(text: str, sandbox: Sandbox) -> str:
    """The folders that {canary}, {root} and {mine} stand for; other braces are the attack's."""
    for name, folder in (("canary", sandbox.canary), ("root", sandbox.root), ("mine", sandbox.mine)):
        text = text.replace(f"{{{name}}}", str(folder))
    return text


def first(number: int, rows: list[Attack]) -> list[Attack]:
    """Rows that differ in a name only: the tests do the first ``number`` of them."""
    return [replace(row, always=index < number) for index, row in enumerate(rows)]


def fake_exp(sandbox: Sandbox) -> None:
    """What a user has in exp/mine: results, and a recording of theirs."""
    for name in ("gmm/train.log", "own/me.wav"):
        path = sandbox.project / "exp/mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine\n")


def own_is_spared(sandbox: Sandbox, done: Done) -> list[str]:
    return [] if (sandbox.project / "exp/mine/own/me.wav").is_file() else ["the user's recording is deleted"]


def mine_is_there(sandbox: Sandbox, done: Done) -> list[str]:
    """What belongs to data/mine and exp/mine was not touched by a command on something else."""
    return [
        f"deleted: {name}"
        for name in ("data/mine/splits.json", "data/mine/train/text", "exp/mine/gmm/train.log", "exp/mine/own/me.wav")
        if not (sandbox.project / name).is_file()
    ]


def link(name: str, to: str) -> Callable[[Sandbox], None]:
    """Plant a link in the project to something of the sandbox."""

    def plant(sandbox: Sandbox) -> None:
        path = sandbox.project / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(sandbox.root / to)

    return plant


def write(name: str, text: str, executable: bool = False) -> Callable[[Sandbox], None]:
    def plant(sandbox: Sandbox) -> None:
        path = sandbox.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(text))
        path.chmod(0o755 if executable else 0o644)

    return plant


def all_of(*steps: Callable[[Sandbox], None]) -> Callable[[Sandbox], None]:
    return lambda sandbox: [step(sandbox) for step in steps] and None


# B: what is not ours is not deleted ---------------------------------------------------------------------------------

PWN = '#!/bin/sh\ntouch "$HOME/pwned"\n'


def environment() -> list[Attack]:
    """Settings come from the command line, not from variables that happen to be in the environment."""
    clean = [
        Attack(
            "B", f"{name}={value} in the environment of make clean", ("clean",), env={name: value}, after=mine_is_there
        )
        for name, value in (
            ("DATA", "{canary}"),
            ("EXP", "{canary}"),
            ("CORPUS", "../../../../canary"),
            ("CORPUS", ""),
            ("CORPUS", "mine"),
            ("CORPUS_DIR", "/"),
            ("CORPUS_DIR", "{mine}"),
        )
    ]
    new = ("data/mine", "exp/mine")
    data = [
        Attack(
            "B",
            f"{name}={value} in the environment of make data",
            ("data", "CORPUS_DIR={mine}"),
            WORKS,
            {name: value},
            may=new,
            after=lambda sandbox, done: mine_is_there(sandbox, done),
        )
        for name, value in (
            ("DATA", "{canary}"),
            ("EXP", "{canary}"),
            ("CORPUS", "other"),
            ("SPLIT", "nonsense"),
            ("DATA_ARGS", "--out {canary}"),
            ("from", "{canary}"),
            ("home", "{canary}"),
        )
    ]
    run = [
        Attack(
            "B",
            f"{name} in the environment names a program of a stranger",
            ("data", "CORPUS_DIR={mine}"),
            WORKS,
            {name: value},
            write("canary/venv/bin/python", PWN, executable=True),
        )
        for name, value in (
            ("VENV", "{canary}/venv"),
            ("PY", "{canary}/venv/bin/python"),
            ("python", "{canary}/venv/bin/python"),
            ("SHELL", "{canary}/venv/bin/python"),
        )
    ]
    check = [
        Attack(
            "B",
            "DIR in the environment of make check FIX=yes",
            ("check", "FIX=yes", "CORPUS=mine"),
            env={"DIR": "{canary}/train"},
        ),
        Attack("B", "FIX=yes in the environment of make check", ("check", "DIR={canary}/train"), env={"FIX": "yes"}),
    ]
    return [
        *first(4, clean),
        *first(3, data),
        *first(2, run),
        *check,
        Attack(
            "B",
            "every setting in the environment: make help shows none",
            ("help",),
            WORKS,
            {
                name: "$(shell touch pwned)"
                for name in (
                    "DATA",
                    "EXP",
                    "WAV",
                    "TEXT",
                    "UTT",
                    "STAGE",
                    "GMM_ARGS",
                    "LEXICON",
                    "DOWNLOADS",
                    "CORPUS_DIR",
                    "SYSTEMS",
                    "NJ",
                    "MODEL",
                    "BEAM",
                    "TEXTFILE",
                    "explained",
                    "odd",
                    "flat",
                )
            },
            after=lambda sandbox, done: ["a setting comes from the environment"] * ("touch" in done.said),
        ),
    ]


def cleaning() -> list[Attack]:
    """make clean with names that are not a corpus, and folders that phonoscope did not make."""
    no_name = (
        "",
        ".",
        "..",
        "/",
        "../../../../canary",
        "mine/..",
        "../../canary",
        "mine/train",
        "./",
        "*",
        "~",
        "mine ../../../../canary",
        "mine/../../../../../canary",
        "$(HOME)",
        ".mine",
        "-rf",
    )
    not_ours = (
        "{canary}",
        "",
        ".",
        "linked",
        "data/mine {canary}",
        "data",
        "stages",
        "~",
        "{canary}/",
        "linked/",
        "..",
        "exp",
        "./data",
        "pipeline",
        "{root}/home",
        "../../../canary",
        "data/mine/../../../../../canary",
        "data/mine/train",
        "*",
        "{canary}/train",
        "data/new\n{canary}",
    )
    linked = link("linked", "canary")
    rows = first(
        6,
        [
            Attack("B", f"make clean CORPUS={value!r}", ("clean", f"CORPUS={value}"), REFUSED, after=mine_is_there)
            for value in no_name
        ],
    )
    rows += first(
        2,
        [
            Attack("B", f"make clean CORPUS_DIR={value!r}", ("clean", f"CORPUS_DIR={value}"), after=mine_is_there)
            for value in ("/", ".", "..", "//", "{root}")
        ],
    )
    for name, number in (("DATA", 7), ("EXP", 4)):
        rows += first(
            number,
            [
                Attack(
                    "B",
                    f"make clean {name}={value!r}",
                    ("clean", "CORPUS=other", f"{name}={value}"),
                    REFUSED,
                    before=linked,
                    after=mine_is_there,
                )
                for value in not_ours
            ],
        )
    rows += [
        Attack(
            "B",
            "make clean spares exp/mine/own",
            ("clean", "CORPUS=mine"),
            WORKS,
            after=lambda sandbox, done: [*own_is_spared(sandbox, done), *still_there(sandbox, "data/mine/train")],
        ),
        *(
            Attack("B", f"make clean, where {name} is a link", ("clean", "CORPUS=mine"), before=link(name, "canary"))
            for name in ("exp/mine/own", "data/mine", "exp/mine", "data/mine/train")
        ),
        Attack("B", "make clean of a corpus that was never made", ("clean", "CORPUS=fsdd"), WORKS, after=mine_is_there),
        Attack(
            "B",
            "make clean keeps what was fetched",
            ("clean", "CORPUS=mine"),
            WORKS,
            before=write("in/here/project/downloads/mine/a.wav", "fetched\n"),
        ),
    ]
    return rows


def still_there(sandbox: Sandbox, name: str) -> list[str]:
    return [f"does not remove {name}"] if (sandbox.project / name).exists() else []


def writing() -> list[Attack]:
    """Stages that replace folders."""
    make_data = ("data", "CORPUS_DIR={mine}", "CORPUS=other")
    rows = [
        Attack(
            "B", f"make data DATA={value!r}", (*make_data, f"DATA={value}"), REFUSED, before=link("linked", "canary")
        )
        for value in ("{canary}", ".", "", "linked", "..", "{root}", "{canary}/train", "stages", "../../../canary")
    ]
    return [
        *first(4, rows),
        Attack(
            "B",
            "make data into a new folder elsewhere",
            (*make_data, "DATA={root}/new/data"),
            WORKS,
            before=lambda sandbox: (sandbox.root / "new").mkdir(),
            may=("../../../new",),
        ),
        Attack(
            "B",
            "make data, where data/mine is a link to a stranger's folder",
            ("data", "CORPUS_DIR={mine}"),
            before=link("data/mine", "canary"),
        ),
        Attack(
            "B",
            "make data, where data/mine/train is a link",
            ("data", "CORPUS_DIR={mine}", "SPLIT=utterance"),
            before=link("data/mine/train", "canary"),
        ),
        Attack(
            "B",
            "make data, where data/ is a link to a stranger's folder with a folder of that name",
            ("data", "CORPUS_DIR={mine}", "CORPUS=train"),
            before=link("data", "canary"),
        ),
        Attack(
            "B",
            "make data, where the corpus lies in the way",
            ("data", "CORPUS_DIR=data/mine"),
            REFUSED,
            after=mine_is_there,
        ),
    ]


def checking() -> list[Attack]:
    """make check FIX=yes mends tables; a user's hidden files, and those of processes elsewhere, stay."""
    rows = []
    for name in (
        ".notes.draft.tmp",
        ".a.b.tmp/kept",
        ".text.12345.tmp",
        ".text.0.tmp",
        ".x.99999999999999999999.tmp",
        ".backup/text",
        ".hidden",
        "text.tmp",
        ".text.lock",
        ".nfs0001",
    ):
        rows.append(
            Attack(
                "B",
                f"make check FIX=yes beside {name}",
                ("check", "DIR=../../../given/train", "FIX=yes"),
                before=all_of(given, write(f"given/train/{name}", "somebody's\n")),
                may=("../../../given",),
                after=lambda sandbox, done, name=name: (
                    [] if content_is(sandbox.root / "given/train" / name) else [f"deletes or changes {name}"]
                ),
            )
        )
    return [
        *first(4, rows),
        Attack("B", "make check without FIX changes nothing", ("check", "DIR=../../../given/train"), before=given),
        Attack(
            "B",
            "make check FIX=yes where a table is a link",
            ("check", "DIR=../../../given/train", "FIX=yes"),
            before=all_of(given, lambda sandbox: linked_table(sandbox)),
            may=("../../../given",),
        ),
        Attack(
            "B",
            "make check FIX=yes where .backup is a link",
            ("check", "DIR=../../../given/train", "FIX=yes"),
            before=all_of(given, lambda sandbox: (sandbox.root / "given/train/.backup").symlink_to(sandbox.canary)),
            may=("../../../given",),
        ),
    ]


def given(sandbox: Sandbox) -> None:
    """A data directory of somebody with something to mend: its tables are not in order."""
    shutil.copytree(sandbox.project / "data/mine/train", sandbox.root / "given/train")
    text = sandbox.root / "given/train/text"
    text.write_text("".join(reversed(text.read_text().splitlines(keepends=True))))
    (sandbox.root / "given/train/utt2num_samples").unlink()


def linked_table(sandbox: Sandbox) -> None:
    text = sandbox.root / "given/train/text"
    (sandbox.canary / "text").write_bytes(text.read_bytes())
    text.unlink()
    text.symlink_to(sandbox.canary / "text")


def content_is(path: Path) -> bool:
    return path.is_file() and path.read_text() == "somebody's\n"


# C: what comes from elsewhere is not run, and writes nowhere else ---------------------------------------------------

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
    """data/ and exp/ from somebody else, whose records hold commands; and conf files that are none."""
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


ATTACKS = [*environment(), *cleaning(), *writing(), *checking(), *named(), *received()]
