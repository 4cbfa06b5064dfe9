"""Kokoro-82M at its real size with random weights: real time and memory, no voice.

Only the lengths are set: some 2.8 frames of 25 ms a phoneme, which is usual speech.
"""

import json
import math
import tempfile
from pathlib import Path

import torch
from kokoro import KModel

CONFIG = Path(__file__).parents[1] / "tests" / "models" / "kokoro_82m_config.json"
_FRAMES_PER_PHONEME = 2.8
_PITCH_HZ = 150.0
_PARTS = ("bert", "bert_encoder", "predictor", "text_encoder", "decoder")


def build(directory: Path, seed: int = 0) -> None:
    """Write config.json, kokoro-v1_0.pth (330 MB) and voices/af_heart.pt."""
    (directory / "voices").mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    model = _model()
    weights = {part: getattr(model, part).state_dict() for part in _PARTS}
    torch.save(weights, directory / "kokoro-v1_0.pth")
    (directory / "config.json").write_text(CONFIG.read_text(encoding="utf-8"), encoding="utf-8")
    torch.save(torch.randn(510, 1, 256) * 0.1, directory / "voices" / "af_heart.pt")


def _model() -> KModel:
    config = json.loads(CONFIG.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as directory:
        nothing = Path(directory) / "nothing.pth"  # without weights KModel keeps its random ones
        torch.save({}, nothing)
        model = KModel(repo_id="hexgrad/Kokoro-82M", config=config, model=str(nothing)).eval()
    share = _FRAMES_PER_PHONEME / config["max_dur"]  # the length is a sum of max_dur sigmoids
    with torch.no_grad():
        layer = model.predictor.duration_proj.linear_layer
        layer.bias.fill_(math.log(share / (1 - share)))
        layer.weight.mul_(0.05)
        model.predictor.F0_proj.bias.fill_(_PITCH_HZ)
    return model
