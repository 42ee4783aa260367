"""What each level of effort does."""

SWEEPS = (0, 1, 1, 2, 3, 4, 6, 8, 8, 8)
"""Sweeps of rate-distortion optimised quantisation by effort."""
LOOKS = (0, 0, 0, 0, 2, 3, 4, 6, 6, 6)
"""Looks among them at what the generator will make of the fill, by effort."""
SPARSE_EFFORT = 2
"""A sparse picture gets the sweeps and looks of so many efforts more: they take less time there."""
ROUNDS = (0, 0, 0, 0, 0, 0, 0, 0, 8, 24)
"""Rounds of tuning through the generator by effort; they start torch."""
DEFAULT_EFFORT = 4
