"""The logs of requests and vendor calls."""
