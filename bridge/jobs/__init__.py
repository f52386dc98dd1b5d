"""Durable background jobs: queued by name, run by workers.

A task is a plain function made of small steps. The engine stores the result of each
finished step, so when a worker is killed another one continues after the last finished
step. A step that was interrupted runs again, so each step must be idempotent.
"""
