#!/bin/sh
# The steps of every image, run as root over Debian 12: `sh steps.sh cpu` or `sh steps.sh cuda`.
# Apptainer (scsiameseclu.def) and Docker (Dockerfile) put the project into /opt/scsiameseclu first.
set -eu
variant=$1
project=/opt/scsiameseclu

# Debian's Python 3.11, unless the base has it; procps lets a workflow engine watch its children.
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    python3 python3-venv ca-certificates procps
  rm -rf /var/lib/apt/lists/*
fi
python3 -m venv /opt/venv
pip() { /opt/venv/bin/python -m pip --disable-pip-version-check --no-cache-dir "$@"; }

# Wheels that lie in containers/wheels are all that is taken, and no network is needed.
if ls "$project"/containers/wheels/*.whl >/dev/null 2>&1; then
  from="--no-index --find-links $project/containers/wheels"
else
  from=""
fi
# torch's own wheels bring CUDA; the driver comes from the host (--nv, --gpus).
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

# Caches go where any user may write, whatever the image's own file system allows. (Debian has a
# sitecustomize of its own, so a line in a .pth file says it.)
packages=$(/opt/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cp "$project/containers/caches.py" "$packages/scsiameseclu_caches.py"
echo 'import scsiameseclu_caches' >"$packages/scsiameseclu_caches.pth"
# What is in the image, as pip knows it; `build.sh` lays it beside the image as well.
pip inspect 2>/dev/null | /opt/venv/bin/python "$project/containers/sbom.py" >/opt/sbom.cdx.json
rm -rf "$project/containers/wheels" "$project/src" /root/.cache
getent passwd scsiameseclu >/dev/null || useradd --uid 10001 --create-home scsiameseclu
