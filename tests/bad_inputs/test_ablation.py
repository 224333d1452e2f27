"""Training again with one setting changed, and with ever higher rates, on the small experiment."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from bad_inputs.place import Place

NEURAL = "exp/toy/neural"


def table(place: Place, name: str) -> list[dict[str, str]]:
    with open(place / f"{NEURAL}/{name}", encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def test_what_is_trained_again_unchanged_ends_as_the_model_did_and_each_is_trained_once(
    finished: Place, tmp_path: Path
) -> None:
    place = finished.copy(tmp_path / "place")
    done = place.stage("ablate", "--changes", "seed=2", "width=4,noise=0")
    assert done.returncode == 0 and not done.stderr, done
    assert (place / f"{NEURAL}/ablation.txt").read_text() in done.stdout
    rows, meta = table(place, "ablation.tsv"), json.loads((place / f"{NEURAL}/meta.json").read_text())
    assert [row["changed"] for row in rows] == ["as it is", "seed=2", "width=4,noise=0"]
    assert float(rows[0]["dev PER"]) == pytest.approx(meta["dev_per"], abs=0.01) and rows[0]["difference"] == ""
    for row in rows[1:]:
        assert float(row["difference"]) == pytest.approx(float(row["dev PER"]) - float(rows[0]["dev PER"]), abs=0.011)
        assert row["epochs"] == row["best epoch"] == "1"

    outcomes = {path: path.stat().st_mtime_ns for path in (place / NEURAL).glob("ablation/*/outcome.json")}
    assert {path.parent.name for path in outcomes} == {"as it is", "seed=2", "width=4,noise=0"}
    assert not list((place / NEURAL).glob("ablation/*/checkpoint.safetensors"))
    kept = json.loads((place / f"{NEURAL}/ablation/seed=2/outcome.json").read_text())
    (place / f"{NEURAL}/ablation/seed=2/outcome.json").write_text(json.dumps({**kept, "told": {}}))
    done = place.stage("ablate", "--changes", "seed=2", "width=4,noise=0")
    assert done.returncode == 0 and not done.stderr, done
    again = {path for path, when in outcomes.items() if path.stat().st_mtime_ns != when}
    assert {path.parent.name for path in again} == {"seed=2"}
    assert [{**row, "seconds": ""} for row in table(place, "ablation.tsv")] == [{**row, "seconds": ""} for row in rows]


def test_settings_of_all_trainings(finished: Place, tmp_path: Path) -> None:
    place = finished.copy(tmp_path / "place")
    done = place.stage("ablate", "--throughout", "epochs=2", "width=4", "--changes", "seed=2")
    assert done.returncode == 0 and not done.stderr, done
    assert [row["epochs"] for row in table(place, "ablation.tsv")] == ["2", "2"]
    told = json.loads((place / f"{NEURAL}/ablation/seed=2/outcome.json").read_text())["told"]["settings"]
    assert (told["epochs"], told["width"], told["seed"], told["conv_layers"]) == (2, 4, 2, 0)


def test_rates_rise_by_a_factor_and_leave_the_model_as_it_is(finished: Place, tmp_path: Path) -> None:
    place = finished.copy(tmp_path / "place")
    before = (place / f"{NEURAL}/model.safetensors").read_bytes()
    done = place.stage("find_rate", "--lowest", "1e-4", "--highest", "1e-2")
    assert done.returncode == 0 and not done.stderr, done
    rows = table(place, "rates.tsv")
    assert [float(row["rate"]) for row in rows] == pytest.approx([10 ** (-4 + number / 2) for number in range(5)])
    assert rows[0]["loss"] == rows[0]["smoothed loss"]
    assert (place / f"{NEURAL}/rates.txt").read_text() in done.stdout
    assert (place / f"{NEURAL}/rates.svg").read_text().endswith("</svg>\n")
    assert (place / f"{NEURAL}/model.safetensors").read_bytes() == before
    two = place.stage("find_rate", "--lowest", "1e-4", "--highest", "1e-2", "--jobs", "2")
    assert two.returncode == 0 and table(place, "rates.tsv") == rows
