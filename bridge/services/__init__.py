"""Use cases: plain functions over a `Context`; no HTTP, no tables, no vendor format.

A package for each subject: `instances`, `records`, `attachments`,
`extended_resources`, `organizations`, `usage`, the API description (`openapi`), and
`diagnostics` for operators. The modules beside them are shared: access and
credentials, metadata of the vendor's entities, paging, times, values.
"""
