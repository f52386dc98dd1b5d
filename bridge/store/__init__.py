"""All state: SQLite by default, PostgreSQL when scaled; tables stay in this room."""
