"""Alembic's environment and the steps between schema versions."""
