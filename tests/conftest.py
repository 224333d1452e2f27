"""What several tests share."""
from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.corpora import prompts

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def prompts_root() -> Path:
    """The real speech of the default corpus, in the project's own cache (fetched there if it is the first time)."""
    return prompts.get(None, PROJECT / "downloads")
