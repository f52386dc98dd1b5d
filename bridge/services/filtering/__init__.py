"""Filters evaluated in this process, and comparisons that the vendor cannot express."""
