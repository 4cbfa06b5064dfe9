"""The timers' book: whatever is said of a timer, in whatever order, it rings once at most."""

from hypothesis import given
from hypothesis import strategies as st

from satellite.around.timer_book import Change, Timer, TimerBook
from satellite.effects import Moment

IDS = st.sampled_from(["a", "b", "c"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["start", "own", "pause", "resume"]), IDS, st.integers(0, 20)),
        st.tuples(st.sampled_from(["stand", "go on", "more"]), IDS, st.integers(-9, 9)),
        st.tuples(st.sampled_from(["cancel", "finish", "dismiss"]), IDS, st.just(0)),
        st.tuples(st.just("wait"), st.just(""), st.integers(0, 15)),
    ),
    max_size=40,
)


def taken(book: TimerBook, step: tuple[str, str, int], now_ms: int) -> list[Change]:
    match step:
        case ("start" | "own" as whose, timer_id, seconds):
            timer = Timer(timer_id, "", seconds * 1000, own=whose == "own")
            return book.start(timer.running_until(now_ms + seconds * 1000))
        case ("pause" | "resume" as what, timer_id, seconds):
            return book.update(timer_id, seconds * 1000, what == "resume", now_ms)
        case ("stand", timer_id, _):
            return book.pause(timer_id, now_ms)
        case ("go on", timer_id, _):
            return book.resume(timer_id, now_ms)
        case ("more", timer_id, seconds):
            return book.lengthen(timer_id, seconds * 1000, now_ms)
        case ("cancel", timer_id, _):
            return book.cancel(timer_id)
        case ("finish", timer_id, _):
            return book.finish(timer_id)
        case ("dismiss", timer_id, _):
            return book.dismiss(timer_id)
    return []


@given(STEPS)
def test_each_rings_once_at_most_and_a_cancelled_one_never(
    steps: list[tuple[str, str, int]],
) -> None:
    book, now_ms = TimerBook(), 0
    rang: list[str] = []
    over: set[str] = set()
    for step in steps:
        if step[0] == "wait":
            now_ms += step[2] * 1000
        changes = taken(book, step, now_ms) + book.advance(now_ms)
        for change in changes:
            assert change.timer.id not in over
            if change.moment is Moment.TIMER_FINISHED:
                rang.append(change.timer.id)
            if change.moment is Moment.TIMER_UPDATED and step[0] in ("stand", "go on", "more"):
                assert change.timer.own
                assert not change.timer.ringing
        if step[0] == "cancel":
            over.add(step[1])
        over |= {c.timer.id for c in changes if c.moment is Moment.TIMER_DISMISSED}
        paused = [t for t in book.timers if not t.running and not t.ringing]
        assert all(t.left_ms is not None for t in paused)
        assert book.next_ms is None or book.next_ms > now_ms
    assert len(rang) == len(set(rang))
