"""One call budget for all processes: lanes, ledgers, breakers."""
