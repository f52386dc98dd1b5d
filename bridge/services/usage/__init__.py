"""Usage: logged requests, their counts, and the vendor call budgets."""
