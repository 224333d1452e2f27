"""The page is for one person on this machine: nobody else reaches it."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from lexicon.errors import UserError
from pipeline.stream.server import Page


@pytest.fixture
def page() -> Iterator[Page]:
    page = Page(0, lambda nonce: f"<p>{nonce}</p>")
    yield page
    page.close()


def get(page: Page, path: str, host: str = "") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
    connection.request("GET", path, headers={"Host": host or f"127.0.0.1:{page.port}"})
    return connection.getresponse()


def live(page: Page, token: str = "", **headers: str | None):
    origin = headers.pop("origin", f"http://127.0.0.1:{page.port}")
    return connect(
        f"ws://127.0.0.1:{page.port}/{token or page.token}/live", origin=origin, proxy=None, open_timeout=10, **headers
    )


def test_who_knows_the_address_gets_the_page_and_what_is_said(page):
    answer = get(page, f"/{page.token}/")
    assert answer.status == 200 and answer.read().decode() == f"<p>{page.nonce}</p>"
    assert f"script-src 'nonce-{page.nonce}'" in answer.headers["Content-Security-Policy"]
    page.send({"kind": "begin"}, first=True)
    page.send({"n": 1})
    with live(page) as early:
        page.send({"n": 2})
        with live(page) as late:
            for viewer in (early, late):
                assert [json.loads(viewer.recv(10)) for _ in range(3)] == [{"kind": "begin"}, {"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    "path", ["/", "/favicon.ico", "/x/", "/{short}/", "/{token}x/", "//{token}/", "/../etc/passwd"]
)
def test_who_does_not_know_it_gets_nothing(page, path):
    answer = get(page, path.format(token=page.token, short=page.token[:-1]))
    assert answer.status == 403 and page.nonce not in answer.read().decode()


@pytest.mark.parametrize("path", ["/{token}/x", "/{token}/live.js"])
def test_there_is_no_other_page(page, path):
    assert get(page, path.format(token=page.token)).status == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}"])
def test_another_name_for_this_machine_is_refused(page, host):
    """A page from elsewhere whose name is made to point here still has its own name in Host (DNS rebinding)."""
    answer = get(page, f"/{page.token}/", host.format(port=page.port))
    assert answer.status == 403 and page.nonce not in answer.read().decode()


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://127.0.0.1:{port}", "http://127.0.0.1:1", "null", None]
)
def test_a_page_from_elsewhere_cannot_listen(page, origin):
    with pytest.raises(InvalidStatus) as refused, live(page, origin=origin and origin.format(port=page.port)):
        pass
    assert refused.value.response.status_code == 403


def test_a_wrong_token_cannot_listen(page):
    with pytest.raises(InvalidStatus) as refused, live(page, token="x" * 32):
        pass
    assert refused.value.response.status_code == 403


def test_another_machine_cannot_connect(page):
    """What is sent to another address of this machine comes in as from another one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: it says which address the machine has
            others = [probe.getsockname()[0]]
        except OSError:
            others = []
    assert page.server.socket.getsockname()[0] == "127.0.0.1"
    for address in [*others, "127.0.0.2"]:
        with socket.socket() as caller, pytest.raises(OSError):
            caller.settimeout(5)
            caller.connect((address, page.port))


def test_a_port_that_is_taken_or_is_none(page):
    for port, says in ((page.port, "another program has it"), (70_000, "--port 70000")):
        with pytest.raises(UserError, match=says):
            Page(port, str)
