"""Runs a target under atheris, which watches the code's branches.

  python -m tests.fuzz.guided MODULE TARGET [OPTION…]

Options and corpus folders are libFuzzer's (https://llvm.org/docs/LibFuzzer.html); `python -m tests.fuzz`
knows which. Rule: one target a process, for libFuzzer ends it; our packages alone are instrumented, and
before anything else has imported them.
"""

import importlib
import logging
import sys

import atheris


def main() -> None:
    """Does not return: libFuzzer ends the process, with status 77 where an input raised something."""
    module, name, *options = sys.argv[1:]
    with atheris.instrument_imports(
        include=["wyoming_voice", "satellite"], enable_loader_override=False
    ):
        targets = importlib.import_module(module).TARGETS
    logging.disable()  # a line for each input is too many
    run = next(target.run for target in targets if target.name == name)
    atheris.Setup([name, *options], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
