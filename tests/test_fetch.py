"""Downloads that are interrupted, resumed, restarted; against a real web server whose behaviour is set."""

from __future__ import annotations

import contextlib
import fcntl
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lexicon.errors import UserError
from pipeline.corpora import fetch

CONTENT = np.random.default_rng(3).bytes(300_000)
CUT = 200_000


class Site:
    """One file at ``url``: ``tag`` and ``date`` are its validators, parts are served if ``ranges``, of any version if
    ``blind``; answers break off at the byte ``cut``; ``asked`` are the bytes from which requests wanted it."""

    def __init__(self) -> None:
        self.content, self.tag, self.date = CONTENT, '"one"', None
        self.ranges, self.cut, self.blind, self.asked = True, None, False, []
        self.url = ""

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range") or "")
        self.asked.append(wanted and int(wanted[1]))
        same = self.blind or request.headers.get("If-Range") in (self.tag, self.date)
        first = int(wanted[1]) if wanted and self.ranges and same else 0
        if first and first >= len(self.content):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(self.content)}")
            request.send_header("Content-Length", "0")
            return request.end_headers()
        request.send_response(206 if first else 200)
        if first:
            request.send_header("Content-Range", f"bytes {first}-{len(self.content) - 1}/{len(self.content)}")
        for name, value in (("ETag", self.tag), ("Last-Modified", self.date)):
            if value:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(self.content) - first))
        request.end_headers()
        request.wfile.write(self.content[first : self.cut])


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}/corpus.tar.gz"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield found
        server.shutdown()


def break_off(site: Site, path: Path) -> None:
    site.cut = CUT
    with pytest.raises(UserError, match=f"the connection broke after {CUT} of 300000 bytes; run the command again"):
        fetch.download(site.url, path)
    site.cut = None
    assert not path.exists()


@pytest.mark.parametrize(
    "tag,date", [('"one"', None), (None, "Wed, 01 May 2019 10:00:00 GMT"), ('W/"one"', "Wed, 01 May 2019 10:00:00 GMT")]
)
def test_a_broken_download_goes_on_where_it_broke_off(site, tmp_path, tag, date):
    """A weak ETag does not promise equal bytes, so the date is asked for instead (RFC 9110, 13.1.5)."""
    site.tag, site.date = tag, date
    path = tmp_path / "cache/corpus.tar.gz"
    break_off(site, path)
    assert path.with_name("corpus.tar.gz.part").read_bytes() == CONTENT[:CUT]
    fetch.download(site.url, path)
    assert path.read_bytes() == CONTENT and site.asked == [None, CUT]
    assert list(path.parent.iterdir()) == [path]


def test_it_may_break_off_more_than_once(site, tmp_path):
    path = tmp_path / "corpus.tar.gz"
    break_off(site, path)
    site.cut = 250_000
    with pytest.raises(UserError, match="broke after 250000 of 300000"):
        fetch.download(site.url, path)
    site.cut = None
    fetch.download(site.url, path)
    assert path.read_bytes() == CONTENT and site.asked == [None, CUT, 250_000]


def without_ranges(site: Site) -> None:
    site.ranges = False


def changed(site: Site) -> None:
    site.content, site.tag = CONTENT[::-1], '"two"'


def changed_and_shorter(site: Site) -> None:
    site.content, site.tag = CONTENT[:1000], '"two"'


def changed_and_ignoring_if_range(site: Site) -> None:
    changed(site)
    site.blind = True


@pytest.mark.parametrize("happen", [without_ranges, changed, changed_and_shorter, changed_and_ignoring_if_range])
def test_it_begins_anew_where_it_cannot_go_on(site, tmp_path, happen):
    path = tmp_path / "corpus.tar.gz"
    break_off(site, path)
    happen(site)
    fetch.download(site.url, path)
    assert path.read_bytes() == site.content and site.asked == [None, CUT, None]
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_version_nothing_is_kept(site, tmp_path):
    site.tag = None
    break_off(site, tmp_path / "corpus.tar.gz")
    assert not list(tmp_path.iterdir())


def test_what_another_address_gave_is_not_gone_on_with(site, tmp_path):
    path = tmp_path / "corpus.tar.gz"
    break_off(site, path)
    fetch.download(site.url + "?mirror", path)
    assert path.read_bytes() == CONTENT and site.asked == [None, None]


def test_a_run_killed_after_the_last_byte_fetches_nothing_again(site, tmp_path):
    path = tmp_path / "corpus.tar.gz"
    break_off(site, path)
    path.with_name("corpus.tar.gz.part").write_bytes(CONTENT)
    fetch.download(site.url, path)
    assert path.read_bytes() == CONTENT and site.asked == [None, 300_000]


def test_a_site_that_is_down_leaves_what_there_was(site, tmp_path):
    path = tmp_path / "corpus.tar.gz"
    break_off(site, path)
    with pytest.raises(UserError, match=r":9/x: cannot be fetched \(.*\); check the network, or fetch corpus.tar.gz "):
        fetch.download("http://127.0.0.1:9/x", path)
    assert path.with_name("corpus.tar.gz.part").read_bytes() == CONTENT[:CUT]


def test_two_runs_do_not_write_into_one_file(site, tmp_path):
    path = tmp_path / "corpus.tar.gz"
    with open(tmp_path / "corpus.tar.gz.part", "ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="corpus.tar.gz.part: another run is fetching it; wait for it to end"):
            fetch.download(site.url, path)
    fetch.download(site.url, path)
    assert path.read_bytes() == CONTENT


def test_a_file_larger_than_the_disk_is_not_begun(site, tmp_path):
    """The server promises a petabyte."""

    class Promise(bytes):
        def __len__(self) -> int:
            return 10**15

    site.content = Promise(b"x")
    site.cut = 1
    with pytest.raises(UserError, match="corpus.tar.gz.part: 1000000.0 GB to fetch and .* GB free; make room"):
        fetch.download(site.url, tmp_path / "corpus.tar.gz")
    with contextlib.suppress(FileNotFoundError):
        assert (tmp_path / "corpus.tar.gz.part").stat().st_size == 0
