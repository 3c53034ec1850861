"""Training of the demo model with PyTorch: data, network, targets, loop, export and report."""
