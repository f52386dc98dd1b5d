"""Instances and what is configured in them."""
