"""Where models are found, and how they are fetched: folders and caches as their programs lay them out, a web server."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lexicon.errors import UserError
from pipeline.encoders.find import fetch, find, get, parse_name
from pipeline.encoders.known import ALL, HUGGING_FACE, KNOWN, Known
from pipeline.encoders.load import load_encoder
from pipeline.encoders.wav2vec import bundles
from tests.helpers.encoders import write_ctranslate2, write_hugging_face, write_openai

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    for name in ("HF_HOME", "HF_HUB_CACHE", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_names():
    assert parse_name("whisper-base") == ("whisper-base", "")
    assert parse_name("whisper-tiny.en:shuffled") == ("whisper-tiny.en", "shuffled")
    for name in ("", "a/b", "../x", "whisper:untrained", "whisper:", ":random", "a b"):
        with pytest.raises(UserError, match='ENCODER=".*": write the name of a model'):
            parse_name(name)


def test_known():
    """OpenAI's addresses hold the hash; the others' files are those that torchaudio describes."""
    for known in ALL:
        assert known.url.startswith("https://") and known.megabytes and known.licence
        if known.name.startswith("whisper"):
            assert known.url.split("/")[-2] == known.sha256 and len(known.sha256) == 64
            assert known.beside[0].startswith(HUGGING_FACE)
        else:
            path = bundles()[known.file]._path
            assert known.url in (path, f"https://download.pytorch.org/torchaudio/models/{path}")
    assert len(KNOWN) == len(ALL)


def test_folder_of_ones_own(tmp_path, home):
    for folder in ("whisper-base", "mine", "faster-whisper-tiny"):
        write_ctranslate2(tmp_path / "models" / folder)
    write_openai(tmp_path / "models")
    (tmp_path / "models/small.pt").rename(tmp_path / "models/small.en.pt")
    assert find("whisper-base", tmp_path / "models") == tmp_path / "models/whisper-base"
    assert find("mine", tmp_path / "models") == tmp_path / "models/mine"
    assert find("whisper-tiny", tmp_path / "models") == tmp_path / "models/faster-whisper-tiny"
    assert find("whisper-small.en", tmp_path / "models") == tmp_path / "models/small.en.pt"
    assert find("whisper-small", tmp_path / "models") is None
    assert load_encoder("mine:random", tmp_path / "models").name == "mine:random"
    weights = (tmp_path / "models/mine/model.bin").read_bytes()
    assert load_encoder("mine", tmp_path / "models").sha256 == hashlib.sha256(weights).hexdigest()


def test_caches(tmp_path, home, monkeypatch):
    hub = home / ".cache/huggingface/hub/models--openai--whisper-base"
    write_hugging_face(hub / "snapshots/old")
    write_hugging_face(hub / "snapshots/new")
    (hub / "refs").mkdir()
    (hub / "refs/main").write_text("new\n")
    assert find("whisper-base", None) == hub / "snapshots/new"
    (hub / "refs/main").write_text("../../../../..")
    assert find("whisper-base", None) == hub / "snapshots/new"
    shutil.rmtree(hub)
    faster = home / ".cache/huggingface/hub/models--Systran--faster-whisper-base/snapshots/1"
    assert find("whisper-base", None) is None
    write_ctranslate2(faster)
    assert find("whisper-base", None) == faster
    monkeypatch.setenv("HF_HOME", str(tmp_path / "elsewhere"))
    assert find("whisper-base", None) is None
    write_openai(home / ".cache/whisper")
    (home / ".cache/whisper/small.pt").rename(home / ".cache/whisper/base.pt")
    assert find("whisper-base", None) == home / ".cache/whisper/base.pt"
    file = home / ".cache/torch/hub/checkpoints/wavlm_base.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")
    assert find("wavlm-base", None) == file


def test_unknown(tmp_path, home):
    with pytest.raises(UserError, match='ENCODER="whsper": not among the models that are known; make models lists'):
        get("whsper", None)
    with pytest.raises(UserError, match='ENCODER="whsper": neither in .* nor among'):
        get("whsper", tmp_path)
    with pytest.raises(UserError, match="MODELS=.*: no such folder"):
        get("whisper-base", tmp_path / "none")
    (tmp_path / "whsper").mkdir()
    with pytest.raises(UserError, match="whsper: no weights in it"):
        load_encoder("whsper", tmp_path)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_fetched_from_the_publisher(tmp_path, home):
    """All files or none under the model's name; another hash than the publisher's is refused."""
    site, cache = tmp_path / "site", tmp_path / "cache"
    write_openai(site)
    sum_of = hashlib.sha256((site / "small.pt").read_bytes()).hexdigest()
    with served(site) as url:
        known = Known("whisper-mini", 1, "MIT", f"{url}/small.pt", sum_of, (f"{url}/tokenizer.json",))
        with pytest.raises(UserError, match="tokenizer.json: cannot be fetched .*give its folder with MODELS="):
            fetch(known, cache)
        assert not (cache / "whisper-mini").exists() and (cache / "whisper-mini.part/small.pt").is_file()
        (site / "tokenizer.json").write_text("{}")
        (site / "small.pt").rename(site / "gone.pt")  # it is here already
        assert fetch(known, cache) == cache / "whisper-mini"
        assert sorted(path.name for path in (cache / "whisper-mini").iterdir()) == ["small.pt", "tokenizer.json"]
        assert find("whisper-mini", None, cache) == cache / "whisper-mini"
        shutil.rmtree(cache)
        (site / "small.pt").write_bytes(b"other")
        with pytest.raises(UserError, match="small.pt: not what http.* is known to be .SHA-256 .*; delete it"):
            fetch(known, cache)
        assert find("whisper-mini", None, cache) is None
    with pytest.raises(
        UserError, match="small.pt: cannot be fetched .*or fetch small.pt elsewhere and give its folder"
    ):
        fetch(known, tmp_path / "other")


def test_list(tmp_path, home):
    """make models: a line for each, of what is here the place, the size and the hash that it has."""
    write_ctranslate2(tmp_path / "models/whisper-base")
    write_hugging_face(tmp_path / "models/mine")
    command = [sys.executable, "-m", "stages.models", "--models", str(tmp_path / "models"), "--cache", str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == len(ALL) + 3, done.stderr
    base = next(line for line in lines if line.startswith("whisper-base "))
    file = tmp_path / "models/whisper-base/model.bin"
    assert hashlib.sha256(file.read_bytes()).hexdigest()[:12] in base and str(file.parent) in base and "MIT" in base
    tiny = next(line for line in lines if line.startswith("whisper-tiny "))
    assert "65147644a518" in tiny and tiny.endswith("/tiny.pt") and " 76 " in tiny
    assert any(line.startswith("mine ") for line in lines)
    assert (
        lines[-1] == f"models: {len(ALL)} known, 2 on this machine; one that is not is downloaded when it is asked for"
    )
