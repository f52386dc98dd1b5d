"""What all routes share: reading requests, authentication, writing responses."""
