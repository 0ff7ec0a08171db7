"""Hosts that somebody names: what is public is reached, what is not is refused before a byte leaves."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from textcrm.errors import SettingsError, UnavailableError, UsageError
from textcrm.operations.work.reach import Reach, Resolve, Target, is_public, post

PRIVATE_V4 = """
127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.254 0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.1 10.255.255.255 172.16.0.1
172.31.255.254 192.168.0.1 192.168.255.255 169.254.0.1 169.254.169.254 169.254.170.2 100.64.0.1 100.100.100.200
100.127.255.255 192.0.0.1 192.0.0.8 192.0.0.192 192.0.2.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7 192.88.99.1
224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 168.63.129.16
""".split()
PRIVATE_V6 = """
::1 :: ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:7f00:1 0:0:0:0:0:ffff:7f00:1 ::127.0.0.1
::10.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b:1::1 100::1
2001::1 2001:db8::1 2001:10::1 2001:20::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2002:7f00:1:: 2002:a00:1::
2002:c0a8:101::1 2002:a9fe:a9fe:: 3fff::1 5f00::1 fc00::1 fd00::1 fd00:ec2::254 fdff:ffff::1 fe80::1 fe80::a9fe:a9fe
febf::1 fec0::1 feff::1 ff02::1 ff0e::1 ffff::1 0000:0000:0000:0000:0000:0000:0000:0001 0:0:0:0:0:0:0:1 4000::1
""".split()
NUMBERS = """
2130706433 017700000001 0x7f000001 0x7F000001 127.1 127.0.1 0177.0.0.1 0177.0.0.01 0x7f.0.0.1 0x7f.1 127.0.0.0x1
127.0x0.0.1 00000177.0.0.1 167772161 0xa000001 012.0.0.1 10.1 3232235521 0xc0a80001 192.168.257 0300.0250.0.1 2852039166
0xa9fea9fe 0xA9.0xFE.0xA9.0xFE 0251.0376.0251.0376 169.254.43518 0251.254.169.254 4294967295 0 0x0 00 000.0.0.0
127.0.0.1. 2130706433. 0x 1.2.3.4.5 256.256.256.256 999999999999 127.000.000.001
""".split()
URLS = [
    "https://user@127.0.0.1/",
    "https://user:secret@127.0.0.1/",
    "https://example.com@127.0.0.1/",
    "https://127.0.0.1@example.com/",
    "https://@example.com/",
    "https://example.com:80@127.0.0.1/",
    "https://example.com%40127.0.0.1/",
    "https://example.com\\@127.0.0.1/",
    "https:\\\\127.0.0.1/",
    "https:/127.0.0.1/",
    "https:127.0.0.1",
    "https:///127.0.0.1/",
    "https://",
    "https:///",
    "https://:443/",
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://example.com:-1/",
    "https://example.com:http/",
    "https://example.com:80:443/",
    "//127.0.0.1/",
    "127.0.0.1",
    "ftp://example.com/",
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "dict://127.0.0.1:11211/stats",
    "ldap://127.0.0.1/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "jar:https://127.0.0.1/!/",
    "https://127.0.0.1/\r\nX-Injected: 1",
    "https://example.com/\r\nX-Injected: 1",
    "https://example.com/\nHost: 127.0.0.1",
    "https://example.com/\tx",
    "https://exa mple.com/",
    " https://127.0.0.1/",
    "https://127.0.0.1\t/",
    "https://127.0.0.1%00.example.com/",
    "https://127.0.0.1\x00.example.com/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://１２７.0.0.1/",
    "https://lоcalhost/",
    "https://[::1]/",
    "https://[::1]:8600/",
    "https://[::1%25lo]/",
    "https://[fe80::1%25eth0]/",
    "https://[2606:4700::1111%25eth0]/",
    "https://[::ffff:127.0.0.1]:6379/",
    "https://[::1",
    "https://::1/",
    "https://[127.0.0.1]/",
    "https://[]/",
    "https://[v1.x]/",
    "https://-example.com/",
    "https://example-.com-/",
    "https://example..com/",
    "https://.example.com/",
    "http://example.com/",
    "http://127.0.0.1/",
    "http://localhost/",
    "http://169.254.169.254/latest/meta-data/",
    "HTTP://10.0.0.1/",
    "https://127.0.0.1:27017/",
    "https://10.0.0.1:22/",
    "https://" + "a" * 260 + ".com/",
    "https://example.com/" + "a" * 2048,
    "",
    "https",
]
NAMES = {
    "localhost": ["127.0.0.1"],
    "localhost.": ["127.0.0.1"],
    "LOCALHOST": ["127.0.0.1"],
    "ip6-localhost": ["::1"],
    "metadata": ["169.254.169.254"],
    "metadata.google.internal": ["169.254.169.254"],
    "kubernetes.default.svc": ["10.96.0.1"],
    "host.docker.internal": ["192.168.65.2"],
    "127.0.0.1.nip.io": ["127.0.0.1"],
    "0x7f000001.nip.io": ["127.0.0.1"],
    "localtest.me": ["127.0.0.1", "::1"],
    "router.lan": ["192.168.1.1"],
    "intranet.example": ["10.20.30.40"],
    "six.example": ["fd12:3456::1"],
    "mapped.example": ["::ffff:10.0.0.1"],
    "nat64.example": ["64:ff9b::a00:1"],
    "linklocal.example": ["fe80::1%eth0"],
    "zero.example": ["0.0.0.1"],
    "half.example": ["93.184.216.34", "10.0.0.1"],
    "half-six.example": ["2606:2800:220:1::1", "::1"],
    "last-of-many.example": [*(f"93.184.216.{n}" for n in range(1, 60)), "127.0.0.1"],
    "broadcast.example": ["255.255.255.255"],
    "many.example": ["224.0.0.251"],
    "azure.example": ["168.63.129.16"],
    "alibaba.example": ["100.100.100.200"],
    "xn--lcalhost-ngb.example": ["127.0.0.1"],
    "a_b.example": ["172.20.0.5"],
    "sixtofour.example": ["2002:7f00:1::1"],
    "teredo.example": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "cgnat.example": ["100.72.1.1"],
}
TARGETS = [
    *(f"https://{host}/hook" for host in PRIVATE_V4),
    *(f"https://[{host}]/hook" for host in PRIVATE_V6),
    *(f"https://{host}/hook" for host in NUMBERS),
    *URLS,
    *(f"https://{host}:8443/hook" for host in NAMES),
]


def resolve(host: str, _port: int) -> Sequence[str]:
    """The resolver of the tests: the names of the table, and numbers as the system reads them."""
    named = {name.lower().rstrip("."): addresses for name, addresses in NAMES.items()}
    return named[host] if host in named else [str(socket.gethostbyname(host))]


def test_there_are_two_hundred_targets() -> None:
    assert len(set(TARGETS)) >= 200


@pytest.mark.parametrize("url", TARGETS)
def test_what_is_not_public_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        post(url, b"{}", headers={}, reach=Reach(), resolve=resolve, seconds=2)
    assert "127.0.0.1" not in str(refused.value)  # the caller learns nothing of the network


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://example.com:8443/hook?x=1&y=%2F",
        "https://EXAMPLE.com./",
        "https://93.184.216.34/",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/",
        "https://xn--bcher-kva.example/",
        "https://a.b-c.example/x;y#fragment",
        "https://1e100.example/",
        "https://9.example/",
        "https://[64:ff9b::5db8:d822]/",
    ],
)
def test_what_is_public_is_taken(url: str) -> None:
    target = Reach().target(url)
    assert Reach().addresses(target, lambda _host, _port: ["93.184.216.34", "2606:2800:220:1::1"])
    assert "#" not in target.path


@pytest.mark.parametrize("text", ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1"])
def test_near_misses_are_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


def test_a_list_opens_what_it_names_and_nothing_else() -> None:
    reach = Reach.of("crm.internal, 10.1.0.0/16, 127.0.0.1, fd00::/8,")
    assert reach.target("http://10.1.2.3:8080/x") == Target("10.1.2.3", 8080, "/x", False)
    assert reach.target("http://127.0.0.1/").authority == "127.0.0.1"
    assert reach.target("https://[fd00::1]:444/").authority == "[fd00::1]:444"
    assert reach.addresses(reach.target("http://crm.internal/"), lambda *_: ["192.168.4.4"]) == ["192.168.4.4"]
    assert reach.addresses(reach.target("https://x.example/"), lambda *_: ["10.1.0.9"]) == ["10.1.0.9"]
    for url in ("http://10.2.0.1/", "https://10.2.0.1/", "http://127.0.0.2/", "http://other.internal/"):
        with pytest.raises(UsageError):
            reach.addresses(reach.target(url), lambda *_: ["192.168.4.4"])
    with pytest.raises(UsageError):
        reach.addresses(reach.target("https://x.example/"), lambda *_: ["10.1.0.9", "10.2.0.9"])
    for wrong in ("10.1.0.1/16", "a b", "http://x", "0x7f.1", "*"):
        with pytest.raises(SettingsError):
            Reach.of(wrong)


Handle = Callable[[socket.socket], None]


class Server:
    """Takes connections and lets *handle* answer them."""

    def __init__(self, handle: Handle) -> None:
        self.seen: list[bytes] = []
        self._handle = handle
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                data = connection.recv(65_536)
                if not data:
                    return
                self.seen.append(data)
                try:
                    self._handle(connection)
                except OSError:
                    continue

    def close(self) -> None:
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join(10)
        self._socket.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Handle], Server]]:
    servers: list[Server] = []

    def make(handle: Handle) -> Server:
        servers.append(Server(handle))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


LISTED = Reach.of("127.0.0.1, hook.example")


def send(url: str, **options: object) -> int:
    return post(url, b'{"a": 1}', headers={"X-Test": "1"}, reach=LISTED, **{"seconds": 3, **options})  # type: ignore[arg-type]


def answer(*parts: str) -> Handle:
    def say(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part.encode())

    return say


def test_the_status_comes_back_and_redirects_are_not_followed(serve: Callable[[Handle], Server]) -> None:
    inner = serve(answer("HTTP/1.1 200 OK\r\n\r\n"))
    for status in (200, 204, 302, 307, 308, 404, 503):
        where = f"Location: http://127.0.0.1:{inner.port}/secret\r\n" if 300 <= status < 400 else ""
        server = serve(answer(f"HTTP/1.1 {status} X\r\n{where}Content-Length: 0\r\n\r\n"))
        assert send(f"http://127.0.0.1:{server.port}/hook?a=b") == status
        head, _, body = server.seen[0].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /hook?a=b HTTP/1.1\r\n") and body == b'{"a": 1}'
        assert f"Host: 127.0.0.1:{server.port}".encode() in head and b"X-Test: 1" in head
    assert inner.seen == []


def test_news_before_the_answer_is_passed_over(serve: Callable[[Handle], Server]) -> None:
    server = serve(answer("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 20", "1 Created\r\n\r\n"))
    assert send(f"http://127.0.0.1:{server.port}/") == 201


@pytest.mark.parametrize("said", ["SSH-2.0-OpenSSH\r\n", "HTTP/2 200\r\n", "\r\n", "HTTP/1.1 abc\r\n", "HTTP/1.1 20"])
def test_what_is_no_http_is_no_answer(serve: Callable[[Handle], Server], said: str) -> None:
    server = serve(answer(said))
    with pytest.raises(UnavailableError):
        send(f"http://127.0.0.1:{server.port}/")


def test_an_endless_head_ends(serve: Callable[[Handle], Server]) -> None:
    server = serve(answer(*["x" * 10_000] * 100))
    with pytest.raises(UnavailableError):
        send(f"http://127.0.0.1:{server.port}/")


def test_a_slow_answer_ends_at_the_time_for_everything(serve: Callable[[Handle], Server]) -> None:
    def drip(connection: socket.socket) -> None:
        for _ in range(40):
            connection.sendall(b"H")
            time.sleep(0.1)

    server = serve(drip)
    with pytest.raises(UnavailableError, match="in time"):
        send(f"http://127.0.0.1:{server.port}/", seconds=0.5)


def test_a_name_is_looked_up_once_and_the_checked_address_is_spoken_to(serve: Callable[[Handle], Server]) -> None:
    server = serve(answer("HTTP/1.1 200 OK\r\n\r\n"))
    asked = []

    def changes_its_mind(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.255.255.1"]

    assert send(f"http://hook.example:{server.port}/", resolve=changes_its_mind) == 200
    assert asked == ["hook.example"]
    assert f"Host: hook.example:{server.port}".encode() in server.seen[0]


def test_a_name_without_an_address_is_unavailable() -> None:
    def fails(_host: str, _port: int) -> list[str]:
        raise socket.gaierror

    nothing: Sequence[Resolve] = (fails, lambda _host, _port: [])
    for none in nothing:
        with pytest.raises(UnavailableError, match="found"):
            post("https://x.example/", b"", headers={}, reach=Reach(), resolve=none)


def test_certificates_are_checked(serve: Callable[[Handle], Server]) -> None:
    server = serve(answer("HTTP/1.1 200 OK\r\n\r\n"))
    with pytest.raises(UnavailableError, match="spoken to"):
        send(f"https://127.0.0.1:{server.port}/")
