"""Other ways to write the same consumer; each module is a program that runs until it is stopped."""
