"""Sends requests to the URLs of callers: notifications of events and of finished jobs.

The URLs are untrusted. This package knows no record, no instance and no table.
"""
