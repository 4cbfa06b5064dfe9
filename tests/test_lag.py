"""How late the loop is: what holds it shows."""

import asyncio
import time

import pytest

from wyoming_voice import lag


async def test_what_holds_the_loop_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag, "_PACE_S", 0.01)
    told = asyncio.Queue[float]()
    watching = asyncio.create_task(lag.watch(told.put_nowait))
    assert await told.get() >= 0
    time.sleep(0.1)  # noqa: ASYNC251  (it is the fault that is looked for)
    assert await told.get() > 0.05
    watching.cancel()
