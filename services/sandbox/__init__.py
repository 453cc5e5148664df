"""Everything around the product that a demo or a test needs: real servers, a mailbox, an ERP, sign-in, the project tool."""
