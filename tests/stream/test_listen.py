"""`make listen` itself: at the terminal, in a real browser, from a microphone, interrupted, and with what is wrong."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser

import stages.listen
from lexicon.errors import UserError
from pipeline.stream.listener import ListenSettings

PROJECT = Path(__file__).resolve().parents[2]
pytest_plugins = ["reports.fixtures"]

DARKEST = """lane => Math.max(...[...lane.querySelectorAll('canvas')].map(canvas => {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((most, value, i) => i % 4 === 3 ? Math.max(most, value) : most, 0);
}))"""


@contextmanager
def listening(experiment, *options: str) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(
        [sys.executable, "-m", "stages.listen", *experiment.options("gmm", "neural"), *options],
        cwd=PROJECT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def table(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def test_in_a_browser_words_appear_before_the_sound_ends(experiment, browser: Browser):
    with listening(experiment, "--wav", str(experiment.three), "--page", "yes") as process:
        lines = iter(process.stdout.readline, "")
        url = next(found[0] for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+/\S+/", line)))
        context, troubles = browser.new_context(viewport={"width": 1280, "height": 900}), []
        page = context.new_page()
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("requestfailed", lambda request: troubles.append(f"failed: {request.url}"))
        page.on("request", lambda request: request.url.startswith(url) or troubles.append(request.url))
        page.goto(url)
        page.locator("#said .partial").first.wait_for()
        page.locator("[data-system=gmm]", has_text=experiment.words[0]).wait_for()
        assert page.locator("#state").inner_text() == "listening"
        shown = float(page.locator("#clock").inner_text().split()[0])
        assert shown < soundfile.info(experiment.three).duration - 1
        page.get_by_text("the sound is over").wait_for()
        said = page.locator("[data-system=gmm]").inner_text().split()
        assert said[:2] == experiment.words[:2] and page.locator("#said .partial, .lane .partial").count() == 0
        assert page.locator(".s0 .phones i").count() > 10 and page.locator(".s0 .words b").count() == len(said)
        for lane in (".spectrogram", ".s0 .posteriorgram", ".s1 .posteriorgram"):
            assert page.locator(lane).evaluate(DARKEST) > 200
        context.close()
        assert troubles == []
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0 and not errors, errors
        assert "gmm             first            3" in output
        own = experiment.root / "exp/own/three"
        rows = table(own / "heard.tsv")
        assert rows[0] == ["start", "end", "system", "words", "phones"]
        assert " ".join(row[3] for row in rows if row[2] == "gmm").split() == said
        late = [row for row in table(own / "latency.tsv") if row[0] == "gmm"]
        assert [row[4] for row in late] == said


class Microphone(ModuleType):
    """A sounddevice that plays a file; then somebody presses Ctrl-C."""

    PortAudioError = OSError

    def __init__(self, wav: Path):
        super().__init__("sounddevice")
        self.samples, self.rate = soundfile.read(wav, dtype="int16", always_2d=True)

    def query_devices(self, kind: str) -> dict[str, float]:
        return {"default_samplerate": float(self.rate)}

    @contextmanager
    def InputStream(self, samplerate: int, blocksize: int, channels: int, dtype: str, callback) -> Iterator[None]:
        assert (samplerate, channels, dtype) == (self.rate, 1, "int16")

        def play() -> None:
            for first in range(0, len(self.samples), blocksize):
                callback(self.samples[first : first + blocksize], blocksize, None, None)
                time.sleep(0.02)
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGINT)

        player = threading.Thread(target=play)
        player.start()
        yield
        player.join()


def asked(experiment, *names: str, wav: str = "") -> Namespace:
    given = {field.name: field.default for field in fields(ListenSettings)}
    exp = experiment.root / "exp"
    return Namespace(wav=wav, exp=exp, system=experiment.listed(*names), lm=None, page=False, port=0, **given)


def test_from_a_microphone_until_ctrl_c_all_is_kept(experiment, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sounddevice", Microphone(experiment.one))
    before = signal.getsignal(signal.SIGINT)
    heard, result = stages.listen.main(asked(experiment, "gmm"))
    assert signal.getsignal(signal.SIGINT) == before
    assert "gmm 3 words, " in result and "gmm             first            1" in capsys.readouterr().out
    kept, _ = soundfile.read(heard.parent / "sound.wav", dtype="int16")
    said, _ = soundfile.read(experiment.one, dtype="int16")
    assert (kept == said).all()
    assert [row[3].split() for row in table(heard)[1:]] == [experiment.spoken[0]]
    assert [row[4] for row in table(heard.parent / "latency.tsv")[1:]] == experiment.spoken[0]


def test_a_file_that_is_damaged_later_on_is_heard_until_there(experiment, monkeypatch):
    monkeypatch.setattr("pipeline.stream.source.READ_S", 1)
    samples, rate = soundfile.read(experiment.one)
    samples = np.concatenate([samples, np.zeros(3 * rate), np.full(rate, np.nan)])
    wav = experiment.root / "damaged.wav"
    soundfile.write(wav, samples, rate, subtype="FLOAT")
    with pytest.raises(UserError, match="damaged.wav: samples that are not finite"):
        stages.listen.main(asked(experiment, "gmm", wav=str(wav)))
    heard = table(experiment.root / "exp/own/damaged/heard.tsv")
    assert [row[3].split() for row in heard[1:]] == [experiment.spoken[0]]


class NoMicrophone(ModuleType):
    """A sounddevice that finds none."""

    class PortAudioError(Exception):
        pass

    def query_devices(self, kind: str) -> None:
        raise self.PortAudioError("Error querying device -1")


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (NoMicrophone("sounddevice"), r"no microphone that can be used \(Error querying device -1\); plug one in"),
        (None, "recording needs sounddevice; run: "),
    ],
)
def test_without_a_microphone(experiment, monkeypatch, module, message):
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    before = {path.name for path in (experiment.root / "exp").glob("own/*")}
    with pytest.raises(UserError, match=message):
        stages.listen.main(asked(experiment, "gmm"))
    assert {path.name for path in (experiment.root / "exp").glob("own/*")} == before
