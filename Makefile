# Every target is idempotent and non-interactive. `make demo` and `make test` are the two to know.
SWIFT ?= swift
# Nothing looks symbols up in the program, so none are offered: less to load at each start.
RELEASE := $(SWIFT) build -c release --static-swift-stdlib -Xlinker --no-export-dynamic
SOURCES := Sources Plugins Tests Package.swift

SANDBOX_TESTS := ForgeSandboxTests|ForgeEgressTests|RootlessTests|MountedSystemTests|DoctorTests

.PHONY: help setup build demo test campaign campaign-catalogue campaign-cgroup2 check lint layers bench clean

help:
	@echo 'make demo    set everything up, build a project in a sandbox, deploy it, fetch it'
	@echo 'make test    set everything up, run the whole suite'
	@echo 'make campaign  kills, faults, turned bits and crowds: ten deploys at each step, 1,000 kills of builds and puts, every call of a put; 100,000 inputs for each parser'
	@echo 'make campaign-catalogue  presets whose packages take long to fetch, built and served: Rails, Symfony, Laravel, gin, Streamlit, Gradio, ...'
	@echo 'make campaign-cgroup2  the tests of the sandbox in a virtual machine: another kernel, control groups of version 2 alone (root)'
	@echo 'make build   the release binaries, in .build/release'
	@echo 'make check   format lint and the layer check'
	@echo 'make bench   timings beside other tools (Benchmarks/)'

setup:
	@scripts/setup.sh

build: setup
	@$(RELEASE)

demo: build
	@scripts/demo.sh

test: setup
	@scripts/test-inputs.sh
	@$(SWIFT) build --build-tests
	@$(SWIFT) test --skip-build

campaign: setup
	@$(SWIFT) build --build-tests
	@FORGE_CAMPAIGN=10 $(SWIFT) test --skip-build --filter 'ServerKillTests|SandboxCampaignTests|FuzzTests|Store(Kill|Fault|Rot|Contention|Clock|Space)Tests'
	@FORGE_CAMPAIGN=10 $(SWIFT) test --skip-build --no-parallel --filter TakesEveryCore

# Its packages are Debian's and PyPI's: what is made of them lies in .build/inputs/catalogue.
campaign-catalogue: setup
	@scripts/test-inputs.sh catalogue
	@$(SWIFT) build --build-tests
	@FORGE_CAMPAIGN_CATALOGUE=1 $(SWIFT) test --skip-build --filter CatalogueCampaignTests

# One at a time: where the processor does not help, the machine is emulated.
campaign-cgroup2: setup
	@$(SWIFT) build --build-tests
	@scripts/cgroup2-machine.sh --init plain -- .build/debug/forgePackageTests.xctest --testing-library swift-testing --no-parallel --filter '$(SANDBOX_TESTS)'

check: lint layers

lint:
	@$(SWIFT) format lint --strict --parallel --recursive $(SOURCES)

# Looked at by exit status: this build prints "Build complete!" even when the check fails.
layers:
	@$(SWIFT) build --build-tests --explicit-target-dependency-import-check error

bench: build
	@Benchmarks/run.sh

clean:
	@rm -rf .build
