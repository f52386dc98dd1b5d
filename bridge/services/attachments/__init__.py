"""Attachments of records: files and links."""
