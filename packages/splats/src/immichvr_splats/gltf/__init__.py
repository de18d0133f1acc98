"""What of glTF 2.0 binary files clouds need: the container, accessors, the scene's nodes, packed buffer views."""
