"""Timers and the volume by word of mouth: a handle server, a scripted model behind it, and this satellite."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from satellite.around.tools import OwnTools
from satellite.events import ReplyEnded
from satellite.standalone.direct import Direct
from satellite.standalone.means import Means
from tests.handle.talking import served
from tests.llama_swap import Asked, Do, FakeLlamaSwap, Reply, asks, words
from tests.satellite.around.test_tools import Kitchen
from tests.satellite.standalone.stage import Posts, answered, asking, said, standalone
from tests.satellite.standalone.wyoming_servers import FakeAsr, FakeServer, FakeTts

FIVE = ("HassStartTimer", {"minutes": 5, "name": "tea"})
TEN = ("HassStartTimer", {"minutes": 10, "name": "rice"})
STALLED = Reply([Do.STALL])


class Model(FakeLlamaSwap):
    """Keeps its script for questions; a warm-up gets an answer of its own."""

    def _reply(self, asked: Asked) -> Reply:
        return words("") if asked.body and "max_tokens" in asked.body else super()._reply(asked)

    @property
    def chats(self) -> list[Any]:
        return [chat for chat in super().chats if "max_tokens" not in chat]


class RealHandle(FakeServer):
    """No fake: the handle server, in front of `model`."""

    kind = "handle"

    def __init__(self, model: FakeLlamaSwap, **settings: Any) -> None:
        super().__init__()
        self._settings = {"llm_url": model.url, **settings}

    @contextlib.asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[str]:
        async with served(**self._settings) as self.uri:
            yield self.uri


@contextlib.asynccontextmanager
async def kitchen_with(
    path: Path, *script: Reply, text: str = "tea and rice please", **settings: Any
) -> AsyncIterator[tuple[Kitchen, Model, Direct, Posts]]:
    kitchen = Kitchen(path / "timers.json")
    means = Means(OwnTools(kitchen.timers, kitchen.mouth), "Kitchen")  # type: ignore[arg-type]
    model = Model(*script)
    async with model:
        servers = FakeAsr(text), RealHandle(model, **settings), FakeTts()
        async with standalone(*servers, means=means) as (direct, posts):
            yield kitchen, model, direct, posts


def told(chat: Any) -> list[Any]:
    """What the model was told came of its calls."""
    return [message["content"] for message in chat["messages"] if message["role"] == "tool"]


async def test_timers_and_the_volume_are_set(tmp_path: Path) -> None:
    script = asks(FIVE, ("HassSetVolume", {"volume_level": 30})), words("Tea in five minutes.")
    async with kitchen_with(tmp_path, *script) as (kitchen, model, direct, posts):
        await answered(direct, posts)
        assert posts.of(ReplyEnded) == [ReplyEnded(1)]
        assert posts.spoken == "Tea in five minutes."
        assert kitchen.names == ["tea"]
        assert kitchen.mouth.volume == 0.3
        offered = [tool["function"]["name"] for tool in model.chats[0]["tools"]]
        assert offered == [spec["name"] for spec in kitchen.tools.specs]
        assert "Kitchen" in model.chats[0]["messages"][0]["content"]
        timer, volume = told(model.chats[1])
        assert json.loads(timer)["total_seconds_left"] == 300
        assert json.loads(volume) == {"volume": 30}


async def test_what_can_t_be_done_is_told_to_the_model_which_mends_it(tmp_path: Path) -> None:
    script = (
        asks(FIVE),
        asks(("HassCancelTimer", {"name": "pasta"})),
        asks(("HassCancelTimer", {"name": "tea"})),
        words("Cancelled."),
    )
    async with kitchen_with(tmp_path, *script) as (kitchen, model, direct, posts):
        await answered(direct, posts)
        assert posts.spoken == "Cancelled."
        assert kitchen.names == []
        assert "there is no timer named 'pasta'; there are: tea (5 min" in told(model.chats[2])[-1]


async def test_interrupted_between_two_tools_nothing_is_done_twice_and_nothing_after(
    tmp_path: Path,
) -> None:
    script = asks(FIVE), STALLED, asks(FIVE, TEN), words("Both.")
    async with kitchen_with(tmp_path, *script) as (kitchen, model, direct, posts):
        asking(direct)
        said(direct)
        async with asyncio.timeout(10):
            await model.stalled.wait()
        assert kitchen.names == ["tea"]
        direct.cancel(1)
        async with asyncio.timeout(10):
            await model.hung_up.wait()
        await answered(
            direct, posts, 2, replaces=1
        )  # the speaker has gone on, and asks for all of it
        assert posts.of(ReplyEnded) == [ReplyEnded(2)]
        assert kitchen.names == ["tea", "rice"]
        assert [timer.total_ms for timer, _ in kitchen.timers.left()] == [300_000, 600_000]
        assert "HassStartTimer" in json.dumps(model.chats[2]["messages"])  # it knows what was done


async def test_a_simple_command_needs_no_model(tmp_path: Path) -> None:
    pytest.importorskip("hassil")
    async with kitchen_with(
        tmp_path, words("Who asks me?"), text="set the volume to 30 percent", fast_intents=True
    ) as (kitchen, model, direct, posts):
        chats, epoch = -1, 0
        while kitchen.mouth.volume != 0.3:  # until its sentences are loaded the model is asked
            chats, epoch = len(model.chats), epoch + 1
            await answered(direct, posts, epoch)
        assert len(model.chats) == chats
        assert posts.of(ReplyEnded)[-1] == ReplyEnded(epoch)
