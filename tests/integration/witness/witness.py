"""Stands before the samples' script: notes what the container was given and how the script reads it, then runs it."""

import json
import os
import runpy
import sys
from pathlib import Path

os.nice(5)  # other tests run beside it, some of which have time limits
script = runpy.run_path("train.py")
given = {
    "arguments": sys.argv[1:],
    "parameters": json.loads(os.environ["HYPERDRIVE_PARAMETERS"]),
    "variables": sorted(name for name in os.environ if name.startswith("HYPERDRIVE_PARAM_")),
    "options": vars(script["parse"]()),
}
(Path(os.environ["WITNESSED"]) / f"{os.environ['HYPERDRIVE_TRIAL']}.json").write_text(json.dumps(given))
script["main"]()
