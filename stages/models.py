"""List the encoders that are known by name, and those in the folder MODELS: size, licence, source, SHA-256, and where
they are on this machine."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from pipeline.base.download import sha256
from pipeline.encoders.find import CACHE, check_folder, find, weight_files
from pipeline.encoders.known import ALL, KNOWN
from stages.common import parser, path, run


def main(args: Namespace) -> tuple[Path | None, str]:
    here = 0
    check_folder(args.models)
    print(f"{'name':22} {'MB':>6}  {'licence':12} {'SHA-256':12}  source, or where it is")
    for known in ALL:
        found = find(known.name, args.models, args.cache)
        here += found is not None
        print(
            row(known.name, known.megabytes, known.licence, known.sha256, known.url if found is None else found, found)
        )
    for folder in sorted(args.models.iterdir()) if args.models else ():
        if folder.name not in KNOWN and weight_files(folder):
            here += 1
            print(row(folder.name, 0, "", "", folder, folder))
    return None, f"{len(ALL)} known, {here} on this machine; one that is not is downloaded when it is asked for"


def row(name: str, megabytes: int, licence: str, published: str, where: Path | str, found: Path | None) -> str:
    """A line of the table; of what is here, the size and hash that it has."""
    files = weight_files(found) if found else ()
    if files:
        megabytes = round(sum(file.stat().st_size for file in files) / 1e6)
        published = sha256(files[0])
    return f"{name:22} {megabytes:6}  {licence:12} {published[:12]:12}  {where}"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--models", type=path, help="folder where models are looked for first")
    options.add_argument("--cache", type=Path, default=CACHE, help="where models are downloaded to")
    run(options, main)
