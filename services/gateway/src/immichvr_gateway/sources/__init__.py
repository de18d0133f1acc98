"""What sources are made of, and who may see them."""
