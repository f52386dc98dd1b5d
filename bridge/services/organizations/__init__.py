"""Organizations, accounts and users, and their import."""
