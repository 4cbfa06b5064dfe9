"""Models of full size with weights of no meaning, to measure time and memory without a download.

    python -m bench.models whisper --size base.en OUT [--text "…"]
    python -m bench.models kokoro OUT

Every layer does its full work on numbers drawn at random; what is said is fixed, so that all
servers measured do equal work. Never a basis for accuracy or for sound.
"""

import argparse
import sys
from pathlib import Path

_TEXT = "turn on the kitchen light and set it to fifty percent please"


def main() -> int:
    parser = argparse.ArgumentParser(description="Make a model of full size for measurements.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    whisper = kinds.add_parser("whisper", help="a CTranslate2 Whisper that says a fixed sentence")
    whisper.add_argument("--size", default="base.en", help="tiny to large-v3-turbo, or with .en")
    whisper.add_argument("--text", default=_TEXT, help="the sentence that it says")
    whisper.add_argument("--quantization", default="int8", help="int8, float16, float32, …")
    kokoro = kinds.add_parser("kokoro", help="Kokoro-82M with its config and one voice")
    for kind in (whisper, kokoro):
        kind.add_argument("out", type=Path, help="the directory to write")
    arguments = parser.parse_args()
    if arguments.kind == "whisper":
        from bench.scripted_whisper import build as build_whisper

        build_whisper(arguments.size, arguments.out, arguments.text, arguments.quantization)
    else:
        from bench.full_size_kokoro import build as build_kokoro

        build_kokoro(arguments.out)
    size_bytes = sum(file.stat().st_size for file in arguments.out.rglob("*") if file.is_file())
    print(f"{arguments.out}: {size_bytes / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
