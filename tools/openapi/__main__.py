"""Writes docs/openapi.json from the models at the border; with --check only tells whether it is as committed."""

from __future__ import annotations

import sys

from tools.openapi.document import PAGE, written

if "--check" in sys.argv[1:]:
    if PAGE.read_text() != written():
        raise SystemExit("docs/openapi.json is not what the code says: run `make openapi`.")
else:
    PAGE.write_text(written())
