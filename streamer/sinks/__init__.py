"""Where frames and results go."""
