"""What is said of a secret's file that can't be read.

Rule: whoever gives the secret itself, in place of a file's name, doesn't find it in a log. The name is told
only where it leads somewhere: to a file that is there, or into a directory that is.
"""

import os
from pathlib import Path

from wyoming_voice.errors import why


def unread(option: str, path: Path, error: Exception, holds: str) -> str:
    """The line for a file that `option` names and that should hold, say, `the key`."""
    reason = why(error) if isinstance(error, OSError) else "it is no text"
    if _leads_somewhere(path):
        return f"{option} {path} can't be read: {reason}; write {holds} into it"
    return (
        f"{option} names no file that can be read: {reason}; write {holds} into a file, and give its path"
        " (what was given is not shown: it may be the secret itself)"
    )


def _leads_somewhere(path: Path) -> bool:
    # os.path, since pathlib raises for a name that is too long.
    return os.path.exists(path) or ("/" in str(path) and os.path.isdir(path.parent))  # noqa: PTH110, PTH112
