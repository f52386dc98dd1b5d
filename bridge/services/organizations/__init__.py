"""Organizations, accounts and users; how old ones move in."""
