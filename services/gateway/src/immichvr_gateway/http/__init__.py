"""What HTTP asks for whatever is served: problems, ranges, the viewer's files, connections that may be dropped."""
