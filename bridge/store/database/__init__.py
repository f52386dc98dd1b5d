"""The database itself: connections, schema, errors, backup and restore."""
