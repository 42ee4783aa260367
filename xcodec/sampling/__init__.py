"""Where to look in a picture and what to measure there."""
