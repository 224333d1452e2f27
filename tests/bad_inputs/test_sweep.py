"""The sweep of the small experiment says what decoding and scoring with the same options say."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bad_inputs.place import Place
from bad_inputs.rows_decoding import FLASHLIGHT

OPEN = "--beam 500 --lattice-beam 2 --beam-size 5000 --beam-size-token 50 --beam-threshold 500 --log-add yes".split()
REFERENCE = ("--ref-phones", "exp/toy/gmm/ali_dev/reference.txt")


def swept(place: Place, system: str, *more: str) -> list[dict[str, str]]:
    folder = f"exp/toy/{system}"
    done = place.stage(
        "sweep", "--model", folder, "--tuning", f"{folder}/tuning.json", "--out", f"{folder}/sweep.tsv", *more
    )
    assert done.returncode == 0 and not done.stderr, done
    assert (place / f"{folder}/sweep.txt").read_text() in done.stdout
    assert (place / f"{folder}/sweep.svg").read_text().endswith("</svg>\n")
    with open(place / f"{folder}/sweep.tsv", encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def percent(path: Path) -> str:
    return path.read_text().split()[1]


@pytest.mark.parametrize("system, search", [("gmm", "wfst"), ("neural", "flashlight")])
def test_wide_open_it_has_the_error_rates_of_a_decode_of_the_same_set(
    finished: Place, tmp_path: Path, system: str, search: str
) -> None:
    place, folder = finished.copy(tmp_path / "place"), f"exp/toy/{system}"
    if search == "flashlight":
        (place / folder / "tuning.json").write_text(FLASHLIGHT)
    knobs = ("beam_size", "log_add", "greedy") if search == "flashlight" else ("beam", "lattice_beam")
    rows = swept(place, system, *OPEN, "--knobs", *knobs)
    decoded = f"{folder}/decode_dev"
    for done in (
        place.stage(
            *("decode", "--model", folder, "--tuning", f"{folder}/tuning.json", "--search", search),
            *("--data", "data/toy/dev", "--out", decoded, *OPEN),
        ),
        place.stage("score", "--decode", decoded, "--data", "data/toy/dev", *REFERENCE),
    ):
        assert done.returncode == 0, done
    in_use = {(row["WER"], row["PER"]) for row in rows if row["in use"] == "yes"}
    assert in_use == {(percent(place / decoded / "wer.txt"), percent(place / decoded / "per.txt"))}
    greedy = [row["free PER"] for row in rows if row["knob"] == "greedy"]
    assert greedy == ([percent(place / decoded / "greedy_per.txt")] if search == "flashlight" else [])


def test_only_times_depend_on_the_number_of_jobs(finished: Place, tmp_path: Path) -> None:
    place = finished.copy(tmp_path / "place")
    one, two = (
        [{**row, "RTF": ""} for row in swept(place, "gmm", "--knobs", "beam", "insertion_score", "--jobs", jobs)]
        for jobs in ("1", "2")
    )
    assert one == two and {row["knob"] for row in one} == {"beam", "insertion_score"}
