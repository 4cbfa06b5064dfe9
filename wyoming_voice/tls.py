"""TLS for our own clients and servers, and its failures in words where OpenSSL's are riddles.

Rules: TLS 1.2 at the least, the server's name is always checked, and a certificate that can't be used is
told of before anything listens or calls. The next connection takes up renewed files, without a restart.
"""

import logging
import ssl
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from wyoming_voice.certificates import check_authorities, check_certificate
from wyoming_voice.errors import ConfigError, why

_log = logging.getLogger(__name__)

_UNTRUSTED = {
    10: "has expired",
    9: "is not valid yet; is this machine's clock right?",
    18: "is signed by itself alone; name it, or the CA that signed it, with --tls-ca",
    19: "descends from a CA that isn't trusted here; name that CA with --tls-ca",
    20: "descends from a CA that isn't trusted here; name that CA with --tls-ca",
    21: "descends from a CA that isn't trusted here; name that CA with --tls-ca",
    62: "is for another name",
    64: "is for another address",
}
"""OpenSSL's X509_V_ERR_* (x509_vfy.h)."""

_WANTS_OURS = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE")
_REFUSES_OURS = ("UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN", "DECRYPT_ERROR")
_NOT_TLS = (
    *("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "BAD_RECORD_TYPE", "UNSUPPORTED_PROTOCOL"),
    *("PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST"),
)

Stamp = tuple[int, ...]


class TlsFailed(ConnectionError):
    """TLS that came to nothing; the text says why, and what to do."""


@dataclass(frozen=True)
class Caller:
    """Whom a client trusts (None: the system's CAs), and what it shows to servers that want to know."""

    authorities: Path | None = None
    chain: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """What to connect with. Raises ConfigError for files that can't be used."""
        if self.authorities is not None:
            check_authorities("--tls-ca", self.authorities)
        context = ssl.create_default_context(cafile=self.authorities)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.chain is not None and self.key is not None:
            check_certificate(self.chain, self.key, ("--tls-client-cert", "--tls-client-key"))
            context.load_cert_chain(self.chain, self.key)
        return context

    @property
    def files(self) -> list[Path]:
        """What the context is made of."""
        return [path for path in (self.authorities, self.chain, self.key) if path is not None]


@dataclass(frozen=True)
class Shown:
    """What a server shows, and of whom it wants a certificate in return (None: of nobody)."""

    chain: Path
    key: Path
    client_authorities: Path | None = None

    def context(self) -> ssl.SSLContext:
        """What to listen with. Raises ConfigError for files that can't be used."""
        check_certificate(self.chain, self.key)
        context = _Telling(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.chain, self.key)
        # A ticket would let a client in again whose certificate has expired meanwhile.
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
        if self.client_authorities is not None:
            check_authorities("--tls-client-ca", self.client_authorities)
            context.load_verify_locations(self.client_authorities)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    @property
    def files(self) -> list[Path]:
        """What the context is made of."""
        return [
            path for path in (self.chain, self.key, self.client_authorities) if path is not None
        ]


class _LastWords(ssl.SSLObject):
    """Keeps the alert that says why a handshake fails, which asyncio would throw away."""

    outgoing: ssl.MemoryBIO

    def do_handshake(self) -> None:
        """As OpenSSL does it; its error then knows what should still be sent."""
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            error.add_note(self.outgoing.read().hex())
            raise


class _Telling(ssl.SSLContext):
    """A context whose connections keep their last words."""

    sslobject_class = _LastWords

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """The same, with the way out at hand."""
        made = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        assert isinstance(made, _LastWords)
        made.outgoing = outgoing
        return made


def last_words_in(error: OSError) -> bytes:
    """The alert that a server should still send after a handshake that failed; b"" when there is none."""
    notes: list[str] = getattr(error, "__notes__", [])
    return bytes.fromhex(notes[0]) if notes else b""


class Renewing:
    """A context that is made anew when its files have changed; one that can't be is left as it was."""

    def __init__(self, source: Caller | Shown, trouble: Callable[[str], object]) -> None:
        """Raises ConfigError for files that can't be used; `trouble` is told of it later on."""
        self._source = source
        self._trouble = trouble
        self._stamp = _stamp(source.files)
        self._context = source.context()

    @property
    def context(self) -> ssl.SSLContext:
        """For one connection."""
        if (stamp := _stamp(self._source.files)) != self._stamp:
            self._stamp = stamp
            try:
                self._context = self._source.context()
                _log.info("renewed files are in use: %s", ", ".join(map(str, self._source.files)))
            except (ConfigError, OSError) as error:  # OSError: changed again while it was read
                self._trouble(f"the old certificate stays in use: {error}")
        return self._context


def _stamp(files: list[Path]) -> Stamp:
    stamps: list[int] = []
    for path in files:
        try:
            found = path.stat()
        except OSError:
            stamps += (0, 0)
        else:
            stamps += (found.st_mtime_ns, found.st_ino)
    return tuple(stamps)


_caller: ContextVar[Caller] = ContextVar("caller", default=Caller())  # noqa: B039  (it is frozen)


def identify(authorities: Path | None, chain: Path | None, key: Path | None) -> None:
    """Settle as whom this process calls `tls://` servers. Raises ConfigError for files that can't be used."""
    caller = Caller(authorities, chain, key)
    if caller.files:
        caller.context()
    _caller.set(caller)


def calling() -> ssl.SSLContext:
    """The context of one call. Raises TlsFailed where its files were of no use from the first."""
    try:
        return _kept(_caller.get()).context
    except ConfigError as error:
        raise TlsFailed(str(error)) from error


@lru_cache(maxsize=8)
def _kept(caller: Caller) -> Renewing:
    """To read the system's CAs takes 20 ms, which no call should wait for twice."""
    return Renewing(caller, _log.warning)


def trouble(error: OSError) -> str:
    """Why a connection came to nothing, and the remedy, as far as it can be told from an error."""
    if isinstance(error, ssl.SSLCertVerificationError):
        told = _UNTRUSTED.get(error.verify_code)
        reason = told or f"is not trusted: {error.verify_message}"
        named = error.verify_code in (62, 64)
        return f"its certificate {reason}" + (f": {_named(error)}" if named else "")
    if isinstance(error, ssl.SSLError):
        return _alert(error.reason or "")
    if isinstance(error, ConnectionError):
        return "it took the call but no TLS; if it speaks plain Wyoming, write tcp://HOST:PORT"
    return why(error)


def is_plain(error: OSError) -> bool:
    """Whether the other end spoke something else than TLS."""
    reason = (error.reason or "") if isinstance(error, ssl.SSLError) else ""
    return any(word in reason for word in _NOT_TLS)


def its_trouble(error: OSError) -> str:
    """The same as a server sees it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        told = _UNTRUSTED.get(error.verify_code, f"is not trusted: {error.verify_message}")
        return f"its certificate {told}".replace("--tls-ca", "--tls-client-ca")
    if isinstance(error, ConnectionAbortedError):
        return "it called and said nothing, or too little"
    if isinstance(error, ConnectionError):
        return "it hung up in the middle; does it trust our certificate (its --tls-ca)?"
    reason = (error.reason or "") if isinstance(error, ssl.SSLError) else ""
    if is_plain(error):
        return "it doesn't speak TLS; its address should begin with tls:// or https://"
    if "PEER_DID_NOT_RETURN" in reason:
        return "it shows no certificate; give it --tls-client-cert and --tls-client-key"
    if "ALERT" in reason:
        return f"it refuses our certificate ({reason.rpartition('ALERT_')[2].replace('_', ' ').lower()})"
    return f"{reason.replace('_', ' ').lower() or why(error)}"


def _named(error: ssl.SSLCertVerificationError) -> str:
    wanted = error.verify_message.rstrip(".").partition("'")[2].rstrip("'")
    remedy = "call it by a name in it, or make one that has this name (subjectAltName)"
    return f"it lacks {wanted!r}; {remedy}" if wanted else remedy


def _alert(reason: str) -> str:
    if any(word in reason for word in _NOT_TLS):
        return "it doesn't speak TLS; if it speaks plain Wyoming, write tcp://HOST:PORT"
    if any(word in reason for word in _WANTS_OURS):
        return (
            "it wants a certificate of its clients; show one: --tls-client-cert, --tls-client-key"
        )
    if "CERTIFICATE_EXPIRED" in reason:
        return "it says that our certificate (--tls-client-cert) has expired"
    if any(word in reason for word in _REFUSES_OURS):
        return "it doesn't know who signed our certificate (--tls-client-cert); see its --tls-client-ca"
    return f"TLS failed: {reason.replace('_', ' ').lower() or 'it hung up'}"
