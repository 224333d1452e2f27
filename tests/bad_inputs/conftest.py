"""The small experiment that all tests of bad inputs copy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bad_inputs.place import Place, Runner, build


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place where every stage has done its work; only to be copied."""
    folder = tmp_path_factory.mktemp("finished")
    runner = Runner()
    place = Place(folder / "place", runner)
    place.root.mkdir()
    build(place)
    yield place
    runner.close()
