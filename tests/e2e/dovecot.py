"""A real Dovecot on the loopback address, with a Maildir and a certificate of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

USER, PASSWORD = "support", "correct-horse"
CONFIG = """
protocols = imap
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/dovecot.log
default_internal_user = {account}
default_login_user = {account}
default_internal_group = {group}
listen = 127.0.0.1
ssl = yes
ssl_cert = <{base}/cert.pem
ssl_key = <{base}/key.pem
disable_plaintext_auth = no
auth_failure_delay = 0
auth_mechanisms = plain login xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {base}/oauth2.conf
}}
passdb {{
  driver = static
  mechanisms = plain login
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={account} gid={group} home={base}/mail/%u allow_all_users=yes
}}
first_valid_uid = 1
mail_location = maildir:{base}/mail/%u/Maildir
mail_max_userip_connections = 1000
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""

OAUTH2 = """
introspection_mode = post
introspection_url = http://127.0.0.1:{token_port}/introspect
username_attribute = username
active_attribute = active
active_value = true
"""


@dataclass
class Dovecot:
    """The server that runs: its ports, its folder, its certificate; access tokens are asked for at *token_port*."""

    base: Path
    port: int
    tls_port: int
    token_port: int

    @property
    def maildir(self) -> Path:
        return self.base / "mail" / USER / "Maildir"

    @property
    def certificate(self) -> Path:
        return self.base / "cert.pem"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def why_not() -> str | None:
    """Return why no Dovecot can be started here, or None."""
    if shutil.which("dovecot") is None and not Path("/usr/sbin/dovecot").exists():
        return "dovecot is not installed (Debian: apt-get install dovecot-imapd)"
    if os.geteuid() != 0:
        return "dovecot can be started by root alone"
    try:
        pwd.getpwnam("nobody")
    except KeyError:
        return "this system has no user 'nobody'"
    return None


@contextmanager
def dovecot(base: Path) -> Iterator[Dovecot]:
    """Start a server whose files lie in *base*."""
    running = Dovecot(base, free_port(), free_port(), free_port())
    make_certificate(base)
    group = subprocess.run(["id", "-gn", "nobody"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S607
    config = CONFIG.format(
        base=base, account="nobody", group=group, password=PASSWORD, port=running.port, tls_port=running.tls_port
    )
    for folder in (base / "mail" / USER, base / "run", base / "state"):
        folder.mkdir(parents=True)
    shutil.chown(base / "mail", "nobody")
    shutil.chown(base / "mail" / USER, "nobody")
    base.chmod(0o711)
    (base / "dovecot.conf").write_text(config)
    (base / "oauth2.conf").write_text(OAUTH2.format(token_port=running.token_port))
    program = shutil.which("dovecot") or "/usr/sbin/dovecot"
    process = subprocess.Popen([program, "-F", "-c", str(base / "dovecot.conf")], stderr=subprocess.DEVNULL)
    try:
        _await(running, process)
        yield running
    finally:
        process.terminate()
        process.wait(timeout=20)


def _await(running: Dovecot, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", running.port), timeout=1) as probe:
                if probe.recv(64).startswith(b"* OK"):
                    return
        except OSError:
            time.sleep(0.05)
    log = running.base / "dovecot.log"
    raise AssertionError(f"dovecot did not start: {log.read_text() if log.exists() else 'no log'}")


def make_certificate(base: Path) -> None:
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    files = ["-keyout", str(base / "key.pem"), "-out", str(base / "cert.pem")]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)


class Cutter:
    """A relay to *port* that cuts each connection after as many bytes as it is told."""

    def __init__(self, port: int, after: Iterator[int]) -> None:
        self._target = port
        self._after = after
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])

    def serve(self) -> None:
        """Relay until closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client, next(self._after, 0)), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _relay(self, client: socket.socket, budget: int) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            up = threading.Thread(target=_copy, args=(client, server), daemon=True)
            up.start()
            left = budget
            with suppress(OSError):
                while data := server.recv(4096):
                    client.sendall(data[:left] if budget else data)
                    left -= len(data)
                    if budget and left <= 0:
                        self.cuts += 1
                        break
            for end in (client, server):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            up.join(timeout=5)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)
