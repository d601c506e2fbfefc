#!/usr/bin/env bash
# A cell of a table that holds a carriage return becomes two rows when pandas reads what it wrote.
#
# DataFrame.to_csv ends lines with "\n" and leaves the quoting to Python's csv module. Up to Python
# 3.12, that module quotes a field with the characters of the line end it was given, so with "\n"
# but not with "\r" alone. read_csv takes a bare "\r" for a line end. A label such as "T\rcell" (an
# old Mac or a pasted cell of a spreadsheet) thus shifts all rows below it, without an error. Python
# 3.13 quotes it: the same table gives other bytes, and reads back whole.
#
# Seen: Python 3.11.7 and 3.12.1 with pandas 2.3.3: 2 rows written, 3 read; Python 3.13.0: 2 and 2.
# Takes the interpreters of PYTHONS (default: those on PATH). Exits 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

status=0 seen=0
for python in ${PYTHONS:-python3.11 python3.12 python3.13}; do
  command -v "$python" >/dev/null || continue
  "$python" -m venv one
  one/bin/pip install --quiet --disable-pip-version-check 'pandas==2.3.3' 'numpy==2.3.5' 2>log || { cat log >&2; exit 1; }
  one/bin/python - <<'PYTHON' || status=1
import io
import sys

import pandas as pd

table = pd.DataFrame({"cell": ["c1", "c2"], "label": ["T\rcell", "B cell"]})
text = table.to_csv(sep="\t", index=False)
rows = len(pd.read_csv(io.StringIO(text), sep="\t"))
old = sys.version_info < (3, 13)
print(f"Python {sys.version.split()[0]}: {text!r}, {len(table)} rows written, {rows} read")
sys.exit(rows != (3 if old else 2))
PYTHON
  rm -rf one
  seen=$((seen + 1))
done
[ "$seen" -gt 0 ]
exit $status
