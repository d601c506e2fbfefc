#!/bin/sh
# A stage inside the image, as whoever runs it: reads the built-in data and checks its quality.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for stage in "ingest --source demo:a" quality; do
  # shellcheck disable=SC2086 # a stage and its options
  /opt/venv/bin/python -m scsiameseclu $stage --folder "$folder/a"
done
kept=$(cut -f 8 "$folder/a/quality.tsv" | grep -c True)
[ "$kept" -gt 300 ] || { echo "stage quality: only $kept cells are left" >&2; exit 1; }
echo "stage quality: $kept cells are left"
/opt/venv/bin/multiqc --version
