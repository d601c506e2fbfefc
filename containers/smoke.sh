#!/bin/sh
# Self-test of an image as the current user: runs ingest and quality control on the demo data.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for stage in "ingest --source demo:a" quality; do
  # shellcheck disable=SC2086 # a stage and its options
  /opt/venv/bin/python -m scsiameseclu $stage --folder "$folder/a"
done
kept=$(/opt/venv/bin/python -c '
import csv, sys
print(sum(row["kept"] == "True" for row in csv.DictReader(open(sys.argv[1]), delimiter="\t")))
' "$folder/a/quality.tsv")
[ "$kept" -gt 300 ] || { echo "error: stage quality kept only $kept cells" >&2; exit 1; }
echo "stage quality kept $kept cells"
/opt/venv/bin/multiqc --version
