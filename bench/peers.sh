#!/bin/sh
# Builds .venv-peers: the public servers that ours are measured beside, in an environment of their own.
set -eu
cd "$(dirname "$0")/.."
"${PYTHON:-python3}" -m venv .venv-peers
.venv-peers/bin/pip install --quiet --requirement bench/peers.txt
