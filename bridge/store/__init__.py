"""Stored state, in SQLite by default or in PostgreSQL; no other package uses tables."""
