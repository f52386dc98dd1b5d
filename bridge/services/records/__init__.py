"""Records of every resource and entity, under the verbs that it has.

Start with the use cases: `listing`, `get`, `create`, `update`, `delete`, `dry_run`. A
list goes from `list_query` through `filters`, `query_plan` and `cursors` to
`serializer`. A create goes from `validation` through `idempotency` to `write_result`;
`duplicate_search` and `record_match` decide where the vendor did not respond.
"""
