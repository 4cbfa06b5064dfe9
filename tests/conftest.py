"""Which tests `make test` leaves out: those of a marker in APART, unless `-m` asks for them."""

import pytest

APART = ("clients", "page", "sound")
"""They need environments of their own, a browser, a sound server; each has its target in the Makefile."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what is apart and was not asked for."""
    unasked = [marker for marker in APART if marker not in config.option.markexpr]
    left_out = {item for item in items if any(map(item.get_closest_marker, unasked))}
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=list(left_out))
