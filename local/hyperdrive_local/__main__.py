"""`python -m hyperdrive_local`: start an embedded cluster, until Ctrl-C."""

import sys

from hyperdrive_local.command import main

if __name__ == "__main__":
    sys.exit(main())
