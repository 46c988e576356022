# A thin front: each target says the one command behind it.
SUDO := $(if $(filter 0,$(shell id -u)),,sudo -E)
TOX := .venv/bin/tox

.PHONY: up down test lint format pack help

help: ## this list
	@grep -E '^[a-z -]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 20

up: ## bring up the sandbox: bare metal, MAAS, Juju, OpenStack, Kubernetes (ARGS=--ha: with HA)
	@$(SUDO) sandbox/install.sh $(if $(filter --without-openstack,$(ARGS)),,--openstack)
	@$(SUDO) .venv/bin/sandbox up $(ARGS)

down: ## stop the sandbox and remove what it made
	@if [ -x .venv/bin/sandbox ]; then $(SUDO) .venv/bin/sandbox down; fi

test: ## the whole suite: lint, unit, pack, and everything on the sandbox
	@$(SUDO) sandbox/install.sh --dev --openstack
	@$(SUDO) $(TOX) run

lint format pack: ## one tox environment
	@$(SUDO) sandbox/install.sh --dev
	@$(SUDO) $(TOX) run -e $@
