#!/bin/sh
# Makes .venvs/sdk12 and .venvs/fwclient: other clients of a Flywheel site, in environments of their own.
set -eu
cd "$(dirname "$0")/../.."
for client in sdk12 fwclient; do
    python3.11 -m venv ".venvs/$client"
    ".venvs/$client/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "tools/clients/$client.txt"
done
.venvs/sdk12/bin/python -W ignore -c "import flywheel"
.venvs/fwclient/bin/python -c "import fw_client"
