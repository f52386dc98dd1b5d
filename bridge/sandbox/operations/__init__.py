"""The SOAP operations: calls, queries, writes, attachments and invoices."""
