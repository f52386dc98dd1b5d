"""Durable background jobs: enqueued by the name of a task, run by workers.

A workflow is a plain function made of small steps, see `jobs.steps`. The engine stores
the result of each finished step, so when a worker is killed another one continues after
the last finished step. A step that was interrupted runs again, so each step must be
idempotent.
"""
