"""Checks and maintenance for operators."""
