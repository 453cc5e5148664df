"""The check-up: looks at everything that can be wrong around the services, changes nothing, and says what to do."""
