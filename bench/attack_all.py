"""All attacks, those of the tests and similar ones, as a table: what was done, and whether it was withstood.

    .venv/bin/python bench/attack_all.py [--only WORDS]

The tests run the rows marked with a star. It takes about four minutes. Exit status 1 if any attack succeeded.
"""

from __future__ import annotations

import shutil
import sys

from attacks.attack import fake_exp
from attacks.hostile import Matrix
from attacks.rows import ATTACKS
from attacks.sandbox import Sandbox, write_corpus
from small import PROJECT, options, table


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--only", default="", help="rows that hold these words")
    args = parser.parse_args()
    shutil.rmtree(args.folder, ignore_errors=True)
    prepared = Sandbox(args.folder / "prepared")
    write_corpus(prepared.mine, PROJECT / "downloads", 20)
    done = prepared.make("data", "CORPUS_DIR=../../../mine")
    if done.code:
        sys.exit(done.said)
    fake_exp(prepared)
    matrix = Matrix(Sandbox(args.folder / "matrix", real=False))
    found = {
        f"* C: make {target} with every setting": lambda target=target: matrix.faults(target)
        for target in matrix.targets
    }
    found |= {
        f"  C: make {target} with each odd character": lambda target=target: matrix.single(target)
        for target in ("help", "align", "transcribe", "lexicon", "check")
    }
    for number, attack in enumerate(ATTACKS):

        def row(attack=attack, number=number) -> list[str]:
            sandbox = prepared.copy_to(args.folder / str(number))
            faults = attack.faults(sandbox)
            shutil.rmtree(sandbox.root)
            return faults

        found[f"{'*' if attack.always else ' '} {attack}"] = row
    rows = []
    for name, attempt in found.items():
        if args.only in name:
            faults = attempt()
            rows.append([name, "held" if not faults else "NOT HELD", "; ".join(faults)[:150]])
            print("  ".join(rows[-1]), file=sys.stderr, flush=True)
    print(table(["attack", "", "what happened"], rows))
    print(f"{len(rows)} attacks: {sum(row[1] == 'held' for row in rows)} held")
    return 0 if all(row[1] == "held" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
