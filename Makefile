# SPDX-License-Identifier: MIT
# The front of the build: each target sets up what it needs. The build itself is meson's.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:

ARGS ?= watch --for 30s /
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_TIME ?= 60
BENCH_ARGS ?=

fantail = build/src/cli/fantail

help:
	@echo 'make run       build and run: fantail $(ARGS)'
	@echo '               ARGS="watch --for 3s /etc" runs something else'
	@echo 'make build     build the program and the library in build/'
	@echo 'make install   build and install below DESTDIR (now "$(DESTDIR)") PREFIX (now "$(PREFIX)")'
	@echo 'make check     every test: plain, with sanitizers, fuzz corpora; live tests need root'
	@echo 'make lint      format, static analysis, scripts, spelling, manual pages, layout of the tree'
	@echo 'make fuzz      fuzz each parser for FUZZ_TIME seconds (now $(FUZZ_TIME))'
	@echo 'make bench     measure fantail and other tools side by side (root)'
	@echo 'make kernels   run on other kernels in qemu, from 5.10 to the newest (see tests/kernels)'
	@echo 'make clean     remove build/ and build-*/'

run: build
	$(fantail) $(ARGS)

build: build/build.ninja
	@meson compile -C build

build/build.ninja:
	@tools/setup.sh
	@meson setup build -Dtests=false -Dprefix='$(PREFIX)'

install: build/build.ninja
	@meson configure build -Dprefix='$(PREFIX)'
	@meson compile -C build
	@meson install -C build --no-rebuild --quiet --destdir '$(abspath $(DESTDIR))'
	@echo 'installed: $(abspath $(DESTDIR))$(PREFIX)/bin/fantail'

check:
	@tools/setup.sh check
	@tools/check.sh

lint:
	@tools/setup.sh lint check
	@tools/lint.sh

fuzz:
	@tools/setup.sh fuzz
	@tools/fuzz.sh $(FUZZ_TIME)

bench:
	@tools/setup.sh bench check
	@[ -e build-bench/build.ninja ] || \
		meson setup build-bench -Dbench=true -Dtests=false --buildtype=release
	@meson compile -C build-bench
	@sh bench/run.sh build-bench $(BENCH_ARGS)

kernels: build
	@tools/setup.sh kernels check
	@sh tests/kernels/run.sh

clean:
	rm -rf build build-*/

.PHONY: help run build install check lint fuzz bench kernels clean
