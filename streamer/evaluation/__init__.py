"""How good a model is, and what it becomes in INT8."""
