"""Every target with inputs of hypothesis: its seeds, seeds that were changed, and any bytes.

Rule: the same inputs each time, so that a test fails for who broke it and not for who comes after;
`make fuzz` is where new ones are looked for.
"""

import random

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.registry import TARGETS
from tests.fuzz.runs import FOUND, inputs
from tests.fuzz.target import Target

_EXAMPLES = 40

each = pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))


@each
def test_what_is_known_comes_through(target: Target) -> None:
    for known in (b"", *inputs(target)):
        target.run(known)


def changed(known: bytes, chance: random.Random) -> bytes:
    """Some bytes of it changed, left out, or said twice."""
    data = bytearray(known)
    for _ in range(chance.randrange(1, 8)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[at : at + 1] = chance.randbytes(1)
            case 1:
                del data[at : at + chance.randrange(20)]
            case 2:
                data[at:at] = data[at : at + chance.randrange(40)]
            case 3:
                data[at:at] = chance.randbytes(chance.randrange(8))
    return bytes(data)


@each
def test_any_bytes_come_through(target: Target) -> None:
    known = st.sampled_from(inputs(target) or [b""])
    near = st.builds(changed, known, st.randoms(use_true_random=False))

    @seed(7)
    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(st.binary(max_size=300), near, near))
    def comes_through(data: bytes) -> None:
        target.run(data)

    comes_through()


def test_what_was_found_belongs_to_a_target() -> None:
    assert {folder.name for folder in FOUND.iterdir()} <= set(TARGETS)
