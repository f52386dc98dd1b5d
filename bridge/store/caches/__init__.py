"""What is stored only to save vendor calls; it may be lost at any time."""
