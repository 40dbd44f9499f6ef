"""Addresses of Mastodon servers as people type them, and an HTTP session that goes nowhere else.

The server of a connected account is a stranger's. The session uses https and public addresses only
(looks up, checks and connects in one step, so that no second answer of the name server can differ),
and follows a GET's redirects on the same server only. It bounds every answer in size and time.
"""

import io
import ipaddress
import re
import socket
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import idna
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from bot.errors import UserError
from bot.sentences import Words, say

MAX_ANSWER_BYTES = 4 << 20  # forty statuses with all their attachments take a tenth of it
MAX_SECONDS = 60.0  # one request in total; Mastodon.py's own timeout is per read
CHUNK_BYTES = 64 << 10
MAX_REDIRECTS = 3
USER_AGENT = "write-my-posts"  # some servers turn away what calls itself python-requests


class AddressRefused(Exception):
    """A server that the bot must not talk to, and why.

    `is_answer`: it has had the request, and this is what came of it.
    """

    def __init__(self, words: Words, *, is_answer: bool = False) -> None:
        super().__init__(str(words))
        self.words = words
        self.is_answer = is_answer


def base_url(typed: str, private: Collection[str] = ()) -> str:
    """Address of the server in a name, a link or a handle. Raises UserError.

    `private` are addresses that the operator allows although they are not public or not https.
    """
    text = typed.strip().lower()
    if "://" not in text:
        host = text.rpartition("@")[2].split("/")[0]
        allowed = [url for url in private if url.partition("://")[2] == host]
        text = allowed[0] if allowed else f"https://{host}"
    with suppress(ValueError):  # what urlsplit, its port and idna raise
        parts = urlsplit(text)
        url = f"{parts.scheme}://{parts.netloc}"
        if url in private:
            return url
        name = idna.encode((parts.hostname or "").rstrip("."), uts46=True).decode()
        is_named = re.fullmatch(r"(?=.{4,253}$)[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]+", name)
        if is_named and parts.scheme == "https" and parts.port in (None, 443):
            return f"https://{name}"
    raise UserError(
        "{typed} is not the address of a Mastodon server. Give its name, such as mastodon.social.",
        typed=typed.strip()[:100],
    )


class Session(requests.Session):
    """Requests to one server and no other; every failure ends in bounded time."""

    def __init__(
        self, base_url: str, *, is_trusted: bool, max_seconds: float = MAX_SECONDS
    ) -> None:
        """`is_trusted`: the operator chose the server; it may be private, or behind a proxy."""
        super().__init__()
        self._max_seconds = max_seconds
        self._base_url = base_url.rstrip("/") + "/"
        self.server_time: datetime | None = None  # by its clock, at its last answer
        self.headers["Connection"] = "close"  # each request is cut by its own deadline
        self.headers["User-Agent"] = USER_AGENT
        if not is_trusted:
            self.trust_env = False  # a proxy would look the name up by itself
            self.adapters.clear()
        for prefix in ("https://", "http://") if is_trusted else ("https://",):
            self.mount(prefix, _Adapter(_TRUSTED if is_trusted else _PUBLIC))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send one request and read the whole answer. Raises AddressRefused."""
        # Mastodon.py puts a slash behind some paths, which other servers take for other paths
        url, n = request.url or "", len(self._base_url)
        request.url = url[:n] + re.sub(r"/(?=\?|$)", "", url[n:], count=1)
        with _cut_off_after(self._max_seconds):
            for _ in range(MAX_REDIRECTS):
                if not (request.url or "").startswith(self._base_url):
                    raise AddressRefused(_elsewhere(request.url or ""))
                response = super().send(
                    request, **kwargs | {"stream": True, "allow_redirects": False}
                )
                target = response.headers.get("location")
                if not target or not 300 <= response.status_code < 400:
                    response.headers.pop("deprecation", None)  # Mastodon.py would warn
                    self.server_time = _time(response.headers.get("date"))
                    response.raw = io.BytesIO(_body(response))
                    return response
                response.close()
                target = urljoin(request.url or "", target)
                if request.method != "GET" or not target.startswith(self._base_url):
                    raise AddressRefused(_elsewhere(target), is_answer=True)
                request = request.copy()
                request.url = target
        raise AddressRefused(say("It sends its visitors round in a circle."), is_answer=True)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Ignore every redirect: requests would turn a POST into a GET on the way."""


def _time(header: str | None) -> datetime | None:
    with suppress(ValueError, TypeError):  # none, or an odd one
        found = parsedate_to_datetime(header or "")
        return found if found.tzinfo else None
    return None


def _elsewhere(url: str) -> Words:
    """The reason why a redirect is not followed."""
    host = urlsplit(url).hostname or ""
    if re.fullmatch(r"[a-z0-9.-]{1,100}", host):
        return say("It sends its visitors to another server, {host}: give its address.", host=host)
    return say("It sends its visitors to another server: give that one's address.")


def _body(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.raw.stream(CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            response.close()
            raise AddressRefused(say("It sends too much."), is_answer=True)
    return bytes(body)


_here = threading.local()  # .sockets: those of the request that runs in this thread


@contextmanager
def _cut_off_after(seconds: float) -> Iterator[None]:
    """Cut the connections of this thread's request if it takes too long, even if bytes come."""
    sockets: list[socket.socket] = []
    _here.sockets = sockets

    def cut() -> None:
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        for each in sockets:
            each.close()


class _Cut(HTTPConnection):
    """A connection that the deadline can cut."""

    def _new_conn(self) -> socket.socket:
        connected = self._connected()
        _here.sockets.append(connected.dup())  # TLS takes the socket itself over
        return connected

    def _connected(self) -> socket.socket:
        return super()._new_conn()


class _Public(_Cut):
    """A connection to public addresses only: it connects to the very address it checked."""

    def _connected(self) -> socket.socket:
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError as e:
            raise NameResolutionError(self.host, self, e) from e  # type: ignore[arg-type]  # takes any OSError
        addresses = [str(info[4][0]) for info in found]
        if not all(is_public(address) for address in addresses):
            raise AddressRefused(say("It is not on the public internet."))
        for address in addresses:
            with suppress(OSError):
                return create_connection((address, self.port), self.timeout)
        raise NewConnectionError(self, "No address of the server answers.")


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet, also if it is wrapped in IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        wrapped = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1]
        if ip in _NAT64:
            wrapped = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if not (is_public(str(wrapped)) if wrapped else ip in _UNICAST):
            return False
    return ip.is_global and not ip.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")  # all that IANA has given out; not ::127.0.0.1


class _CutHTTPS(_Cut, HTTPSConnection):
    pass


class _PublicHTTPS(_Public, HTTPSConnection):
    pass


class _CutPool(HTTPConnectionPool):
    ConnectionCls = _Cut


class _CutHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _CutHTTPS


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicHTTPS


_TRUSTED = {"http": _CutPool, "https": _CutHTTPSPool}
_PUBLIC = {"https": _PublicPool}


class _Adapter(HTTPAdapter):
    """Requests' adapter, with connections of our own."""

    def __init__(self, pools: dict[str, Any]) -> None:  # Any: pool classes of two kinds
        self._pools = pools
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Build the pools. Called by the constructor."""
        super().init_poolmanager(*args, **kwargs)
        assert isinstance(self.poolmanager, PoolManager)
        self.poolmanager.pool_classes_by_scheme = self._pools
