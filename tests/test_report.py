"""The report in a real browser, from disk: it draws, plays and prunes, without network, errors or sideways overflow."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page, sync_playwright
from test_compare import (
    HEARD_WORDS,
    ODD_ID,
    ODD_WORD,
    STEP,
    SYSTEMS,
    WORDS,
    chain_lattice,
    make_trees,
    phones_of,
    run_stage,
)

from lexicon.files import write_json
from lexicon.phones import INVENTORY
from pipeline.align.alignments import PlacedPhone, PlacedUtterance, write_alignment
from pipeline.align.boundaries import TSV
from pipeline.align.peaks import HEADER
from pipeline.base.archive import write_archive
from pipeline.compare import cause_tables
from pipeline.compare.causes import CAUSES, Wrong
from pipeline.compare.dispute import choose
from pipeline.compare.results import read_comparison
from pipeline.datadir.feats import read_feats
from pipeline.draw.spectrogram import ROWS, png_mask, spectrogram
from pipeline.hmm.gmm import flat_start
from pipeline.lattice import difference, packed_lattice, write_lattices
from pipeline.lattice.difference import Tally
from pipeline.neural.model import CtcModel, Encoder, EncoderConfig, save_model
from pipeline.neural.paths import greedy
from pipeline.report.panel import Interval, row
from pipeline.search.posteriors import phone_posteriors
from pipeline.systems import load_system
from pipeline.times.segments import Segment

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]


# ---- without a browser


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
    chosen = [utterance.id for utterance in choose(read_comparison(exp, data, SYSTEMS), 3)]
    # u2: all of its one word and two of its three phones differ. The plain one, last, is not among the disputed.
    assert chosen[0] == "u2" and len(set(chosen)) == 3
    assert len(choose(read_comparison(exp, data, SYSTEMS), 99)) == 4
    assert choose(read_comparison(exp, data, SYSTEMS), 0) == []


# ---- in a browser

TOKENS = ["<blk>", "AE", "AH", "DH", "EH", "K", "S", "T"]


def with_models(exp: Path, data: Path) -> None:
    """A GMM that is sure of the phone of each frame behind ``old``, and a sharp but untrained CTC network behind ``new``.

    Feature number i is high where the i-th phone is spoken; the GMM's states of that phone expect so.
    """
    phones = ["SIL", *TOKENS[1:]]
    gmm = flat_start(phones, np.zeros(39), np.ones(39))
    for number, phone in enumerate(phones):
        first = gmm.transitions.first_pdf[phone]
        gmm.means[first : first + gmm.transitions.num_states(phone), number] = 6.0
    gmm.save(exp / "old" / "model.safetensors")
    features = {"sample_rate": 8000, "norm_vars": False}
    meta = json.loads((exp / "old" / "meta.json").read_text())
    (exp / "old" / "meta.json").write_text(json.dumps(meta | {"kind": "gmm", "features": features}))
    torch.manual_seed(1)
    network = Encoder(EncoderConfig("tdnn", 39, len(TOKENS), 8, 1, 0, 3, 0.1)).eval()
    with torch.no_grad():
        network.output.weight *= 40
    save_model(
        exp / "new",
        CtcModel(network, TOKENS, np.log(np.full(8, 1 / 8, np.float32))),
        {"train_seconds": 2.5, "features": features},
    )
    decode = exp / "new" / "decode_test" / "decode.json"
    decode.write_text(json.dumps(json.loads(decode.read_text()) | {"model": str(exp / "new")}))
    feats = {}
    for name, words in WORDS.items():
        spoken = ["SIL", *phones_of(words), "SIL"]
        feats[name] = np.zeros((8 * len(spoken), 39), np.float32)
        feats[name][np.arange(len(feats[name])), np.repeat([phones.index(phone) for phone in spoken], 8)] = 6.0
    write_archive(data / "test" / "feats.scp", sorted(feats.items()))
    (data / "test" / "feats.json").write_text(json.dumps(features))


def with_placements(exp: Path) -> None:
    """The known text as both place it: new puts the first vowel of u1 30 ms later, everything else 10 ms."""
    for system in SYSTEMS:
        table = {}
        for name, words in WORDS.items():
            said = ["SIL", *phones_of(words), "SIL"]
            late = [
                0 if system == "old" or i == 0 else 3 if (name, i) == ("u1", 2) else 1 for i in range(len(said))
            ] + [0]
            segments = [
                Segment(phone, 8 * i + late[i], 8 * (i + 1) + late[i + 1], -1 if phone == "SIL" else 0)
                for i, phone in enumerate(said)
            ]
            table[name] = PlacedUtterance(
                8 * len(said),
                [PlacedPhone(s, -4.5, 0.625, -1.5) for s in segments],
                [(Segment(words[0], 8, 8 * len(said) - 8, 0), 0.5)],
            )
        write_alignment(exp / system / "ali_test" / "alignment.json", table)


def with_word_lattices(exp: Path, system: str, utterances: Sequence[str]) -> None:
    """The words heard, each on its first phone; A, which is said UH, in place of each."""
    with write_lattices(exp / system / "decode_test" / "lattices" / "words") as append:
        for name in utterances:
            words = HEARD_WORDS[system][name]
            lattice = chain_lattice(name, system, phones_of(words))
            begins = {1 + sum(len(phones_of((word,))) for word in words[:i]): word for i, word in enumerate(words)}
            settled = [
                begins.get(node, "") and ("A" if label == "UH" else begins[node])
                for node, label in zip(lattice.arc_from.tolist(), lattice.label)
            ]
            append(name, packed_lattice(replace(lattice, graph="words", word=settled)))


def with_findings(exp: Path) -> None:
    """What other stages would leave: causes of old's errors, what only one considered, and a matrix."""
    found = {
        "words": {"u1": [Wrong(("CAT",), ("SAT",), 0.2475, 0.4875, (("CAT", "SAT"),), "search")]},
        "free": {
            "u1": [
                Wrong(
                    ("AE",),
                    ("EH",),
                    0.3275,
                    0.4075,
                    (("AE", "EH"),),
                    "kept",
                    {"acoustic": 1.25, "lexicon": -0.5, "language": 3.0},
                    ("language",),
                )
            ]
        },
    }
    write_json(exp / "old" / "decode_test" / "errors.json", cause_tables.as_json("old", found, INVENTORY))
    vowels = Tally(
        4,
        {"both": np.array([2, 1.0, 2.0]), "first": np.array([1, 0.5, 0]), "neither": np.zeros(3) + (1, 0, 0)},
        {"second": np.array([3, 0.0, 1.5])},
    )
    write_json(
        exp / "lattice_difference.json",
        {"systems": SYSTEMS, "utterances": 4, "classes": {"vowel": difference.as_json(vowels)}},
    )
    (exp / "matrix.tsv").write_text("system\tloop\tLM & all\nold\t50.0\t25.5\n")
    rows = [
        TSV,
        ["hand", "old", "all", "10", "12", "+1.5", *"abcdef"],
        ["hand", "old", "vowel", "4", "4", "+2.5", *"abcdef"],
        ["old", "new", "all", "9", "12", "-3.5", *"abcdef"],
    ]
    (exp / "boundaries.tsv").write_text("\n".join("\t".join(row) for row in rows) + "\n")
    rows = [HEADER, ["new", "50.0", "3.5", "0.30", "0.25", "90.0"], ["new_raw", "60.0", "1.5", "0.40", "0.35", "80.0"]]
    (exp / "peaks.tsv").write_text("\n".join("\t".join(row) for row in rows) + "\n")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    exp, data = make_trees(tmp_path_factory.mktemp("report"))
    with_models(exp, data)
    with_placements(exp)
    with_word_lattices(exp, "old", ["u1", "u2", "u3"])
    with_word_lattices(exp, "new", ["u1", "u3"])
    with_findings(exp)
    result = run_stage("report", exp, data, "--systems", *SYSTEMS, "--out", str(exp / "report"))
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"report: 2 systems, 4 utterances; open {exp / 'report' / 'index.html'}\n"
    return exp / "report"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.fail("no browser to test the report with; install one: apt-get install chromium", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS, timeout=60_000)
        yield browser
        browser.close()


@pytest.fixture
def watched(browser: Browser) -> Iterator[SimpleNamespace]:
    """An offline page that keeps what goes wrong; after the test nothing may have."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page, troubles = context.new_page(), []
    page.on("console", lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("requestfailed", lambda request: troubles.append(f"failed: {request.url[:80]}"))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or troubles.append(request.url))
    # Notes what is really handed to the sound card's source node, which then plays as always.
    page.add_init_script("""
        window.sounds = [];
        const start = AudioBufferSourceNode.prototype.start;
        AudioBufferSourceNode.prototype.start = function (when, from, length) {
          const sound = {from, length, rate: this.playbackRate.value, peak: Math.max(...this.buffer.getChannelData(0))};
          this.addEventListener('ended', () => { sound.ended = true; });
          window.sounds.push(sound);
          return start.call(this, when, from, length);
        };""")
    yield SimpleNamespace(page=page, troubles=troubles)
    context.close()
    assert troubles == []


def open_page(page: Page, path: Path, panels: int) -> None:
    """Open a page and bring every panel into view, as a reader would."""
    page.goto(path.as_uri())
    for number in range(panels):
        panel = page.locator(".panel").nth(number)
        panel.scroll_into_view_if_needed()
        panel.locator("button.segment").first.wait_for(state="attached")


def utterance_page(report: Path, name: str) -> Path:
    return next(path for path in sorted((report / "utt").glob("*.html")) if f"<h1>{name}</h1>" in path.read_text())


def test_index_shows_numbers_and_panels(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, report / "index.html", panels=1)
    cells = page.locator("table.rates tbody tr").first.locator("td b").all_inner_texts()
    assert cells == ["42.9", "29.4", "17.6"]
    assert page.locator("table.pairs tbody tr").count() == 1
    assert page.locator("svg.heat").count() == 2
    # old heard K AE T as K EH T once and S AE T as S EH T once: AE -> EH, 2 of the 4 in the reference.
    assert (
        "AE heard as EH: 2 of 4 (50 %)"
        in page.locator("figure.confusion").first.locator("svg title").all_text_contents()
    )
    page.locator("figure.confusion").first.locator("rect.wrong", has_text="AE heard as EH").hover()
    assert page.locator("figure.confusion").first.locator(".readout").inner_text() == "AE heard as EH: 2 of 4 (50 %)"
    assert page.locator(".panel .spectrogram .ink").count() == 1
    assert max(path.stat().st_size for path in report.rglob("*.*")) < 3_000_000


def test_sections_that_other_stages_fill(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, report / "index.html", panels=1)
    assert page.locator("nav a").all_inner_texts() == [
        "systems",
        "pairs",
        "utterances",
        "disputed",
        "difference",
        "causes",
        "searches",
        "boundaries",
        "classes",
        "confusions",
    ]
    cells = page.locator("#causes tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.children].map(cell => cell.textContent))"
    )
    share = {"search": ["1 100 %", "0 0 %"], "kept": ["0 0 %", "1 100 %"]}
    assert cells == [[text, *share.get(cause, ["0 0 %"] * 2)] for cause, text in CAUSES.items()]
    cells = page.locator("#difference tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.children].map(cell => cell.textContent))"
    )
    assert cells == [["vowel", "4", "50", "25 0.50", "", "25", "", "", "75 0.50"]]
    assert page.locator("#searches thead th").all_inner_texts() == ["system", "loop", "LM & all"]
    assert page.locator("#searches tbody").inner_text().split() == ["old", "50.0", "25.5"]
    bodies = page.locator("#boundaries tbody")
    assert bodies.nth(0).inner_text().split() == "against hand-placed phones old 10 of 12 +1.5 a b c d e f".split()
    assert (
        "Stolcke et al. 2014\t\t\t\t\t\t80 to 89" in bodies.nth(1).inner_text()
        and "had all of TIMIT" in page.locator("#boundaries").inner_text()
    )
    assert bodies.nth(2).inner_text().split() == "against each other new against old 9 of 12 -3.5 a b c d e f".split()
    assert not bodies.nth(3).is_visible()
    page.locator("#boundaries summary").click()
    assert bodies.nth(3).inner_text().split() == "hand old vowel 4 4 +2.5 a b c d e f".split()
    assert [line.split("\t") for line in bodies.nth(4).inner_text().splitlines()] == [
        ["new, before the label prior is divided out", "60.0", "1.5", "0.40 ± 0.35", "80.0"],
        ["new, after", "50.0", "3.5", "0.30 ± 0.25", "90.0"],
    ]


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


def test_named_utterances_alone(tmp_path: Path) -> None:
    exp, data = make_trees(tmp_path)
    for wanted, pages in (("u3 u1", ["u3", "u1"]), ("all", ["u2", "u4&lt;i&gt;&amp;&quot;x", "u1", "u3"])):
        result = run_stage("report", exp, data, "--systems", *SYSTEMS, "--out", str(exp / "report"), "--utt", wanted)
        assert result.returncode == 0, result.stderr
        assert [
            path.read_text().split("<h1>")[1].split("</h1>")[0] for path in sorted((exp / "report/utt").glob("*.html"))
        ] == pages
    result = run_stage("report", exp, data, "--systems", *SYSTEMS, "--out", str(exp / "report"), "--utt", "u9")
    assert result.returncode == 1 and 'report: UTT "u9" is not in' in result.stderr and "did you mean" in result.stderr


def test_marks_and_times(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    names = page.locator(".panel button.wrong").evaluate_all("all => all.map(b => b.getAttribute('aria-label'))")
    assert f"old words: SAT, 0.25 to 0.49 s (240 ms), reference CAT; {CAUSES['search']}" in names
    assert (
        f"old free phones: EH, 0.33 to 0.41 s (80 ms), reference AE; {CAUSES['kept']}; what was heard scores better by: "
        "sound +1.2, lexicon -0.5, language +3.0"
    ) in names
    # Everyone's segment of the same time lies at the same place: x is time.
    lefts = page.locator("button.segment:not(.sure)[aria-label*=', 0.33 to 0.41 s']").evaluate_all(
        "all => all.map(b => Math.round(b.getBoundingClientRect().left))"
    )
    assert len(lefts) >= 4 and len(set(lefts)) == 1


def test_names_are_text_never_markup(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, report / "index.html", panels=1)
    assert page.locator(".utterances q", has_text=ODD_WORD).count() == 1
    page.locator("a.id", has_text=ODD_ID).click()
    page.locator("button.segment", has_text=ODD_WORD).first.wait_for()
    assert page.locator("h1").inner_text() == ODD_ID and page.locator("article q").inner_text() == ODD_WORD
    assert page.locator("button.segment", has_text=ODD_WORD).count() >= 3
    assert page.locator("i, article b").count() == 0


def test_a_click_plays_the_segment(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    page.locator("button[aria-label^='reference phones: AE,']").click()
    sound = page.evaluate("sounds[0]")
    assert sound["from"] == pytest.approx(4 * STEP + 0.01, abs=2e-3)
    assert sound["length"] == pytest.approx(STEP, abs=2e-3)
    assert sound["rate"] == 1 and sound["peak"] == pytest.approx(0.4, abs=0.01)
    page.wait_for_function("sounds[0].ended")
    page.wait_for_function("!document.querySelector('.panel').dataset.playing")

    page.get_by_role("button", name="Half speed").click()
    page.get_by_role("button", name="Play the whole utterance").click()
    whole = page.evaluate("sounds[1]")
    assert whole["rate"] == 0.5 and whole["from"] == 0 and whole["length"] == pytest.approx(7 * STEP + 0.02, abs=1e-3)
    assert page.locator(".panel").get_attribute("data-playing").startswith("0.000 ")
    page.keyboard.press("Escape")
    assert page.locator(".panel").get_attribute("data-playing") is None


def test_a_drag_plays_a_stretch(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    box = page.locator(".lane.spectrogram").bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 20, steps=4)
    page.mouse.up()
    sound, duration = page.evaluate("sounds[0]"), 7 * STEP + 0.02
    assert sound["from"] == pytest.approx(0.25 * duration, abs=0.01)
    assert sound["length"] == pytest.approx(0.25 * duration, abs=0.01)


def test_keyboard_alone(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    assert page.locator(".timeline button[tabindex='0']").count() == 1
    page.locator(".timeline button[tabindex='0']").focus()
    focused = "document.activeElement.getAttribute('aria-label')"
    assert page.evaluate(focused).startswith("reference words: THE,")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused).startswith("reference words: CAT,")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused).startswith("reference phones: AE,")
    assert page.locator(".panel .readout").inner_text() == page.evaluate(focused)
    page.keyboard.press("Enter")
    assert page.evaluate("sounds[0].from") == pytest.approx(4 * STEP + 0.01, abs=2e-3)
    assert page.locator(".timeline button[tabindex='0']").count() == 1


def test_lattice_is_pruned(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    rivals, best = page.locator(".net.up .arc:not(.best)"), page.locator(".net.up .arc.best")
    assert rivals.count() == 5 and best.count() == 7  # a UH beside each of DH AH K EH T, and the pauses
    parts = [
        page.get_by_role("button", name=name)
        for name in ("what each considered: phones only", "what only one of them considered")
    ]
    for part in parts:
        part.click()
    assert page.locator(".net, .difference").count() == 0 and not page.locator(".prune").is_visible()
    for part in parts:
        part.click()
    thick = [
        arcs.last.locator(".line").evaluate("line => parseFloat(line.getAttribute('stroke-width'))")
        for arcs in (best, rivals)
    ]
    assert thick[1] / thick[0] == pytest.approx(0.25 / 0.75, abs=0.02)
    rivals.first.locator(".label").evaluate(
        "label => label.parentNode.dispatchEvent(new PointerEvent('pointerover', {bubbles: true}))"
    )
    assert "old lattice: UH," in page.locator(".readout").inner_text()
    assert "posterior 0.250" in page.locator(".readout").inner_text()
    high = page.locator(".net.up").bounding_box()["height"]
    page.get_by_label("Hide lattice arcs whose posterior is below").fill("-0.4")  # 40 %
    assert page.locator(".prune-value").inner_text() == "40 %"
    assert not any(arc.is_visible() for arc in rivals.all()) and all(arc.is_visible() for arc in best.all())
    assert page.locator(".net.up").bounding_box()["height"] < high  # the lanes of what is gone are gone


def choose_search(page: Page, title: str) -> None:
    page.get_by_label("lattices of").select_option(title)


def test_lattices_with_words(report: Path, watched: SimpleNamespace) -> None:
    """u1: old heard THE SAT, new THE CAT; each considered A in place of each word, with 25 %."""
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    assert page.locator(".net .word").count() == 0
    choose_search(page, "words + language model")
    for net, best in ((".net.up", ["THE", "SAT"]), (".net.down", ["THE", "CAT"])):
        assert page.locator(f"{net} .arc.best .word").all_text_contents() == best
        assert page.locator(f"{net} .arc:not(.best) .word").all_text_contents() == ["A", "A"]
    # A word stands where its first phone begins, above the line, and below the label of the lane above.
    right, above = page.locator(".net.up .arc.best:has(.word)").last.evaluate("""arc => {
        const [x, y] = arc.querySelector('.line').getAttribute('d').match(/-?[0-9.]+/g).map(Number), word = arc.querySelector('.word');
        return [word.getAttribute('x') - x, y - word.getAttribute('y')];
    }""")
    assert right == pytest.approx(2, abs=0.1) and 6 < above < 18
    rival, word = (
        page.locator(f".net.up {place}").first.bounding_box() for place in (".arc:not(.best) .label", ".arc.best .word")
    )
    assert rival["y"] + rival["height"] <= word["y"] + 2
    rivals = page.locator(".net.up .arc:not(.best)")
    rivals.first.dispatch_event("pointerover")
    assert "old lattice: UH (A), " in page.locator(".readout").inner_text()
    assert sorted(page.locator(".difference.first .bar .label").all_inner_texts()) == ["S"]
    assert sorted(page.locator(".difference.second .bar .label").all_inner_texts()) == ["K"]
    page.get_by_label("Hide lattice arcs whose posterior is below").fill("-0.4")
    assert not any(arc.is_visible() for arc in rivals.all())
    choose_search(page, "phones only")
    assert page.locator(".net .word").count() == 0 and page.locator(
        ".difference.first .bar .label"
    ).all_inner_texts() == ["EH"]


def test_a_search_without_lattices_says_so(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u2"), panels=1)
    choose_search(page, "words + language model")
    assert page.locator(".note").inner_text() == "new has no lattice of this search"
    assert page.locator(".net-row .name").all_inner_texts() == ["old"] and page.locator(".difference").count() == 0
    choose_search(page, "phones only")
    assert page.locator(".note").count() == 0 and page.locator(".net").count() == 2


def test_a_search_with_the_same_model_stands_in(tmp_path: Path, watched: SimpleNamespace) -> None:
    exp, data = make_trees(tmp_path)
    with_word_lattices(exp, "new", ["u1"])
    result = run_stage("report", exp, data, "--systems", *SYSTEMS, "--out", str(exp / "report"), "--utt", "u1")
    assert result.returncode == 0, result.stderr
    page = watched.page
    open_page(page, utterance_page(exp / "report", "u1"), panels=1)
    choose_search(page, "words + language model")
    assert page.locator(".note").inner_text() == (
        "old has no lattice of this search; in its place stands that of new, which searches with the same model"
    )
    assert page.locator(".net-row .name").all_inner_texts() == ["new"]


def test_what_a_reader_chose_stays(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    choose_search(page, "words + language model")
    fold = page.get_by_role("button", name="heard without words")
    assert fold.get_attribute("aria-expanded") == "true"
    fold.focus()
    page.keyboard.press("Enter")
    assert page.locator("button[aria-label^='old free phones']").count() == 0
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "false"  # where the reader was
    open_page(page, utterance_page(report, "u3"), panels=1)
    assert page.get_by_label("lattices of").input_value() == "words"
    assert page.locator("button[aria-label^='old free phones']").count() == 0
    page.get_by_role("button", name="heard without words").click()
    assert page.locator("button[aria-label^='old free phones']").count() > 0
    open_page(page, report / "index.html", panels=1)  # is as it always is
    assert page.locator(".net").count() == 0 and page.locator("button[aria-label^='old free phones']").count() > 0


@pytest.mark.parametrize("width", [1280, 1920])
def test_sound_phones_and_lattice_at_once(report: Path, watched: SimpleNamespace, width: int) -> None:
    page = watched.page
    page.set_viewport_size({"width": width, "height": 1080})
    open_page(page, utterance_page(report, "u1"), panels=1)
    boxes = [
        page.locator(place).first.bounding_box()
        for place in (
            ".wave",
            "button[aria-label^='old phones']",
            "button[aria-label^='new free phones']",
            ".net.up",
            ".net.down",
        )
    ]
    foot = page.locator(".foot").bounding_box()["y"]
    assert all(0 <= box["y"] and box["y"] + box["height"] <= foot for box in boxes)
    page.locator(".scroller").evaluate("scroller => scroller.scrollTo(0, 1e6)")
    scroller = page.locator(".scroller").bounding_box()
    assert page.locator(".ruler").bounding_box()["y"] == pytest.approx(scroller["y"], abs=2)  # the axis stays
    last = page.locator(".posteriorgram").last.bounding_box()
    assert last["y"] + last["height"] <= scroller["y"] + scroller["height"] <= foot + 1


def test_difference_of_the_two(report: Path, watched: SimpleNamespace) -> None:
    """u1: old considered DH AH K EH T, new DH AH K AE T, each with a UH of 25 % beside every phone."""
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)

    def band(kind: str) -> list[str]:
        return page.locator(f".difference.{kind} .bar .label").all_inner_texts()

    assert band("first") == ["EH"] and band("second") == ["AE"]
    assert sorted(band("both")) == ["AH", "DH", "K", "T", "UH"]  # five UH one after another are one stretch
    page.locator(".difference.first .bar").hover()
    assert page.locator(".readout").inner_text() == "EH, 0.33 to 0.41 s (80 ms): posterior mass old 0.750, new never"
    page.get_by_label("Hide lattice arcs whose posterior is below").fill(
        "-0.1"
    )  # 79 %: more than the 75 % of the phones
    assert band("first") == band("second") == [] and band("both") == ["UH"]
    assert page.locator(".timeline [tabindex='0']").count() == 1


def test_any_two_are_compared(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    selects = page.locator(".chooser select")
    chosen = "selects => selects.map(select => select.options[select.selectedIndex].text)"
    assert selects.evaluate_all(chosen) == ["old", "new"]
    names = page.locator(".net-row .name")
    assert names.all_inner_texts() == ["old", "new"]
    page.get_by_label("compare").select_option("new")  # which was the other: they change places
    assert selects.evaluate_all(chosen) == ["new", "old"] and names.all_inner_texts() == ["new", "old"]
    assert page.locator(".difference.first .bar .label").all_inner_texts() == ["AE"]
    assert page.locator(".difference-row .name").first.inner_text() == "only new"
    assert page.locator(".apart button").first.get_attribute("aria-label") == (
        "AH begins at 0.198 s for new, at 0.168 s for old: 30 ms apart"
    )


def test_posteriors_spikes_and_placed_text(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    assert page.locator(".posteriorgram .ink").count() == 2
    # The frames of the reference lie in the rows of its phones: DH AH K AE T between pauses.
    tops = (
        page.locator(".posteriorgram")
        .first.locator(".frame")
        .evaluate_all("all => all.map(frame => parseFloat(frame.style.top))")
    )
    order = ["AE", "AH", "EH", "DH", "S", "K", "T", "SIL"]  # vowels, fricatives, stops, silence
    assert tops == pytest.approx(
        [100 / 8 * order.index(phone) for phone in ("SIL", "DH", "AH", "K", "AE", "T", "SIL")], abs=0.01
    )
    # What one reads at a time is what the models said: frame 36 lies in the AE.
    exp = report.parent
    feats = read_archive_of(report)["u1"]
    page.locator("button[aria-label^='reference phones: AE,']").focus()
    page.wait_for_function("document.querySelector('.probe').textContent")
    read = page.locator(".probe").inner_text()
    for name, step in (("old", 1), ("new", 3)):
        labels, posteriors = phone_posteriors(load_system(exp / name), feats)
        best = posteriors[36 // step].argmax()
        assert f"{name} {labels[best]} {posteriors[36 // step, best]:.1f}"[:-1] in read
    assert "old AE 1.00" in read and read.startswith("0.37 s")
    spikes = page.locator(".spike")
    tokens = [token for token, _, _ in greedy(load_system(exp / "new").posteriors(feats))]
    assert spikes.count() == len(tokens) > 0
    assert spikes.locator(".label").all_inner_texts() == [TOKENS[token] for token in tokens]
    placed = page.locator(
        "button[aria-label='the known text by new: AH, 0.20 to 0.26 s (60 ms), confidence 0.63, goodness of pronunciation -1.50']"
    )
    assert placed.count() == 1
    assert placed.evaluate("b => parseFloat(getComputedStyle(b, '::after').width) / b.clientWidth") == pytest.approx(
        0.625, abs=0.06
    )
    assert page.locator(".apart button").first.get_attribute("aria-label") == (
        "AH begins at 0.168 s for old, at 0.198 s for new: 30 ms apart"
    )
    assert page.locator(".apart button").count() == 1  # the others are 10 ms apart


def read_archive_of(report: Path) -> dict[str, np.ndarray]:
    return read_feats(report.parents[2] / "data" / "tiny" / "test")


def test_an_address_leads_to_a_phone(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, report / "index.html", panels=1)
    links = page.locator(".disputed a")
    assert "AE" in page.locator(".disputed tbody tr").first.inner_text()
    page.goto(page.evaluate("document.querySelector('.disputed a').href"))
    page.wait_for_function("document.activeElement.classList.contains('segment')")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("reference phones: AE,")
    assert links.count() == 0  # this is another page


def test_the_keyboard_follows_the_arcs(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    focused = "document.activeElement.getAttribute('aria-label')"
    page.locator(".net.up .arc.best").last.focus()
    begin = page.evaluate(focused)
    page.keyboard.press("ArrowUp")
    assert page.evaluate(focused).startswith("old lattice: UH,")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == begin
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused).startswith("new lattice: ") and "on the best path" in page.evaluate(focused)
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused).startswith("new lattice: UH,")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused).startswith("new lattice: ") and "on the best path" in page.evaluate(focused)
    page.keyboard.press("Enter")
    assert page.evaluate("sounds.length") == 1


def test_zoom_widens_the_axis_not_the_page(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    width = "document.querySelector('button.segment.plain').getBoundingClientRect().width"
    before = page.evaluate(width)
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Zoom in").click()
    assert page.evaluate(width) == pytest.approx(2.25 * before, rel=0.02)
    # What is drawn by hand, the arcs, is still where the segments are: x is time for both.
    ends = [
        page.locator(selector).evaluate("e => e.getBoundingClientRect().right")
        for selector in (
            ".difference.both .bar[aria-label^='DH,']",
            ".net.up .arc[aria-label^='old lattice: DH,'] .line",
        )
    ]
    assert ends[0] == pytest.approx(ends[1], abs=1.5)
    page.locator(".timeline button[tabindex='0']").press("-")
    assert page.evaluate(width) == pytest.approx(1.5 * before, rel=0.02)
    for _ in range(9):
        page.get_by_role("button", name="Zoom out").click()
    assert page.evaluate(width) == pytest.approx(before, rel=0.02)  # no smaller than all of it
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_ipa(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    phone = page.locator("button[aria-label^='reference phones: DH,'] .label")
    assert phone.inner_text() == "DH"
    page.get_by_label("IPA").check()
    assert phone.inner_text() == "ð"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280, 3840])
def test_no_sideways_overflow(report: Path, watched: SimpleNamespace, width: int, scheme: str) -> None:
    page = watched.page
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    for path, panels in ((report / "index.html", 1), (utterance_page(report, "u1"), 1)):
        open_page(page, path, panels)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        luminance = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
        assert (luminance < 60) == (scheme == "dark")
        # A label is shown only where it fits its segment.
        assert (
            page.evaluate("""[...document.querySelectorAll('.segment:not(.narrow) .label')]
            .filter(label => label.closest('.timeline') && label.offsetParent
                    && label.getBoundingClientRect().width > label.parentNode.getBoundingClientRect().width + 1)
            .map(label => label.textContent)""")
            == []
        )


def test_everything_has_a_name(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, report / "index.html", panels=1)
    nameless = page.evaluate("""[...document.querySelectorAll('button, a, input, [role=group], [role=img], [tabindex]')]
        .filter(e => !(e.getAttribute('aria-label') || e.textContent || e.closest('label')?.textContent).trim())
        .map(e => e.outerHTML)""")
    assert nameless == []
    assert page.evaluate("document.documentElement.lang") == "en"


def test_png_is_read_as_it_was_written(watched: SimpleNamespace) -> None:
    darkness = np.linspace(0, 1, 12).reshape(3, 4)
    image = base64.b64encode(png_mask(darkness, levels=256)).decode()
    watched.page.goto("about:blank")
    alphas = watched.page.evaluate(
        """async data => {
        const image = new Image();
        image.src = `data:image/png;base64,${data}`;
        await image.decode();
        const canvas = document.createElement('canvas');
        Object.assign(canvas, {width: image.width, height: image.height});
        const pen = canvas.getContext('2d');
        pen.drawImage(image, 0, 0);
        const pixels = [...pen.getImageData(0, 0, image.width, image.height).data];
        return [image.width, image.height, pixels.filter((_, i) => i % 4 === 3)];
    }""",
        image,
    )
    assert alphas[:2] == [4, 3]
    assert alphas[2] == np.rint(255 * darkness).astype(int).ravel().tolist()
