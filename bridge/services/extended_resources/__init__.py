"""Resources that an account adds to the element."""
