"""Prints the held-out rows of a demo model as JSON lines: `python3 models/heldout_rows.py digits`. Needs Python alone."""

import json
import pathlib
import sys

held_out = json.loads((pathlib.Path(__file__).parent / sys.argv[1] / "reference" / "heldout.json").read_text())
names = [name for name, values in held_out.items() if isinstance(values, list)]
for values in zip(*(held_out[name] for name in names), strict=True):
    print(json.dumps(dict(zip(names, values, strict=True)), separators=(",", ":")))
