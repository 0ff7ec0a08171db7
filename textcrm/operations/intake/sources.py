"""Mailboxes and topics that are read all the time: add, list, remove, read, compare, follow."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta

from pymongo.errors import PyMongoError

from textcrm.errors import MailboxError, SettingsError, StoreError, TextcrmError, UsageError
from textcrm.operations.access.vault import Vault
from textcrm.operations.intake.ingest import IngestReport, take
from textcrm.records import Channel, Message, Source
from textcrm.settings import Settings
from textcrm.sources.imap import FETCH_BYTES, SEARCH_SPAN, Credentials, Folder, ImapServer, Mailbox, mailbox
from textcrm.sources.mailbox import Caps, MailItem, MailParser
from textcrm.sources.oauth import Refresher
from textcrm.store import Store
from textcrm.store.sources import FolderPlace, SourceEntry, TakenMail

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=120)
POLL_SECONDS = 60.0
RETRY_SECONDS, LONGEST_RETRY = 1.0, 60.0
MAILS_AT_ONCE = 100
SAME_PLACE_TRIES = 8
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass
class SyncReport(IngestReport):
    """What a reading brought; ``remarks`` tells of folders that were made anew or moved back on the server."""

    known: int = 0
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Comparison:
    """A folder here and there. ``missing`` mails were there and not here; they were read now.

    ``gone`` were taken once and are no longer on the server. ``deleted`` were taken, and their messages were deleted
    here: they are not taken again.
    """

    folder: str
    on_server: int
    here: int
    missing: int
    gone: int
    deleted: int


def add_imap(
    store: Store,
    name: str,
    *,
    server: ImapServer,
    secret: str,
    settings: Settings,
    folders: Sequence[str] = ("INBOX",),
    channel: Channel = "email",
    oauth2: Refresher | None = None,
    check: bool = True,
) -> list[str]:
    """Keep a mailbox to read from; return the folders that it has.

    Parameters
    ----------
    secret
        The password, or for *oauth2* the refresh token. Kept encrypted.
    check
        Log in first, so that a wrong password is told now.

    Raises
    ------
    UsageError
        The name or a folder cannot be.
    SettingsError
        The server refused the login, or its certificate is not trusted.
    """
    check_name(name)
    found: list[str] = []
    if check:
        token = oauth2.access_token(secret) if oauth2 else secret
        with mailbox(server, Credentials(token, oauth2 is not None)) as box:
            found = box.folders()
            for folder in folders:
                box.open(folder)
    config = {**asdict(server), "folders": list(folders), "oauth2": oauth2.config() if oauth2 else None}
    secrets = {"secret": secret, "client_secret": oauth2.client_secret if oauth2 else ""}
    ciphertext = Vault(settings.home).encrypt(json.dumps(secrets))
    store.sources.add(name, kind="imap", channel=channel, config=config, secret=ciphertext)
    return found


def check_name(name: str) -> None:
    """Refuse what is no name of a source.

    Raises
    ------
    UsageError
        It is none.
    """
    if not _NAME.fullmatch(name):
        raise UsageError("A source is named by letters, digits, and . _ -", hint="64 at most, a letter or digit first.")


class Reader:
    """Reads one mailbox: what is new, or everything that is missing."""

    def __init__(self, store: Store, entry: SourceEntry, *, settings: Settings, parser: MailParser) -> None:
        if entry.kind != "imap":
            raise UsageError(f"The source {entry.name} is no mailbox", hint=f"It is of the kind {entry.kind}.")
        config = dict(entry.config)
        oauth2 = config.pop("oauth2")
        self.folders: list[str] = config.pop("folders")
        self.server = ImapServer(**config)
        self.report = SyncReport()
        self._store = store
        self._entry = entry
        self._parser = parser
        secrets = json.loads(Vault(settings.home).decrypt(entry.secret))
        self._oauth2 = Refresher(**oauth2, client_secret=secrets["client_secret"]) if oauth2 else None
        self._secret: str = secrets["secret"]
        self._at_once = MAILS_AT_ONCE

    def credentials(self) -> Credentials:
        """Return how to log in now; an access token that has run out is renewed."""
        if self._oauth2 is None:
            return Credentials(self._secret)
        return Credentials(self._oauth2.access_token(self._secret), oauth2=True)

    def sync(self, box: Mailbox) -> int:
        """Read what is new in all folders, and return how many mails that were."""
        return sum(self._sync_folder(box, name) for name in self.folders)

    def smaller(self) -> None:
        """Ask for fewer mails at a time: the connection broke before all had come."""
        self._at_once = max(1, self._at_once // 2)

    def _sync_folder(self, box: Mailbox, name: str) -> int:
        folder = box.open(name)
        place = self._start(folder)
        read = 0
        span = SEARCH_SPAN * self._at_once // MAILS_AT_ONCE  # a list that never comes whole is asked for in parts
        for uids in box.all_uids(folder, above=place.last_uid, span=span):
            for chosen in self._portions(box, uids):
                self._take(box, folder, chosen)
                self._store.sources.set_place(self._entry.name, name, FolderPlace(folder.validity, chosen[-1]))
                read += len(chosen)
        end = FolderPlace(folder.validity, folder.next_uid - 1)
        if end != self._store.sources.place(self._entry.name, name):
            self._store.sources.set_place(self._entry.name, name, end)
        return read

    def _start(self, folder: Folder) -> FolderPlace:
        """Return where to go on. A folder whose UIDs mean something else now is read anew; known mails are skipped."""
        anew = FolderPlace(folder.validity, 0)
        place = self._store.sources.place(self._entry.name, folder.name)
        if place is None:
            return anew
        if place.validity != folder.validity:
            self.report.remarks.append(f"{folder.name}: the server numbers its mails anew; all are compared")
            return anew
        if folder.next_uid <= place.last_uid:
            self.report.remarks.append(f"{folder.name}: the server went back in time; all are compared")
            return anew
        return place

    def _portions(self, box: Mailbox, uids: Sequence[int]) -> Iterator[list[int]]:
        """Yield runs of UIDs whose mails fit into memory together."""
        place = 0
        while place < len(uids):
            some = list(uids[place : place + self._at_once])
            place += len(some)
            sizes = box.sizes(some)
            portion: list[int] = []
            weight = 0
            for uid in some:
                if portion and weight + sizes.get(uid, 0) > FETCH_BYTES:
                    yield portion
                    portion, weight = [], 0
                portion.append(uid)
                weight += sizes.get(uid, 0)
            if portion:
                yield portion
            self._at_once = min(MAILS_AT_ONCE, self._at_once + 5)

    def _take(self, box: Mailbox, folder: Folder, uids: Sequence[int]) -> None:
        """Fetch mails, store them, and then note that they were taken: cut off in between, they are taken again."""
        name = self._entry.name
        mails = box.mails(uids)
        digests = {uid: hashlib.sha256(raw).hexdigest() for uid, raw in mails.items()}
        known = self._store.sources.known(name, list(digests.values()))
        new = [uid for uid in mails if digests[uid] not in known]
        channel: Channel = self._entry.channel  # type: ignore[assignment]  # written from a Channel
        now = self._store.now()
        items = [
            MailItem(
                mails[uid],
                Source(kind="imap", name=f"{name}/{folder.name}", place=uid, external_id=f"sha256:{digests[uid]}"),
                now,
                channel,
            )
            for uid in new
        ]
        parsed = list(self._parser.parse(items))
        take(self._store, parsed, channel=channel, report=self.report)
        became = {uid: item.id if isinstance(item, Message) else None for uid, item in zip(new, parsed, strict=True)}
        self._store.sources.take(
            name,
            folder.name,
            folder.validity,
            [TakenMail(uid, digests[uid], became.get(uid, known.get(digests[uid]))) for uid in mails],
        )
        self.report.known += len(mails) - len(new)

    def compare(self, box: Mailbox) -> list[Comparison]:
        """Compare every folder with what was taken from it, and read what is missing."""
        return [self._compare(box, name) for name in self.folders]

    def _compare(self, box: Mailbox, name: str) -> Comparison:
        folder = box.open(name)
        there = {uid for uids in box.all_uids(folder) for uid in uids}
        taken = self._store.sources.taken(self._entry.name, name, folder.validity)
        missing = sorted(there - set(taken))
        for chosen in self._portions(box, missing):
            self._take(box, folder, chosen)
        ids = sorted({message for message in taken.values() if message is not None})
        kept = self._store.messages.existing(ids)
        return Comparison(
            folder=name,
            on_server=len(there),
            here=len(there & set(taken)),
            missing=len(missing),
            gone=len(set(taken) - there),
            deleted=len(set(ids) - kept),
        )


def read_now(
    store: Store, name: str, *, settings: Settings, compare: bool = False
) -> tuple[SyncReport, list[Comparison]]:
    """Read a source once, to its end; a connection that breaks is opened again as long as there is progress.

    Raises
    ------
    MailboxError
        The server cannot be reached, or breaks off at the same place again and again.
    """
    entry = store.sources.get(name)
    with MailParser(caps=Caps(message_bytes=settings.max_message_bytes)) as parser:
        reader = Reader(store, entry, settings=settings, parser=parser)
        stuck, last = 0, -1
        while True:
            try:
                with mailbox(reader.server, reader.credentials()) as box:
                    reader.sync(box)
                    comparisons = reader.compare(box) if compare else []
            except MailboxError as error:
                reader.smaller()
                stuck = 0 if reader.report.items + reader.report.known > last else stuck + 1
                last = reader.report.items + reader.report.known
                if stuck >= SAME_PLACE_TRIES:
                    store.sources.note(name, problem=error.what)
                    raise
                threading.Event().wait(min(LONGEST_RETRY, RETRY_SECONDS * (2**stuck - 1) / 8))
            else:
                store.sources.note(name)
                return reader.report, comparisons


def follow(store: Store, name: str, *, settings: Settings, owner: str, stop: threading.Event) -> None:
    """Read a mailbox as mails come in, until *stop*: woken by the server, and each minute anyway.

    Of several that follow the same mailbox one reads, and another goes on when it is gone.
    """
    pause = RETRY_SECONDS
    while not stop.is_set():
        try:
            if not store.sources.lease(name, owner, LEASE):
                stop.wait(POLL_SECONDS / 4)
                continue
            _follow(store, name, settings=settings, owner=owner, stop=stop)
            pause = RETRY_SECONDS
        except (StoreError, PyMongoError, TextcrmError) as error:
            what = error.what if isinstance(error, TextcrmError) else type(error).__name__
            log.warning("source %s: %s; tried again in %.0f s", name, what, pause)
            _note(store, name, what)
            stop.wait(LONGEST_RETRY if isinstance(error, SettingsError) else pause)
            pause = min(LONGEST_RETRY, 2 * pause)
    _note(store, name, None, owner=owner)


def _follow(store: Store, name: str, *, settings: Settings, owner: str, stop: threading.Event) -> None:
    entry = store.sources.get(name)
    with MailParser(caps=Caps(message_bytes=settings.max_message_bytes)) as parser:
        reader = Reader(store, entry, settings=settings, parser=parser)
        with mailbox(reader.server, reader.credentials()) as box:
            while not stop.is_set() and store.sources.lease(name, owner, LEASE):
                if read := reader.sync(box):
                    log.info("source %s: %d mails read", name, read)
                _compare_nightly(store, reader, box, entry)
                store.sources.note(name)
                box.open(reader.folders[0])
                box.idle(POLL_SECONDS, stop=stop.is_set)


def _compare_nightly(store: Store, reader: Reader, box: Mailbox, entry: SourceEntry) -> None:
    """Compare once a day, by the server's clock."""
    if not store.sources.due(entry.name, every=timedelta(days=1)):
        return
    for found in reader.compare(box):
        if found.missing:
            log.warning(
                "source %s, %s: %d mails were missing and are read now", entry.name, found.folder, found.missing
            )


def _note(store: Store, name: str, problem: str | None, *, owner: str = "") -> None:
    try:
        if problem is None:
            store.sources.give_up(name, owner)
        else:
            store.sources.note(name, problem=problem)
    except (StoreError, PyMongoError):
        log.warning("source %s: the database does not take the note", name)
