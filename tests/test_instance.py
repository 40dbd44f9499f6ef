"""Servers that people name: only public ones by https, and no endless answers."""

import asyncio
import gzip
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable

import pytest
import requests
from aiohttp import web

from bot.errors import UserError
from bot.posting import instance
from bot.posting.instance import AddressRefused, Session, base_url, is_public

PRIVATE = ("http://127.0.0.1:3000", "https://10.0.0.7:8443")


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("mastodon.social", "https://mastodon.social"),
        ("  HTTPS://Mastodon.Social/ ", "https://mastodon.social"),
        ("https://mastodon.social/@goose", "https://mastodon.social"),
        ("@goose@mastodon.social", "https://mastodon.social"),
        ("mastodon.social:443", "https://mastodon.social"),
        ("grüße.example", "https://xn--gre-6ka8l.example"),
        ("127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://127.0.0.1:3000/about", "http://127.0.0.1:3000"),
        ("https://10.0.0.7:8443", "https://10.0.0.7:8443"),
    ],
)
def test_a_server_is_found_in_what_is_typed(typed: str, url: str) -> None:
    assert base_url(typed, PRIVATE) == url


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "mastodon",
        "localhost",
        "localhost:3000",
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "http://mastodon.social",
        "https://127.0.0.1:3000",
        "https://mastodon.social:8443",
        "https://[::1]",
        "https://[::1",
        "https://mastodon.social:99999",
        "ftp://mastodon.social",
        "file:///etc/passwd",
        "goose mastodon.social",
        "https://user:pass@127.0.0.1",
        "a" * 300 + ".example",
    ],
)
def test_what_is_no_public_server_is_refused_with_a_sentence(typed: str) -> None:
    with pytest.raises(UserError, match="Give its name, such as"):
        base_url(typed, PRIVATE)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d70e", True),
        ("64:ff9b:1::7f00:1", False),
        ("::127.0.0.1", False),
        ("::ffff:0:127.0.0.1", False),
        ("2001:0:7f00:1::", False),
        ("fec0::1", False),
        ("2001:db8::1", False),
        ("ff02::1", False),
        ("240.0.0.1", False),
        ("198.18.0.1", False),
    ],
)
def test_private_addresses_are_known_however_they_are_wrapped(address: str, public: bool) -> None:
    assert is_public(address) is public


Answer = Callable[[web.Request], AsyncIterator[bytes]]


@pytest.fixture
async def hostile() -> AsyncIterator[str]:
    """A server with a page for each thing that one should not do."""

    async def fine(_: web.Request) -> web.Response:
        return web.json_response({"hello": "world"})

    async def elsewhere(request: web.Request) -> web.Response:
        url = request.query.get("to", "http://169.254.169.254/latest/meta-data")
        return web.Response(status=302, headers={"Location": url}, body=b"x" * 100)

    async def circle(_: web.Request) -> web.Response:
        return web.Response(status=301, headers={"Location": "/circle"})

    async def huge(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * (instance.MAX_ANSWER_BYTES + 1))

    async def bomb(_: web.Request) -> web.Response:
        body = gzip.compress(b"\0" * (64 << 20))
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100000"})
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b"x")
            await asyncio.sleep(0.05)
        return response

    app = web.Application()
    for page in (fine, elsewhere, circle, huge, bomb, trickle):
        app.router.add_get(f"/{page.__name__}", page)
    app.router.add_post("/posted", circle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def _get(
    url: str, page: str, *, is_trusted: bool = True, max_seconds: float = 10
) -> requests.Response:
    def call() -> requests.Response:
        with Session(url, is_trusted=is_trusted, max_seconds=max_seconds) as session:
            return session.get(f"{url}/{page}", timeout=5)

    return await asyncio.to_thread(call)


async def test_a_good_answer_comes_through(hostile: str) -> None:
    assert (await _get(hostile, "fine")).json() == {"hello": "world"}


@pytest.mark.parametrize("to", ["http://169.254.169.254/", "https://other.example/fine", "//a.b/"])
async def test_a_redirect_to_another_server_is_not_followed(hostile: str, to: str) -> None:
    with pytest.raises(AddressRefused, match="another server"):
        await _get(hostile, f"elsewhere?to={to}")


@pytest.mark.parametrize("to", ["/fine", "fine", "/fine/"])
async def test_a_redirect_on_the_same_server_is_followed(hostile: str, to: str) -> None:
    assert (await _get(hostile, f"elsewhere?to={to}")).json() == {"hello": "world"}


async def test_a_redirect_in_a_circle_ends_and_no_post_is_redirected(hostile: str) -> None:
    with pytest.raises(AddressRefused, match="circle"):
        await _get(hostile, "circle")
    with Session(hostile, is_trusted=True) as session, pytest.raises(AddressRefused) as e:
        await asyncio.to_thread(session.request, "POST", f"{hostile}/posted", timeout=5)
    assert e.value.is_answer


@pytest.mark.parametrize("page", ["huge", "bomb"])
async def test_an_answer_has_a_limit_also_once_it_is_unpacked(hostile: str, page: str) -> None:
    with pytest.raises(AddressRefused, match="too much"):
        await _get(hostile, page)


async def test_an_answer_that_never_ends_is_cut_off(hostile: str) -> None:
    begun = time.monotonic()
    with pytest.raises(Exception, match=r"[Ii]ncomplete|[Cc]onnection"):
        await _get(hostile, "trickle", max_seconds=0.5)
    assert time.monotonic() - begun < 2


async def test_another_server_is_never_asked(hostile: str) -> None:
    with Session("https://mastodon.social", is_trusted=True) as session:
        for url in (hostile, "https://mastodon.social.evil.example/x"):
            with pytest.raises(AddressRefused):
                await asyncio.to_thread(session.get, url)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"])
async def test_a_name_that_leads_to_a_private_address_is_not_connected_to(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        url = f"https://{host}:{listening.getsockname()[1]}"
        with pytest.raises(AddressRefused, match="public internet"):
            await _get(url, "", is_trusted=False)
        with pytest.raises(TimeoutError):
            listening.accept()


async def test_a_strangers_server_is_not_asked_without_encryption(hostile: str) -> None:
    with pytest.raises(requests.exceptions.InvalidSchema):
        await _get(hostile, "fine", is_trusted=False)


# A name server that calls the name public at first, and loopback ever after. Nothing is connected
# to: the attempt itself is what is looked at.
REBINDING = """
import json, socket, sys
asked, tried, really = [], [], socket.getaddrinfo
def lookup(host, port, *args, **more):
    if host != "rebinding.example":
        return really(host, port, *args, **more)
    address = "127.0.0.1" if asked else "93.184.215.14"
    asked.append(address)
    return really(address, port, *args, **more)
def watch(event, args):
    if event == "socket.connect":
        tried.append(args[1][0])
        raise OSError("nothing leaves this machine")
socket.getaddrinfo = lookup
sys.addaudithook(watch)
from bot.posting.instance import AddressRefused, Session
url = "https://rebinding.example"
told = []
for _ in range(2):
    try:
        Session(url, is_trusted=False).get(url + "/api", timeout=2)
    except Exception as e:
        told.append(type(e).__name__)
print(json.dumps([asked, tried, told]))
"""


def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    done = subprocess.run(
        [sys.executable, "-c", REBINDING], capture_output=True, text=True, check=True
    )
    asked, tried, told = json.loads(done.stdout)
    assert asked == ["93.184.215.14", "127.0.0.1"]  # once for each connection
    assert tried == ["93.184.215.14"]  # the second was refused before any
    assert told == ["ConnectionError", "AddressRefused"]


async def test_a_strangers_server_is_not_reached_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0.2)
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        with pytest.raises(AddressRefused, match="public internet"):
            await _get("https://localhost", "", is_trusted=False)
        with pytest.raises(TimeoutError):
            proxy.accept()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:3000", "https://localhost", "http://[::1]", "http://localhost"]
)
def test_a_loopback_server_is_only_what_the_operator_named(url: str) -> None:
    assert base_url(url, [url]) == url
    with pytest.raises(UserError):
        base_url(url)
    with pytest.raises(UserError):
        base_url(url, ["http://127.0.0.1:3001"])
