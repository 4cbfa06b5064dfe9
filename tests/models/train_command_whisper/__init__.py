"""Trains the command model: a very small Whisper that hears some 300 spoken commands.

`python -m tests.models.train_command_whisper OUT_DIR` does all of it: sentences (`grammar`), speech
with phone and word times (`espeak`, `data`), what to predict (`tokenizer`, `targets`), the network
and its training (`network`, `train`), the CTranslate2 directory (`convert`), the accuracy (`check`).
"""
