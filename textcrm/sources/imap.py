"""A mailbox on a server, read by UID: nothing is marked as read, nothing is changed there.

References
----------
RFC 3501 (IMAP4rev1; 2.3.1.1 on UID and UIDVALIDITY), RFC 2177 (IDLE), RFC 7628 and Google's and Microsoft's XOAUTH2.
"""

from __future__ import annotations

import imaplib
import re
import select
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

from textcrm.errors import MailboxError, SettingsError, UsageError

Security = Literal["tls", "starttls", "none"]
SECURITIES: tuple[Security, ...] = ("tls", "starttls", "none")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
TIMEOUT_SECONDS = 60.0
FETCH_BYTES = 8_000_000
SEARCH_SPAN = 20_000  # UIDs asked for at a time: one line of answer stays below imaplib's limit of a million bytes
_UID = re.compile(rb"\bUID (\d{1,10})\b")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d{1,15})\b")
_IDLE_TAG = b"IDLE1"


@dataclass(frozen=True)
class ImapServer:
    """Where a mailbox is. ``ca_file`` names the certificate of an authority of one's own."""

    host: str
    user: str
    port: int = 993
    security: Security = "tls"
    ca_file: str | None = None

    def __post_init__(self) -> None:
        if self.security not in SECURITIES:
            raise UsageError("That is no way to secure a connection", options=SECURITIES)
        if self.security == "none" and self.host not in LOOPBACK:
            raise UsageError(
                "A connection without TLS is allowed to this machine alone", hint="Use --security tls or starttls."
            )


@dataclass(frozen=True)
class Folder:
    """What the server says of a folder. ``next_uid`` is above every UID in it."""

    name: str
    validity: int
    next_uid: int


@dataclass(frozen=True)
class Credentials:
    """How to log in: a password, or an access token of OAuth 2."""

    secret: str
    oauth2: bool = False


class Mailbox:
    """One connection. Every failure of it is a `MailboxError`; then open another one."""

    def __init__(self, server: ImapServer, credentials: Credentials) -> None:
        self._server = server
        with _told(server):
            self._conn = _connect(server)
            try:
                _secure(self._conn, server)
                _log_in(self._conn, server.user, credentials)
                self._conn.capability()
            except BaseException:
                self._hang_up()
                raise
        self.can_idle = "IDLE" in self._conn.capabilities

    def close(self) -> None:
        """Log out."""
        with suppress(imaplib.IMAP4.error, OSError):
            self._conn.logout()
        self._hang_up()

    def _hang_up(self) -> None:
        with suppress(OSError):
            self._conn.shutdown()

    def folders(self) -> list[str]:
        """Return the names of the folders, as the server spells them."""
        lines = [line for line in self._ask(self._conn.list) if isinstance(line, bytes)]
        names = [line.decode("ascii", "replace").rpartition('" ')[2] for line in lines if b"\\Noselect" not in line]
        return [name.strip('"') for name in names]

    def open(self, name: str) -> Folder:
        """Open a folder for reading only.

        Raises
        ------
        UsageError
            There is no such folder.
        """
        with _told(self._server):
            status, _ = self._conn.select(_quoted(name), readonly=True)
            if status != "OK":
                raise UsageError(f"The mailbox has no folder {name[:80]!r}", options=self.folders()[:20])
            validity = self._number("UIDVALIDITY")
            next_uid = self._number("UIDNEXT")
        if validity is None:
            raise MailboxError("The mail server tells no UIDVALIDITY", hint="Without it mails cannot be told apart.")
        return Folder(name, validity, next_uid if next_uid is not None else 1 + max(self.uids(1, 2**32 - 1), default=0))

    def _number(self, name: str) -> int | None:
        _, data = self._conn.response(name)
        return int(data[-1]) if data and isinstance(data[-1], bytes) and data[-1].isdigit() else None

    def uids(self, first: int, last: int) -> list[int]:
        """Return the UIDs of the open folder in ``[first, last]``, ascending."""
        found: set[int] = set()
        for data in self._ask(lambda: self._conn.uid("SEARCH", f"UID {first}:{last}")):
            if isinstance(data, bytes):
                found |= {int(uid) for uid in data.split()}
        return sorted(uid for uid in found if first <= uid <= last)  # "n:*" answers with the last one even below n

    def all_uids(self, folder: Folder, *, above: int = 0, span: int = SEARCH_SPAN) -> Iterator[list[int]]:
        """Yield the UIDs of the open folder above *above*, in runs; *span* numbers are asked for at a time."""
        for first in range(above + 1, folder.next_uid, span):
            found = self.uids(first, min(folder.next_uid - 1, first + span - 1))
            if found:
                yield found

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Return the sizes of mails in bytes, by UID; those that are gone are missing."""
        found = {}
        for part in self._fetch(uids, "(UID RFC822.SIZE)"):
            head = part[0] if isinstance(part, tuple) else part
            uid, size = _UID.search(head), _SIZE.search(head)
            if uid and size:
                found[int(uid[1])] = int(size[1])
        return found

    def mails(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Return mails as received, by UID; those that are gone are missing. They stay unread."""
        found = {}
        parts = self._fetch(uids, "(UID BODY.PEEK[])")
        for place, part in enumerate(parts):
            if isinstance(part, tuple):
                after = parts[place + 1] if place + 1 < len(parts) else b""
                uid = _UID.search(part[0]) or (_UID.search(after) if isinstance(after, bytes) else None)
                if uid:
                    found[int(uid[1])] = part[1]
        return {uid: raw for uid, raw in found.items() if uid in set(uids)}

    def _fetch(self, uids: Sequence[int], what: str) -> list[bytes | tuple[bytes, bytes]]:
        if not uids:
            return []
        chosen = ",".join(map(str, uids))
        return [p for p in self._ask(lambda: self._conn.uid("FETCH", chosen, what)) if p is not None]

    def idle(self, seconds: float, *, stop: Callable[[], bool] = lambda: False) -> bool:
        """Wait until the open folder changes, at most so long; tell whether it did. Without IDLE, just wait."""
        deadline = time.monotonic() + seconds
        if not self.can_idle:
            while time.monotonic() < deadline and not stop():
                time.sleep(min(0.5, max(0.0, deadline - time.monotonic())))
            return False
        with _told(self._server):
            self._conn.send(_IDLE_TAG + b" IDLE\r\n")
            self._line()  # "+ idling"
            changed = False
            while not changed and time.monotonic() < deadline and not stop():
                ready, _, _ = select.select([self._conn.sock], [], [], min(0.5, max(0.0, deadline - time.monotonic())))
                if ready:
                    changed = b"EXISTS" in self._line()
            self._conn.send(b"DONE\r\n")
            while not self._line().startswith(_IDLE_TAG):
                continue
        return changed

    def _line(self) -> bytes:
        line = self._conn.readline()
        if not line:
            raise ConnectionResetError
        return line

    def _ask(self, command: Callable[[], tuple[str, list[Any]]]) -> list[Any]:
        with _told(self._server):
            status, data = command()
        if status != "OK":
            raise MailboxError("The mail server refused to read", hint="It is tried again.")
        return data


@contextmanager
def mailbox(server: ImapServer, credentials: Credentials) -> Iterator[Mailbox]:
    """Open a mailbox for as long as the block lasts.

    Raises
    ------
    SettingsError
        The server refused the login, or its certificate is not trusted.
    MailboxError
        It cannot be reached.
    """
    opened = Mailbox(server, credentials)
    try:
        yield opened
    finally:
        opened.close()


def _connect(server: ImapServer) -> imaplib.IMAP4:
    if server.security == "tls":
        return imaplib.IMAP4_SSL(server.host, server.port, ssl_context=_context(server), timeout=TIMEOUT_SECONDS)
    return imaplib.IMAP4(server.host, server.port, timeout=TIMEOUT_SECONDS)


def _secure(conn: imaplib.IMAP4, server: ImapServer) -> None:
    if server.security == "starttls":
        conn.starttls(_context(server))


def _context(server: ImapServer) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=server.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _log_in(conn: imaplib.IMAP4, user: str, credentials: Credentials) -> None:
    try:
        if credentials.oauth2:
            answer = f"user={user}\x01auth=Bearer {credentials.secret}\x01\x01".encode()
            conn.authenticate("XOAUTH2", lambda _: answer)
        else:
            conn.login(user, credentials.secret)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        raise SettingsError(
            "The mail server refused the user or the secret",
            hint="Check both. Many providers ask for an app password, or for OAuth 2 (--oauth2-token-url).",
        ) from error


@contextmanager
def _told(server: ImapServer) -> Iterator[None]:
    """Turn what breaks on the way into our errors; no text of the server goes into them."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise SettingsError(
            f"The certificate of {server.host} is not trusted: {error.verify_message}",
            hint="For an authority of your own: --ca-file FILE. The check cannot be turned off.",
        ) from error
    except (TimeoutError, imaplib.IMAP4.error, OSError, EOFError) as error:
        raise MailboxError(
            f"The mail server {server.host}:{server.port} cannot be read ({type(error).__name__})",
            hint="It is tried again.",
        ) from error


def _quoted(name: str) -> str:
    """Return a folder name as an IMAP string; it cannot end the command.

    Raises
    ------
    UsageError
        It holds characters that must be written in modified UTF-7 (RFC 3501, 5.1.3).
    """
    if not name.isascii() or not name.isprintable():
        raise UsageError(
            "Write the folder as the server spells it, in ASCII", hint="See: textcrm sources folders NAME."
        )
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
