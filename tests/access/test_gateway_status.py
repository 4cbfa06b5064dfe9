"""How `wyoming-voice status` asks a gateway whose page is under TLS."""

import ssl

import pytest

from tests.access.papers import Authority
from tests.gateway.conftest import settings
from wyoming_voice.gateway.server import serving
from wyoming_voice.status.asking import ask_gateway
from wyoming_voice.status.report import State

NOBODY = dict.fromkeys(("asr", "handle", "tts"), "tcp://127.0.0.1:1")


@pytest.mark.parametrize(
    ("trusting", "state", "said"),
    [
        ("house", State.READY, "its servers that are not ready: asr, handle, tts"),
        ("stranger", State.NO_ANSWER, "isn't trusted here; name that CA with --tls-ca"),
    ],
)
async def test_its_certificate_is_looked_at(
    house: Authority, stranger: Authority, trusting: str, state: State, said: str
) -> None:
    trusted = {"house": house, "stranger": stranger}[trusting]
    shown = house.shown()
    chosen = settings(NOBODY, tls_cert=shown.chain, tls_key=shown.key)
    async with serving(chosen) as (_, address):
        context = ssl.create_default_context(cafile=trusted.pem)
        told = await ask_gateway(address, context, 10)
    assert told.state is state
    assert said in told.remark
