"""Logs, metrics and their buffers; knows no table, no route, no vendor.

Importing sets nothing up: the commands that serve call `logs.start`, the rest is built
with the context of a process.
"""
