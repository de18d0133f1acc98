"""What tests of a running stack use."""
