"""Jobs as people see them: asked for, followed, cancelled, tried again."""
