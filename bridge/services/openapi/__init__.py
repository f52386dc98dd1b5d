"""Descriptions of the API for people and for client generators."""
