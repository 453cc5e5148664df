"""How Countersign speaks to ERPs: one Protocol, and a small class for each way of speaking."""
