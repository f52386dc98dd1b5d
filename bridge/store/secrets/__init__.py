"""Keys, password digests and files that only their owner may read."""
