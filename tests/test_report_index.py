"""The report's index in a real browser: its sections, its names, and how it fits windows."""

from __future__ import annotations

import base64
import itertools
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from playwright.sync_api import Browser
from reports.browsing import open_page, utterance_page
from reports.trees import (
    LEARNED,
    ODD_ID,
    ODD_WORD,
    SYSTEMS,
    make_trees,
    run_stage,
)

from lexicon.errors import UserError
from lexicon.files import write_json, write_lines
from pipeline.align.boundaries import GOLD, TSV
from pipeline.compare.causes import CAUSES
from pipeline.compare.dispute import disputed_phones, with_examples
from pipeline.compare.results import read_comparison
from pipeline.datadir import Utterance
from pipeline.draw.scale import round_values
from pipeline.draw.spectrogram import png_mask
from pipeline.neural.history import as_json
from pipeline.report.page import opening
from pipeline.report.placing import boundaries_section
from pipeline.report.training import training_section
from pipeline.systems import KINDS, kind_module

pytest_plugins = ["reports.fixtures"]


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
    page.locator("figure.confusion").first.locator(".wrong rect", has_text="AE heard as EH").hover()
    assert page.locator("figure.confusion").first.locator(".readout").inner_text() == "AE heard as EH: 2 of 4 (50 %)"
    assert page.locator(".panel .spectrogram .ink").count() == 1
    assert max(path.stat().st_size for path in report.rglob("*.*")) < 3_000_000


def test_what_systems_are_is_said(report: Path, watched: SimpleNamespace) -> None:
    open_page(watched.page, report / "index.html", panels=1)
    old, new = watched.page.locator(".about dd").all_inner_texts()
    assert old.startswith("Mixtures of Gaussians") and "connectionist temporal classification" in new
    assert all(getattr(kind_module(kind), "ABOUT", "").endswith(".") for kind in KINDS)


def test_arrow_keys_go_from_square_to_square(report: Path, watched: SimpleNamespace) -> None:
    """Of old's confusions: AE is heard as itself and as EH, and each other phone as itself or missed."""
    page = watched.page
    open_page(page, report / "index.html", panels=1)
    figure = page.locator("figure.confusion").first
    figure.locator("svg.heat").focus()
    seen = []
    for key in ["ArrowDown", "ArrowLeft", *["ArrowRight"] * 6, *["ArrowDown"] * 12]:
        page.keyboard.press(key)
        seen.append(figure.locator(".readout").inner_text())
    assert "AE heard right: 2 of 4 (50 %)" in seen and "AE heard as EH: 2 of 4 (50 %)" in seen
    assert figure.locator("rect.here").count() == 1


def test_a_row_that_repeats_another_s_phones_says_so(tmp_path: Path) -> None:
    exp, data = make_trees(tmp_path)
    for name in ("free.txt", "free.ctm"):
        shutil.copyfile(exp / "old" / "decode_test" / name, exp / "new" / "decode_test" / name)
    assert run_stage("report", exp, data, "--systems", *SYSTEMS, "--out", str(exp / "report")).returncode == 0
    assert (exp / "report" / "index.html").read_text().count("the same as old") == 1
    run_stage("compare", exp, data, "--systems", *SYSTEMS, "--out", str(exp / "compare.tsv"))
    said = (exp / "compare.txt").read_text().split("\n\n")[2]  # of the part that make prints
    assert "new: the same free PER as old, phone by phone" in said


def test_the_index_opens_with_a_sentence() -> None:
    def utterances(*lengths: int) -> list[Utterance]:
        return [
            Utterance(f"u{number}", "s", Path("u.wav"), ("A",) * length, 8000) for number, length in enumerate(lengths)
        ]

    assert opening(utterances(1, 3, 30, 5, 4)) == 3
    assert opening(utterances(1, 3, 2)) == 1 and opening(utterances(30, 40)) == 1 and opening([]) == 0


def test_each_disputed_phone_can_be_heard_somewhere(tmp_path: Path) -> None:
    """old and new differ in AE of u1 and u3, and in T of u1, u2 and u3: u2 alone has no AE, so one other is added."""
    comparison = read_comparison(*make_trees(tmp_path), tmp_path / "exp/tiny/gmm/ali_test", SYSTEMS)
    by_id = {utterance.id: utterance for utterance in comparison.utterances}
    disputed = {entry.phone: {name for name, _ in entry.places} for entry in disputed_phones(comparison)}
    assert disputed == {"AE": {"u1", "u3"}, "T": {"u2"}}
    assert [u.id for u in with_examples(comparison, [by_id["u2"]])] == ["u2", "u1"]
    assert [u.id for u in with_examples(comparison, [by_id["u3"]])] == ["u3", "u2"]
    assert [u.id for u in with_examples(comparison, [by_id["u1"], by_id["u2"]])] == ["u1", "u2"]


def test_sections_that_other_stages_fill(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, report / "index.html", panels=1)
    assert page.locator("nav a").all_inner_texts() == [
        "systems",
        "about",
        "pairs",
        "pronunciations",
        "utterances",
        "disputed",
        "difference",
        "causes",
        "searches",
        "training",
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
    # Of 17 phones; THE is heard as DH AH, which all choose, and never as DH IY.
    rates = {"old": ["29.4"] * 4 + ["17.6"] * 4, "new": ["17.6"] * 4 + ["5.9"] * 4}
    assert [row.split("\t") for row in page.locator("#pronunciations tbody tr").all_inner_texts()] == [
        [name, *cells] for name, cells in rates.items()
    ]
    assert "2 of 7 words have several pronunciations. No two systems change" in page.inner_text("#pronunciations")
    assert page.locator("#searches thead th").all_inner_texts() == ["system", "loop", "LM & all"]
    assert page.locator("#searches tbody").inner_text().split() == ["old", "50.0", "25.5"]
    bodies = page.locator("#boundaries tbody")
    assert bodies.nth(0).inner_text().split() == "against gold phones old 10 of 12 +1.5 a b c d e f".split()
    assert (
        "Stolcke et al. 2014\t\t\t\t\t\t80 to 89" in bodies.nth(1).inner_text()
        and "had all of TIMIT" in page.locator("#boundaries").inner_text()
    )
    assert bodies.nth(2).inner_text().split() == "against each other new against old 9 of 12 -3.5 a b c d e f".split()
    assert not bodies.nth(3).is_visible()
    page.locator("#boundaries summary").click()
    assert bodies.nth(3).inner_text().split() == "gold old vowel 4 4 +2.5 a b c d e f".split()
    assert [line.split("\t") for line in bodies.nth(4).inner_text().splitlines()] == [
        ["new", "50.0", "3.5", "0.30 ± 0.25", "90.0"],
        ["new.raw", "60.0", "1.5", "0.40 ± 0.35", "80.0"],
    ]


def test_how_a_network_learned(report: Path, watched: SimpleNamespace) -> None:
    """What is drawn, read off the picture with the ticks of its scales."""
    page = watched.page
    open_page(page, report / "index.html", panels=1)
    picture = page.locator("#training figure.curve")
    assert picture.count() == 1
    assert picture.locator("figcaption").inner_text() == "new 3 epochs; kept is epoch 2, dev PER 40.0 %"

    def places(selector: str) -> list[tuple[str, float, float]]:
        """Text and place of dots and of ticks."""
        return picture.locator(selector).evaluate_all("""all => all.map(one => [one.textContent, ...(one.cx
            ? [one.cx.baseVal.value, one.cy.baseVal.value] : [one.x.baseVal[0].value, one.y.baseVal[0].value])])""")

    for line, scale, values in (
        ("g.plain", ".tick-y:not(.second)", [4.0, 2.5, 0.5]),
        ("g:not(.plain)", ".tick-y.second", [100.0, 40.0, 60.0]),
    ):
        ticks = places(scale)
        numbers, heights = [float(text) for text, _, _ in ticks], [y - 3.5 for _, _, y in ticks]
        slope, start = np.polyfit(heights, numbers, 1)
        points = picture.locator(f"{line} polyline").get_attribute("points").split()
        drawn = [start + slope * float(point.split(",")[1]) for point in points]
        np.testing.assert_allclose(drawn, values, atol=0.01 * max(values))
    titles = picture.locator("circle title").all_text_contents()
    assert titles[::2] == [
        "epoch 1: loss 4.000 per phone, dev PER 100.0 %",
        "epoch 3: loss 0.500 per phone, dev PER 60.0 %",
    ]
    kept = picture.locator("text", has_text="kept").evaluate("one => one.x.baseVal[0].value")
    assert kept == places("circle")[1][1]


@pytest.mark.parametrize(
    "low, high, least, wanted",
    [
        (0, 104, 0, [0, 20, 40, 60, 80, 100]),
        (0, 0.62, 0, [0, 0.2, 0.4, 0.6]),
        (1, 50, 1, [10, 20, 30, 40, 50]),
        (1, 3, 1, [1, 2, 3]),
        (93.5, 104, 5, [95, 100]),
    ],
)
def test_ticks_are_round_and_few(low: float, high: float, least: float, wanted: list[float]) -> None:
    assert round_values(low, high, 6, least) == pytest.approx(wanted)


def test_a_model_is_shown_once_and_only_if_it_says_how_it_learned(tmp_path: Path) -> None:
    for name, history in (("gmm", {}), ("neural", {"history": as_json(LEARNED), "best_epoch": 1})):
        (tmp_path / name).mkdir()
        write_json(tmp_path / name / "meta.json", {"train_seconds": 1.0, **history})
    systems = [("gmm", "gmm"), ("neural", "neural"), ("neural_wfst", "neural")]
    compared = [SimpleNamespace(name=name, model=tmp_path / model) for name, model in systems]
    drawn = training_section(SimpleNamespace(systems=compared))
    assert drawn.count("<figure") == 1 and "system s2" in drawn and "training of neural, neural_wfst" in drawn
    assert not training_section(SimpleNamespace(systems=compared[:1])) and "<table" not in drawn
    (tmp_path / "neural/ablation.tsv").write_text("changed\tdev PER\nas it is\t14.20\nnoise=0\t15.05\n")
    again = training_section(SimpleNamespace(systems=compared))
    assert again.count("<table") == 1 and '<th scope="row">noise=0</th><td>15.05</td>' in again
    write_json(tmp_path / "neural" / "meta.json", {"history": as_json(LEARNED[:1]), "best_epoch": 1})
    assert training_section(SimpleNamespace(systems=compared)).count("<circle") == 1
    write_json(tmp_path / "neural" / "meta.json", {"history": "lost"})
    with pytest.raises(UserError, match="neural/meta.json: history is no list .*; run: make neural"):
        training_section(SimpleNamespace(systems=compared))


@pytest.mark.parametrize(
    ("curve", "fault"),
    [
        ({"step": "pass", "what": "log likelihood", "values": [-60.5, -52.25, -51.5], "kept": 3}, ""),
        ({"step": "epoch", "what": "cross-entropy", "values": [2.0], "kept": 1}, ""),
        ({"step": "pass", "what": "log likelihood", "values": [float("nan")], "kept": 1}, "no numbers"),
        ({"step": "pass", "what": "log likelihood", "values": [1.0, 2.0], "kept": 3}, "none of them kept"),
        ({"step": "pass", "what": 5, "values": [1.0], "kept": 1}, "no names"),
        ({"values": [1.0]}, "missing"),
        ([1.0, 2.0], "must be a mapping"),
    ],
)
def test_a_model_of_one_number_a_pass_has_a_curve(tmp_path: Path, curve: object, fault: str) -> None:
    write_json(tmp_path / "meta.json", {"curve": curve})
    compared = SimpleNamespace(systems=[SimpleNamespace(name="gmm", model=tmp_path)])
    if fault:
        with pytest.raises(UserError, match=rf"meta.json: curve is no learning curve \(.*{fault}"):
            training_section(compared)
        return
    assert isinstance(curve, dict)
    drawn = training_section(compared)
    assert drawn.count("<circle") == len(curve["values"]) and f"{curve['what']}; {len(curve['values'])} " in drawn


def test_names_are_text_never_markup(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, report / "index.html", panels=1)
    assert page.locator(".utterances q", has_text=ODD_WORD).count() == 1
    page.locator("a.id", has_text=ODD_ID).click()
    page.locator("button.segment", has_text=ODD_WORD).first.wait_for()
    assert page.locator("h1").inner_text() == ODD_ID and page.locator("article q").inner_text() == ODD_WORD
    assert page.locator("button.segment", has_text=ODD_WORD).count() >= 3
    assert page.locator("i, article b").count() == 0


def test_an_address_leads_to_a_phone(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, report / "index.html", panels=1)
    links = page.locator(".disputed a")
    assert "AE" in page.locator(".disputed tbody tr").first.inner_text()
    page.goto(page.evaluate("document.querySelector('.disputed a').href"))
    page.wait_for_function("document.activeElement.classList.contains('segment')")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("reference phones: AE,")
    assert links.count() == 0  # this is another page


def test_ipa(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    phone = page.locator("button[aria-label^='reference phones: DH,'] .label")
    assert phone.inner_text() == "DH"
    button = page.locator("button.right[aria-label^='old free phones: DH,']")
    assert button.count() == 1
    page.get_by_label("IPA").check()
    assert phone.count() == 0 and button.count() == 0  # what is read out is spelled as what is seen
    assert page.locator("button[aria-label^='reference phones: ð,'] .label").inner_text() == "ð"
    said = "old free phones: ɛ, 0.33 to 0.41 s (80 ms), confidence 0.50, reference æ;"
    wrong = page.locator(f"button[aria-label^='{said}']")
    assert wrong.count() == 1
    assert page.locator("[aria-label^='old lattice: ð, ']").count() > 0
    assert page.locator("button[aria-label^='reference words: THE,']").count() == 1


def test_ipa_from_the_beginning_until_a_reader_wants_names(report: Path, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    names, signs = "button[aria-label^='reference phones: DH,']", "button[aria-label^='reference phones: ð,']"
    row = page.locator("#confusions figure text.row").first
    open_page(page, report / "index.html", panels=1)
    assert page.get_by_label("IPA").is_checked() and row.text_content() == "æ"
    assert any(
        title.startswith("æ heard as ɛ: 2 of") for title in page.locator("#confusions title").all_text_contents()
    )
    open_page(page, utterance_page(report, "u1"), panels=1)
    assert page.locator(signs).count() == 1
    page.get_by_label("IPA").uncheck()
    assert page.locator(names).count() == 1
    for path in (utterance_page(report, "u3"), report / "index.html"):
        open_page(page, path, panels=1)
        assert not page.get_by_label("IPA").is_checked() and page.locator(signs).count() == 0
    assert row.text_content() == "AE"
    context.close()


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


def test_tables_fit_a_narrow_window(report: Path, watched: SimpleNamespace) -> None:
    """Each cell then stands behind the head of its column; it is a table all the same for who listens."""
    page = watched.page
    page.set_viewport_size({"width": 400, "height": 900})
    open_page(page, report / "index.html", panels=1)
    tables = page.locator(".wide:has(table)")
    widths = tables.evaluate_all("all => all.map(wide => [wide.getAttribute('aria-label'), wide.scrollWidth])")
    assert len(widths) >= 8 and all(width <= 378 for _, width in widths), widths
    cell = page.locator("table.rates tbody td").nth(1)
    assert cell.evaluate("cell => getComputedStyle(cell, '::before').content") == '"PER %"'
    assert page.get_by_role("table", name="Error rates").count() == 0  # its region has the name
    rows = page.locator("table.rates").get_by_role("row")
    assert rows.count() == 3 and rows.nth(1).get_by_role("cell").count() == 6
    assert page.locator("#causes tbody td").first.get_attribute("data-head") == "old words"


def test_everything_has_a_name(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, report / "index.html", panels=1)
    nameless = page.evaluate("""[...document.querySelectorAll('button, a, input, [role=group], [role=img], [tabindex]')]
        .filter(e => !(e.getAttribute('aria-label') || e.textContent || e.closest('label')?.textContent).trim())
        .map(e => e.outerHTML)""")
    assert nameless == []
    assert page.evaluate("document.documentElement.lang") == "en"


@pytest.mark.parametrize("like", ["nothing", "the line above"])
def test_png_is_read_as_it_was_written(watched: SimpleNamespace, like: str) -> None:
    """Lines that are like the one above are written as their difference from it."""
    noise = np.random.default_rng(0).random((3, 40))
    darkness = noise if like == "nothing" else (noise[:1] + np.arange(3)[:, None]) / 3
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
    assert alphas[:2] == [40, 3]
    assert alphas[2] == np.rint(255 * darkness).astype(int).ravel().tolist()


@pytest.mark.parametrize("number", [6, 7])
def test_of_many_aligners_those_are_shown_against_the_first(tmp_path: Path, number: int) -> None:
    pairs = itertools.combinations([f"a{i}" for i in range(number)], 2)
    rows = [[*pair, "all", "9", "12", "-3.5", *"abcdef"] for pair in [(GOLD, "a0"), *pairs]]
    write_lines(tmp_path / "boundaries.tsv", map("\t".join, [TSV, *rows]))
    page = boundaries_section(tmp_path)
    shown = number - 1 if number > 6 else number * (number - 1) // 2
    assert page.count("<small>against a") == shown and page.count("<small>against a0<") == number - 1
    assert ("all pairs are in" in page) == (number > 6)
