"""Approval over HTTP: the JSON API for programs and the approval desk for people."""
