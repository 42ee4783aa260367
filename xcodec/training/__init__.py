"""Training of networks: encoded pictures, crops, losses and the training loop."""
