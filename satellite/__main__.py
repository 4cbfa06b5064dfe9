"""`python -m satellite` is `wyoming-voice satellite`."""

import sys

from wyoming_voice.cli import main

if __name__ == "__main__":
    sys.exit(main(["satellite", *sys.argv[1:]]))
