"""Use cases: plain functions over a `Context`; no HTTP, no SOAP, no tables."""
