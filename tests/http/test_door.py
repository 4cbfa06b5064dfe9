"""A door's address, certificate and settings."""

import asyncio
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError
from websockets.asyncio.client import connect

from tests.http.small_door import House, http_settings, open_door
from wyoming_voice.errors import ConfigError
from wyoming_voice.http.door import Door


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    directory = tmp_path_factory.mktemp("tls")
    chain, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", str(key), "-out", str(chain), "-days", "1"),
            *("-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    return chain, key


async def test_tls(certificate: tuple[Path, Path]) -> None:
    chain, key = certificate
    context = ssl.create_default_context(cafile=str(chain))
    async with open_door(tls_cert=chain, tls_key=key) as house:
        uri = house.uri.replace("http:", "https:")
        async with httpx.AsyncClient(base_url=uri, verify=context) as client:
            assert (await client.get("/health", headers={"Origin": uri})).status_code == 200
            assert len((await client.get("/stream?most=20")).content) == 20 * 65_536
        async with connect(uri.replace("https", "wss") + "/ws", ssl=context) as client:
            await client.send("hello")
            assert await client.recv() == "hello"


async def test_tls_and_a_websocket_that_has_gone(
    certificate: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody looks after it any more as if it were a request."""
    chain, key = certificate
    context = ssl.create_default_context(cafile=str(chain))
    async with open_door(tls_cert=chain, tls_key=key, http_timeout_s=0.1) as house:
        async with connect(f"wss://{house.address.host}:{house.address.port}/ws", ssl=context):
            pass
        silent, writer = await asyncio.open_connection(
            house.address.host, house.address.port, ssl=context
        )
        assert await silent.read() == b""  # a whole time-out has passed
        writer.transport.abort()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_client_that_speaks_no_tls_is_told(certificate: tuple[Path, Path]) -> None:
    chain, key = certificate
    async with (
        open_door(tls_cert=chain, tls_key=key) as house,
        httpx.AsyncClient(base_url=house.uri) as client,
    ):
        answer = await client.get("/health")
        assert answer.status_code == 400
        assert answer.json()["error"]["message"] == "this port speaks HTTPS; write https://"


async def test_tls_whose_answer_nobody_reads(certificate: tuple[Path, Path]) -> None:
    chain, key = certificate
    context = ssl.create_default_context(cafile=str(chain))
    async with open_door(tls_cert=chain, tls_key=key, http_timeout_s=0.2) as house:
        uri = house.uri.replace("http:", "https:")
        async with (
            httpx.AsyncClient(base_url=uri, verify=context) as client,
            client.stream("GET", "/stream?most=1000000"),
        ):
            await house.cleaned_up.wait()
        assert await house.outcome() == "gone"


@pytest.mark.parametrize(
    ("chain", "key", "said"),
    [
        ("absent.pem", "key.pem", r"--tls-cert .*absent\.pem can't be read: No such file"),
        ("cert.pem", "absent.pem", r"--tls-key .*absent\.pem can't be read: No such file"),
        ("nonsense.pem", "key.pem", r"--tls-cert .*nonsense\.pem holds no certificate"),
        ("cert.pem", "nonsense.pem", r"--tls-key .*nonsense\.pem holds no private key"),
        ("key.pem", "cert.pem", "swap --tls-cert and --tls-key"),
        ("broken.pem", "key.pem", r"--tls-cert .*broken\.pem holds a damaged certificate"),
        ("cert.pem", "broken.pem", r"--tls-key .*broken\.pem with --tls-cert .*cert\.pem"),
        ("cert.pem", "other.pem", r"--tls-key .*other\.pem is not the key of --tls-cert"),
        ("cert.pem", "locked.pem", r"--tls-key .*locked\.pem is encrypted"),
    ],
)
def test_a_certificate_that_is_of_no_use(
    certificate: tuple[Path, Path], tmp_path: Path, chain: str, key: str, said: str
) -> None:
    for path in certificate:
        shutil.copy(path, tmp_path)
    (tmp_path / "nonsense.pem").write_text("nonsense")
    (tmp_path / "broken.pem").write_text(_pem("CERTIFICATE") + _pem("PRIVATE KEY"))
    (tmp_path / "locked.pem").write_text(_pem("ENCRYPTED PRIVATE KEY"))
    new = ("openssl", "genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    subprocess.run([*new, "-out", str(tmp_path / "other.pem")], check=True, capture_output=True)
    settings = http_settings(tls_cert=tmp_path / chain, tls_key=tmp_path / key)
    with pytest.raises(ConfigError, match=said):
        Door(House().app(settings), settings)


def _pem(kind: str) -> str:
    return f"-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n"


async def answers(http: str) -> bool:
    async with open_door(http=http) as house, httpx.AsyncClient(base_url=house.uri) as client:
        return (await client.get("/health")).status_code == 200


async def test_ipv6() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    assert await answers("tcp://[::1]:0")


async def test_a_name_for_this_machine() -> None:
    assert await answers("tcp://localhost:0")


async def test_a_name_that_leads_nowhere() -> None:
    with pytest.raises(ConfigError, match="can't be had"):
        async with open_door(http="tcp://nowhere.invalid:0", insecure=True):
            pass


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.168.1.7", "box"])
def test_beyond_this_machine_keys_are_needed(host: str, tmp_path: Path) -> None:
    uri = f"tcp://{host}:8001"
    with pytest.raises(ValidationError, match="give --api-key-file"):
        http_settings(http=uri)
    http_settings(http=uri, insecure=True)
    http_settings(http=uri, api_key_file=tmp_path / "keys")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "[::1]", "localhost"])
def test_on_this_machine_they_are_not(host: str) -> None:
    http_settings(http=f"tcp://{host}:8001")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"http": "unix:///a"}, "HTTP clients need tcp://HOST:PORT"),
        ({"http": "localhost:80"}, r"bad address 'localhost:80'; write tcp://HOST:PORT \["),
        ({"tls_cert": "a"}, "belong together"),
        ({"origin": ["*"]}, "is no origin"),
        ({"origin": ["https://a.example/page"]}, "is no origin"),
        ({"http_timeout_s": 0}, "greater than 0"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        http_settings(**settings)
