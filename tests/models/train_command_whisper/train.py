"""Training: three losses, a short phase on short windows, a last one on Whisper's 30 s.

The text alone would need hours. espeak-ng knows when it says each phone and word, and these times
teach twice: a phone classifier on the encoder, and an attention head of the decoder that is told
where to look. The first carries the start, when the decoder has nothing to go by.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.nn import functional

from tests.models.train_command_whisper.data import Example
from tests.models.train_command_whisper.network import CommandWhisper, Shape
from tests.models.train_command_whisper.targets import (
    ENCODER_HZ,
    IGNORED,
    Batch,
    Targets,
    phone_names,
    whole_window,
    width_of,
)
from tests.models.train_command_whisper.tokenizer import Tokens, build_tokens


@dataclass(frozen=True, slots=True)
class Plan:
    """Every number of the training, with its reason.

    threads: one; on cores that others use as well, two wait for each other more than they work.
    budget_s: where the losses level off. The schedule follows the clock, because the machine that
        trains is shared: it ends in time, with as many steps as there was time for.
    wide_share: of the budget, spent on 30 s windows; a step costs ten times as much, and only
        teaches the encoder to stand 28 s of nothing behind the words.
    batch, wide_batch: small batches give more steps in the same time; time is what is short.
    neighbours: a batch is drawn among this many times its size of examples of like length, so that
        little of it is padding.
    peak_rate, warm_up, weight_decay, gradient_limit: usual for so small a transformer; not tuned.
    timestamp_weight: a timestamp is seldom exact to 20 ms; in full it drowns the words.
    look_weight: the head that gives word times; at 0.3 it is learned in the first 1000 steps.
    phone_weight: first as much as the words, then, when the encoder knows phones, little.
    """

    threads: int = 1
    seed: int = 1
    budget_s: float = 1260.0
    wide_share: float = 0.15
    batch: int = 12
    wide_batch: int = 8
    neighbours: int = 8
    peak_rate: float = 2e-3
    lowest_rate: float = 6e-5
    warm_up: int = 200
    weight_decay: float = 0.01
    gradient_limit: float = 1.0
    timestamp_weight: float = 0.2
    look_weight: float = 0.3
    phone_weight: float = 1.0
    late_phone_weight: float = 0.3
    report_every: int = 250

    def rate(self, step: int, spent: float) -> float:
        """Learning rate: a linear rise, then half a cosine over the budget (`spent`, 0 to 1)."""
        height = 0.5 + 0.5 * math.cos(math.pi * spent)
        falling = self.lowest_rate + (self.peak_rate - self.lowest_rate) * height
        return falling * min(1.0, (step + 1) / self.warm_up)


Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Losses:
    """Words and timestamps, attention, phones; each a scalar, lower is better."""

    text: Tensor
    look: Tensor
    phones: Tensor


def train(
    examples: list[Example], held: list[Example], plan: Plan, report: Report
) -> CommandWhisper:
    """A trained network; `report` gets a line now and then, with the share of `held` exact."""
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    return _Training(examples, held, plan, report).run()


class _Training:
    def __init__(
        self, examples: list[Example], held: list[Example], plan: Plan, report: Report
    ) -> None:
        self._plan, self._report, self._held = plan, report, held
        self._examples = sorted(examples, key=width_of)
        self._rng = np.random.default_rng(plan.seed)
        self._tokens = build_tokens()
        phones = phone_names(examples)
        self._targets = Targets(self._tokens, phones, self._rng)
        self._network = CommandWhisper(Shape(), self._tokens.size, len(phones))
        self._optimiser = torch.optim.AdamW(
            self._network.parameters(), betas=(0.9, 0.98), weight_decay=plan.weight_decay
        )
        self._started_s = time.monotonic()

    def run(self) -> CommandWhisper:
        plan = self._plan
        for step in count(1):
            spent = (time.monotonic() - self._started_s) / plan.budget_s
            if spent >= 1:
                break
            batch = self._short_batch() if spent < 1 - plan.wide_share else self._wide_batch()
            losses = self._step(batch, plan.rate(step, spent), self._phone_weight(spent))
            if step % plan.report_every == 0:
                self._tell(step, losses)
        return self._network.eval()

    def _phone_weight(self, spent: float) -> float:
        return self._plan.phone_weight if spent < 0.5 else self._plan.late_phone_weight

    def _short_batch(self) -> Batch:
        plan = self._plan
        neighbours = plan.batch * plan.neighbours
        first = int(self._rng.integers(0, max(1, len(self._examples) - neighbours)))
        near = self._examples[first : first + neighbours]
        chosen = self._rng.choice(len(near), plan.batch, replace=False)
        examples = [near[i] for i in chosen]
        # Mostly no wider than needed; at times seconds of zeros behind, as in use.
        spare = int(self._rng.choice([0, 0, 20, 100, 300]))
        return self._targets.batch(examples, max(map(width_of, examples)) + spare)

    def _wide_batch(self) -> Batch:
        chosen = self._rng.choice(len(self._examples), self._plan.wide_batch, replace=False)
        return self._targets.batch([self._examples[i] for i in chosen], whole_window())

    def _step(self, batch: Batch, rate: float, phone_weight: float) -> Losses:
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        _mask(batch.features, self._rng)
        losses = _losses(self._network, batch, self._tokens, self._plan)
        total = losses.text + self._plan.look_weight * losses.look + phone_weight * losses.phones
        self._optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), self._plan.gradient_limit)
        self._optimiser.step()
        return losses

    def _tell(self, step: int, losses: Losses) -> None:
        exact = share_exact(self._network, self._held[:100], self._tokens)
        spent_s = time.monotonic() - self._started_s
        self._report(
            f"step {step:5d} {spent_s:5.0f} s  text {losses.text.item():.3f}  "
            f"look {losses.look.item():.3f}  phones {losses.phones.item():.3f}  exact {exact:.2f}"
        )


def share_exact(network: CommandWhisper, examples: list[Example], tokens: Tokens) -> float:
    """Share of examples whose words come out exactly, greedily, without timestamps."""
    said = [
        ids
        for first in range(0, len(examples), 25)
        for ids in _greedy(network, examples[first : first + 25], tokens)
    ]
    meant = [[tokens.word(s.label) for segment in e.segments for s in segment] for e in examples]
    return float(np.mean([s == m for s, m in zip(said, meant, strict=True)]))


@torch.no_grad()
def _greedy(network: CommandWhisper, examples: list[Example], tokens: Tokens) -> list[list[int]]:
    network.eval()
    width = max(map(width_of, examples)) + ENCODER_HZ
    targets = Targets(tokens, [""], np.random.default_rng(0))
    encoded = network.encode(targets.batch(examples, width + width % 2).features)
    read = torch.tensor([[tokens.start, tokens.no_timestamps]] * len(examples))
    for _ in range(14):
        logits, _ = network.decode(encoded, read)
        said = logits[:, -1, : tokens.first_timestamp].argmax(-1)
        read = torch.cat([read, said[:, None]], 1)
    network.train()
    rows = [[*row[2:], tokens.end] for row in read.tolist()]
    return [row[: row.index(tokens.end)] for row in rows]


def _losses(network: CommandWhisper, batch: Batch, tokens: Tokens, plan: Plan) -> Losses:
    encoded = network.encode(batch.features)
    logits, looked = network.decode(encoded, batch.read)
    return Losses(
        text=_text_loss(logits.flatten(0, 1), batch.say.flatten(), tokens, plan),
        look=_look_loss(looked, batch.look),
        phones=functional.cross_entropy(
            network.phones(encoded).flatten(0, 1), batch.phones.flatten(), ignore_index=IGNORED
        ),
    )


def _text_loss(logits: Tensor, say: Tensor, tokens: Tokens, plan: Plan) -> Tensor:
    surprise = functional.cross_entropy(logits, say, ignore_index=IGNORED, reduction="none")
    weights = torch.where(say >= tokens.first_timestamp, plan.timestamp_weight, 1.0)
    weights = weights * (say != IGNORED)
    return (surprise * weights).sum() / weights.sum()


def _look_loss(looked: Tensor, wanted: Tensor) -> Tensor:
    """How little of the head's weight lies in the word's span, where there is one."""
    asked = wanted.sum(-1) > 0
    inside = (looked * wanted).sum(-1)[asked]
    if not len(inside):
        return looked.new_zeros(())
    return -(inside + 1e-4).log().mean()


def _mask(features: Tensor, rng: Generator) -> None:
    """SpecAugment, sparingly: a band of mel bins, a moment of time (Park et al., 2019)."""
    for row in features:
        if rng.random() < 0.3:
            low = int(rng.integers(0, 70))
            row[low : low + int(rng.integers(2, 11))] = 0
        if rng.random() < 0.15:
            start = int(rng.integers(0, 150))
            row[:, start : start + int(rng.integers(2, 11))] = 0
