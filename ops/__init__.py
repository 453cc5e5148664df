"""What operators get: rules, dashboards and examples of configuration, and the modules that generate some of them."""
