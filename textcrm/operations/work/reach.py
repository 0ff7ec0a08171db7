"""The one place that connects to hosts which somebody named: public addresses alone, unless a setting lists more.

The name is resolved once, every address it has is checked at that moment, and the connection goes to a checked address
without another look-up, so that a name that changes its mind in between changes nothing. Redirects are not followed;
of the answer the status alone is read; all together take no longer than a given time.

References
----------
IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890); RFC 4291, 2.5; RFC 6052 (NAT64). OWASP,
"Server-Side Request Forgery Prevention".
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from textcrm.errors import SettingsError, UnavailableError, UsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

SECONDS = 10.0
MOST_ADDRESSES = 4  # of one name that are tried
MOST_HEAD = 65_536
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?")
_PRINTABLE = re.compile(r"[!-\[\]-~]{1,2048}")  # ASCII without blanks and without the backslash
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_REFUSED: tuple[Network, ...] = (
    ipaddress.IPv4Network("192.0.0.0/24"),  # protocol assignments, and the metadata service of a cloud
    ipaddress.IPv4Network("192.88.99.0/24"),  # 6to4 relays
    ipaddress.IPv4Network("168.63.129.16/32"),  # the metadata service of a cloud, at an address that looks public
    ipaddress.IPv6Network("2001::/23"),  # Teredo and other protocol assignments
    ipaddress.IPv6Network("2002::/16"),  # 6to4: an IPv4 address inside
    ipaddress.IPv6Network("3fff::/20"),  # documentation
)


@dataclass(frozen=True)
class Target:
    """Where a URL points: ``path`` with its query, ``host`` as in the URL, without brackets."""

    host: str
    port: int
    path: str
    tls: bool

    @property
    def authority(self) -> str:
        """What the header Host says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


@dataclass(frozen=True)
class Reach:
    """Which hosts may be reached: all public ones, and the private ones that are listed by name or network."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, listed: str) -> Reach:
        """Return what a list says: names, addresses and networks, commas between.

        Raises
        ------
        SettingsError
            An entry is neither.
        """
        names: set[str] = set()
        networks: list[Network] = []
        for entry in filter(None, (part.strip().lower() for part in listed.split(","))):
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError as error:
                if not _HOST.fullmatch(entry) or _is_number(entry) or "/" in entry:
                    raise SettingsError(
                        "TEXTCRM_PRIVATE_HOSTS lists what is neither a name nor a network",
                        hint="Write crm.internal, 10.1.2.3 or 10.1.0.0/16, commas between.",
                    ) from error
                names.add(entry)
        return cls(frozenset(names), tuple(networks))

    def target(self, url: str) -> Target:
        """Return where *url* points, as far as can be said without looking its name up.

        Raises
        ------
        UsageError
            It is no plain https URL. Plain http is for listed hosts alone.
        """
        try:
            parts = urlsplit(url) if _PRINTABLE.fullmatch(url) else urlsplit("")
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            parts, host, port = urlsplit(""), "", None
        if parts.scheme not in ("https", "http") or parts.username is not None or port == 0 or "%" in host:
            raise UsageError("A webhook's URL begins with https:// and the name of a host", hint="Without user names.")
        address = _address(host)
        if address is None and (not _HOST.fullmatch(host) or _is_number(host) or ".." in host or "[" in parts.netloc):
            raise UsageError(
                "The host of the URL is no name and no plain address",
                hint="Write letters, digits and hyphens (other scripts as xn--), or an address such as 203.0.113.7.",
            )
        listed = host in self.names or (address is not None and self._listed(address))
        if parts.scheme == "http" and not listed:
            raise UsageError(
                "A webhook's URL begins with https://", hint="http:// is for hosts in TEXTCRM_PRIVATE_HOSTS alone."
            )
        if address is not None and not listed and not is_public(address):
            raise _private()
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(host, port or (443 if parts.scheme == "https" else 80), path, parts.scheme == "https")

    def addresses(self, target: Target, resolve: Resolve) -> list[str]:
        """Look a target up and return its addresses, each of them checked.

        Raises
        ------
        UsageError
            One of them is private, and not listed.
        UnavailableError
            The name has no address.
        """
        try:
            found = [ipaddress.ip_address(text.partition("%")[0]) for text in resolve(target.host, target.port)]
        except (OSError, ValueError, UnicodeError) as error:
            raise UnavailableError("The host of the URL cannot be found", hint="Check its name.") from error
        if not found:
            raise UnavailableError("The host of the URL cannot be found", hint="Check its name.")
        if target.host not in self.names and not all(is_public(a) or self._listed(a) for a in found):
            raise _private()
        return list(dict.fromkeys(map(str, found)))[:MOST_ADDRESSES]

    def _listed(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self.networks)


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the public internet: not private, local, reserved, shared or for many."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in _GLOBAL_V6:
            return False
    refused = any(address.version == network.version and address in network for network in _REFUSED)
    return address.is_global and not (refused or address.is_multicast or address.is_reserved)


def post(
    url: str,
    body: bytes,
    *,
    headers: Mapping[str, str],
    reach: Reach,
    resolve: Resolve | None = None,
    seconds: float = SECONDS,
) -> int:
    """Post *body* and return the status of the answer.

    Parameters
    ----------
    resolve
        Returns the addresses of a name and port; the system's resolver without it.
    seconds
        For everything together, after the name was looked up.

    Raises
    ------
    UsageError
        The URL cannot be, or points to a host that may not be reached.
    UnavailableError
        The host cannot be found, does not answer in time, or answers what is no HTTP.
    """
    target = reach.target(url)
    addresses = reach.addresses(target, resolve or _resolve)
    until = time.monotonic() + seconds
    problem: Exception | None = None
    for address in addresses:
        try:
            return _exchange(target, address, _request(target, headers, body), until)
        except (OSError, ValueError) as error:
            problem = error
    kind = "does not answer in time" if isinstance(problem, TimeoutError) else "cannot be spoken to"
    raise UnavailableError(f"The host of the URL {kind} ({type(problem).__name__})", hint="It is tried again.")


def _exchange(target: Target, address: str, request: bytes, until: float) -> int:
    plain = socket.create_connection((address, target.port), timeout=_left(until))
    with plain:
        if not target.tls:
            return _status(plain, request, until)
        plain.settimeout(_left(until))
        with ssl.create_default_context().wrap_socket(plain, server_hostname=target.host) as secure:
            return _status(secure, request, until)


def _status(connection: socket.socket, request: bytes, until: float) -> int:
    """Send a request and return the status that comes; 1xx announce another one (RFC 9110, 15.2)."""
    connection.settimeout(_left(until))
    connection.sendall(request)
    head = b""
    while len(head) < MOST_HEAD:
        connection.settimeout(_left(until))
        chunk = connection.recv(4096)
        head += chunk
        line, end, _ = head.partition(b"\r\n")
        if end:
            version, _, rest = line.partition(b" ")
            if version not in (b"HTTP/1.1", b"HTTP/1.0") or not rest[:3].isdigit():
                raise ValueError("no HTTP")
            if rest[:1] != b"1":
                return int(rest[:3])
            _, whole, after = head.partition(b"\r\n\r\n")
            head = after if whole else head
        if not chunk:
            raise ConnectionResetError("the answer ended early")
    raise ValueError("the head of the answer is too long")


def _request(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    own = {"Host": target.authority, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"POST {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in {**headers, **own}.items())]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _resolve(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_number(host: str) -> bool:
    """Tell whether resolvers would read a host as a number: 2130706433, 0x7f.1, 0177.0.0.1 (WHATWG URL, 3.5)."""
    last = host.rstrip(".").rpartition(".")[2].lower()
    return last.isdigit() or re.fullmatch(r"0x[0-9a-f]{0,64}", last) is not None


def _private() -> UsageError:
    return UsageError(
        "The URL points to an address that is not public", hint="Private hosts are listed in TEXTCRM_PRIVATE_HOSTS."
    )
