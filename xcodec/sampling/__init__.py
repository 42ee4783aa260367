"""Where to sample a picture, and which values to measure there."""
