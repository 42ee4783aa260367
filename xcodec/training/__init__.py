"""Training of generators: crops of what the encoder really sends, a loss, a loop."""
