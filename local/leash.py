"""Runs a module as a program that ends with its parent: `python leash.py MODULE [ARGUMENT …]`.

The parent holds the other end of standard input. When it ends in any way, `kill -9` included, the read below returns.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    module = sys.argv[1]
    sys.argv = sys.argv[1:]
    threading.Thread(target=_end_with_parent, name="leash", daemon=True).start()
    runpy.run_module(module, run_name="__main__", alter_sys=True)
