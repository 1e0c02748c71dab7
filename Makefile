# linux-exitstat's front door: "make help" lists what there is.

FLAVOUR ?= cloud
DIST ?= dist
REPO ?= repo
SERVE_PORT ?= 8000
export FLAVOUR DEBUG_INFO CCACHE EXITSTAT_BUILD SIGN_KEY REPO_URL SERVE_PORT

ifneq ($(words $(FLAVOUR))$(filter-out cloud quick,$(FLAVOUR)),1)
$(error no such flavour: $(FLAVOUR) (there are cloud and quick))
endif

help:
	@sed -n 's/^#: \{0,1\}//p' Makefile

#: sudo make demo           build all packages, boot the patched kernel in emulators of both vendors with
#:                          a nested guest, show its VM exits
#: sudo make check          the tests: quick flavour's packages, both emulators
#: make check-quick         those that need no kernel build and no emulator, under a minute
#: sudo make check-long     cloud flavour, each patch alone, Debian 13, byte-identical double builds
#: sudo make check-soak     nested guests with ten million exits on SVM, a million on VMX: 20 minutes
#: sudo make bench          what an exit costs in instructions, beside stock, tracing and global counters, into
#:                          docs/cost.txt; after "make packages FLAVOUR=quick", half an hour
#: sudo make scene          the product in use: a Debian host in an emulator gets this kernel by apt, libvirt's
#:                          guests cpuid-probe; what they read, and live through, into dist/scene/
#: make packages         build every package into dist/ (2 CPUs, first time: an hour, quick: half)
#: make kvm              after a change of the patches: the kernel for the emulators, in 2 minutes
#: make repo             add the packages in dist/ to a signed package archive in repo/
#: make serve            serve it on loopback, for guests of QEMU
#: make installer        debian-installer on this kernel: linux and initrd.gz in dist/installer-FLAVOUR/
#: sudo make installer-test  a whole unattended installation with it, in QEMU
#: sudo make build-deps  install what building needs
#: sudo make test-deps   the same and what the tests need
#: make source config    only unpack and patch Debian's kernel source, only configure it
#: make clean            remove build/ (kernel trees too) and dist/, but not repo/
#:
#: Variables, on the command line or in the environment:
#:   FLAVOUR=quick       a small set of modules, half the time, for tests (default: cloud)
#:   DEBUG_INFO=1        with BTF and a package of debugging symbols: 25 GiB, twice the time
#:   CCACHE=0            without ccache
#:   EXITSTAT_BUILD=DIR  where kernel trees go (default: build)
#:   DIST=DIR            where packages go (default: dist)
#:   REPO=DIR            where the package archive is (default: repo)
#:   SIGN_KEY=KEYID      the key that signs it (default: a throw-away key)
#:   REPO_URL=URL        where its clients will find it (default: "make serve")
#:   SERVE_PORT=PORT     for make serve (default: 8000)

check-build-deps:
	@debian/bin/build-deps --check

build-deps:
	@debian/bin/build-deps

packages: source
	@debian/bin/export-packages "$(FLAVOUR)" "$(DIST)"

source: check-build-deps
	@debian/bin/prepare-source

config: source
	@debian/bin/configure "$(FLAVOUR)"

kvm: config
	@debian/bin/build-kernel --objects-only $(FLAVOUR)
	@debian/bin/install-dev $(FLAVOUR)

repo:
	@debian/bin/make-repo "$(DIST)/linux-exitstat_$$(debian/bin/version package)_$(FLAVOUR)_amd64.changes" "$(REPO)"

serve:
	@debian/bin/serve-repo "$(REPO)" "$(SERVE_PORT)"

installer:
	@debian/bin/make-installer $(FLAVOUR) "$(DIST)" "$(DIST)/installer-$(FLAVOUR)"

installer-test: test-deps
	@debian/tests/installer/installer-tests install $(FLAVOUR) "$(DIST)"

demo:
	@debian/bin/demo "$(FLAVOUR)" "$(DIST)"

scene: test-deps
	@debian/tests/scene/scene "$(FLAVOUR)" "$(DIST)"

test-deps:
	@debian/bin/build-deps --tests

check-quick:
	@debian/bin/build-deps --check --quick-tests
	@debian/bin/run-tests quick

check check-long check-soak: test-deps
	@debian/bin/run-tests $(subst check-,,$@)

bench: test-deps
	@debian/bin/unpack-packages quick "$(DIST)"
	@failed=; debian/tests/bench || failed=1; debian/tests/timings || [ $$? = 77 ] || failed=1; [ -z "$$failed" ]

clean:
	rm -rf --one-file-system build dist

.PHONY: help demo scene repo serve bench installer installer-test check check-quick check-long check-soak test-deps check-build-deps build-deps packages source config kvm clean
