#!/bin/sh
# Build steps of all images, run as root on Debian 12: `sh steps.sh cpu` or `sh steps.sh cuda`.
# Apptainer (scsiameseclu.def) and Docker (Dockerfile) copy the project to /opt/scsiameseclu first.
set -eu
variant=$1
project=/opt/scsiameseclu

# Python 3.11 of Debian, unless the base has it; workflow engines monitor processes with procps.
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    python3 python3-venv ca-certificates procps
  rm -rf /var/lib/apt/lists/*
fi
python3 -m venv /opt/venv
pip() { /opt/venv/bin/python -m pip --disable-pip-version-check --no-cache-dir "$@"; }

# If containers/wheels has wheels, only these are installed, without network access.
if ls "$project"/containers/wheels/*.whl >/dev/null 2>&1; then
  from="--no-index --find-links $project/containers/wheels"
else
  from=""
fi
# The wheels of torch include CUDA; the driver is provided by the host (--nv, --gpus).
torch=$(grep '^torch==' "$project/requirements.lock")
index=""
[ "$variant" = cpu ] && [ -z "$from" ] && index="--index-url https://download.pytorch.org/whl/cpu"
# shellcheck disable=SC2086 # options are words
pip install --quiet $from $index "$torch"
# shellcheck disable=SC2086
pip install --quiet $from --constraint "$project/requirements.lock" "setuptools>=77" multiqc \
  celltypist
# shellcheck disable=SC2086
pip install --quiet $from --constraint "$project/requirements.lock" --no-build-isolation "$project"

# Caches go to a folder that any user can write. The module is imported by a .pth file, since
# Debian already has a sitecustomize module.
packages=$(/opt/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cp "$project/containers/caches.py" "$packages/scsiameseclu_caches.py"
echo 'import scsiameseclu_caches' >"$packages/scsiameseclu_caches.pth"
# List of contents from pip; `build.sh` also copies it next to the image.
pip inspect 2>/dev/null | /opt/venv/bin/python "$project/containers/sbom.py" >/opt/sbom.cdx.json
rm -rf "$project/containers/wheels" "$project/src" /root/.cache
getent passwd scsiameseclu >/dev/null || useradd --uid 10001 --create-home scsiameseclu
