#!/bin/sh
# Builds .venv-peers: the public servers that ours are measured beside, in an environment of their own.
# wyoming-satellite has another in there: it works only with an older wyoming than theirs.
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
SATELLITE=.venv-peers/satellite
"$PYTHON" -m venv .venv-peers
.venv-peers/bin/pip install --quiet --requirement bench/peers.txt
"$PYTHON" -m venv "$SATELLITE"
"$SATELLITE/bin/pip" install --quiet --no-deps --requirement bench/peers_satellite.txt
