"""Runs one server as a Home Assistant add-on: its options become settings, its address is made known.

What the Supervisor gives: /data/options.json (checked against the add-on's `schema`), SUPERVISOR_TOKEN, and
http://supervisor/discovery, see https://developers.home-assistant.io/docs/apps/communication. An option has
the name of the setting that it is. Rule: what was not chosen is not set, no secret is an argument or a line
of the log, and a Supervisor that is away never keeps the server from its work.
"""

import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PORTS = {"asr": 10300, "tts": 10200, "handle": 10500}
HOME_ASSISTANT = "http://homeassistant:8123"
"""Its name in the network of the add-ons, and the port that it has unless somebody changed it."""

OWN = {"use_home_assistant", "hass_url", "hass_token"}
"""Options that stand for several settings."""

TOKENS = ("SUPERVISOR_TOKEN", "HASSIO_TOKEN")
"""What the Supervisor gives this process, under its present name and its first, and no child of it."""

USER = "voice"
PAUSES_S = (1, 2, 4, 8, 15, 30, 60)


class Mistake(Exception):
    """Options that can't be meant."""


def main() -> int:
    """Serve until the server ends; its status, 2 for options that can't be used."""
    kind, data = os.environ["ADDON"], Path(os.environ.get("ADDON_DATA", "/data"))
    user = _user()
    try:
        options = json.loads((data / "options.json").read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory() as secrets:
            _given_to(user, Path(secrets), _models(data))
            return _serve(kind, _environment(kind, options, data, Path(secrets), user), user)
    except Mistake as mistake:
        print(f"{kind}: {mistake}", file=sys.stderr)
        return 2


def _serve(kind: str, environment: Mapping[str, str], user: pwd.struct_passwd | None) -> int:
    server = subprocess.Popen(
        ["wyoming-voice", kind],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: server.send_signal(number))
    assert server.stdout is not None
    for line in server.stdout:
        print(line, end="", flush=True)
        if line.startswith("ready "):
            threading.Thread(target=_make_known, args=(kind,), daemon=True).start()
    status = server.wait()
    return status if status >= 0 else 128 - status


def _environment(
    kind: str,
    options: Mapping[str, Any],
    data: Path,
    secrets: Path,
    user: pwd.struct_passwd | None,
) -> dict[str, str]:
    """The server's environment: what the container has, less the Supervisor's token, and the settings."""
    prefix = f"WYOMING_VOICE_{kind.upper()}_"
    settings = {
        "uri": f"tcp://0.0.0.0:{PORTS[kind]}",
        "metrics_uri": "tcp://127.0.0.1:9100",  # /health, for the check inside the container alone
        "no_zeroconf": "true",  # the network of the add-ons has no multicast to the house
    }
    settings |= {
        name: _text(value)
        for name, value in options.items()
        if name not in OWN and value not in (None, "", [])
    }
    settings |= _home_assistant(options, secrets, user)
    inherited = {key: text for key, text in os.environ.items() if key not in TOKENS}
    # Weights outlive an update, and backup_exclude leaves them out of backups.
    inherited |= {"HF_HOME": str(_models(data)), "HOME": str(secrets)}
    return inherited | {f"{prefix}{name.upper()}": text for name, text in settings.items()}


def _text(value: object) -> str:
    """An option as the settings read it from the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return str(value)


def _home_assistant(
    options: Mapping[str, Any], secrets: Path, user: pwd.struct_passwd | None
) -> dict[str, str]:
    """Where Home Assistant is asked, and with which token: a person's, or else the Supervisor's."""
    own = str(options.get("hass_token") or "")
    for_tools = "home-assistant" in (options.get("mcp_server") or [])
    if for_tools and not own:
        raise Mistake(
            "mcp_server: home-assistant needs hass_token, a long-lived access token: the Supervisor's "
            "own way to Home Assistant doesn't carry its tools"
        )
    if not (for_tools or options.get("use_home_assistant")):
        return {}
    token = own or os.environ.get("SUPERVISOR_TOKEN", "")
    url = str(options.get("hass_url") or HOME_ASSISTANT) if own else "http://supervisor/core"
    file = secrets / "token"
    file.write_text(token, encoding="utf-8")
    file.chmod(0o600)
    _given_to(user, file)
    return {"hass_url": url, "hass_token_file": str(file)}


def _models(data: Path) -> Path:
    models = data / "models"
    models.mkdir(exist_ok=True)
    return models


def _user() -> pwd.struct_passwd | None:
    """Who runs the server where root starts this: a user of the image."""
    if os.geteuid() != 0:
        return None
    return next((user for user in pwd.getpwall() if user.pw_name == USER), None)


def _given_to(user: pwd.struct_passwd | None, *paths: Path) -> None:
    for path in paths if user else ():
        os.chown(path, user.pw_uid, user.pw_gid)


def _make_known(kind: str) -> None:
    """Tell the Supervisor where the server is, until it has been told; Home Assistant then offers it."""
    url = os.environ.get("SUPERVISOR_URL", "http://supervisor")
    what = {"service": "wyoming", "config": {"uri": f"tcp://{socket.gethostname()}:{PORTS[kind]}"}}
    request = urllib.request.Request(
        f"{url}/discovery",
        json.dumps(what).encode(),
        {
            "Authorization": f"Bearer {os.environ.get('SUPERVISOR_TOKEN', '')}",
            "Content-Type": "application/json",
        },
    )
    for tried in range(sys.maxsize):
        try:
            with urllib.request.urlopen(request, timeout=10):
                print(f"offered to Home Assistant: {what['config']['uri']}", flush=True)
                return
        except OSError as error:
            if tried == 0:
                print(f"not offered to Home Assistant yet: {error}", file=sys.stderr, flush=True)
        threading.Event().wait(PAUSES_S[min(tried, len(PAUSES_S) - 1)])


if __name__ == "__main__":
    sys.exit(main())
