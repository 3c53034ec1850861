"""What turns frames into instances."""
