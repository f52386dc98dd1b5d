"""Filters evaluated in this process, and comparisons the vendor cannot express."""
