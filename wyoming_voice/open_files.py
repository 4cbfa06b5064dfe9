"""How many files a process may have open: as many as its clients need, or it doesn't begin.

Rule: a server that has run out of them can't even tell the next client that it is full, and says so a hundred
times a second in its log: so `--max-connections` is reached first, always.
"""

import resource

from wyoming_voice.errors import ConfigError

OWN = 256
"""Beside one for each client: models, pipes, the numbers' readers and HTTP's clients."""


def room_for(clients: int) -> None:
    """Raise this process's limit as far as so many clients need; ConfigError where it may not."""
    needed = clients + OWN
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now == resource.RLIM_INFINITY or now >= needed:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, most))
    except (ValueError, OverflowError, OSError) as error:
        raise ConfigError(
            f"--max-connections {clients} needs {needed} open files, and this process may have {most};"
            " raise that (systemd: LimitNOFILE=, Docker: --ulimit nofile=, a shell: ulimit -Hn),"
            " or lower --max-connections"
        ) from error
