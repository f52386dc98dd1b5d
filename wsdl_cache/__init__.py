"""The project's own offline service descriptions, as package data."""
