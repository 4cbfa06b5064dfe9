"""Tools of MCP servers: one session each, kept open."""
