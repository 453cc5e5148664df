"""A connector between Countersign and Ledgerly."""
