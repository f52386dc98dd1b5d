"""The HTTP server: our worker for gunicorn, TLS, limits."""
