#!/bin/sh
# Makes .venvs/importer: Flywheel's file-metadata-importer in an environment of its own (Python 3.11).
set -eu
cd "$(dirname "$0")/../.."
pins=tools/importer/requirements.txt
ready=.venvs/importer/ready
if [ -e "$ready" ] && cmp -s "$pins" "$ready"; then exit 0; fi
python=$(command -v python3.11 || command -v python3)
"$python" -m venv .venvs/importer
.venvs/importer/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$pins"
.venvs/importer/bin/python -c "import fw_gear_file_metadata_importer" 2>/dev/null
cp "$pins" "$ready"
