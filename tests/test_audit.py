"""What CI says of known vulnerabilities: found ones fail it, and silence is not taken for health."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    path = Path(__file__).parent.parent / ".ci" / "audit.py"
    spec = importlib.util.spec_from_file_location("audit", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(*rows: dict[str, object]) -> str:
    return json.dumps({"dependencies": rows, "fixes": []})


CLEAN: dict[str, object] = {"name": "wyoming", "version": "1.10.2", "vulns": []}
BAD: dict[str, object] = {
    "name": "jinja2",
    "version": "3.1.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1.4"], "aliases": [], "description": ""}],
}
UNKNOWN: dict[str, object] = {"name": "torch", "skip_reason": "Dependency not found on PyPI"}


def test_what_is_known_to_be_broken_is_told_with_its_remedy(audit: ModuleType) -> None:
    known, reason = audit.read(report(CLEAN, BAD, UNKNOWN), "")
    assert (len(known), reason) == (2, "")
    assert audit.vulnerable(known) == ["jinja2 3.1.0: PYSEC-1, mended in ['3.1.4']"]
    assert audit.told(known, "pypi").startswith("audit: 2 dependencies by pypi\njinja2")


def test_what_is_well_is_told_with_the_number_that_was_asked_for(audit: ModuleType) -> None:
    known, _ = audit.read(report(CLEAN), "")
    assert audit.told(known, "osv") == "audit: 1 dependencies by osv\nno known vulnerability"


def test_a_database_that_knows_nothing_has_not_answered(audit: ModuleType) -> None:
    assert audit.read(report(UNKNOWN, UNKNOWN), "") == ([], "it knows none of 2 dependencies")


def test_why_none_was_reached_is_told(audit: ModuleType) -> None:
    told = "Traceback\nConnectionError: no route\n"
    for nothing in ("", "[]", "{}"):
        assert audit.read(nothing, told) == ((), "ConnectionError: no route")
