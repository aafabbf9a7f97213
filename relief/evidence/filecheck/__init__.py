"""The check of strangers' files, in a process of its own: start reading at __main__.py."""
