"""What can be wrong with the two files of TLS, in words; OpenSSL says "PEM lib" to all of it."""

import ssl
from pathlib import Path
from typing import NoReturn

from wyoming_voice.errors import ConfigError, why

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_KEY = b"PRIVATE KEY-----"
_ENCRYPTED = (b"ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED")


def check_certificate(chain: Path, key: Path) -> None:
    """Raises ConfigError, which names the file that can't be used, and why."""
    chain_pem, key_pem = _read("--tls-cert", chain), _read("--tls-key", key)
    if _CERTIFICATE not in chain_pem:
        swapped = _KEY in chain_pem and _CERTIFICATE in key_pem
        remedy = "the key; swap --tls-cert and --tls-key" if swapped else "no certificate (PEM)"
        raise ConfigError(f"--tls-cert {chain} holds {remedy}")
    if _KEY not in key_pem:
        raise ConfigError(f"--tls-key {key} holds no private key (PEM)")
    if any(mark in key_pem for mark in _ENCRYPTED):
        raise ConfigError(f"--tls-key {key} is encrypted; `openssl pkey -in {key}` decrypts it")
    _check_pair(chain, key)


def _read(flag: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{flag} {path} can't be read: {why(error)}") from error


def _check_pair(chain: Path, key: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_verify_locations(chain)
    except ssl.SSLError as error:
        raise ConfigError(f"--tls-cert {chain} holds a damaged certificate: {error}") from error
    try:
        context.load_cert_chain(chain, key, password=_no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ConfigError(f"--tls-key {key} is not the key of --tls-cert {chain}") from error
        raise ConfigError(f"--tls-key {key} with --tls-cert {chain}: {error}") from error


def _no_password() -> NoReturn:
    """Asked at the terminal otherwise, where nobody may be."""
    raise ConfigError("--tls-key is encrypted; decrypt it")
