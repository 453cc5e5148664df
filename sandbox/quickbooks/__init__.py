"""QuickBooks Desktop around us: a company file that speaks qbXML, and a Web Connector that polls the exporter."""
