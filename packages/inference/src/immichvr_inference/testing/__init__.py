"""For tests of whoever runs networks: small ones with random weights, and what every network has to do."""
