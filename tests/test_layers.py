"""make layers: planted layers (phones as they are, and noise) through the real stage, on a corpus of a moment; splits
together; and the page that shows it, in a real browser."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
from helpers.encoders import write_ctranslate2
from helpers.features import as_it_is
from helpers.langs import make_lang, unigram_arpa
from helpers.trees import SYSTEMS, make_trees, run_stage

from lexicon.errors import UserError
from lexicon.files import write_json, write_lines
from lexicon.lang import load_lang
from pipeline.compare.layers import COUNTED, read_layers, tsv_lines
from pipeline.datadir import Utterance, write_datadir
from pipeline.datadir.feats import write_raw
from pipeline.datadir.sets import read_gold
from pipeline.neural.config import EncoderConfig
from pipeline.neural.model import CtcModel, Encoder, save_model
from pipeline.probe.target import Target, centres_of, read_target
from pipeline.sound.front_end import Raw
from pipeline.sound.mfcc import fbank, mfcc
from pipeline.times.intervals import Interval, read_ctm
from stages.encode import main as encode

pytest_plugins = ["reports.fixtures"]
PROJECT = Path(__file__).resolve().parents[1]
RATE = 16_000
PHONES = ["SIL", "AE", "K", "S", "T"]
LEXICON = ["CAT 1.0 K AE T", "SAT 1.0 S AE T", "ASK 1.0 AE S K", "TACK 1.0 T AE K", "SACK 1.0 S AE K", "ACT 1.0 AE K T"]
SPEAKERS = {"train": "abc", "dev": "d", "test": "efghi"}
SHIFT = 0.02  # seconds; phones begin half-way between rows, whose centres are 12.5 ms + 20 ms times their number


def utterance_of(rng: np.random.Generator) -> tuple[list[str], list[Interval], list[Interval], np.ndarray]:
    """Three words, no phone twice in a row, with a pause before and after, and the phone of each row."""
    said = {line.split()[0]: line.split()[2:] for line in LEXICON}
    words = [str(rng.choice(list(said)))]
    while len(words) < 3:
        words.append(str(rng.choice([word for word in said if said[word][0] != said[words[-1]][-1]])))
    phones, placed, row, labels = [], [], 4, [0] * 4
    for word in words:
        first = row
        for phone in said[word]:
            length = int(rng.integers(3, 6))
            phones.append(Interval(round(0.0025 + SHIFT * row, 4), round(0.0025 + SHIFT * (row + length), 4), phone))
            labels += [PHONES.index(phone)] * length
            row += length
        placed.append(Interval(round(0.0025 + SHIFT * first, 4), round(0.0025 + SHIFT * row, 4), word))
    return words, phones, placed, np.array([*labels, *[0] * 4])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sets of speakers of their own, each of whom says four utterances; hands have placed the phones. ``planted.hot``
    says which phone it is, ``planted.noise`` nothing; ``small`` is a Whisper with random weights."""
    root, rng = tmp_path_factory.mktemp("layers"), np.random.default_rng(0)
    data = root / "data"
    lang = make_lang_of(data)
    tones = rng.normal(0, 0.1, (len(PHONES), int(RATE * SHIFT)))
    for name, speakers in SPEAKERS.items():
        gold: dict[str, dict[str, list[Interval]]] = {"phones": {}, "words": {}}
        utterances, rows, labels_of, sounds = [], {}, {}, {}
        for utt in [f"{speaker}{number}" for speaker in speakers for number in range(4)]:
            words, gold["phones"][utt], gold["words"][utt], labels = utterance_of(rng)
            labels_of[utt] = labels
            sounds[utt] = np.concatenate([tones[label] for label in labels]) + rng.normal(0, 0.01, len(labels) * 320)
            wav = root / f"{utt}.wav"
            soundfile.write(wav, sounds[utt], RATE)
            utterances.append(Utterance(utt, utt[0], wav, tuple(words), len(sounds[utt])))
        write_datadir(data / name, utterances, gold)
        speaker_of = {u.id: u.speaker for u in utterances}
        samples = {utt: 32768 * sound.astype(np.float32) for utt, sound in sounds.items()}
        for kind, make in (("mfcc", mfcc), ("fbank", fbank)):
            rows = {utt: make(sound, RATE) for utt, sound in samples.items()}
            write_raw(data / name, Raw(kind, RATE, next(iter(rows.values())).shape[1]), rows.items(), speaker_of)
        hot = {utt: np.eye(len(PHONES), dtype=np.float32)[labels] for utt, labels in labels_of.items()}
        noise = {utt: rng.normal(size=(len(labels), 6)).astype(np.float32) for utt, labels in labels_of.items()}
        for layer, found in (("hot", hot), ("noise", noise)):
            raw = Raw(f"planted.{layer}", RATE, next(iter(found.values())).shape[1], 1000 * SHIFT)
            write_raw(data / name, raw, found.items(), speaker_of)
        write_json(data / name / "planted.json", {"layers": ["hot", "noise"]})
        references = {utt: [phone.label for phone in phones] for utt, phones in gold["phones"].items()}
        write_reference(root / "exp/hmm" / f"ali_{name}", references)
    write_json(data / "splits.json", {"corpus": "planted_corpus", "sample_rate": RATE})
    write_ctranslate2(root / "models/small")
    torch.manual_seed(1)
    network = Encoder(EncoderConfig("conv-bigru", 39, len(lang.tokens), 8, 1, 1, 3, 0.1)).eval()
    front_end = {**as_it_is().as_json(), "raw": {"kind": "mfcc", "sample_rate": RATE, "coefficients": 13}}
    front_end |= {"normalise": "variance", "deltas": 2}
    described = {"train_seconds": 1.0, "prior_scale": 0.5, "front_end": front_end}
    save_model(root / "exp/net", CtcModel(network, lang.tokens, np.log(np.full(len(lang.tokens), 0.2, "f"))), described)
    return root


def make_lang_of(data: Path):
    data.mkdir()
    lang = make_lang(data / "lang", LEXICON, unigram_arpa({line.split()[0]: -0.8 for line in LEXICON}))
    arpa = unigram_arpa({phone: -0.7 for phone in PHONES[1:]})
    (data / "lang/phone_lm.arpa").write_text(arpa)
    return lang


def write_reference(folder: Path, references: dict[str, list[str]]) -> None:
    folder.mkdir(parents=True)
    lines = "".join(f"{utt} {' '.join(phones)}\n" for utt, phones in sorted(references.items()))
    (folder / "reference.txt").write_text(lines)


def test_phones_of_the_dictionary_where_the_gold_ones_are_not_asked_for(corpus):
    """A forced alignment that takes T for K and K for T, and is 10 ms late."""
    swapped, aligned = {"T": "K", "K": "T"}, corpus / "exp/late"
    for name in SPEAKERS:
        folder = corpus / "data" / name
        write_reference(aligned / f"ali_{name}", {utt: ["AE"] for utt in read_gold(folder, "phones")})
        late = {
            kind: {
                utt: [Interval(one.start + 0.01, one.end + 0.01, swapped.get(one.label, one.label)) for one in placed]
                for utt, placed in read_gold(folder, kind).items()
            }
            for kind in ("phones", "words")
        }
        for kind, placed in late.items():
            lines = [f"{utt} 1 {p.start} {p.end - p.start} {p.label}" for utt, own in placed.items() for p in own]
            write_lines(aligned / f"ali_{name}/{kind}.ctm", lines)
        spelled = (" ".join([utt, *(one.label for one in own)]) for utt, own in late["phones"].items())
        write_lines(aligned / f"ali_{name}/phones.txt", spelled)
    lang = load_lang(corpus / "data/lang")
    gold, dictionary = (read_target(corpus / "data", aligned, lang, 30, gold) for gold in (True, False))
    assert gold.gold and not dictionary.gold
    for utt in gold.sets["test"]:
        placed = gold.phones[utt]
        assert [one.start + 0.01 for one in placed] == pytest.approx([one.start for one in dictionary.phones[utt]])
        assert [swapped.get(one.label, one.label) for one in placed] == [one.label for one in dictionary.phones[utt]]
        assert list(dictionary.references[utt]) == [one.label for one in dictionary.phones[utt]]
        assert dictionary.words[utt][0].start == pytest.approx(gold.words[utt][0].start + 0.01)


def stage(name: str, *options: str | Path) -> None:
    command = [sys.executable, "-m", f"stages.{name}", *map(str, options)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def measured(corpus: Path) -> Path:
    """The tables of ``planted``, with the network's layers and a Whisper beside it, and of the same once more."""
    for name in SPEAKERS:
        data = corpus / "data" / name
        how = {
            "language": None,
            "layers": ["block2"],
            "words": False,
            "together": "yes",
            "jobs": 1,
            "allow_missing": 0,
            "leave_out": None,
        }
        files = {"data": data, "models": corpus / "models", "out": data / "small.json"}
        encode(Namespace(encoder="small", **files, **how))
    common = ["--data", corpus / "data", "--reference", corpus / "exp/hmm", "--models", corpus / "exp/net"]
    for folder, jobs in (("one", "2"), ("two", "1")):
        out = corpus / folder / "layers/planted.tsv"
        stage("layers", *common, "--encoders", "planted", "small", "--out", out, "--jobs", jobs)
    return corpus


def test_planted_phones_are_found_and_noise_has_none(measured):
    layers = read_layers([measured / "one/layers/planted.json"])
    rows = {row.name: row for row in layers.rows}
    assert list(rows) == [
        *("mfcc", "fbank", "planted.hot", "planted.noise", "small.block2"),
        *("net.front", "net.residual", "net.layer1"),
    ]
    hot, noise = rows["planted.hot"], rows["planted.noise"]
    for measure in ("frame_accuracy", "balanced_accuracy", "pnmi"):
        assert hot.percent(measure) == pytest.approx(100) and noise.percent(measure) < 50, measure
    assert hot.percent("boundaries") == 100 and noise.percent("boundaries") < 60
    assert noise.percent("cka_mfcc") < 10 < hot.percent("cka_mfcc")
    assert hot.percent("free_per") == 0 and hot.percent("abx_error") == 0
    assert noise.percent("balanced_accuracy") == pytest.approx(20, abs=5)  # of five phones
    assert noise.percent("free_per") > 60 and noise.percent("abx_error") == pytest.approx(50, abs=10)
    assert abs(noise.percent("selectivity")) < 20 < hot.percent("selectivity")
    assert hot.chosen and not noise.chosen and layers.best["planted"].name == "best on dev: planted.hot"
    assert [point.rate.percent for point in layers.curves["planted"]] == pytest.approx([100])
    assert layers.unit == "speakers" and "20 test utterances of 5 speakers" in layers.setting
    assert layers.setting.startswith("planted_corpus, planted: ") and "phones: gold" in layers.setting
    names, matrix = layers.cka
    assert list(names) == [name for name in rows if not name.startswith("small")]
    assert np.allclose(np.diag(matrix), 1) and np.allclose(matrix, matrix.T)


def test_any_number_of_jobs_gives_the_same_numbers(measured):
    one, two = ((measured / folder / "layers/planted.json").read_bytes() for folder in ("one", "two"))
    assert one == two


def test_splits_together(measured, tmp_path):
    """A split and its copy have the same rates; the layer that is best on dev is each split's own."""
    path = measured / "one/layers/planted.json"
    alone, twice = read_layers([path]), read_layers([path, path])
    for row, other in zip(alone.rows, twice.rows):
        for measure in COUNTED:
            assert row.percent(measure) == pytest.approx(other.percent(measure))
    other = json.loads(path.read_text())
    for row in other["rows"]:
        row["dev_accuracy"] = 100.0 if row["name"] == "planted.noise" else 0.0
    write_json(tmp_path / "other.json", other)
    mixed = read_layers([path, tmp_path / "other.json"])
    best = mixed.best["planted"]
    assert best.name == "best on dev: planted.hot, planted.noise"
    halves = [row.percent("frame_accuracy") for row in alone.rows if row.group == "planted"]
    assert best.percent("frame_accuracy") == pytest.approx(np.mean(halves))
    lines = [line.split("\t") for line in tsv_lines(mixed)]
    assert {len(line) for line in lines} == {len(lines[0])} and lines[-2][0] == best.name
    done = subprocess.run(
        [sys.executable, "bench/pool_layers.py", path, tmp_path / "other.json"],
        cwd=PROJECT,
        env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert "40 test utterances of 5 speakers in 2 splits" in done.stdout, done.stderr
    other["rows"].pop()
    write_json(tmp_path / "other.json", other)
    with pytest.raises(UserError, match="other layers than in"):
        read_layers([path, tmp_path / "other.json"])
    (tmp_path / "other.json").write_text('{"rows": []}')
    with pytest.raises(UserError, match="no measures of layers"):
        read_layers([tmp_path / "other.json"])


def test_phones_of_words():
    """Each word's phones in their order; closures belong to their stops, and a phone outside of words is by itself."""
    phones = [("h#", 0.0, 0.1), ("kcl", 0.1, 0.2), ("k", 0.2, 0.3), ("ae", 0.3, 0.4), ("t", 0.5, 0.6), ("s", 0.7, 0.8)]
    placed = {"u": [Interval(start, end, name) for name, start, end in phones]}
    words = {"u": [Interval(0.1, 0.45, "CA"), Interval(0.45, 0.65, "T")]}
    fold = {"h#": "SIL", "kcl": "SIL", "k": "K", "ae": "AE", "t": "T", "s": "S"}
    sets = {"train": ["u"], "dev": [], "test": []}
    target = Target(sets, {"u": "s"}, {"u": 1.0}, placed, words, {"u": ["K"]}, PHONES, fold, True)
    assert target.said("u") == [["K", "AE"], ["T"], ["S"]]
    centres = centres_of(5, 2)
    assert centres == pytest.approx([0.0125, 0.0325, 0.0525, 0.0725, 0.0925])
    at = np.array([0.05, 0.15, 0.25, 0.35])
    assert [PHONES[i] for i in target.labels("u", at)] == ["SIL", "SIL", "K", "AE"]
    assert [PHONES[i] for i in target.labels("u", at, whole=True)] == ["SIL", "K", "K", "AE"]


def test_page(measured: Path, watched: SimpleNamespace, tmp_path: Path) -> None:
    exp, data = make_trees(tmp_path)
    plain = run_stage("report", exp, data, "--systems", *SYSTEMS, "--out", str(exp / "report"))
    assert plain.returncode == 0, plain.stderr
    page = watched.page
    page.goto((exp / "report/index.html").as_uri())
    assert page.locator("nav a[href='layers.html']").count() == 0
    (exp / "layers").mkdir()
    for name in ("planted.json", "planted.safetensors"):
        shutil.copy(measured / "one/layers" / name, exp / "layers")
    done = run_stage("report", exp, data, "--systems", *SYSTEMS, "--out", str(exp / "report"))
    assert done.returncode == 0, done.stderr
    page.goto((exp / "report/index.html").as_uri())
    page.locator("nav a[href='layers.html']").click()
    page.wait_for_url("**/layers.html")
    assert "names 100.0 [100.0, 100.0] % of frames right" in page.locator(".lead").first.inner_text()
    assert page.locator("figure.curve").count() == 9  # each measure, and the learning curve
    first = page.locator("figure.curve").first
    assert first.locator("g").evaluate_all("all => all.map(one => one.dataset.line)") == [
        *("planted", "mfcc", "fbank", "small", "net"),
    ]
    assert first.locator("g.s0 circle title").all_text_contents()[0] == "planted.hot: 100.0 [100.0, 100.0] %"
    hot, noise = first.locator("g.s0 circle").evaluate_all("all => all.map(one => one.cy.baseVal.value)")
    assert hot < noise  # more is higher
    labels = first.locator("g > text").evaluate_all(
        "all => all.map(one => one.y.baseVal[0].value).sort((a, b) => a - b)"
    )
    assert all(b - a > 10 for a, b in zip(labels, labels[1:]))
    assert page.locator("table.figures tbody tr").count() == 8
    assert "planted.hot best on dev" in page.locator("table.figures tr.chosen").first.inner_text().replace("\t", " ")
    assert page.locator("table.alike tbody td").count() == 49
    assert "Hewitt & Liang 2019" in page.locator("#elsewhere").inner_text()
    # The first utterance of the test set: its phones over what the probe makes of them.
    assert page.locator(".example .names span").all_inner_texts() == ["AE", "S", "K", "T", "SIL"]
    placed = read_ctm(measured / "data/test/phones.ctm")["e0"]
    assert page.locator(".example .lane b").all_inner_texts() == [phone.label for phone in placed]
    lane = page.locator(".example .lane").bounding_box()
    first = page.locator(".example .lane b").first.bounding_box()
    seconds = 0.0025 + (first["x"] - lane["x"]) / lane["width"] * SHIFT * (8 + round((placed[-1].end - 0.0825) / SHIFT))
    assert seconds == pytest.approx(placed[0].start, abs=0.005)
    assert page.locator(".example .picture").count() == 2
    for width in (400, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    (exp / "layers/planted.safetensors").write_bytes(b"no arrays")
    failed = run_stage("report", exp, data, "--systems", *SYSTEMS, "--out", str(exp / "report"))
    assert failed.returncode == 1 and failed.stderr.count("\n") == 1 and "no picture of a layer" in failed.stderr
