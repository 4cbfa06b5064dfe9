"""Two machines on two networks, in namespaces: `python -m tests.access.two_machines server` inside `unshare`.

The house's machine has 192.0.2.1 on `home0` and 198.51.100.1 on `guest0`; the caller's has the others' ends.
What callers were told is printed as one JSON object. Addresses are those of documentation (RFC 5737).
"""

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

HOME, GUEST = ("192.0.2.1", "192.0.2.2"), ("198.51.100.1", "198.51.100.2")


def sh(command: str) -> None:
    subprocess.run(command.split(), check=True, capture_output=True)


def set_up(other_pid: int) -> None:
    """Two cables between this namespace and the other's."""
    beyond = f"nsenter -t {other_pid} -n"
    sh("ip link set lo up")
    for name, (here, there) in (("home", HOME), ("guest", GUEST)):
        sh(f"ip link add {name}0 type veth peer name {name}1 netns {other_pid}")
        sh(f"ip addr add {here}/24 dev {name}0")
        sh(f"ip link set {name}0 up")
        sh(f"{beyond} ip addr add {there}/24 dev {name}1")
        sh(f"{beyond} ip link set {name}1 up")


async def told(uri: str) -> str:
    """What a caller at `uri` hears: the type of the answer, the code of an error, or that there is nobody."""
    from wyoming.event import Event

    from wyoming_voice.wire import connect

    if uri.startswith("http"):
        return await asyncio.to_thread(_told_by_http, uri)
    try:
        async with connect(uri, timeout_s=2) as connection:
            await connection.write(Event("describe"))
            event = await connection.read()
    except OSError:
        return "nobody"
    if event is None:
        return "hung up"
    return event.data["code"] if event.type == "error" else event.type


def _told_by_http(uri: str) -> str:
    parts = urlsplit(uri)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=2)
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    upgrade["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    try:
        connection.request("GET", parts.path, headers=upgrade if "/ws" in uri else {})
        answer = connection.getresponse()
        body = answer.read() if answer.status != 101 else b""
    except (OSError, HTTPException):
        return "nobody"
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return f"{answer.status} {json.loads(body)['error']['code']}"
    return str(answer.status)


async def caller(uris: Sequence[str]) -> None:
    print(json.dumps({uri: await told(uri) for uri in uris}))


async def _from_the_other(pid: int, uris: Sequence[str]) -> dict[str, str]:
    command = (
        "nsenter",
        "-t",
        str(pid),
        "-n",
        sys.executable,
        "-m",
        __spec__.name,
        "caller",
        *uris,
    )
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    heard: dict[str, str] = json.loads(out)
    return heard


async def server(pid: int) -> None:
    """The same doors twice: for the home's network, and on the home's interface."""
    from tests.http.test_in_a_service import RoutedProgram, settings
    from wyoming_voice.announcement import reachable_at
    from wyoming_voice.service import Service

    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(  # type: ignore[method-assign]
        f"{record.levelname} {record.getMessage()}"
    )
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel("INFO")
    report: dict[str, object] = {"log": lines}
    anywhere = "tcp://0.0.0.0:0"
    for name, more in (
        ("allow", {"allow": ["192.0.2.0/24"]}),
        ("interface", {"interface": "home0"}),
    ):
        wide = {"uri": anywhere, "http": anywhere, "metrics_uri": anywhere, "insecure": True}
        service = Service(RoutedProgram(), chosen := settings(**wide, **more))
        await service.listen()
        await service.load()
        ports = [address.port for address in (service.addresses[0],)]
        assert service.metrics_address is not None
        assert service.http_address is not None
        ports += [service.metrics_address.port, service.http_address.port]
        for who, host in (("home", HOME[0]), ("guest", GUEST[0])):
            heard = await _from_the_other(pid, _doors(host, ports))
            report[f"{name} {who}"] = list(heard.values())
        report[f"{name} itself"] = [await told(uri) for uri in _doors("127.0.0.1", ports)]
        addresses = await reachable_at(service.addresses[0], chosen)
        report[f"{name} announced"] = [str(item) for item in addresses if item.version == 4]
        await service.stop()
    report["satellite"] = await _satellite(pid)
    report["gateway allow"] = await _gateway(pid, {"allow": ["192.0.2.0/24"]})
    report["gateway interface"] = await _gateway(pid, {"interface": "home0"})
    print(json.dumps(report))


async def _satellite(pid: int) -> list[str]:
    """What is heard at the address that Home Assistant connects to, from the home and from the guests."""
    from satellite.home_assistant.server import HomeAssistant
    from wyoming_voice.describing import Description
    from wyoming_voice.settings import ListenSettings

    settings = ListenSettings(uri="tcp://0.0.0.0:0", allow=["192.0.2.0/24"], no_zeroconf=True)
    satellite = HomeAssistant(lambda _: None, Description(), settings, lambda _: None)
    address = await satellite.listen()
    life = asyncio.create_task(satellite.run())
    heard = await _from_the_other(pid, [f"tcp://{own}:{address.port}" for own, _ in (HOME, GUEST)])
    life.cancel()
    await asyncio.wait({life})
    return list(heard.values())


async def _gateway(pid: int, narrowed: dict[str, object]) -> list[list[str]]:
    """What is heard at the page's doors: from the home, from the guests, and on the machine itself."""
    from tests.gateway.conftest import settings
    from wyoming_voice.gateway.server import serving

    nobody = dict.fromkeys(("asr", "handle", "tts"), "tcp://127.0.0.1:1")
    wide = {"http": "tcp://0.0.0.0:0", "metrics_uri": "tcp://0.0.0.0:0", "insecure": True}
    async with serving(settings(nobody, **wide, **narrowed)) as (gateway, address):
        assert gateway.metrics_address is not None
        paths = {"/": address, "/ws/talk": address, "/metrics": gateway.metrics_address}

        def doors(host: str) -> list[str]:
            return [f"http://{host}:{at.port}{path}" for path, at in paths.items()]

        others = [await _from_the_other(pid, doors(host)) for host, _ in (HOME, GUEST)]
        itself = [await told(uri) for uri in doors("127.0.0.1")]
        return [*(list(heard.values()) for heard in others), itself]


def _doors(host: str, ports: Sequence[int]) -> list[str]:
    wyoming, metrics, http = ports
    return [
        f"tcp://{host}:{wyoming}",
        f"http://{host}:{metrics}/metrics",
        f"http://{host}:{http}/health",
        f"http://{host}:{http}/ws",
    ]


def main() -> None:
    if sys.argv[1] == "caller":
        asyncio.run(caller(sys.argv[2:]))
        return
    with subprocess.Popen(["unshare", "-n", "sleep", "60"]) as other:
        try:
            _until_apart(other.pid)
            set_up(other.pid)
            asyncio.run(server(other.pid))
        finally:
            other.kill()


def _until_apart(pid: int) -> None:
    """`unshare` becomes `sleep` once it has its namespace."""
    name = Path(f"/proc/{pid}/comm")
    while name.read_text(encoding="utf-8").strip() != "sleep":
        pass


if __name__ == "__main__":
    main()
