"""The house is known, stays known, and follows what changes."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.hass.asking import QUICK, asking
from tests.hass.fake import SILENT, TOKEN, FakeHass, Home, Refuse
from wyoming_voice.hass import fetching, house
from wyoming_voice.hass.house import CHANGES, HouseWatch
from wyoming_voice.hass.registry import House, Named


@asynccontextmanager
async def watching(fake: FakeHass) -> AsyncIterator[HouseWatch]:
    async with asking(fake.url, pauses=QUICK) as hass:
        watch = HouseWatch(hass, settle_s=0)
        try:
            yield watch
        finally:
            await watch.close()


def a_home() -> Home:
    home = Home()
    kitchen = home.area("Kitchen", floor=home.floor("Ground floor"))
    speaker = home.device("speaker", kitchen)
    home.entity("assist_satellite.kitchen", "Satellite", device=speaker, exposed=False)
    home.entity("light.kitchen", "Kitchen lamp", None, "the Ecobee", area=kitchen)
    return home


def names(watch: HouseWatch) -> list[str]:
    return [named.name for named in watch.house.names]


async def refreshed(watch: HouseWatch) -> House:
    watch.refresh()
    return await watch.fetched()


async def heard(fake: FakeHass, command: str, times: int) -> None:
    await fake.until(lambda: fake.commands().count(command) == times)


async def test_the_house_is_empty_and_then_known() -> None:
    async with FakeHass(a_home()) as fake, watching(fake) as watch:
        assert watch.house == House()
        known = await refreshed(watch)
        assert known is watch.house
        assert known.names[:2] == (
            Named("Kitchen lamp", "entity", "light", "Kitchen"),
            Named("the Ecobee", "entity", "light", "Kitchen"),
        )
        assert known.room("speaker", "assist_satellite.kitchen") == "Kitchen, Ground floor"
        assert (known.units, known.language) == ("metric", "en")
        assert fake.commands().count("get_config") == 1
        assert sorted(fake.subscribed) == sorted(CHANGES)


async def test_refreshing_what_is_known_asks_nothing() -> None:
    async with FakeHass(a_home()) as fake, watching(fake) as watch:
        await refreshed(watch)
        await refreshed(watch)
        assert fake.commands().count("get_config") == 1


async def test_what_is_old_is_fetched_again_and_an_equal_house_is_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(house, "OLD_S", -1.0)
    async with FakeHass(a_home()) as fake, watching(fake) as watch:
        known = await refreshed(watch)
        assert await refreshed(watch) is known
        assert fake.commands().count("get_config") == 2


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_is_followed_without_being_asked(change: str) -> None:
    async with FakeHass(a_home()) as fake, watching(fake) as watch:
        await refreshed(watch)
        fake.home.area("Nook")
        await fake.fire(change)
        await heard(fake, "get_config", 2)
        await watch.fetched()
        assert "Nook" in names(watch)


async def test_a_burst_of_changes_is_one_fetch_which_who_asks_has_at_once() -> None:
    async with FakeHass(a_home()) as fake, asking(fake.url) as hass:
        watch = HouseWatch(hass, settle_s=60)
        await refreshed(watch)
        for _ in range(20):
            await fake.fire("entity_registry_updated")
        fake.home.area("Nook")
        await hass.call("get_config")  # answered after the events
        await refreshed(watch)
        assert "Nook" in names(watch)
        assert fake.commands().count("config/area_registry/list") == 2
        await watch.close()


async def test_a_change_during_a_fetch_is_fetched_too() -> None:
    async with FakeHass(a_home()) as fake, watching(fake) as watch:
        fake.answers["get_config"] = SILENT
        watch.refresh()
        await heard(fake, "get_config", 1)
        await fake.fire("area_registry_updated")
        del fake.answers["get_config"]
        await fake.reply(fake.asked[-1], {})
        await watch.fetched()
        assert fake.commands().count("config/area_registry/list") == 2


async def test_what_is_known_stays_while_home_assistant_is_away_and_is_new_after() -> None:
    async with FakeHass(a_home()) as fake, watching(fake) as watch:
        await refreshed(watch)
        await fake.stop()
        known = await refreshed(watch)
        assert "Kitchen lamp" in names(watch)
        fake.home.area("Nook")
        await fake.start()
        await heard(fake, "get_config", 2)
        await watch.fetched()
        assert "Nook" in names(watch)
        assert watch.house is not known


async def test_away_from_the_beginning_is_an_empty_house(caplog: pytest.LogCaptureFixture) -> None:
    async with FakeHass() as fake:
        pass
    async with watching(fake) as watch:
        assert await refreshed(watch) == House()
        assert len([one for one in caplog.records if one.levelno >= logging.WARNING]) == 1


async def test_before_home_assistant_has_started_who_asks_has_it_fetched_again() -> None:
    home = a_home()
    home.config["state"] = "STARTING"
    async with FakeHass(home) as fake, watching(fake) as watch:
        await refreshed(watch)
        await refreshed(watch)
        assert fake.commands().count("get_config") == 2


async def test_who_is_no_administrator_learns_what_is_exposed_from_the_registry(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    home = a_home()
    home.entity("light.secret", "Secret lamp", exposed=False)
    async with FakeHass(home) as fake:
        async with watching(fake) as watch:
            as_administrator = await refreshed(watch)
        fake.admin = False
        caplog.clear()
        async with watching(fake) as watch:
            assert await refreshed(watch) == as_administrator
    told = [one for one in caplog.records if one.levelname == "WARNING"]
    assert len(told) == 1
    assert "homeassistant/expose_entity/list" in told[0].getMessage()
    assert (
        "no administrator: what is exposed without a unique id is missing" in told[0].getMessage()
    )


@pytest.mark.parametrize(
    "command",
    [
        "config/floor_registry/list",
        "config/device_registry/list",
        "config/entity_registry/list_for_display",
        "config/entity_registry/get_entries",
        "subscribe_entities",
        "get_config",
    ],
)
async def test_what_is_refused_is_missing_and_the_rest_is_there(
    command: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with FakeHass(a_home()) as fake, watching(fake) as watch:
        fake.answers[command] = Refuse("unknown_command")
        await refreshed(watch)
        assert {"Kitchen lamp", "Kitchen"} <= set(names(watch))
        assert command in caplog.text


@pytest.mark.parametrize("answer", [None, 5, "x", [], {}, [None, 5, []], {"entities": 5}])
async def test_answers_of_an_unexpected_shape_are_no_failure(answer: object) -> None:
    async with FakeHass(a_home()) as fake, watching(fake) as watch:
        for command in ("get_config", "config/entity_registry/get_entries"):
            fake.answers[command] = answer
        for what in ("floor", "area", "device"):
            fake.answers[f"config/{what}_registry/list"] = answer
        fake.answers["config/entity_registry/list_for_display"] = answer
        known = await refreshed(watch)
        assert [named.name for named in known.names] == ["Kitchen lamp"]


async def test_a_home_assistant_that_is_too_slow_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fetching, "FETCH_S", 0.01)
    async with FakeHass(a_home()) as fake, watching(fake) as watch:
        fake.answers["config/area_registry/list"] = SILENT
        await refreshed(watch)
        await refreshed(watch)
        assert caplog.text.count("the house can't be fetched") == 1
        del fake.answers["config/area_registry/list"]
        monkeypatch.setattr(fetching, "FETCH_S", 5)
        await refreshed(watch)
        assert "Kitchen lamp" in names(watch)


async def test_a_change_whose_fetch_failed_is_fetched_for_who_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FakeHass(a_home()) as fake, watching(fake) as watch:
        await refreshed(watch)
        monkeypatch.setattr(fetching, "FETCH_S", 0.01)
        fake.answers["get_config"] = SILENT
        fake.home.area("Nook")
        await fake.fire("area_registry_updated")
        await heard(fake, "get_config", 2)
        await watch.fetched()
        assert "Nook" not in names(watch)
        del fake.answers["get_config"]
        monkeypatch.setattr(fetching, "FETCH_S", 5)
        await refreshed(watch)
        assert "Nook" in names(watch)


async def test_what_was_found_is_told_once_and_names_stand_in_no_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with FakeHass(a_home()) as fake, watching(fake) as watch:
        await refreshed(watch)
        await fake.fire("area_registry_updated")
        await heard(fake, "get_config", 2)
        await watch.fetched()
        assert (
            caplog.text.count("the house: 4 names (2 of entities, 1 of areas, 1 of floors)\n") == 1
        )
        assert "Ecobee" not in caplog.text
        assert TOKEN not in caplog.text


async def test_a_large_house_comes_in_pieces() -> None:
    home = a_home()
    for n in range(250):
        home.entity(f"light.number_{n}", f"Lamp {n}")
    async with FakeHass(home) as fake, watching(fake) as watch:
        await refreshed(watch)
        assert len(names(watch)) == 250 + 4
        pieces = [frame["entity_ids"] for frame in fake.asked if "entity_ids" in frame]
        assert [len(piece) for piece in pieces] == [100, 100, 100, 100, 51, 51]


async def test_after_closing_nothing_is_fetched() -> None:
    async with FakeHass(a_home()) as fake, watching(fake) as watch:
        fake.answers["get_config"] = SILENT
        watch.refresh()
        await heard(fake, "get_config", 1)
        await watch.close()
        watch.refresh()
        await fake.fire("area_registry_updated")
        assert await asyncio.wait_for(watch.fetched(), 5) == House()
        assert fake.commands().count("get_config") == 1
