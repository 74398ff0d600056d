"""The only room that knows Lambda runs us."""

import gc

gc.set_threshold(100_000)  # what is imported stays: looking through it fifty times takes a twentieth of a cold start
