"""The rate limit that all processes share: slots, call budgets, circuit breakers."""
