"""Each door does what its OpenAPI description says, whatever it is sent: schemathesis makes it up."""

from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

_MODERATE = hypothesis.settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)

_BEYOND_A_SCHEMA = [positive_data_acceptance]
"""No schema knows which voices and models there are."""


def _can_be_wrong(operation: Any) -> bool:
    """Whether a request can break the schema: any text is a path, and a WebSocket says 426 to all of it."""
    return bool(operation.body or operation.query) and not operation.path.startswith("/ws/")


@pytest.mark.parametrize("kind", ["asr", "tts", "gateway"])
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_a_door_is_as_described(doors: dict[str, str], kind: str, mode: GenerationMode) -> None:
    schema: Any = schemathesis.openapi.from_url(f"{doors[kind]}/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) > 4
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not _can_be_wrong(operation):
            continue

        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        @_MODERATE
        def holds(case: Any) -> None:
            case.call_and_validate(excluded_checks=_BEYOND_A_SCHEMA)

        holds()
