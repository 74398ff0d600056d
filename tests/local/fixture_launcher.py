"""`python -m local up` on the fixture app: run as a program by the tests that kill it."""

from __future__ import annotations

import sys
from pathlib import Path

from local.__main__ import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], root=Path(__file__).parent / "fixtures" / "app"))
