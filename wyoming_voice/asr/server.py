"""The ASR server: which engines there are, which one hears an utterance, and what is said about them.

Rule: what can't be had (a model, a language) is refused when it is asked for, before any audio.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from wyoming.info import AsrModel, Info
from wyoming.info import AsrProgram as AsrInfo

from wyoming_voice.asr import languages
from wyoming_voice.asr.about import POCKETSPHINX, WHISPER, About
from wyoming_voice.asr.ahead import House, Judge
from wyoming_voice.asr.budget import AudioBudget
from wyoming_voice.asr.choice import Choice
from wyoming_voice.asr.conversation import AsrConversation
from wyoming_voice.asr.ending import OwnEndpoint, own_endpoint
from wyoming_voice.asr.engine import DecodeOptions, Engine
from wyoming_voice.asr.engines import engines
from wyoming_voice.asr.names.broken_models import broken, is_told
from wyoming_voice.asr.names.household import Household, household
from wyoming_voice.asr.names.respelling import respelling
from wyoming_voice.asr.recognition import Gate
from wyoming_voice.asr.session import Wish
from wyoming_voice.asr.settings import AsrSettings
from wyoming_voice.asr.transcription import Manner
from wyoming_voice.core.pauses import Pauses
from wyoming_voice.describing import Description
from wyoming_voice.errors import ConfigError, UnknownChoice
from wyoming_voice.extensions import (
    ENDPOINTING,
    OWN_ENDPOINT,
    SPECULATIVE,
    SPECULATIVE_TRANSCRIPT,
)
from wyoming_voice.isolation.isolated import Isolated, numbers
from wyoming_voice.program import Program
from wyoming_voice.smart_turn import SmartTurn
from wyoming_voice.vad import Silero
from wyoming_voice.worker import Turns, Worker

if TYPE_CHECKING:
    from fastapi import APIRouter

    from wyoming_voice.http.floor import Floor

__all__ = ["AsrProgram", "AsrSettings", "build"]

_log = logging.getLogger(__name__)

_LOAD_S = 3600.0
"""A large model over a slow line."""


def build(settings: AsrSettings) -> Program:
    """The program for these settings; loads the module of its own engine only. Raises ConfigError."""
    return AsrProgram(settings, engines(settings), household(settings))


class AsrProgram:
    """A Program of one or more engines, of which the first is the default."""

    kind = "asr"

    def __init__(
        self,
        settings: AsrSettings,
        engines: Sequence[Engine],
        household: Household | None = None,
    ) -> None:
        self.settings = settings
        self._household = household
        self._respelling = respelling(off=settings.no_snapping)
        self.gate = Gate(None if settings.no_vad_gate else settings.vad_threshold)
        self.audio = AudioBudget(settings.max_audio_mb * 1_000_000)
        if self.gate.threshold is not None:
            Silero()  # reads its model, 30 ms: here, not on the event loop at the first utterance
        self.worker = Worker("asr", max_requests=settings.max_queue, turns=Turns.BY_REQUEST)
        self.house = House(
            self.gate,
            self.worker,
            settings.deadline_s,
            settings.speculate_after_ms,
            time.monotonic,
            _judge(settings),
        )
        self._own_endpoint = _own_endpoint(settings)
        self._about = WHISPER if settings.engine == "whisper" else POCKETSPHINX
        self._engines = {engine.name: engine for engine in engines}
        self._isolated = [engine for engine in engines if isinstance(engine, Isolated)]
        if len(self._engines) < len(engines):
            raise ConfigError("--model: two models of the same name; name each once")
        self._allowed = self._known([*settings.languages])
        self._default = (self._known([settings.language]) or (None,))[0]
        self.info: Info = self._info()

    @property
    def busy(self) -> bool:
        """Whether a decode is in progress."""
        return self.worker.busy

    @property
    def healthy(self) -> bool:
        """Whether no decoder has been at one item for far too long."""
        lost = any(engine.hopeless for engine in self._isolated)
        return not lost and not self.worker.stuck(self.settings.stuck_s)

    @property
    def reloading(self) -> bool:
        """Whether an engine in a process of its own has failed and is not back yet."""
        return any(engine.failing for engine in self._isolated)

    def numbers(self) -> Iterator[tuple[str, float]]:
        """How full it is, for Prometheus."""
        yield from self.worker.numbers()
        yield from numbers(self._isolated)

    async def load(self) -> None:
        """Load every model; raises EngineError."""
        self.look_round()
        for engine in self._engines.values():
            self._tell_of_names(engine)
            await self.worker.call(engine.load, deadline_s=_LOAD_S)
        # With one more than it gains from, the engine would have the beginning of the next request before
        # the rest of the one in hand: that one waits, and no other is answered sooner.
        self.worker.threads = max(engine.at_once for engine in self._engines.values())
        self.info = self._info()  # a model may know fewer languages than its name promised

    async def close(self) -> None:
        """Take no more work."""
        self.worker.close()
        for engine in self._isolated:
            engine.close()
        if self._household is not None:
            await self._household.close()

    def converse(self) -> AsrConversation:
        """The side of one connection."""
        return AsrConversation(self)

    def choice(self, wish: Wish) -> Choice:
        """Who hears an utterance, and how; raises UnknownChoice and other PeerErrors."""
        engine = self._engine(wish)
        self.look_round(engine)
        told = is_told(self.settings.name_prompt, engine.name)
        tag = wish.language or (self._default if self._default in engine.languages else None)
        options = DecodeOptions(
            language=languages.chosen(
                tag or languages.AUTO, engine.name, engine.languages, self._about.many_languages
            ),
            languages=self._allowed,
            names=wish.names if told else (),
            hotwords=tuple(self.settings.hotwords),
            terms=wish.terms if told else (),
            initial_prompt=self.settings.initial_prompt,
            beam_size=self.settings.beam_size,
        )
        names = tuple(dict.fromkeys((*wish.names, *options.hotwords, *wish.terms)))
        house = self._household.names if self._household is not None else None
        return Choice(engine, options, names, house, told, self._respelling)

    def routes(self, floor: "Floor") -> "Sequence[APIRouter]":
        """What HTTP clients are served with; loads what that takes."""
        from wyoming_voice.asr.http import routers  # 20 MB that few need

        return routers(self, floor)

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models, the default one first."""
        return tuple(self._engines)

    def manner(self, wish: Wish, pauses: Pauses) -> Manner:
        """How a client is answered, who has made these pauses before."""
        own = self._own_endpoint if wish.flag(ENDPOINTING) is not False else None
        return Manner(
            streamed=self.settings.partials,
            supposing=wish.flag(SPECULATIVE) is True,
            ending=own.settings(wish.vad_sensitivity) if own is not None else None,
            pauses=pauses,
        )

    def look_round(self, *engines: Engine) -> None:
        """Somebody begins to speak, or soon will: by then what the house is called is known.

        Of `engines`, who will hear it, one that was unloaded is loaded meanwhile.
        """
        if self._household is not None:
            self._household.refresh()
        for engine in engines:
            if isinstance(engine, Isolated):
                engine.wake()

    def _tell_of_names(self, engine: Engine) -> None:
        """In the log: that a model is told no names where that isn't by the operator's own wish."""
        report = broken(engine.name) if self.settings.name_prompt == "auto" else None
        if report is not None:
            _log.warning(
                "%s is not told names: it %s (%s); --name-prompt always tells them all the same",
                *(engine.name, report.seen, report.source),
            )

    def _engine(self, wish: Wish) -> Engine:
        if wish.model is not None:
            if wish.model not in self._engines:
                raise UnknownChoice("model", wish.model, self._engines)
            return self._engines[wish.model]
        code = languages.primary(wish.language) if wish.language else self._default
        able = (engine for engine in self._engines.values() if code in engine.languages)
        return next(able, next(iter(self._engines.values())))

    def _known(self, tags: Sequence[str]) -> tuple[str, ...]:
        """The codes of languages that the settings name, without `auto`; ConfigError for unknown ones."""
        codes = [languages.primary(tag) for tag in tags]
        spoken = {code for engine in self._engines.values() for code in engine.languages}
        for tag, code in zip(tags, codes, strict=True):
            if code not in spoken and code != languages.AUTO:
                unknown = UnknownChoice("language", tag, spoken)
                raise ConfigError(f"--language, --languages: {unknown} (see --engine, --model)")
        return tuple(code for code in codes if code != languages.AUTO)

    def _info(self) -> Description:
        about = self._about
        extensions = set()
        if self.settings.speculate_after_ms and self.gate.threshold is not None:
            extensions.add(SPECULATIVE_TRANSCRIPT)
        if self._own_endpoint is not None:
            extensions.add(OWN_ENDPOINT)
        program = AsrInfo(
            name=about.package,
            attribution=about.program,
            installed=True,
            description=f"{about.title} speech to text",
            version=about.version,
            models=[_model(engine, about) for engine in self._engines.values()],
            supports_transcript_streaming=self.settings.partials,
            requires_external_vad=self._own_endpoint is None,
            prefers_auto_gain_enabled=True,  # the voice detector is harder on quiet speech than on noise
            prefers_noise_reduction_enabled=about.prefers_noise_reduction,
        )
        return Description(asr=[program], extensions=frozenset(extensions))


def _own_endpoint(settings: AsrSettings) -> OwnEndpoint | None:
    if not settings.endpointing:
        return None
    if settings.no_vad_gate:
        raise ConfigError(
            "--endpointing needs the voice detector; leave out --no-vad-gate, or --endpointing"
        )
    return own_endpoint(settings)


def _judge(settings: AsrSettings) -> Judge | None:
    """What hears whether speech is over, where that would change anything. Raises ConfigError."""
    listens = settings.endpointing and settings.speculate_after_ms and not settings.no_vad_gate
    if not settings.smart_turn or not listens or settings.endpoint == "fixed":
        return None
    return SmartTurn()


def _model(engine: Engine, about: About) -> AsrModel:
    return AsrModel(
        name=engine.name,
        attribution=about.models,
        installed=True,
        description=f"{about.title} {engine.name}",
        version=None,
        languages=list(engine.languages),
    )
