#!/usr/bin/env bash
# Build the Apptainer images, and write a list of contents next to each image.
#   containers/build.sh [cpu|cuda ...]          default: both
# FROM and BOOTSTRAP set another base (BOOTSTRAP=localimage FROM=/path/to/rootfs); WHEELS=folder
# installs all packages from wheels, without network access; MKSQUASHFS sets mksquashfs options.
set -euo pipefail
cd "$(dirname "$0")/.."
variants=("$@")
[ $# -gt 0 ] || variants=(cpu cuda)
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
git diff --quiet HEAD -- 2>/dev/null || revision+=" with changes"
command -v apptainer >/dev/null || {
  echo "error: apptainer is not installed; see https://apptainer.org/docs/admin/main/installation.html" >&2
  exit 1
}
rm -rf containers/wheels
if [ -n "${WHEELS:-}" ]; then cp -r "$WHEELS" containers/wheels; fi
trap 'rm -rf containers/wheels' EXIT
for variant in "${variants[@]}"; do
  image=containers/scsiameseclu-$variant.sif
  apptainer build --force --fakeroot \
    --build-arg VARIANT="$variant" --build-arg VERSION="$version" --build-arg REVISION="$revision" \
    ${MKSQUASHFS:+--mksquashfs-args "$MKSQUASHFS"} \
    ${BOOTSTRAP:+--build-arg BOOTSTRAP="$BOOTSTRAP"} ${FROM:+--build-arg FROM="$FROM"} \
    "$image.part" containers/scsiameseclu.def
  mv "$image.part" "$image"
  apptainer exec "$image" cat /opt/sbom.cdx.json >"containers/scsiameseclu-$variant.cdx.json"
  echo "$image"
done
