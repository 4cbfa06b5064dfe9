"""What can be wrong with the files of TLS, in words; OpenSSL says "PEM lib" to all of it."""

import ssl
from pathlib import Path
from typing import NoReturn

from wyoming_voice.errors import ConfigError
from wyoming_voice.secret_files import unread

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_KEY = b"PRIVATE KEY-----"
_ENCRYPTED = (b"ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED")

Flags = tuple[str, str]
"""What the chain and its key are called on the command line."""


def check_certificate(chain: Path, key: Path, flags: Flags = ("--tls-cert", "--tls-key")) -> None:
    """Raises ConfigError, which names the file that can't be used, and why."""
    its, keys = flags
    chain_pem = _read(its, chain, "the certificate chain (PEM)")
    key_pem = _read(keys, key, "the private key (PEM)")
    if _CERTIFICATE not in chain_pem:
        swapped = _KEY in chain_pem and _CERTIFICATE in key_pem
        remedy = f"the key; swap {its} and {keys}" if swapped else "no certificate (PEM)"
        raise ConfigError(f"{its} {chain} holds {remedy}")
    if _KEY not in key_pem:
        raise ConfigError(f"{keys} {key} holds no private key (PEM)")
    if any(mark in key_pem for mark in _ENCRYPTED):
        raise ConfigError(f"{keys} {key} is encrypted; `openssl pkey -in {key}` decrypts it")
    _check_pair(chain, key, flags)


def check_authorities(flag: str, path: Path) -> None:
    """Raises ConfigError where a file of CAs, which `flag` names, can't be used."""
    if _CERTIFICATE not in _read(flag, path, "the certificates (PEM)"):
        raise ConfigError(f"{flag} {path} holds no certificate (PEM)")
    _check_readable(flag, path)


def _read(flag: str, path: Path, holds: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(unread(flag, path, error, holds)) from error


def _check_readable(flag: str, path: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(path)
    except ssl.SSLError as error:
        raise ConfigError(f"{flag} {path} holds a damaged certificate: {error}") from error


def _check_pair(chain: Path, key: Path, flags: Flags) -> None:
    its, keys = flags
    _check_readable(its, chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(chain, key, password=_no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ConfigError(f"{keys} {key} is not the key of {its} {chain}") from error
        raise ConfigError(f"{keys} {key} with {its} {chain}: {error}") from error


def _no_password() -> NoReturn:
    """Asked at the terminal otherwise, where nobody may be."""
    raise ConfigError("the key is encrypted; decrypt it")
