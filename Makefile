# make demo       see what arl does, against a loopback STS; no AWS account needed
# make test       install what the tests need, and run them all; the last line is the total
# make check      run the tests alone, with what is installed already
# make lint       check formatting, clippy (for macOS too), dependencies, shell scripts and documentation
# make fuzz       feed each parser a million random inputs; ARL_FUZZ_RUNS sets how many, TARGETS which parsers
# make crash      kill arl 5,000 times while it writes a file, and make each of its system calls fail
# make interop    install ten AWS clients, and check which identity they have for each way to pass a role
# make soak       renew for an hour (ARL_SOAK_SECONDS), and fail if memory or open descriptors grow
# make pictures   record docs/demo.svg again; needs Python, and pyte from PyPI
# make picker     measure how fast the list of 10,000 roles (ARL_PICKER_ROLES) is in a pseudo-terminal
# make bench      measure what a call costs; ARL_BENCH=each measures only `arl each` with 1,000 roles
# make build      build the program that `make install` installs; static if the musl tools are installed
# make dist       make an archive for a release, with its checksum, in target/dist/
# make deb        make a Debian package in target/dist/
# make check-deb  check the package with lintian, then install and remove it in a new Debian; needs root
# make check-reproducible  build twice, and check that both archives are the same
# make install    install into PREFIX (default /usr/local), below DESTDIR if set; builds first if needed
# make uninstall  remove what `make install` has installed
# make help       show this list

PREFIX ?= /usr/local
CARGO ?= cargo
SHARE = $(DESTDIR)$(PREFIX)/share

# On Linux a static program for musl, which starts faster, if rustup has the target and there is a C compiler for
# ring. TARGET= on the command line builds for the compiler's own target instead.
MUSL = $(shell uname -m)-unknown-linux-musl
TARGET = $(shell command -v musl-gcc >/dev/null && rustup target list --installed 2>/dev/null | grep -x '$(MUSL)')
RELEASE = target/$(if $(TARGET),$(TARGET)/)release
# Removes the paths of this host from the program, so that the same sources give the same program everywhere.
REMAP = --remap-path-prefix=$(CURDIR)=arl --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=cargo $(REMAP_STD)
# If the sources of the standard library are installed, the compiler would put their path on this host into
# the program.
REMAP_STD = $(shell rustc --version --verbose 2>/dev/null | sed -n \
	"s,^commit-hash: \(.*\),--remap-path-prefix=$$(rustc --print sysroot 2>/dev/null)/lib/rustlib/src/rust=/rustc/\1,p")
CARGO_BUILD = RUSTFLAGS="$(RUSTFLAGS) $(REMAP)" $(if $(TARGET),CC_$(subst -,_,$(TARGET))=musl-gcc )$(CARGO) rustc --release --locked --target-dir target --bin arl
# Relative relocations in the short form (RELR), which musl's start code applies faster. It saves 0.02 times what `env true` takes.
LINK_ARGS = $(if $(TARGET),-- -C link-arg=-Wl$(comma)-z$(comma)pack-relative-relocs)
comma = ,

BUILT = $(RELEASE)/arl $(if $(TARGET),(static; for the system's C library: make build TARGET=),$(FOR_STATIC))
FOR_STATIC = $(if $(filter Linux,$(shell uname)),(for the system's C library; for a static program, which starts faster: \
	apt-get install musl-tools; rustup target add $(MUSL); make build))

# The sources of the program. If the built program is newer than all of them, `sudo make install` needs no
# compiler.
SOURCES = $(shell find src shell completions Cargo.toml Cargo.lock -type f)

.PHONY: help demo test check run-tests lint fuzz crash interop picker soak pictures bench build dist deb check-deb check-reproducible install uninstall

help:
	@sed -n 's/^# make /make /p' Makefile

demo:
	@echo 'building arl and a local STS; the first time this takes a few minutes'
	@$(CARGO) build --locked --workspace
	@sh tests/demo.sh

# In two steps, because the first may install the tools with which the second builds.
test:
	sh tests/install-tools.sh
	@$(MAKE) --no-print-directory run-tests

run-tests: build
	sh tests/check-install.sh
	bash tests/run.sh $(if $(TARGET),$(RELEASE)/arl)

check:
	bash tests/run.sh

fuzz:
	sh fuzz/run.sh $(TARGETS)

# Prints the tables of tests/cli/crash/.
crash:
	ARL_CRASH_KILLS=$(or $(ARL_CRASH_KILLS),5000) ARL_CRASH_SYSCALLS=all \
		$(CARGO) test --quiet --locked --test cli -- crash:: --nocapture --test-threads=1

interop:
	sh tests/install-interop.sh
	@$(CARGO) build --quiet --locked --workspace
	@$(CARGO) build --quiet --locked --examples
	python3 tests/proof/interop.py

picker: target/install/arl
	python3 tests/proof/picker.py target/install/arl

soak:
	@$(CARGO) build --quiet --locked --workspace
	python3 tests/proof/soak.py

# Writes to another name first, so that a failed recording leaves the picture as it was.
pictures:
	sh benches/install-peers.sh
	[ -x .tools/pictures/bin/python ] || python3 -m venv .tools/pictures
	.tools/pictures/bin/pip install --quiet --disable-pip-version-check pyte==0.8.2
	$(CARGO) build --quiet --locked --workspace
	.tools/pictures/bin/python docs/picture/record.py >target/demo.svg
	mv target/demo.svg docs/demo.svg

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) clippy --no-default-features --lib --locked -- -D warnings
	! $(CARGO) tree --no-default-features --edges normal --prefix none --locked | \
		grep -E '^(aws-config|aws-lc-rs|clap|hyper|ring|rustls) ' # what only the feature cli may bring
	bash tests/check-macos.sh
	sh tests/check-dependencies.sh
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --no-deps --workspace --locked --document-private-items
	mandoc -T lint -W style man/*.1
	shellcheck tests/*.sh fuzz/*.sh packaging/*.sh benches/*.sh .ci/run
	shfmt -d -i 4 -ci tests/*.sh fuzz/*.sh packaging/*.sh benches/*.sh .ci/run

bench: build
	sh benches/install-peers.sh
	$(CARGO) build --quiet --release --locked --workspace
	$(if $(TARGET),ARL_BENCH_STATIC='$(CURDIR)/$(RELEASE)/arl') $(CARGO) bench --quiet --locked --bench calls

build:
	$(CARGO_BUILD) $(TARGET:%=--target %) $(LINK_ARGS)
	@mkdir -p target/install && install -m 755 $(RELEASE)/arl target/install/arl
	@echo "built $(BUILT)"

dist: target/install/arl
	sh packaging/dist.sh $(TARGET)

deb: target/install/arl
	sh packaging/deb.sh $(TARGET)

check-deb: deb
	sh packaging/check-deb.sh

check-reproducible:
	sh packaging/check-reproducible.sh

target/install/arl: $(SOURCES)
	@if command -v $(firstword $(CARGO)) >/dev/null; then \
		$(MAKE) --no-print-directory build; \
	elif [ -f $@ ]; then \
		echo 'cargo was not found: installing the program as it is, which is older than its sources'; \
	else \
		echo 'there is no cargo here: run `make build` as a user who has it, then `make install` again' >&2; \
		exit 1; \
	fi

# If TARGET is on the command line, the built program may be for another target, so this builds it again.
install: $(if $(findstring command,$(origin TARGET)),build,target/install/arl)
	mkdir -p '$(DESTDIR)$(PREFIX)/bin' '$(SHARE)/bash-completion/completions' \
		'$(SHARE)/zsh/site-functions' '$(SHARE)/fish/vendor_completions.d' '$(SHARE)/man/man1'
	install -m 755 target/install/arl '$(DESTDIR)$(PREFIX)/bin/arl'
	install -m 644 completions/arl.bash '$(SHARE)/bash-completion/completions/arl'
	install -m 644 completions/_arl '$(SHARE)/zsh/site-functions/_arl'
	install -m 644 completions/arl.fish '$(SHARE)/fish/vendor_completions.d/arl.fish'
	install -m 644 man/*.1 '$(SHARE)/man/man1'

uninstall:
	rm -f '$(DESTDIR)$(PREFIX)/bin/arl' '$(SHARE)/bash-completion/completions/arl' \
		'$(SHARE)/zsh/site-functions/_arl' '$(SHARE)/fish/vendor_completions.d/arl.fish'
	rm -f $(patsubst man/%,'$(SHARE)/man/man1/%',$(wildcard man/*.1))
