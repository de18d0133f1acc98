"""What people ask for, and the jobs it takes."""
