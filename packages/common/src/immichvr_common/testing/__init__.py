"""What tests of several packages use. Imports nothing here: capabilities to try with start as fast as real ones."""
