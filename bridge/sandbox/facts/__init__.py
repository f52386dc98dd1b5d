"""What is declared about the vendor's entities, one TOML file each."""
