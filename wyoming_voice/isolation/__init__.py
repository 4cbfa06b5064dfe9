"""An engine in a process of its own, which may crash, get stuck or be unloaded without the server."""
