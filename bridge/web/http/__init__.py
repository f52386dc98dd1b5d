"""What every route shares: reading requests, authorizing callers, writing responses."""
