"""Programs that are run when something happens: `--on-wake 'notify-send listening'`.

Rule: nothing ever waits for a program. Four run at a time and 64 may wait; a program that has neither
ended nor closed its output after 30 s is killed with all that it started.
"""

import asyncio
import logging
from collections.abc import Mapping

from satellite.around.command import Ended, plain, run_command
from satellite.effects import Moment, Tell
from satellite.parts import Status

_log = logging.getLogger(__name__)


class Hooks:
    """Runs the commands of moments; `tell` is a Listener.

    A command finds the moment's name in WYOMING_VOICE_EVENT, and the text (of what was said, of the
    answer, of an error; 8 KiB at most) in WYOMING_VOICE_TEXT and on its standard input.
    """

    def __init__(
        self, commands: Mapping[Moment, str], *, limit_s: float = 30.0, at_once: int = 4
    ) -> None:
        self._commands = commands
        self._limit_s = limit_s
        self._at_once = at_once
        self._waiting: asyncio.Queue[tuple[Tell, str]] = asyncio.Queue(64)
        self._warned: set[str] = set()
        self._running = self._ran = self._failed = self._dropped = 0

    def tell(self, told: Tell) -> None:
        """Have the moment's command run soon; when too many wait already, it is not run at all."""
        command = self._commands.get(told.moment)
        if not command:
            return
        try:
            self._waiting.put_nowait((told, command))
        except asyncio.QueueFull:
            self._dropped += 1
            self._warn(command, f"is not run: {self._waiting.maxsize} others wait already")

    async def run(self) -> None:
        """Run commands until cancelled; those that run then are killed."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._at_once):
                group.create_task(self._work())

    def status(self) -> Status:
        """How many commands have run, failed, and were not run because too many waited."""
        return {
            "running": self._running,
            "waiting": self._waiting.qsize(),
            "ran": self._ran,
            "failed": self._failed,
            "dropped": self._dropped,
        }

    async def _work(self) -> None:
        while True:
            told, command = await self._waiting.get()
            self._running += 1
            try:
                self._judge(command, await self._run(command, told))
            except OSError as error:
                self._failed += 1
                self._warn(command, f"can't be started: {error}")
            finally:
                self._running -= 1

    async def _run(self, command: str, told: Tell) -> Ended:
        text = plain(told.text)
        event = {"WYOMING_VOICE_EVENT": told.moment.value, "WYOMING_VOICE_TEXT": text}
        return await run_command(command, text, event, self._limit_s)

    def _judge(self, command: str, ended: Ended) -> None:
        self._ran += 1
        if ended.output:
            _log.debug("hook %r: %s", command, ended.output)
        if ended.status == 0:
            return
        self._failed += 1
        if ended.status is None:
            self._warn(command, f"was killed: it had not ended after {self._limit_s:g} s")
        else:
            said = f": {ended.output.splitlines()[-1]}" if ended.output else ""
            self._warn(command, f"ended with status {ended.status}{said}")

    def _warn(self, command: str, what: str) -> None:
        level = logging.DEBUG if command in self._warned else logging.WARNING
        self._warned.add(command)
        _log.log(level, "hook %r %s", command, what)
