"""The live page: a server in a thread of its own, and what browsers get from it."""
