"""Logs, metrics and the buffers behind them; knows no table, no route, no vendor.

Nothing is set up by importing: `logs.start` is called by the commands that serve,
the rest is built with the context of a process.
"""
