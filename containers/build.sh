#!/usr/bin/env bash
# Build the Apptainer images, and write a list of contents next to each image.
#   containers/build.sh [cpu|cuda ...]          default: both
# FROM and BOOTSTRAP set another base (BOOTSTRAP=localimage FROM=/path/to/rootfs); WHEELS=folder
# installs all packages from wheels, without network access; MKSQUASHFS sets mksquashfs options.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
variants=("$@")
[ $# -gt 0 ] || variants=(cpu cuda)
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
git diff --quiet HEAD -- 2>/dev/null || revision+=" with changes"
command -v apptainer >/dev/null || {
  echo "error: apptainer is not installed; see https://apptainer.org/docs/admin/main/installation.html" >&2
  exit 1
}
# Only what the recipe reads, and apart: images and compiled modules are left out, and a module that
# another process compiles meanwhile does not disturb the copy.
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
tar --create --exclude=__pycache__ --exclude='*.egg-info' pyproject.toml requirements.lock README.md \
  LICENSE src containers/{scsiameseclu.def,steps.sh,smoke.sh,caches.py,sbom.py} |
  tar --extract --directory "$context"
if [ -n "${WHEELS:-}" ]; then cp -r "$WHEELS" "$context/containers/wheels"; fi
if [ "${BOOTSTRAP:-}" = localimage ]; then FROM=$(realpath "$FROM"); fi
for variant in "${variants[@]}"; do
  image=containers/scsiameseclu-$variant.sif
  build=(apptainer build --force --fakeroot --build-arg "VARIANT=$variant"
    --build-arg "VERSION=$version" --build-arg "REVISION=$revision")
  [ -z "${MKSQUASHFS:-}" ] || build+=(--mksquashfs-args "$MKSQUASHFS")
  [ -z "${BOOTSTRAP:-}" ] || build+=(--build-arg "BOOTSTRAP=$BOOTSTRAP")
  [ -z "${FROM:-}" ] || build+=(--build-arg "FROM=$FROM")
  (cd "$context" && "${build[@]}" "$root/$image.part" containers/scsiameseclu.def)
  mv "$image.part" "$image"
  apptainer exec "$image" cat /opt/sbom.cdx.json >"containers/scsiameseclu-$variant.cdx.json"
  echo "$image"
done
