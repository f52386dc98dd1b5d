"""What was called, by whom, and what it cost at the vendor."""
