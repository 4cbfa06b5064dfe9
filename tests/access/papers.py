"""A certificate authority of a test's own, and what it has signed; made with openssl, as the README does."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from wyoming_voice.tls import Caller, Shown

_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
HERE = "subjectAltName=IP:127.0.0.1,DNS:localhost"


class Authority:
    """Signs certificates into a directory: NAME.pem and NAME.key."""

    def __init__(self, directory: Path, name: str = "ca") -> None:
        self.directory = directory
        self.name = name
        self.pem = directory / f"{name}.pem"
        self._key = directory / f"{name}.key"
        made = ("-keyout", str(self._key), "-out", str(self.pem), "-subj", f"/CN={name}")
        _openssl("req", "-x509", *_EC, *made, "-days", "2")

    def sign(self, name: str, extension: str = HERE, days: Sequence[str] = ("-days", "2")) -> None:
        """A key and a certificate of this name."""
        base = self.directory / name
        request = ("-keyout", f"{base}.key", "-out", f"{base}.csr", "-subj", f"/CN={name}")
        _openssl("req", *_EC, *request)
        Path(f"{base}.ext").write_text(extension, encoding="utf-8")
        ours = ("-CA", str(self.pem), "-CAkey", str(self._key), "-CAcreateserial")
        out = ("-in", f"{base}.csr", "-extfile", f"{base}.ext", "-out", f"{base}.pem")
        _openssl("x509", "-req", *ours, *out, *days)

    def shown(self, name: str = "server", *, to_clients_of: "Authority | None" = None) -> Shown:
        """A server's certificate, and whose clients it serves."""
        authorities = to_clients_of.pem if to_clients_of else None
        return Shown(self.directory / f"{name}.pem", self.directory / f"{name}.key", authorities)

    def caller(self, name: str = "") -> Caller:
        """A client that trusts this authority, and shows a certificate where a name is given."""
        if not name:
            return Caller(self.pem)
        return Caller(self.pem, self.directory / f"{name}.pem", self.directory / f"{name}.key")


def _openssl(*arguments: str) -> None:
    subprocess.run(("openssl", *arguments), check=True, capture_output=True)
