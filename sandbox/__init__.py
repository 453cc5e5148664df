"""Everything that a demo or a test needs around the product: real servers, mailbox, ERP, sign-in, project tool."""
