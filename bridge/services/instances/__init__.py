"""Instances and their configuration."""
