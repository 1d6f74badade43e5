# SPDX-License-Identifier: MIT
"""Are the records of guests as the schema says? validate.py FILE: a line is @CASE RECORD."""

import json
import sys
from collections import defaultdict

from harness import Failure
from records import validate

cases = defaultdict(list)
with open(sys.argv[1], encoding="utf-8") as file:
    for line in file:
        case, _, record = line[1:].partition(" ")
        cases[case].append(json.loads(record))
wrong = 0
for case, records in cases.items():
    try:
        validate(records)
    except Failure as failure:
        print(f"  {case}: {failure}")
        wrong += 1
print(f"{'not ok' if wrong or not cases else 'ok'} records of {len(cases)} cases")
sys.exit(1 if wrong or not cases else 0)
