"""The embedded demo: the scenes that its model learns from, and its clip."""
