"""Who asks a stage what it takes does not wait for libraries that it would only need to compute something."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.systems import KINDS

PROJECT = Path(__file__).resolve().parents[1]
# Each takes a quarter of a second or more of a processor to import.
SLOW = ("torch", "torchaudio", "sklearn", "scipy", "numba", "hmmlearn")
STAGES = sorted(
    path.stem
    for path in (PROJECT / "stages").glob("*.py")
    if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
)
ASKED = [[name] for name in STAGES] + [["train", "--system", kind] for kind in KINDS]
# One after the other in one process, with those of the slow modules that each is the first to import.
ASK_ALL = """
import contextlib, io, json, runpy, sys
asked, slow = json.loads(sys.argv[1]), set(json.loads(sys.argv[2]))
found = []
for name, *options in asked:
    sys.argv = [f"stages/{name}.py", *options, "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as shown, contextlib.suppress(SystemExit):
        runpy.run_module(f"stages.{name}", run_name="__main__")
    found.append([shown.getvalue(), sorted(slow & set(sys.modules))])
    slow -= set(sys.modules)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def answers() -> dict[str, tuple[str, list[str]]]:
    """Of each question the help, and the slow libraries that were there after it."""
    asked = subprocess.run(
        [sys.executable, "-c", ASK_ALL, json.dumps(ASKED), json.dumps(SLOW)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {" ".join(question): answer for question, answer in zip(ASKED, json.loads(asked.stdout), strict=True)}


@pytest.mark.parametrize("question", [" ".join(question) for question in ASKED])
def test_help_imports_nothing_slow(answers, question):
    shown, slow = answers[question]
    assert shown.startswith("usage: ") and not slow


def test_the_options_of_a_kind_are_there(answers):
    assert "--max-mix" in answers["train --system gmm"][0] and "--epochs" in answers["train --system ctc"][0]
