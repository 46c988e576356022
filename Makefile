# A thin front: each target says the one command behind it.
SUDO := $(if $(filter 0,$(shell id -u)),,sudo -E)
TOX := .venv/bin/tox

.PHONY: up down test lint format pack help

help: ## this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 10

up: ## bring up the sandbox: bare metal, MAAS, Juju, OpenStack (ARGS=--ha: with HA)
	@$(SUDO) sandbox/install.sh
	@$(SUDO) .venv/bin/sandbox up $(ARGS)

down: ## stop the sandbox and remove what it made
	@if [ -x .venv/bin/sandbox ]; then $(SUDO) .venv/bin/sandbox down; fi

test: ## the whole suite: lint, unit, pack, integration
	@$(SUDO) sandbox/install.sh --dev
	@$(SUDO) $(TOX) run -e lint,unit,pack,integration

lint format pack: ## one tox environment
	@$(SUDO) sandbox/install.sh --dev
	@$(SUDO) $(TOX) run -e $@
