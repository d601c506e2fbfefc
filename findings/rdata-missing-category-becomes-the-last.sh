#!/usr/bin/env bash
# rdata writes a cell without a category into an R factor as code 0, and reads it as the last one.
#
# A pandas Categorical marks a missing value with the code -1. rdata adds 1 for R, where factors
# count from 1, and writes 0; a missing value of a factor is NA_integer_, the smallest 32-bit
# integer. 0 is the code of no level, and rdata itself, which takes 1 off again, reads -1 as a
# position from the end. So cell metadata that go to R and back in a data frame, such as obs with
# cells whose type is unknown, come back with all of these cells in the last category, without an
# error or a warning. Missing numbers of the same frame stay missing.
#
# Seen: rdata 1.1.0 with pandas 3.1.1 and 2.3.3. Codes in the file: 1 0 3 1; types after reading: B T T B,
# where the second was missing.
# Exits 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat > look.py <<'PYTHON'
import importlib.metadata

import pandas
import rdata

cells = pandas.DataFrame(
    {
        "cell_type": pandas.Categorical(["B", None, "T", "B"], categories=["B", "NK", "T"]),
        "score": [1.0, float("nan"), 3.0, 4.0],
    }
)
rdata.write_rds("cells.rds", cells)
codes = rdata.parser.parse_file("cells.rds").object.value[0].value
after = rdata.read_rds("cells.rds")
print("rdata", importlib.metadata.version("rdata"))
print("types", *cells["cell_type"].astype(str), "codes", *codes, "read", *after["cell_type"].astype(str))
print("missing scores after reading", int(after["score"].isna().sum()))
PYTHON
for pandas in 2.3.3 3.1.1; do
  python3 -m venv "$pandas"
  "$pandas/bin/pip" install --quiet --disable-pip-version-check 'rdata==1.1.0' "pandas==$pandas" 2>pip.log || { cat pip.log >&2; exit 1; }
  "$pandas/bin/python" -W ignore look.py | tee -a seen
done
cat > expected <<'TEXT'
rdata 1.1.0
types B nan T B codes 1 0 3 1 read B T T B
missing scores after reading 1
rdata 1.1.0
types B nan T B codes 1 0 3 1 read B T T B
missing scores after reading 1
TEXT
diff expected seen || { echo "the behaviour has changed" >&2; exit 1; }
