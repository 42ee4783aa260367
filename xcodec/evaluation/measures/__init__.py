"""How close a picture is to its original, and comparisons of rate-distortion curves."""
