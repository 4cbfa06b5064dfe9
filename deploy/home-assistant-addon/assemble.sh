#!/usr/bin/env bash
# Puts the add-ons together, each with all that its image is built from: the Supervisor hands Docker an
# add-on's own folder and nothing above it.
#   deploy/home-assistant-addon/assemble.sh DESTINATION [WHEEL]
# Copy what is in DESTINATION to Home Assistant's /addons, or make it a git repository and give its address to
# the add-on store. Without WHEEL it is built here; PYTHON names an interpreter with pip.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
destination=${1:?usage: assemble.sh DESTINATION [WHEEL]}
wheel=${2:-}

if [[ -z $wheel ]]; then
  built=$(mktemp -d)
  trap 'rm -rf "$built"' EXIT
  "${PYTHON:-python3}" -m pip wheel --quiet --no-deps --wheel-dir "$built" "$root"
  wheel=$(echo "$built"/wyoming_voice-*.whl)
fi

mkdir -p "$destination"
cp "$here/repository.yaml" "$destination/"
for addon in asr tts handle; do
  rm -rf "${destination:?}/$addon"
  cp -r "$here/$addon" "$destination/$addon"
  cp "$here/Dockerfile" "$here/start.py" "$root/constraints.txt" "$wheel" "$destination/$addon/"
  if [[ -f $root/CHANGELOG.md ]]; then
    cp "$root/CHANGELOG.md" "$destination/$addon/"
  fi
done
echo "three add-ons in $destination"
