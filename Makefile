# The thin front door; meson.build is the build description.
#
#   make            the release programs: build/ewerd, build/ewerctl
#   make deps       install what Debian provides (dist/packages.txt)
#   make demo       a throw-away server with sample mailboxes, until Ctrl-C
#   make check      all suites on a debug build with ASan and UBSan; SUITE=name runs one of them
#   make check-all  the same, with the long model, crash and fuzz runs
#   make fmt        format the C sources            make lint   what machines can find
#   make fuzz       fuzz every parser for SECONDS   make bench  measure the release build
.NOTPARALLEL:
.DEFAULT_GOAL := build
.PHONY: build deps deps-demo demo check check-all fmt lint fuzz bench install clean

SUITE ?=
SECONDS_EACH := $(or $(SECONDS),60)
PREFIX ?= /usr/local
NINJA := $(or $(shell command -v ninja),ninja)
RELEASE := --buildtype=release -Doptimization=2 -Ddebug=true -Db_lto=true -Dtests=false

build: build/build.ninja
	@$(NINJA) -C build --quiet

build/build.ninja:
	@command -v meson >/dev/null || { echo "meson is missing: run 'make deps' first" >&2; exit 1; }
	@meson setup build $(RELEASE) --prefix=$(PREFIX) >/dev/null || { \
	    echo "not configured: 'make deps' installs what is missing; see build/meson-logs" >&2; exit 1; }

deps:
	@tools/deps

deps-demo:
	@tools/deps build demo

demo: deps-demo build
	@tools/demo

check: deps
	@tools/check $(SUITE)

check-all: deps
	@tools/check --long $(SUITE)

fmt:
	@tools/format

lint: deps
	@tools/lint

fuzz: deps
	@tools/fuzz --seconds $(SECONDS_EACH)

bench: deps build
	@bench/run

install: build
	@meson install -C build

clean:
	rm -rf build build-asan build-fuzz build-lint
