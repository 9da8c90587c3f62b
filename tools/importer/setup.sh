#!/bin/sh
# Makes .venvs/importer: Flywheel's file-metadata-importer in an environment of its own.
set -eu
cd "$(dirname "$0")/../.."
python3.11 -m venv .venvs/importer
.venvs/importer/bin/python -m pip install --quiet --requirement tools/importer/requirements.txt
.venvs/importer/bin/python -c "import fw_gear_file_metadata_importer"
