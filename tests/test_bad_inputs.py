"""Bad inputs at every stage: one line that names the file and the way out, exit status 1, and nothing valid harmed."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bad_inputs.place import Place, Runner, build
from bad_inputs.spoil import Row
from bad_inputs.table import ROWS


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place where every stage has done its work; only to be copied."""
    folder = tmp_path_factory.mktemp("sound")
    runner = Runner(folder)
    place = Place(folder / "place", runner)
    place.root.mkdir()
    build(place)
    yield place
    runner.close()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.stage}: {row.bad}")
def test_a_bad_input_ends_in_one_line_and_harms_nothing(sound: Place, tmp_path: Path, row: Row) -> None:
    place = sound.copy(tmp_path / "place")
    if row.spoil:
        row.spoil(place)
    before = place.snapshot()
    done = place.runner.run(place.root, row.stage, row.options())
    assert done.returncode == 1, done
    assert done.stderr.startswith(f"{row.stage}: ") and done.stderr.count("\n") == 1, done.stderr
    for says in row.says:
        assert says in done.stderr
    assert len(done.stderr) < 1200 and done.stderr[:-1].isprintable()
    after = place.snapshot()
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed <= set(row.changed)
