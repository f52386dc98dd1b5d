"""What the vendor demands of records and does when they are saved."""
