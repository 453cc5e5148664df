"""The contract of Countersign: every event that crosses a topic, its envelope, and the limits it keeps."""
