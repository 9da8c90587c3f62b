# A release gives the base by its digest, too: see docs/releasing.md.
ARG BASE=docker.io/library/python:3.11-slim-bookworm
FROM ${BASE}

# The manifest's command and environment are for Flywheel's engine; these are for everyone who runs
# the image without them, such as `gear run`.
ENV FLYWHEEL=/flywheel/v0 \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONUTF8=1
WORKDIR /flywheel/v0

# Two packages go again before the layer is closed: rfc3987 is under the GPL, and flywheel-gears, which needs it,
# serves a manifest validator that the gear does not use (docs/licences.md). So do installers of source packages
# and the tests of packages. Byte code is compiled for the
# standard library, too, since the base has none; the unchecked kind depends on no file times.
COPY requirements.txt /tmp/requirements.txt
RUN set -eu; \
    pip install --root-user-action=ignore --no-cache-dir --no-compile --require-hashes \
        --only-binary :all: --requirement /tmp/requirements.txt; \
    pip uninstall --root-user-action=ignore --yes flywheel-gears rfc3987 setuptools wheel; \
    packages="$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"; \
    stdlib="$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"; \
    find "$packages" -depth -type d \( -name tests -o -name test_files \) -exec rm -r {} +; \
    python -m compileall -q -j 0 --invalidation-mode unchecked-hash "$stdlib" "$packages"; \
    rm -r /tmp/requirements.txt

COPY run.py manifest.json ./
COPY export_session ./export_session
# Hosts may run the gear as any user, and mount over these folders or not.
RUN python -m compileall -q --invalidation-mode unchecked-hash run.py export_session \
    && chmod -R a+rX . \
    && mkdir input output work \
    && chmod 1777 input output work

ARG VERSION=3.0.0
LABEL org.opencontainers.image.title="session-export" \
      org.opencontainers.image.description="Flywheel gear: export a session with its metadata corrections written into the DICOM files" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="MIT"

ENTRYPOINT ["python", "/flywheel/v0/run.py"]
