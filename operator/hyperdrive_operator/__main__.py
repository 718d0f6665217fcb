"""``python -m hyperdrive_operator``."""

from hyperdrive_operator.runtime.process import main

if __name__ == "__main__":
    raise SystemExit(main())
