"""Use cases: plain functions over a `Context`; no HTTP, no SOAP, no tables.

A package for each thing that callers deal with: `instances`, `records`, `attachments`,
`extended` resources, `tenancy`, `usage`, the descriptions of `openapi`, and what
operators ask in `operating`. The modules beside them are what these share: who calls
and with which credentials, what the vendor's entities look like, pages, times, values.
"""
