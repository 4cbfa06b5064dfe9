"""Warm-ups: when there is one, what is read for it, and that no question pays for it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import pytest

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.handle.acts import Acts
from wyoming_voice.handle.answers import LocalAnswers
from wyoming_voice.handle.commands import Commands
from wyoming_voice.handle.commitment import Commitment
from wyoming_voice.handle.history import History, HistoryLimits
from wyoming_voice.handle.llm import warming
from wyoming_voice.handle.llm.deltas import Delta, Finished, Text
from wyoming_voice.handle.llm.failures import Failure, LlmError
from wyoming_voice.handle.llm.warming import Prompt, Warming
from wyoming_voice.handle.memory import Memory
from wyoming_voice.handle.model_answers import Doing, Manner, ModelAnswers
from wyoming_voice.handle.noticing import Notices
from wyoming_voice.handle.prompting import Prompting
from wyoming_voice.handle.reply import Notice
from wyoming_voice.handle.rounds import Limits
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.steps import Message
from wyoming_voice.handle.tools.toolbox import Tool
from wyoming_voice.handle.tools.toolboxes import Toolboxes

HEAD: list[Message] = [{"role": "user", "content": "."}]
OTHER: list[Message] = [{"role": "user", "content": "!"}]


class Reader:
    """Reads until it is told that it has; knows who was cancelled."""

    def __init__(self) -> None:
        self.read_by_now: list[Sequence[Message]] = []
        self.cancelled = 0
        self.done = asyncio.Event()
        self.failure: LlmError | None = None

    async def read(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        self.read_by_now.append(list(messages))
        try:
            await self.done.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure:
            raise self.failure


def there(messages: list[Message]) -> Callable[[], Awaitable[Prompt]]:
    """A prompt that is found at once."""

    async def found() -> Prompt:
        return Prompt(messages)

    return found


async def rounds() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_at_a_time() -> None:
    reader = Reader()
    warm = Warming(reader)
    warm.begin(there(HEAD))
    warm.begin(there(OTHER))
    await rounds()
    assert reader.read_by_now == [HEAD]
    reader.done.set()
    await rounds()
    warm.begin(there(OTHER))
    await rounds()
    assert reader.read_by_now == [HEAD, OTHER]


async def test_what_was_just_read_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader()
    reader.done.set()
    warm = Warming(reader)
    for _ in range(2):
        warm.begin(there(HEAD))
        await rounds()
    assert reader.read_by_now == [HEAD]
    monkeypatch.setattr(warming, "AGAIN_S", 0.0)
    warm.begin(there(HEAD))
    await rounds()
    assert reader.read_by_now == [HEAD, HEAD]


async def test_none_while_a_question_is_with_the_model() -> None:
    reader = Reader()
    reader.done.set()
    warm = Warming(reader)
    with warm.making_way():
        with warm.making_way():
            pass
        warm.begin(there(HEAD))
        await rounds()
    assert reader.read_by_now == []
    warm.begin(there(HEAD))
    await rounds()
    assert reader.read_by_now == [HEAD]


async def test_none_where_a_question_came_while_the_prompt_was_being_found() -> None:
    reader, known = Reader(), asyncio.Event()

    async def found() -> Prompt:
        await known.wait()
        return Prompt(HEAD)

    warm = Warming(reader)
    warm.begin(found)
    with warm.making_way():
        known.set()
        await rounds()
    assert reader.read_by_now == []


async def test_a_question_stops_the_reading_of_a_model_that_is_there() -> None:
    reader = Reader()
    warm = Warming(reader)
    warm.alive()
    warm.begin(there(HEAD))
    await rounds()
    with warm.making_way():
        await rounds()
    assert reader.cancelled == 1
    warm.begin(there(OTHER))
    await rounds()
    assert reader.read_by_now == [HEAD, OTHER]
    await warm.close()


async def test_a_warm_up_that_was_stopped_before_it_began_is_over_too() -> None:
    reader = Reader()
    warm = Warming(reader)
    warm.alive()
    warm.begin(there(HEAD))
    with warm.making_way():
        await rounds()
    warm.begin(there(OTHER))
    await rounds()
    assert reader.read_by_now == [OTHER]
    await warm.close()


async def test_a_question_lets_a_model_load_on(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader()
    warm = Warming(reader)
    warm.begin(there(HEAD))
    await rounds()
    with warm.making_way():
        await rounds()
    assert reader.cancelled == 0
    warm.alive()
    monkeypatch.setattr(warming, "LOADED_S", 0.0)  # and long ago
    with warm.making_way():
        await rounds()
    assert reader.cancelled == 0
    await warm.close()


async def test_a_model_that_has_read_is_there() -> None:
    reader = Reader()
    warm = Warming(reader)
    warm.begin(there(HEAD))
    reader.done.set()
    await rounds()
    reader.done.clear()
    warm.begin(there(OTHER))
    await rounds()
    with warm.making_way():
        await rounds()
    assert reader.cancelled == 1


async def test_closing_stops_it_and_waits_for_that() -> None:
    reader = Reader()
    warm = Warming(reader)
    await warm.close()
    warm.begin(there(HEAD))
    await rounds()
    await warm.close()
    assert reader.cancelled == 1


async def test_a_failure_is_a_line_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    reader = Reader()
    reader.failure = LlmError(Failure.BUSY, "answers 429")
    reader.done.set()
    warm = Warming(reader)
    warm.begin(there(HEAD))
    await rounds()
    assert "warm-up: answers 429" in caplog.text
    assert all(record.levelno == logging.DEBUG for record in caplog.records)


class WrittenLlm(Reader):
    """A model that says yes to everything, and keeps what it was asked."""

    model = "yes"

    def __init__(self) -> None:
        super().__init__()
        self.done.set()
        self.asked: list[Sequence[Message]] = []

    async def answer(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool] = (),
        tool_choice: str = "auto",
        within_s: float = 0.0,
    ) -> AsyncGenerator[Delta, None]:
        self.asked.append(list(messages))
        yield Text("Yes.")
        yield Finished("stop")


def answers_of(llm: WrittenLlm, history: History | None = None) -> ModelAnswers:
    acts = Acts()
    memory = Memory(history or History(HistoryLimits()), clock)
    notices = Notices(Notice(""), 0.0, Notice(""), 0.0)
    manner = Manner(Prompting("Be brief."), notices, Limits())
    doing = Doing(Toolboxes([]), Commands(None, acts, memory, 1.0), acts)
    return ModelAnswers(llm, memory, manner, doing)


def clock() -> datetime:
    return datetime(2026, 3, 1)


async def answered(answers: ModelAnswers, question: Question) -> None:
    record = TurnRecord("handle", turn_id="t")
    async for _ in answers.replies(question, record, Commitment.outright()):
        pass


@pytest.mark.parametrize(
    "known",
    [{}, {"language": "de"}, {"system_prompt": "Be a butler."}, {"replaces": "t"}, {"heard": "Y"}],
)
async def test_what_is_read_is_what_the_question_will_begin_with(
    known: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warming, "AGAIN_S", 0.0)
    llm = WrittenLlm()
    answers = answers_of(llm)
    for text in ("one", "two"):
        answers.warm(Question("", "c", **known))
        await rounds()
        await answered(answers, Question(text, "c", **known))
    assert len(llm.read_by_now) == 2
    for read, messages in zip(llm.read_by_now, llm.asked, strict=True):
        assert read[:-1] == messages[:-1]
        assert read[-1] == {"role": "user", "content": "."}


async def test_what_is_read_serves_a_question_in_whatever_language() -> None:
    llm = WrittenLlm()
    answers = answers_of(llm)
    await answered(answers, Question("one", "c", language="de"))
    answers.warm(Question("", "c", language="de"))
    await rounds()
    await answered(answers, Question("two", "c", language="cy"))
    assert llm.read_by_now[0][:-1] == llm.asked[1][:-1]


async def test_an_answer_shows_that_the_model_is_there() -> None:
    llm = WrittenLlm()
    answers = answers_of(llm)
    await answered(answers, Question("one", "c"))
    llm.done.clear()
    answers.warm(Question("", "c"))
    await rounds()
    await answered(answers, Question("two", "c"))
    assert llm.cancelled == 1


async def test_closing_the_answers_stops_a_warm_up() -> None:
    llm = WrittenLlm()
    llm.done.clear()
    answers = answers_of(llm)
    answers.warm(Question("", "c"))
    await rounds()
    await answers.close()
    assert llm.cancelled == 1


async def test_a_conversation_that_is_warmed_is_neither_begun_nor_used() -> None:
    llm, history = WrittenLlm(), History(HistoryLimits())
    answers_of(llm, history).warm(Question("", "c"))
    await rounds()
    assert [message["role"] for message in llm.read_by_now[0]] == ["system", "user"]
    assert len(history) == 0


async def test_without_a_model_nothing_is_warmed() -> None:
    acts, memory = Acts(), Memory(History(HistoryLimits()), clock)
    answers = LocalAnswers(Commands(None, acts, memory, 1.0), acts, memory, clock)
    answers.warm(Question("", "c"))
    await answers.close()
