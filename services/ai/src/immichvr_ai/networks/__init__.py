"""Networks: one file for each family, all with the same shape (`base.py`)."""
