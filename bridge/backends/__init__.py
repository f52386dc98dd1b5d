"""Vendors, each a package that satisfies `interfaces.Backend`."""
