"""The options of encoding and decoding."""

MIN_RATE, MAX_RATE = 0.001, 0.5
