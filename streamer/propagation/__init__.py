"""Carries masks between inferences by optical flow."""
