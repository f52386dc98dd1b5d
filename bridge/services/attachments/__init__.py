"""Files of a record."""
