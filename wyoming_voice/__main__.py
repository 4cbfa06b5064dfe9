"""`python -m wyoming_voice`."""

import sys

from wyoming_voice.cli import main

sys.exit(main())
