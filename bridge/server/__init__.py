"""How bytes come in and go out: the worker of gunicorn, TLS, limits."""
