"""Lists of records: filters, queries, pages, order and counts."""
