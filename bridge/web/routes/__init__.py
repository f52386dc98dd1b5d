"""The routes: each view reads a request, calls one use case and builds the response."""
