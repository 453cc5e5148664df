"""What a demo or a test needs around the product: real servers, a mailbox, an ERP, sign-in, the project tool."""
