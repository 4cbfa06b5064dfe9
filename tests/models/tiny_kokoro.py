"""A Kokoro checkpoint of 250 kB that the real `KModel` and `KPipeline` load, for tests.

Its weights are noise; what it says is a hummed chord of 160 Hz and its overtones, whose loudness
and colour waver a little with the phonemes and the voice, 75 ms a phoneme. So levels, lengths, seams and
speeds can be tested, words can't.

Kokoro's code fixes most widths, so there are 40 million numbers all the same. The file is small
because tensors are overlapping views of a few thousand random numbers: a file keeps memory, not
tensors. Loading copies them out.
"""

import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import torch
from kokoro import KModel
from torch import Tensor

FULL_CONFIG = Path(__file__).with_name("kokoro_82m_config.json")
WEIGHTS = "kokoro-v1_0.pth"
VOICES = ("af_heart", "af_bella", "af_sky", "bm_george", "ff_siwis")
PARTS = ("bert", "bert_encoder", "predictor", "text_encoder", "decoder")

_POOL = 6144
_FRAMES_PER_PHONEME = 3
"""Of 25 ms each."""
_PITCH_HZ = 160.0
_N_FFT, _HOP = 600, 150
_OVERTONES = 12
_LOUDNESS = 0.06
"""Of the chord's lowest tone; about -20 dBFS in all."""
_COLOUR = 0.05
"""Gain of the last filters: enough for phonemes and voices to sway a tone's level by 2 dB."""

Weights = dict[str, dict[str, Tensor]]


def build(directory: Path, seed: int = 0) -> Path:
    """Write config.json, the weights and voices/*.pt into `directory`, and return it."""
    (directory / "voices").mkdir(parents=True, exist_ok=True)
    config = _small_config()
    (directory / "config.json").write_text(json.dumps(config, ensure_ascii=False, indent=1))
    generator = torch.Generator().manual_seed(seed)
    torch.save(_weights(config, generator), directory / WEIGHTS)
    for voice in VOICES:
        torch.save(_voice(generator), directory / "voices" / f"{voice}.pt")
    return directory


def random_model(config: Mapping[str, object]) -> KModel:
    """A KModel as its constructor leaves it, with no weights loaded."""
    with tempfile.TemporaryDirectory() as directory:
        nothing = Path(directory) / "nothing.pth"
        torch.save({}, nothing)
        return KModel(repo_id="hexgrad/Kokoro-82M", config=config, model=str(nothing)).eval()


def _small_config() -> dict[str, object]:
    """The vocabulary and the fixed widths of the full model; one layer of all else.

    Upsampling times hop stays 300 samples. With a hop of a quarter of the window, every fourth bin
    of the inverse transform is a steady tone.
    """
    full = cast(dict[str, object], json.loads(FULL_CONFIG.read_text(encoding="utf-8")))
    generator = {
        "upsample_kernel_sizes": [4],
        "upsample_rates": [300 // _HOP],
        "gen_istft_hop_size": _HOP,
        "gen_istft_n_fft": _N_FFT,
        "resblock_dilation_sizes": [[1, 3, 5]],
        "resblock_kernel_sizes": [3],
        "upsample_initial_channel": 512,
    }
    bert = {
        "hidden_size": 32,
        "embedding_size": 16,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 512,
        "num_hidden_layers": 1,
        "dropout": 0.1,
    }
    return full | {"n_layer": 1, "istftnet": generator, "plbert": bert}


def _weights(config: Mapping[str, object], generator: torch.Generator) -> Weights:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator.initial_seed())
        model = random_model(config)
    pools = _Pools(generator)
    weights = {
        part: {name: pools.like(value) for name, value in getattr(model, part).state_dict().items()}
        for part in PARTS
    }
    _set_length(weights["predictor"], cast(int, config["max_dur"]))
    weights["predictor"]["F0_proj.bias"] = torch.tensor([_PITCH_HZ])
    _set_sound(weights["decoder"])
    return weights


class _Pools:
    """A pool of random numbers for each scale, a power of two."""

    def __init__(self, generator: torch.Generator) -> None:
        self._numbers = torch.randn(_POOL, generator=generator)
        self._scaled: dict[int, Tensor] = {}

    def like(self, value: Tensor) -> Tensor:
        """A tensor of the shape and scale of `value`; constants stay what they are."""
        if not value.is_floating_point() or value.numel() <= 16:
            return value.clone()
        spread = float(value.std())
        if spread == 0:
            return value.flatten()[:1].clone().expand(value.shape)
        if value.dim() == 3 and value.shape[1:] == (1, 1):
            return value.mean().reshape(1).expand(value.shape)  # the gain of a weight norm
        strides = (3, 2, 1)[-value.dim() :]
        return self._pool(spread).as_strided(value.shape, strides)

    def _pool(self, spread: float) -> Tensor:
        exponent = round(math.log2(spread))
        if exponent not in self._scaled:
            self._scaled[exponent] = self._numbers * 2.0**exponent
        return self._scaled[exponent]


def _set_length(predictor: dict[str, Tensor], most: int) -> None:
    """The predictor adds up `most` sigmoids to the number of frames: make each the same share."""
    share = _FRAMES_PER_PHONEME / most
    layer = "duration_proj.linear_layer"
    predictor[f"{layer}.bias"] = torch.tensor([math.log(share / (1 - share))]).expand(most)
    predictor[f"{layer}.weight"] = torch.zeros(1).expand(predictor[f"{layer}.weight"].shape)


def _set_sound(decoder: dict[str, Tensor]) -> None:
    """The last convolution gives each bin's log magnitude, then its phase; its biases hum."""
    bins = _N_FFT // 2 + 1
    magnitudes, phases = torch.full((bins,), -6.0), torch.zeros(bins)
    gains = torch.zeros(2 * bins)
    for overtone in range(1, _OVERTONES + 1):
        bin_ = 4 * overtone
        # A tone of amplitude 1 has magnitude n / 2 under this window and overlap, times 3 / 4.
        magnitudes[bin_] = math.log(_LOUDNESS / overtone * _N_FFT / 2 * 3 / 4)
        phases[bin_] = overtone**2 % 3 - 1.0  # not in step, or the sum would be one pulse a cycle
        gains[bin_] = _COLOUR
    decoder["generator.conv_post.bias"] = torch.cat([magnitudes, phases])
    decoder["generator.conv_post.weight_g"] = gains.reshape(-1, 1, 1)


def _voice(generator: torch.Generator) -> Tensor:
    """A style for each length of 1 to 510 phonemes, all the same here."""
    return (torch.randn(1, 1, 256, generator=generator) * 0.1).expand(510, 1, 256)
