"""Kokoro's network on this machine: the one importer of kokoro and torch.

Nearly all the time goes into the generator's residual blocks. On a CPU they are computed here in another
order of the same arithmetic: weight norm folded into the weights, channels last in memory (the layout that
oneDNN's convolutions want), the norm, the style and the snake's alpha in one multiplication, 1/alpha in the
weights behind it. Rule: in float32 that changes the audio by rounding only; bfloat16, in which only the
convolutions' factors are rounded, is the caller's to ask for.
"""

import pickle
import time
import warnings
import weakref
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from kokoro import KModel
from kokoro.istftnet import AdaINResBlock1
from torch import Tensor, nn
from torch.nn import functional

from wyoming_voice.errors import EngineError
from wyoming_voice.tts.engine import Samples, never

Table = npt.NDArray[np.float32]
"""A voice: a style for each number of phonemes, shape (510, 1, 256)."""

_TABLE_SHAPE = (510, 1, 256)

_FRAME_SAMPLES = 600
"""How long the model's durations last: 25 ms."""

_SEED = 0

_EARLY_FRAMES = 3
"""A sound is heard that much before its symbol's frames; kokoro's `KPipeline.join_timestamps` takes as
much off, of the silence that the audio begins with."""


@dataclass(frozen=True, slots=True)
class Take:
    """Audio at 24 kHz, and the sample at which each symbol begins, with the end of the last behind them."""

    samples: Samples
    edges: npt.NDArray[np.int64]


class _Stopped(Exception):
    """Raised out of the forward pass: nobody waits for its result."""


class Network:
    """The model on one device, for one thread at a time; `device` is auto, cpu or cuda."""

    def __init__(self, config: Path, weights: Path, device: str) -> None:
        """Raises EngineError for files or a device that can't be used."""
        self.device = _chosen_device(device)
        self._model = _loaded(config, weights)
        _fold_weight_norm(self._model)
        self._layers = _rebuilt(self._model.decoder.generator) if self.device == "cpu" else []
        self._model.to(self.device).eval()
        self._stopped: Callable[[], bool] = never
        # Weakly: kokoro's models share some modules, which would keep every network there ever was.
        leave = weakref.WeakMethod(self._leave_when_stopped)
        for module in self._model.modules():
            module.register_forward_pre_hook(lambda *_: _called(leave))

    @property
    def vocabulary(self) -> Container[str]:
        """The symbols that it can speak."""
        return cast(Container[str], self._model.vocab)

    def use_threads(self, count: int) -> None:
        """Compute with that many threads, where it is a CPU that computes."""
        torch.set_num_threads(count)

    def use_bfloat16(self) -> None:
        """Round the factors of the convolutions to bfloat16, where it is a CPU that computes."""
        for layer in self._layers:
            layer.round_to(torch.bfloat16)

    def use_float32(self) -> None:
        """Round nothing."""
        for layer in self._layers:
            layer.round_to(torch.float32)

    def speak(
        self,
        phonemes: str,
        style: npt.NDArray[np.float32],
        speed: float = 1.0,
        stopped: Callable[[], bool] = never,
    ) -> Take | None:
        """What is said with a style of shape (1, 256); None once `stopped`. Raises EngineError.

        The noise that the model draws is the same each time, so that the same text has the same samples.
        """
        self._stopped = stopped
        torch.manual_seed(_SEED)
        try:
            with torch.inference_mode():
                made = self._model(phonemes, torch.from_numpy(style), speed, return_output=True)
        except _Stopped:
            return None
        except RuntimeError as error:  # out of memory, a device that failed
            raise EngineError(f"Kokoro failed: {error}") from error
        finally:
            self._stopped = never  # kokoro's models share some modules, and so these hooks
        return Take(made.audio.numpy().reshape(-1), self._edges(phonemes, made.pred_dur.numpy()))

    def _edges(self, phonemes: str, frames: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """`frames` are the durations of a pad, of each symbol that the model knows, and of a pad."""
        spoken = np.array([symbol in self.vocabulary for symbol in phonemes], dtype=bool)
        ends = np.zeros(len(phonemes) + 1, np.int64)
        ends[1:][spoken] = frames[1:-1]
        early = min(int(frames[0]), _EARLY_FRAMES)
        edges: npt.NDArray[np.int64] = (frames[0] - early + np.cumsum(ends)) * _FRAME_SAMPLES
        return edges

    def rehearse(
        self, phonemes: str, style: npt.NDArray[np.float32], within_s: float
    ) -> tuple[Samples | None, float]:
        """The audio, and the seconds it took; None for audio that takes longer than `within_s`."""
        start_s = time.monotonic()
        late_s = start_s + within_s
        take = self.speak(phonemes, style, stopped=lambda: time.monotonic() > late_s)
        samples = None if take is None else take.samples
        return samples, time.monotonic() - start_s

    def _leave_when_stopped(self) -> None:
        if self._stopped():
            raise _Stopped


def _called(method: "weakref.WeakMethod[Callable[[], None]]") -> None:
    if (alive := method()) is not None:
        alive()


def loaded_table(path: Path) -> Table:
    """The voice in a file; raises EngineError."""
    try:
        table = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
        raise _unreadable(path, error) from error
    if not isinstance(table, Tensor) or table.shape != _TABLE_SHAPE:
        raise EngineError(f"{path} is no Kokoro voice: it should hold one tensor {_TABLE_SHAPE}")
    rows: Table = table.float().numpy()
    return rows


class _Layer(nn.Module):
    """Norm by the style, snake and convolution, on float32 of shape (1, channels, 1, frames).

    With z = alpha * norm(x) the snake, y + sin(alpha y)^2 / alpha (https://arxiv.org/abs/2006.08195), is
    (z + sin(z)^2) / alpha, and the division can be done to the convolution's weights beforehand.
    """

    def __init__(self, norm: Any, alpha: Tensor, convolution: nn.Conv1d) -> None:
        super().__init__()
        self.style = norm.fc
        self._epsilon = norm.norm.eps
        self._padding = (0, int(convolution.padding[0]))
        self._dilation = (1, convolution.dilation[0])
        with torch.no_grad():
            self._alpha = alpha.reshape(-1).clone()
            self._scale = self._alpha * norm.norm.weight
            self._shift = self._alpha * norm.norm.bias
            weight = (convolution.weight / alpha.reshape(1, -1, 1)).unsqueeze(2)
            self._exact = weight.contiguous(memory_format=torch.channels_last)
            assert convolution.bias is not None
            self._exact_bias = convolution.bias.detach().clone()
        self.round_to(torch.float32)

    def round_to(self, kind: torch.dtype) -> None:
        """Convolve numbers of that kind."""
        self._weight = self._exact.to(kind)
        self._bias = self._exact_bias.to(kind)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        gamma, beta = self.style(style)[0].chunk(2)
        gain = 1 + gamma
        scale, shift = gain * self._scale, gain * self._shift + self._alpha * beta
        # The batch is one: its norm is the instance's, and keeps channels last where that one's doesn't.
        z = functional.batch_norm(x, None, None, scale, shift, True, 0.0, self._epsilon)
        sine = torch.sin(z)
        z.addcmul_(sine, sine)
        made = functional.conv2d(
            z.to(self._weight.dtype),
            self._weight,
            self._bias,
            padding=self._padding,
            dilation=self._dilation,
        )
        return made.float()


class _Block(nn.Module):
    """What kokoro's AdaINResBlock1 computes."""

    def __init__(self, block: AdaINResBlock1) -> None:
        super().__init__()
        first = map(_Layer, block.adain1, block.alpha1, block.convs1)
        second = map(_Layer, block.adain2, block.alpha2, block.convs2)
        self.first, self.second = nn.ModuleList(first), nn.ModuleList(second)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        x = x.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        for first, second in zip(self.first, self.second, strict=True):
            x = x + second(first(x, style), style)
        return x.squeeze(2)


def _rebuilt(generator: Any) -> list[_Layer]:
    """Put our blocks in the place of kokoro's; their layers."""
    for blocks in (generator.resblocks, generator.noise_res):
        for at, block in enumerate(blocks):
            blocks[at] = _Block(block)
    return [module for module in generator.modules() if isinstance(module, _Layer)]


def _fold_weight_norm(model: nn.Module) -> None:
    """Multiply what is otherwise multiplied at each use; the products are the same bits."""
    for module in model.modules():
        if hasattr(module, "weight_g"):
            nn.utils.remove_weight_norm(module)


def _loaded(config: Path, weights: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, about how kokoro is written
            return KModel("hexgrad/Kokoro-82M", config=str(config), model=str(weights))
    except (RuntimeError, OSError, ValueError, LookupError, AssertionError) as error:
        raise _unreadable(weights, error) from error
    except (pickle.UnpicklingError, EOFError) as error:
        raise _unreadable(weights, error) from error


def _chosen_device(device: str) -> str:
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise EngineError("no CUDA device is available to torch; use --device cpu")
    return device


def _unreadable(path: Path, error: Exception) -> EngineError:
    return EngineError(
        f"{path} can't be loaded ({type(error).__name__}); fetch it again with"
        " `wyoming-voice models fetch tts`"
    )
