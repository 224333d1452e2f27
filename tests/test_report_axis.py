"""The time axis of an utterance's page in a real browser: what is drawn of it, zooming, moving, selecting."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from reports.browsing import open_page, utterance_page
from reports.longer import longer
from reports.trees import STEP

from pipeline.draw.spectrogram import power_decibels

pytest_plugins = ["reports.fixtures"]
DURATION = 7 * STEP + 0.02  # of u1
TIMES = 55  # so often u1 makes half a minute


@pytest.fixture(scope="module")
def long_page(report: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return longer(report, "u1", TIMES, tmp_path_factory.mktemp("long") / "report")


def view(page: Page) -> tuple[float, float]:
    """Seconds at the edges of what is in view, as the strip above says."""
    text = page.locator(".overview").get_attribute("aria-valuetext")
    return float(text.split()[0]), float(text.split()[2])


def settle(page: Page) -> None:
    """Wait until what is in view has been the same for a while: gestures reach a busy page late."""
    same, before = 0, None
    while same < 5:
        page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 30)))")
        now = page.locator(".overview").get_attribute("aria-valuetext")
        same, before = same + 1 if now == before else 0, now


def time_at(page: Page, x: float) -> float:
    """The second at a place of the screen, read off the two outermost ticks of the ruler."""
    ticks = page.locator(".tick").evaluate_all(
        "all => all.map(tick => [Number(tick.textContent), tick.getBoundingClientRect().left])"
    )
    (t0, x0), (t1, x1) = ticks[0], ticks[-1]
    return t0 + (x - x0) / (x1 - x0) * (t1 - t0)


def test_the_wheel_zooms_where_the_pointer_is(long_page: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, long_page, panels=1)
    box = page.locator(".scroller").bounding_box()
    x, y = box["x"] + 0.7 * box["width"], box["y"] + 60
    page.mouse.move(x, y)
    page.keyboard.down("Control")
    for turn, smaller in ((-300, True), (-200, True), (150, False)):
        time, (begin, end) = time_at(page, x), view(page)
        page.mouse.wheel(0, turn)
        settle(page)
        after = view(page)
        assert (after[1] - after[0] < end - begin) == smaller
        assert time_at(page, x) == pytest.approx(time, abs=2 * (after[1] - after[0]) / 1000)
    page.keyboard.up("Control")
    before = view(page)
    page.mouse.wheel(0, 120)  # scrolls, as everywhere
    settle(page)
    assert view(page) == before


def test_two_fingers_zoom(long_page: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, long_page, panels=1)
    box = page.locator(".lane.wave").bounding_box()
    touch = page.context.new_cdp_session(page)
    touch.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

    def fingers(kind: str, *places: float) -> None:
        points = [{"x": x, "y": 400, "id": number} for number, x in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    middle, (begin, end) = box["x"] + 400, view(page)
    time = time_at(page, middle)
    fingers("touchStart", middle - 50, middle + 50)
    for apart in (60, 80, 100, 150):
        fingers("touchMove", middle - apart, middle + apart)
    fingers("touchEnd")
    settle(page)
    after = view(page)
    assert after[1] - after[0] == pytest.approx((end - begin) / 3, rel=0.02)
    assert time_at(page, middle) == pytest.approx(time, abs=0.01)


def test_a_drag_moves_the_picture_or_selects(long_page: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, long_page, panels=1)
    ruler, sound = (page.locator(f".lane.{name}") for name in ("ruler", "wave"))
    x, y = ruler.bounding_box()["x"] + 640, ruler.bounding_box()["y"] + 8

    def drag(distance: int, height: float = y) -> None:
        page.mouse.move(x, height)
        page.mouse.down()
        page.mouse.move(x + distance / 2, height)
        page.mouse.move(x + distance, height)
        page.mouse.up()
        settle(page)

    drag(-300)
    assert view(page)[0] == pytest.approx(1.0, abs=0.01)  # of 300 pixels a second
    assert page.locator(".selection").first.is_hidden() and page.evaluate("sounds.length") == 0
    # A drag that begins on a segment moves too, and does not play it; a click does.
    words = page.locator(".words.reference").bounding_box()["y"] + 10
    drag(150, words)
    assert view(page)[0] == pytest.approx(0.5, abs=0.01) and page.evaluate("sounds.length") == 0
    page.mouse.click(x, words)
    assert page.evaluate("sounds.length") == 1
    page.keyboard.press("Escape")
    # With Shift it selects, and over the sound without.
    for height, shift in ((words, True), (sound.bounding_box()["y"] + 20, False)):
        before = view(page)
        if shift:
            page.keyboard.down("Shift")
        drag(120, height)
        page.keyboard.up("Shift")
        assert view(page) == before
        assert page.locator(".selection").first.bounding_box()["width"] == pytest.approx(120, abs=1.5)
        assert page.locator(".fixed .selection").get_attribute("data-long") == "400 ms"
        assert page.evaluate("sounds.at(-1).length") == pytest.approx(0.4, abs=0.01)
        page.keyboard.press("Escape")
    page.mouse.move(x, words)  # pointing elsewhere takes nothing away
    assert page.locator(".selection").first.is_visible()


def test_the_strip_shows_and_moves_what_is_in_view(long_page: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, long_page, panels=1)
    strip, window = page.locator(".overview"), page.locator(".overview .window")
    box = strip.bounding_box()
    begin, end = view(page)
    assert window.bounding_box()["width"] == pytest.approx((end - begin) / (TIMES * DURATION) * box["width"], abs=2)
    page.mouse.move(box["x"] + 20, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 20 + box["width"] / 2, box["y"] + 10, steps=3)
    page.mouse.up()
    settle(page)
    assert view(page)[0] == pytest.approx(begin + TIMES * DURATION / 2, abs=0.1)
    assert page.locator(".scroller").evaluate("one => one.scrollLeft") > 1000
    strip.focus()
    page.keyboard.press("End")
    assert view(page)[1] == pytest.approx(TIMES * DURATION, abs=0.01)
    page.keyboard.press("ArrowLeft")
    assert view(page)[1] == pytest.approx(TIMES * DURATION - (end - begin) / 4, abs=0.02)


def test_a_spectrogram_in_the_browser_is_pythons(report: Path, watched: SimpleNamespace) -> None:
    """The same columns of clicks in noise, in dB."""
    page, rng, step = watched.page, np.random.default_rng(3), 16
    open_page(page, utterance_page(report, "u1"), panels=1)
    for rate in (8000, 16_000):
        sound = np.rint(3000 * rng.standard_normal(100 * step)).astype(np.int16)
        sound[:: rate // 100] += 20_000
        wanted = power_decibels(sound / 32768, rate, step)
        drawn = page.evaluate(
            """([samples, rate, count]) => {
                const spectrum = new phonoscope.spectrogram.Spectrum(Int16Array.from(samples), rate), rows = [];
                spectrum.decibels(0, samples.length / rate, count,
                    (column, row, level) => { (rows[column] ??= [])[row] = level; });
                return rows;
            }""",
            [sound.tolist(), rate, 100],
        )
        assert np.abs(np.array(drawn) - wanted).max() < 0.02


def test_zoomed_in_single_periods_of_a_voice_are_seen(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    for _ in range(12):
        page.keyboard.press("+")
    begin, end = view(page)
    assert end - begin <= 0.05
    # The tone of 1000 Hz crosses zero 2000 times a second: so often the drawn line changes its side.
    sides = page.locator(".wave .tile").evaluate_all("""tiles => tiles.flatMap(tile => {
        const {width, height} = tile, {data} = tile.getContext('2d').getImageData(0, 0, width, height);
        const dark = (x, y) => data[4 * (y * width + x) + 3] > 100;
        return Array.from({length: width}, (_, x) => {
            const rows = Array.from({length: height}, (_, y) => y).filter(y => dark(x, y));
            return Math.sign(height / 2 - rows.reduce((a, b) => a + b, 0) / rows.length);
        });
    })""")
    tiles = page.locator(".wave .tile").count()
    seconds = tiles * 512 / page.locator(".lane.wave").bounding_box()["width"] * DURATION
    changes = sum(a != b for a, b in zip(sides, sides[1:]))
    assert changes == pytest.approx(2000 * seconds, rel=0.05)


def test_only_what_is_in_view_is_in_the_document(long_page: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, long_page, panels=1)
    phones = page.locator("button[aria-label^='reference phones: ']")
    few = phones.count()
    assert few < 0.3 * 7 * TIMES
    page.locator(".timeline button[tabindex='0']").focus()
    page.keyboard.press("End")
    focused = "document.activeElement.getAttribute('aria-label')"
    said = page.evaluate(focused)
    assert said.startswith("reference words: CAT, ") and phones.count() < few + 5
    start = float(said.split(", ")[1].split()[0])
    assert view(page)[0] < start < view(page)[1] and start > (TIMES - 1) * DURATION
    assert page.locator(".timeline [tabindex='0']").count() == 1
    for _ in range(12):
        page.keyboard.press("-")
    assert view(page) == (0, pytest.approx(TIMES * DURATION, abs=0.01))
    # All of it is in view: phones are painted. They are read and played all the same.
    page.locator(".timeline button[tabindex='0']").focus()
    lane = page.locator(".phones.owner, .lane.phones").first
    assert lane.locator("canvas").count() == 1
    box = lane.bounding_box()
    page.mouse.move(box["x"] + (10 * DURATION + 4.5 * STEP) / (TIMES * DURATION) * box["width"], box["y"] + 8)
    assert page.locator(".readout").inner_text().startswith("reference phones: AE, ")
    page.mouse.down()
    page.mouse.up()
    assert page.evaluate("sounds.at(-1).from") == pytest.approx(10 * DURATION + 4 * STEP + 0.01, abs=0.01)


def test_labels_thin_out(long_page: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, long_page, panels=1)
    shares = []
    for _ in range(6):
        counts = page.evaluate("""() => [...document.querySelectorAll('.lane.phones, .lane.words')].filter(
            lane => lane.getBoundingClientRect().bottom < innerHeight - 100).map(lane => {
            const labels = [...lane.querySelectorAll('.label')].map(one => one.getBoundingClientRect());
            labels.sort((a, b) => a.left - b.left);
            const clash = labels.filter((one, number) => number && one.left < labels[number - 1].right - 0.5).length;
            return [labels.length, lane.querySelectorAll('button:not(.silence)').length, clash];
        })""")
        assert sum(clash for _, _, clash in counts) == 0
        shares.append(sum(shown for shown, _, _ in counts) / max(sum(number for _, number, _ in counts), 1))
        page.keyboard.press("-")
        settle(page)
    assert shares[0] >= 1 and any(0.2 < share < 0.95 for share in shares)


def test_the_text_says_where_one_is(report: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    open_page(page, utterance_page(report, "u1"), panels=1)
    marked = page.locator("article q .now")
    assert page.locator("article q").inner_text() == "THE CAT" and marked.count() == 0
    page.locator("button[aria-label^='reference phones: AE,']").hover()
    assert marked.all_inner_texts() == ["CAT"]
    page.get_by_role("button", name="Play the whole utterance").click()
    page.wait_for_function("document.querySelector('article q .now')?.textContent === 'THE'")
    page.wait_for_function("document.querySelector('article q .now')?.textContent === 'CAT'")


def test_a_long_text_stays_on_one_line(long_page: Path, watched: SimpleNamespace) -> None:
    page = watched.page
    page.set_viewport_size({"width": 400, "height": 800})
    open_page(page, long_page, panels=1)
    assert page.locator("article q").bounding_box()["height"] < 40
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.locator(".timeline button[tabindex='0']").focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    assert watched.troubles == []
    assert Axe().run(page).response["violations"] == []  # of more than fits, what is scrolled can be reached
    watched.troubles.clear()  # axe asks for the style sheets, which a page from disk may not
    word = page.locator("article q .now").first
    word.wait_for()
    box = word.bounding_box()
    assert 0 <= box["x"] and box["x"] + box["width"] <= 400


def test_a_link_shows_another_the_same(report: Path, watched: SimpleNamespace) -> None:
    page, path = watched.page, utterance_page(report, "u1")
    open_page(page, path, panels=1)
    page.get_by_label("compare").select_option("new")  # the two change places
    page.get_by_label("lattices of").select_option("words + language model")
    for _ in range(4):
        page.keyboard.press("+")
    page.locator("button[aria-label^='old free phones: EH,']").click()
    page.keyboard.press("Escape")
    box = page.locator(".lane.wave").bounding_box()
    x = page.locator(".scroller").bounding_box()["x"] + 600
    page.mouse.move(x, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(x + 165, box["y"] + 10, steps=3)
    page.mouse.up()
    page.keyboard.press("Escape")
    looked = """() => [document.querySelector('.timeline [tabindex="0"]').getAttribute('aria-label'),
        [...document.querySelectorAll('.chooser select')].map(select => select.value),
        document.querySelector('.lattice-controls select').value, document.querySelector('.overview').ariaValueText,
        document.querySelector('.fixed .selection').dataset.long, document.querySelector('.timeline').style.width]"""
    page.wait_for_function("location.hash.includes('from=') && location.hash.includes('zoom=')")
    page.wait_for_timeout(300)
    before, address = page.evaluate(looked), page.evaluate("location.hash")
    assert before[0].startswith("old free phones: EH,") and before[1] == ["new", "old"] and before[2] == "words"
    page.evaluate("localStorage.clear()")
    page.goto("about:blank")
    page.goto(path.as_uri() + address)
    page.wait_for_function("document.activeElement.classList.contains('segment')")
    page.wait_for_function("!document.querySelector('.fixed .selection').hidden")
    assert page.evaluate(looked) == before
    # A link that holds nonsense shows the page as it is.
    page.goto("about:blank")
    page.goto(f"{path.as_uri()}#t=x&pair=a,b&zoom=NaN&at=1e99&from=3&to=-1&in=%22&lattices=toString")
    page.locator(".net .arc").first.wait_for()
    assert page.get_by_label("lattices of").input_value() == "free"
