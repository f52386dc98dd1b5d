"""Resources that an account adds to an element (extended resources)."""
