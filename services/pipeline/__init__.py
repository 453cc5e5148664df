"""What every service stands on: it knows events, rows and offsets, and no commitment."""
