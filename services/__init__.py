"""The four services of Countersign, the kernel they stand on, the sandbox around them, and the command."""
