#!/bin/sh
# Makes environments with Flywheel's importers in them (Python 3.11), below .venvs:
#   sh tools/importer/setup.sh           importer, with the pinned file-metadata-importer and all it needs, and
#                                        pydicom-2.0.0 and pydicom-2.1.2, which the older importers were built with
#   sh tools/importer/setup.sh 1.4.1     importer-1.4.1, with that version and what pip finds for it today
#   sh tools/importer/setup.sh latest    importer-latest, brought up to the newest version there is
# 1.4.1 is the oldest that runs, 1.5.0 and newer do, too. Prints the Python of a named version.
set -eu
cd "$(dirname "$0")/../.."
package=fw-gear-file-metadata-importer
python=$(command -v python3.11 || command -v python3)

# build ENVIRONMENT PROOF PIP-ARGUMENT...: PROOF is Python that must run in it.
build() {
    environment=.venvs/$1
    proof=$2
    shift 2
    [ -x "$environment/bin/python" ] || "$python" -m venv "$environment"
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    "$environment/bin/python" -c "$proof" 2>/dev/null
}

# What these need they do not pin; the older of them do not run with the numpy of today.
if [ $# -gt 0 ]; then
    proof="from fw_gear_file_metadata_importer.main import run; from pydicom.data import get_testdata_file
run('dicom', get_testdata_file('CT_small.dcm'))"
    case $1 in
    latest) build importer-latest "$proof" --upgrade "$package" ;;
    *)
        [ -e ".venvs/importer-$1/ready" ] || build "importer-$1" "$proof" "$package==$1" ||
            build "importer-$1" "$proof" "$package==$1" "numpy<2"
        ;;
    esac
    touch ".venvs/importer-$1/ready"
    echo ".venvs/importer-$1/bin/python"
    exit 0
fi

pins=tools/importer/requirements.txt
ready=.venvs/importer/ready
if ! { [ -e "$ready" ] && cmp -s "$pins" "$ready"; }; then
    build importer "import fw_gear_file_metadata_importer" --requirement "$pins"
    cp "$pins" "$ready"
fi
for version in 2.0.0 2.1.2; do
    ready=.venvs/pydicom-$version/ready
    [ -e "$ready" ] && continue
    build "pydicom-$version" "import pydicom" "pydicom==$version"
    touch "$ready"
done
