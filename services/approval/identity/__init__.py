"""Who sends a request, and what the company's directory lets them do."""
