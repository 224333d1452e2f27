"""Attacks of kind B: what is not ours is not deleted."""

from __future__ import annotations

from pathlib import Path

from attacks.attack import REFUSED, WORKS, Attack, all_of, first, given, link, mine_is_there, own_is_spared, write
from attacks.sandbox import Sandbox

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


def linked_table(sandbox: Sandbox) -> None:
    text = sandbox.root / "given/train/text"
    (sandbox.canary / "text").write_bytes(text.read_bytes())
    text.unlink()
    text.symlink_to(sandbox.canary / "text")


def content_is(path: Path) -> bool:
    return path.is_file() and path.read_text() == "somebody's\n"
