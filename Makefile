PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test
help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16
