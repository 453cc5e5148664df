"""A real Tryton ERP around us: its books, a page that shows them, and a proxy that makes its network unreliable."""
