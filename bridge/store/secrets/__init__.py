"""The key ring, password digests, and files that only their owner may read."""
