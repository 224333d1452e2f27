"""What the report writes, looked at without a browser."""

from __future__ import annotations

import itertools
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from reports.trees import ODD_ID, SYSTEMS, make_trees, run_stage

from pipeline.compare.dispute import choose
from pipeline.compare.results import read_comparison
from pipeline.draw.colours import COLOURS, DISTINCT, GROUNDS, look
from pipeline.draw.spectrogram import ROWS, spectrogram
from pipeline.report.panel import Interval, row


def test_spectrogram_of_a_tone() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    tone[4000:] = 0
    darkness = spectrogram(tone, 8000)
    assert darkness.shape == (ROWS, 500) and darkness.min() == 0 and darkness.max() == 1
    # 1000 of 4000 Hz is a quarter of the way up; the second half is silent.
    assert abs(int(darkness[:, 100].argmax()) - (ROWS - 1 - ROWS // 4)) <= 1
    assert darkness[:, 260:].max() == 0
    assert darkness[:, 10:240].max(axis=0).min() > 0.9


@pytest.mark.parametrize("length, rate", [(1, 8000), (30, 8000), (400_000, 16_000), (8001, 11_025)])
def test_spectrogram_of_any_length(length: int, rate: int) -> None:
    darkness = spectrogram(np.sin(np.arange(length)), rate)
    assert darkness.shape[0] == ROWS and 1 <= darkness.shape[1] <= 2400
    assert np.isfinite(darkness).all() and darkness.min() >= 0 and darkness.max() <= 1


def segments(text: str) -> list[Interval]:
    return [Interval(i * 0.1, (i + 1) * 0.1, label) for i, label in enumerate(text.split())]


def test_row_marks_each_kind_of_error() -> None:
    heard = row(segments("SIL K AE T SIL"), segments("SIL K EH T SIL S"))
    assert [(label, verdict) for _, _, label, verdict in heard["segments"]] == [
        ("SIL", ""),
        ("K", ""),
        ("EH", "AE"),
        ("T", ""),
        ("SIL", ""),
        ("S", "+"),
    ]
    assert heard["missing"] == []
    assert row(segments("K AE T"), segments("K T"))["missing"] == [[0.1, "AE"]]
    assert row(segments("K AE T"), segments("K AE"))["missing"] == [[0.2, "T"]]
    assert row(segments("K"), [])["missing"] == [[0.0, "K"]]


def test_choice_begins_with_the_most_disputed(tmp_path: Path) -> None:
    exp, data = make_trees(tmp_path)
    chosen = [utterance.id for utterance in choose(read_comparison(exp, data, exp / "gmm/ali_test", SYSTEMS), 3)]
    # u2: all of its one word and two of its three phones differ. The plain one, last, is not among the disputed.
    assert chosen[0] == "u2" and len(set(chosen)) == 3
    assert len(choose(read_comparison(exp, data, exp / "gmm/ali_test", SYSTEMS), 99)) == 4
    assert choose(read_comparison(exp, data, exp / "gmm/ali_test", SYSTEMS), 0) == []


@pytest.mark.parametrize(
    "file, text, says",
    [
        (
            "lattice_difference.json",
            '{"systems": ["a"], "classes": {}}',
            "lattice_difference.json: no difference of two systems; ",
        ),
        (
            "lattice_difference.json",
            '{"systems": ["a", "b"], "classes": {"x": {"reference": 1, "right": {"both": {}}, "wrong": {}}}}',
            "lattice_difference.json: no difference of two systems; ",
        ),
        ("boundaries.tsv", "a\tb\nc\td\n", "boundaries.tsv:1: columns a b, not reference aligner class "),
        ("matrix.tsv", "a\tb\nc\n", "matrix.tsv:2: 1 columns, the head has 2; "),
        ("matrix.tsv", "", "matrix.tsv: empty; "),
        ("old/decode_test/errors.json", "{}", 'errors.json: no "causes"; '),
        (
            "old/decode_test/errors.json",
            '{"causes": {"a": "b"}, "words": {"causes": {"c": 1}}, "free": {"causes": {}}, "wrong": {}}',
            "errors.json: not the causes of errors; ",
        ),
    ],
)
def test_damaged_findings_are_one_line(tmp_path: Path, file: str, text: str, says: str) -> None:
    exp, data = make_trees(tmp_path)
    (exp / file).write_text(text)
    result = run_stage("report", exp, data, "--systems", *SYSTEMS, "--out", str(exp / "report"))
    assert result.returncode == 1 and says in result.stderr and result.stderr.count("\n") == 1
    assert not (exp / "report").exists()


def heading(page: Path) -> str:
    """What a page is headed, its markup read as a browser does."""
    return unescape(page.read_text().split("<h1>")[1].split("</h1>")[0])


def test_named_utterances_are_added_and_stay(tmp_path: Path) -> None:
    exp, data = make_trees(tmp_path)
    out = exp / "report"

    def report(*options: str) -> str:
        options = ("--systems", *SYSTEMS, "--out", str(out), "--utterances", "1", *options)
        result = run_stage("report", exp, data, *options)
        assert result.returncode == 0, result.stderr
        return result.stdout.split("; open ")[1].strip()

    def pages() -> list[str]:
        return [heading(path) for path in sorted((out / "utt").glob("*.html"))]

    chosen = ["u2", "u1"]  # one, and an example of a disputed phone
    assert report() == str(out / "index.html") and pages() == chosen
    assert report("--utt", "u3") == str(out / "utt/003.html") and pages() == [*chosen, "u3"]
    assert report("--utt", "u2") == str(out / "utt/001.html") and pages() == [*chosen, "u3"]
    assert report("--utt", "u1 u3") == report() == str(out / "index.html") and pages() == [*chosen, "u3"]
    (out / "added.txt").write_text("gone\n")
    report()
    assert pages() == chosen
    report("--utt", "all")
    assert pages() == [*chosen, ODD_ID, "u3"]
    assert all(name in unescape((out / "index.html").read_text()) for name in pages())
    result = run_stage("report", exp, data, "--systems", *SYSTEMS, "--out", str(out), "--utt", "u9")
    assert result.returncode == 1 and 'report: UTT "u9" is not in' in result.stderr and "did you mean" in result.stderr
    assert len(pages()) == 4


def test_systems_look_different() -> None:
    assert len({look(number) for number in range(DISTINCT)}) == DISTINCT >= 12
    for number in range(DISTINCT - 1):
        assert all(a != b for a, b in zip(look(number), look(number + 1)))


def linear(colour: str) -> np.ndarray:
    """sRGB as light (IEC 61966-2-1)."""
    values = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


# How light looks to whom one kind of cones is missing (Machado, Oliveira and Fernandes 2009, severity 1).
SIGHT = {
    "full": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def oklab(light: np.ndarray) -> np.ndarray:
    """Ottosson 2020: distances here are as large as they look."""
    to_cones = [[0.4122215, 0.5363325, 0.051446], [0.2119035, 0.6806995, 0.107397], [0.0883025, 0.2817188, 0.6299787]]
    to_lab = [[0.2104543, 0.793618, -0.004072], [1.9779985, -2.4285922, 0.4505937], [0.025904, 0.7827718, -0.8086758]]
    return np.array(to_lab) @ np.cbrt(np.array(to_cones) @ np.clip(light, 0, 1))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_stay_apart(scheme: str) -> None:
    lights = [linear(colour) for colour in COLOURS[scheme]]
    luminances = [light @ [0.2126, 0.7152, 0.0722] + 0.05 for light in (linear(GROUNDS[scheme]), *lights)]
    assert all(max(luminances[0] / one, one / luminances[0]) >= 2.98 for one in luminances[1:])
    for sight in SIGHT.values():
        seen = [oklab(np.array(sight) @ light) for light in lights]
        # The closest of Okabe and Ito's own eight are 0.076 apart (bluish green and reddish purple, deuteranopia).
        assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) >= 0.075
