# make demo     see the main job done, against a loopback STS; no AWS account needed
# make test     install what the tests need, and run them all
# make lint     formatting, clippy (for macOS too), shell scripts, documentation
# make bench    what a call costs
# make install  into PREFIX (default /usr/local), below DESTDIR if set

PREFIX ?= /usr/local
CARGO ?= cargo
SHARE = $(DESTDIR)$(PREFIX)/share

.PHONY: demo test lint bench build install uninstall

demo:
	$(CARGO) build --quiet --workspace
	sh tests/demo.sh

test:
	sh tests/install-tools.sh
	$(CARGO) test --workspace --locked

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) clippy --no-default-features --lib --locked -- -D warnings
	bash tests/check-macos.sh
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --no-deps --workspace --locked --document-private-items
	shellcheck tests/*.sh benches/*.sh .ci/run
	shfmt -d -i 4 -ci tests/*.sh benches/*.sh .ci/run

bench:
	sh benches/install-peers.sh
	$(CARGO) build --quiet --release --workspace
	$(CARGO) bench --quiet --bench calls

build:
	$(CARGO) build --release --locked

install: build
	mkdir -p '$(DESTDIR)$(PREFIX)/bin' '$(SHARE)/bash-completion/completions' \
		'$(SHARE)/zsh/site-functions' '$(SHARE)/fish/vendor_completions.d' '$(SHARE)/man/man1'
	install -m 755 target/release/arl '$(DESTDIR)$(PREFIX)/bin/arl'
	install -m 644 completions/arl.bash '$(SHARE)/bash-completion/completions/arl'
	install -m 644 completions/_arl '$(SHARE)/zsh/site-functions/_arl'
	install -m 644 completions/arl.fish '$(SHARE)/fish/vendor_completions.d/arl.fish'
	install -m 644 man/*.1 '$(SHARE)/man/man1'

uninstall:
	rm -f '$(DESTDIR)$(PREFIX)/bin/arl' '$(SHARE)/bash-completion/completions/arl' \
		'$(SHARE)/zsh/site-functions/_arl' '$(SHARE)/fish/vendor_completions.d/arl.fish'
	rm -f $(patsubst man/%,'$(SHARE)/man/man1/%',$(wildcard man/*.1))
