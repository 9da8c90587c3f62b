#!/bin/sh
# Makes environments with Flywheel's importers in them (Python 3.11), below .venvs:
#   sh tools/importer/setup.sh           importer, with the pinned file-metadata-importer and all it needs, and
#                                        pydicom-2.0.0 and pydicom-2.1.2, which the older importers were built with
#   sh tools/importer/setup.sh 1.4.1     importer-1.4.1, with that version and what pip finds for it today;
#                                        what follows the version is for pip, too
#   sh tools/importer/setup.sh latest    importer-latest, brought up to the newest version there is
# Prints the Python of a named version. All versions from 0.1.0 install; 1.2.5 runs with fw-file==1.3.3 only.
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
    version=$1
    shift
    ready=.venvs/importer-$version/ready
    if [ "$version" = latest ]; then
        build importer-latest "$proof" --upgrade "$package"
    elif [ ! -e "$ready" ]; then
        build "importer-$version" "$proof" "$package==$version" "$@" ||
            build "importer-$version" "$proof" "$package==$version" "numpy<2" "$@"
    fi
    touch "$ready"
    echo ".venvs/importer-$version/bin/python"
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
