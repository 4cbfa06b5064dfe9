"""The microphone with a scripted device: every fault is told once, mended, and holds nothing up."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable

import pytest

from satellite.events import Event, MicrophoneLost, MicrophoneReady
from satellite.hearing.deafness import DeafnessSettings
from satellite.hearing.listener import QUEUE_BLOCKS, UNTAKEN_BLOCKS
from satellite.hearing.mic import FRESH_S, Microphone, MicrophoneSettings
from satellite.parts import DeviceError, DeviceHangs, HeardFrame

SOUND = (1000).to_bytes(2, "little") * 320
SILENCE = bytes(640)
QUICK = MicrophoneSettings(
    open_s=0.05,
    close_s=0.05,
    look_s=0.01,
    first_retry_s=0.001,
    last_retry_s=0.01,
    deafness=DeafnessSettings(stale_s=60, first_block_s=60, silent_s=60),
)
pytestmark = pytest.mark.timeout(20)


def quick(**deafness: float) -> MicrophoneSettings:
    settings = DeafnessSettings(**{"stale_s": 60, "first_block_s": 60, "silent_s": 60, **deafness})
    return MicrophoneSettings(0.05, 0.05, 0.01, 0.001, 0.01, settings)


class FakeSource:
    """Opens as `script` says: "ok", "talks" (gives a block), "never", "hangs", an error; then "ok"."""

    def __init__(self, *script: str) -> None:
        self.name = "fake"
        self.overflows = 3
        self.script = list(script)
        self.openings: asyncio.Queue[str] = asyncio.Queue()
        self.closings = 0
        self.deliver: Callable[[bytes], None] = lambda pcm: None
        self.lost: Callable[[str], None] = lambda reason: None
        self.hangs_at_close = False

    async def open(self, deliver: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        what = self.script.pop(0) if self.script else "ok"
        self.openings.put_nowait(what)
        if what == "never":
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await asyncio.Event().wait()
        if what == "hangs":
            raise DeviceHangs(what)
        if what not in ("ok", "talks"):
            raise DeviceError(what)
        self.deliver, self.lost = deliver, lost
        if what == "talks":
            deliver(SOUND)

    async def close(self) -> None:
        self.closings += 1
        if self.hangs_at_close:
            await asyncio.Event().wait()

    async def opened(self) -> None:
        while await self.openings.get() != "ok":
            pass
        await asyncio.sleep(0)  # `open` returns without waiting for anything


class FakeHearing:
    """A frame for each block; can be made to wait, or to break."""

    def __init__(self) -> None:
        self.muted = False
        self.pushed: list[bytes] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.waits = threading.Event()
        self.broken = False

    def push(self, pcm: bytes) -> list[HeardFrame]:
        if self.broken:
            raise KeyError("a bug in hearing")
        if not self.may_go_on.is_set():
            self.waits.set()
            self.may_go_on.wait(10)
        self.pushed.append(pcm)
        if self.muted:
            return []
        return [HeardFrame(pcm, 32 * len(self.pushed), 0.5, 0.0)]


class Bench:
    """A microphone that runs, and what comes out of it, in order."""

    def __init__(self, source: FakeSource, settings: MicrophoneSettings = QUICK) -> None:
        self.source = source
        self.hearing = FakeHearing()
        self.out: asyncio.Queue[Event | HeardFrame] = asyncio.Queue()
        self.told: asyncio.Queue[str] = asyncio.Queue()
        self.microphone = Microphone(
            source,
            self.hearing,
            self.out.put_nowait,
            self.out.put_nowait,
            self.told.put_nowait,
            settings,
        )
        self.running: asyncio.Task[None] | None = None

    async def ready_after(self, loss: MicrophoneLost) -> None:
        assert await self.out.get() == loss
        await self.ready()

    async def ready(self) -> None:
        await self.source.opened()
        self.source.deliver(SOUND)
        assert await self.out.get() == MicrophoneReady()
        assert isinstance(await self.out.get(), HeardFrame)


@contextlib.asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[Bench]:
    bench.running = asyncio.create_task(bench.microphone.run())
    try:
        yield bench
    finally:
        bench.running.cancel()
        await asyncio.gather(bench.running, return_exceptions=True)


async def test_it_is_ready_when_frames_flow_and_not_before() -> None:
    async with running(Bench(FakeSource())) as bench:
        await bench.source.opened()
        assert not bench.microphone.fresh
        assert bench.out.empty()
        bench.source.deliver(SOUND)
        assert await bench.out.get() == MicrophoneReady()
        frame = await bench.out.get()
        assert isinstance(frame, HeardFrame)
        assert frame.pcm == SOUND
        assert bench.microphone.fresh


async def test_blocks_may_come_from_any_thread() -> None:
    async with running(Bench(FakeSource())) as bench:
        await bench.ready()
        thread = threading.Thread(target=lambda: [bench.source.deliver(SOUND) for _ in range(5)])
        thread.start()
        frames = [await bench.out.get() for _ in range(5)]
        thread.join()
        ends = [frame.end_ms for frame in frames if isinstance(frame, HeardFrame)]
        assert ends == [64, 96, 128, 160, 192]


async def test_a_lost_device_is_told_once_and_opened_again() -> None:
    async with running(Bench(FakeSource("ok", "unplugged", "unplugged", "unplugged"))) as bench:
        await bench.ready()
        bench.source.lost("pulled out")
        await bench.ready_after(MicrophoneLost("pulled out"))
        assert bench.microphone.status()["openings"] == 5
        assert bench.microphone.status()["reason"] == ""


async def test_a_device_that_is_missing_at_the_start_is_told_of() -> None:
    async with running(Bench(FakeSource("no such device"))) as bench:
        assert await bench.out.get() == MicrophoneLost("no such device")
        assert bench.microphone.status()["reason"] == "no such device"
        await bench.ready()


async def test_a_device_that_never_opens_is_left_behind() -> None:
    async with running(Bench(FakeSource("never"))) as bench:
        assert await bench.out.get() == MicrophoneLost("fake has not opened within 0.05 s")
        await bench.ready()


async def test_a_device_that_does_not_close_is_left_behind() -> None:
    async with running(Bench(FakeSource())) as bench:
        bench.source.hangs_at_close = True
        await bench.ready()
        bench.source.lost("stuck")
        await bench.ready_after(MicrophoneLost("stuck"))


async def test_what_an_older_opening_delivers_is_not_heard() -> None:
    async with running(Bench(FakeSource())) as bench:
        await bench.ready()
        old_deliver, old_lost = bench.source.deliver, bench.source.lost
        bench.source.lost("gone")
        await bench.ready_after(MicrophoneLost("gone"))
        old_lost("still gone")
        old_deliver(SILENCE)
        bench.source.deliver(SOUND)
        frame = await bench.out.get()
        assert isinstance(frame, HeardFrame)
        assert frame.pcm == SOUND


async def test_no_sound_at_all_is_a_loss() -> None:
    source = FakeSource("ok", *["talks"] * 100)
    async with running(Bench(source, quick(first_block_s=0.02))) as bench:
        assert await bench.out.get() == MicrophoneLost("no sound comes from fake")
        assert await bench.out.get() == MicrophoneReady()


async def test_silence_is_told_reopens_without_a_loss_and_is_told_to_be_over() -> None:
    source = FakeSource("ok", *["talks"] * 100)
    async with running(Bench(source, quick(silent_s=0.02))) as bench:
        await bench.ready()
        assert "only silence" in await bench.told.get()
        assert await bench.told.get() == "fake gives sound again"
        assert isinstance(await bench.out.get(), HeardFrame)


async def test_deaf_without_knowing_it_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(Bench(FakeSource("ok", "unplugged", *["unplugged"] * 99))) as bench:
        assert bench.microphone.healthy  # it is being opened
        await bench.ready()
        assert bench.microphone.healthy
        with monkeypatch.context() as later:
            later.setattr("satellite.hearing.mic._now_s", lambda: time.monotonic() + FRESH_S + 1)
            assert not bench.microphone.healthy
            bench.microphone.muted = True
            assert bench.microphone.healthy
            bench.microphone.muted = False
            assert not bench.microphone.healthy
            bench.source.lost("pulled out")
            assert await bench.out.get() == MicrophoneLost("pulled out")
            assert bench.microphone.healthy  # it knows, and tries again


@pytest.mark.parametrize(
    ("refusal", "healthy"), [("hangs", False), ("never", False), ("no such device", True)]
)
async def test_only_calls_that_hang_for_a_minute_ask_for_a_new_process(
    monkeypatch: pytest.MonkeyPatch, refusal: str, healthy: bool
) -> None:
    async with running(Bench(FakeSource(*[refusal] * 1000))) as bench:
        assert isinstance(await bench.out.get(), MicrophoneLost)
        assert bench.microphone.healthy
        with monkeypatch.context() as later:
            later.setattr("satellite.hearing.mic._now_s", lambda: time.monotonic() + 61)
            assert bench.microphone.healthy is healthy
            bench.microphone.muted = True
            assert bench.microphone.healthy
            bench.microphone.muted = False
        bench.source.script.clear()
        await bench.ready()
        assert bench.microphone.healthy


@pytest.mark.parametrize("other", ["unplugged", "talks"])
async def test_the_minute_begins_anew_when_a_call_has_come_back(
    monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    source = FakeSource("hangs", other)
    async with running(Bench(source)) as bench:
        assert await bench.out.get() == MicrophoneLost("hangs")
        await source.opened() if other != "talks" else await bench.out.get()
        with monkeypatch.context() as later:
            later.setattr("satellite.hearing.mic._now_s", lambda: time.monotonic() + 61)
            bench.microphone._heard_s = time.monotonic() + 61
            assert bench.microphone.healthy


async def test_a_device_that_gives_way_is_opened_again_and_no_loss() -> None:
    async with running(Bench(FakeSource())) as bench:
        await bench.ready()
        bench.source.lost("")
        await bench.source.opened()
        bench.source.deliver(SOUND)
        assert isinstance(await bench.out.get(), HeardFrame)
        assert bench.microphone.status()["openings"] == 2


async def test_another_source_behind_the_device_is_told() -> None:
    async with running(Bench(FakeSource(), quick())) as bench:
        await bench.ready()
        bench.source.name = "fake (speaker.monitor)"
        assert await bench.told.get() == "the microphone is another one: fake (speaker.monitor)"


async def test_muted_nothing_leaves_but_the_microphone_stays_fresh() -> None:
    async with running(Bench(FakeSource())) as bench:
        await bench.ready()
        bench.microphone.muted = True
        assert bench.hearing.muted
        bench.hearing.muted = False  # whatever the hearing does
        bench.source.deliver(SILENCE)
        while bench.microphone.status()["level_dbfs"] != -120:  # noqa: ASYNC110  (nothing is told)
            await asyncio.sleep(0)
        assert bench.microphone.fresh
        bench.microphone.muted = False
        bench.source.deliver(SOUND)
        frame = await bench.out.get()
        assert isinstance(frame, HeardFrame)
        assert frame.pcm == SOUND


async def test_what_was_said_while_muted_is_not_listened_to_after() -> None:
    async with running(Bench(FakeSource())) as bench:
        await bench.ready()
        bench.microphone.muted = True
        bench.hearing.may_go_on.clear()
        bench.source.deliver(SILENCE)  # holds the thread up
        await asyncio.to_thread(bench.hearing.waits.wait, 10)
        secret = SOUND[::-1]
        bench.source.deliver(secret)
        bench.microphone.muted = False
        bench.source.deliver(SOUND)
        bench.hearing.may_go_on.set()
        heard = [await bench.out.get()]
        while heard[-1] == HeardFrame(SILENCE, 64, 0.5, 0.0):  # which the thread was at
            heard.append(await bench.out.get())
        assert isinstance(heard[-1], HeardFrame)
        assert heard[-1].pcm == SOUND
        assert secret not in bench.hearing.pushed


async def test_the_oldest_is_dropped_and_counted_when_nobody_keeps_up() -> None:
    async with running(Bench(FakeSource())) as bench:
        await bench.ready()
        bench.hearing.may_go_on.clear()
        bench.source.deliver(SILENCE)
        assert await asyncio.to_thread(bench.hearing.waits.wait, 10)
        for number in range(QUEUE_BLOCKS + 7):
            bench.source.deliver(number.to_bytes(2, "little") * 320)
        bench.hearing.may_go_on.set()
        frames = [await bench.out.get() for _ in range(QUEUE_BLOCKS + 1)]
        numbers = [int.from_bytes(f.pcm[:2], "little") for f in frames if isinstance(f, HeardFrame)]
        assert numbers == [0, *range(7, QUEUE_BLOCKS + 7)]
        assert bench.microphone.status()["dropped_blocks"] == 7
        assert bench.microphone.status()["overflows"] == 3


async def test_a_loop_that_does_not_turn_is_not_flooded() -> None:
    async with running(Bench(FakeSource())) as bench:
        await bench.ready()
        for _ in range(UNTAKEN_BLOCKS + 60):
            pushed = len(bench.hearing.pushed)
            bench.source.deliver(SILENCE)
            while len(bench.hearing.pushed) == pushed:
                time.sleep(0)  # noqa: ASYNC251  (the loop is held up on purpose)
        bench.source.deliver(SOUND)
        frames = 0
        while isinstance(frame := await bench.out.get(), HeardFrame) and frame.pcm == SILENCE:
            frames += 1
            if bench.out.empty():
                bench.source.deliver(SOUND)
        assert UNTAKEN_BLOCKS <= frames <= UNTAKEN_BLOCKS + 1
        assert bench.microphone.status()["dropped_blocks"] == pytest.approx(60, abs=2)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_bug_in_the_thread_ends_the_microphone_loudly() -> None:
    async with running(Bench(FakeSource())) as bench:
        await bench.ready()
        bench.hearing.broken = True
        bench.source.deliver(SOUND)
        assert bench.running is not None
        with pytest.raises(RuntimeError, match="thread has ended"):
            await bench.running
        for thread in threading.enumerate():
            if thread.name == "microphone":
                await asyncio.to_thread(thread.join, 10)


async def test_ended_it_has_closed_the_device_and_its_thread() -> None:
    async with running(Bench(FakeSource())) as bench:
        await bench.ready()
        listener = bench.microphone._listener
    assert bench.source.closings == 1
    assert listener is not None
    await listener.ended
