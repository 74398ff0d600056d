"""How often what costs much may be done. A person never meets these; a script in a loop does."""

from __future__ import annotations

from pex_procore.store.caps import Cap

SIGN_INS = Cap("sign-in", 60, 300)  # into one business; each asks PEX four times
GUESSES = Cap("guess", 300, 300)  # sign-ins from one address, behind which there may be a whole office
PEX_LOGINS = Cap("pex-login", 20, 300)  # begun from one address
CHECKS = Cap("check", 20, 300)  # of one business; each takes some ten of Procore's 600 calls an hour
TRY_OUTS = Cap("try-out", 20, 300)  # dry runs of one business
RUNS = Cap("run", 60, 300)  # started by hand for one business
COMPARISONS = Cap("comparison", 10, 300)  # of one business; each takes a call per project
FILES = Cap("file", 20, 300)  # of one business; each reads up to some ten thousand rows
