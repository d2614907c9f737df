# Sluice. `make` builds everything into build/, `make check` tests it, `make bench` measures it, `make install` installs it.
#
# One variable chooses a flavour, each with its own build folder: SAN=1 (AddressSanitizer and UBSan), CC=clang.

CC       ?= gcc
ifeq ($(origin CC),default)
CC       := gcc
endif
BUILD    ?= build$(if $(filter clang%,$(CC)),-clang)$(if $(SAN),-asan)
PREFIX   ?= /usr/local
VERSION  := 0.1.0

PACKAGES := libcurl lmdb libcjson inih libuv libsodium libseccomp zlib libmicrohttpd glib-2.0 libcrypto
ifeq ($(filter deps clean distclean,$(MAKECMDGOALS)),)
ifneq ($(shell pkg-config --exists $(PACKAGES) libxxhash 2>/dev/null && echo yes),yes)
$(error Some libraries are missing: run tools/install-deps, which says what it installs)
endif
endif

WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings \
            -Wformat=2 -Wundef -Wvla -Wconversion -Wno-sign-conversion -Werror
HARDEN   := -fstack-protector-strong -fPIE -fvisibility=hidden $(if $(SAN),,-D_FORTIFY_SOURCE=2)
comma    := ,
SANFLAGS := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
OPT      := $(if $(SAN),-O1,-O2) -g
CPPFLAGS += -Icore -Isdk -D_GNU_SOURCE -DSLUICE_VERSION='"$(VERSION)"' $(if $(SAN),-DSLUICE_SANITIZED=1,-DSLUICE_SANITIZED=0) \
            -DSLUICE_PREFIX='"$(PREFIX)"' $(foreach p,libcurl lmdb libcjson inih libuv libsodium libseccomp glib-2.0,$(shell pkg-config --cflags-only-I $(p)))
CFLAGS   := -std=gnu11 $(OPT) $(WARN) $(HARDEN) $(SANFLAGS) $(EXTRA_CFLAGS)
DEPFLAGS  = -MMD -MP
LDFLAGS  := -pie -Wl,-z,relro,-z,now $(SANFLAGS) $(EXTRA_LDFLAGS)
HOSTLIBS := $(shell pkg-config --libs libcurl lmdb inih libuv libsodium zlib libcjson libmicrohttpd glib-2.0 libcrypto) -lm -ldl -lpthread
# The worker carries what plugins may need (libm, libcjson), whether or not it calls them itself.
WORKLIBS := -Wl,--push-state,--no-as-needed -lm -lcjson -Wl,--pop-state $(shell pkg-config --libs libseccomp) -ldl

# Each step is one short line; V=1 shows the commands, -s nothing.
Q        := $(if $(V),,@)
say       = @$(if $(findstring s,$(firstword -$(MAKEFLAGS))),:,echo) '  '

src       = $(wildcard $(1)/*.c)
objs      = $(patsubst %.c,$(BUILD)/%.o,$(1))

BASE     := $(call src,core/base)
# wire/ and plugin/ have a half that the worker shares; the other half needs the loop and is the host's alone.
SHARED   := $(BASE) core/wire/frame.c core/wire/message.c core/plugin/manifest.c core/plugin/manifest_read.c core/plugin/manifest_write.c core/plugin/rules.c core/plugin/fields.c core/plugin/form.c
WORKER   := $(SHARED) $(call src,core/worker)
HOST     := $(sort $(SHARED) $(foreach d,config wire store http plugin proxy run schedule deliver event serve api,$(call src,core/$(d))))
CLI      := $(call src,core/cli)

PLUGINS  := $(patsubst plugins/%/,%,$(dir $(wildcard plugins/*/*.c)))
PLUGIN_SO := $(patsubst %,$(BUILD)/plugins/%.so,$(sort $(PLUGINS)))
EXAMPLES := $(patsubst sdk/examples/%.c,$(BUILD)/examples/%.so,$(wildcard sdk/examples/*.c))
TESTPLUG := $(patsubst tests/%.c,$(BUILD)/tests/%.so,$(wildcard tests/plugins/*.c tests/hostile/plugins/*.c))
TOOLS    := $(patsubst tools/provider/%,$(BUILD)/sluice-provider,$(firstword $(wildcard tools/provider/*.c)))
UNIT     := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*.c tests/flow/*.c tests/hostile/*.c tests/bench/*.c))

.PHONY: fuzz-run all check check-asan check-valgrind check-clients bench install clean deps tests fuzz
.SECONDARY:
.DELETE_ON_ERROR:

MANUALS  := $(BUILD)/man/sluice.1 $(BUILD)/man/sluice.ini.5

all: $(MANUALS) $(BUILD)/sluice $(BUILD)/sluice-worker $(PLUGIN_SO) $(EXAMPLES) $(TOOLS)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(say)CC $@
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(DEPFLAGS) -c -o $@ $<

# The dashboard's files stand inside one object.
$(BUILD)/core/api/page.o: $(wildcard core/api/page/*)

$(BUILD)/libsluice.a: $(call objs,$(HOST))
	@rm -f $@
	$(say)AR $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/libworker.a: $(call objs,$(filter-out core/worker/main.c,$(WORKER)))
	@rm -f $@
	$(say)AR $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/sluice: $(call objs,$(CLI)) $(BUILD)/libsluice.a
	$(say)LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(HOSTLIBS)

# The manual pages are written by the program itself, from its tables.
$(BUILD)/man/sluice.1: $(BUILD)/sluice
	@mkdir -p $(@D)
	$(Q)$(BUILD)/sluice man >$@
$(BUILD)/man/sluice.ini.5: $(BUILD)/sluice
	@mkdir -p $(@D)
	$(Q)$(BUILD)/sluice man ini >$@

# The worker's symbols stay inside it: a plugin binds to libc, libm and libcjson only.
$(BUILD)/sluice-worker: $(BUILD)/core/worker/main.o $(BUILD)/libworker.a
	$(say)LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(WORKLIBS)

# The kill campaign's control: the same host, but checkpoints are committed apart from their records (core/store).
CONTROL   = $(patsubst %.c,$(BUILD)/control/%.o,$(call src,core/store))
$(BUILD)/control/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(say)CC $@
	$(Q)$(CC) $(CPPFLAGS) -DSLUICE_CONTROL=1 $(CFLAGS) $(DEPFLAGS) -c -o $@ $<
$(BUILD)/sluice-control: $(call objs,$(CLI)) $(CONTROL) $(BUILD)/libsluice.a
	$(say)LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(HOSTLIBS)

PLUGFLAGS = -Isdk -std=gnu11 $(OPT) $(WARN) -fPIC -fvisibility=hidden -fstack-protector-strong $(SANFLAGS)
PLUGLINK  = -shared -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
plugin_cc = @mkdir -p $(@D)
# What a connector brings with it, inside and hidden.
PLUGLIBS_feed := -Wl,--exclude-libs,ALL -l:libexpat.a
PLUGLIBS_csv  := -Wl,--exclude-libs,ALL -l:libz.a
.SECONDEXPANSION:
$(BUILD)/plugins/%.so: $$(wildcard plugins/%/*.[ch]) $(wildcard plugins/common/*.h sdk/*.h) Makefile
	@mkdir -p $(@D)
	$(say)CC $@
	$(Q)$(CC) $(PLUGFLAGS) $(PLUGLINK) -o $@ $(filter %.c,$^) $(PLUGLIBS_$*) -lcjson -lm

$(BUILD)/examples/%.so: sdk/examples/%.c Makefile
	@mkdir -p $(@D)
	$(say)CC $@
	$(Q)$(CC) $(PLUGFLAGS) $(DEPFLAGS) -MF $@.d $(PLUGLINK) -o $@ $< -lcjson -lm

# Test connectors may define things wrongly on purpose, and are compiled without the warnings that would stop that.
$(BUILD)/tests/%.so: tests/%.c Makefile
	@mkdir -p $(@D)
	$(say)CC $@
	$(Q)$(CC) -Isdk -std=gnu11 $(OPT) -w -fPIC -fvisibility=hidden $(SANFLAGS) $(DEPFLAGS) -MF $@.d $(PLUGLINK) -o $@ $< $(shell sed -n 's|^// LIBS: ||p' $<) -lcjson -lm

$(BUILD)/sluice-provider: $(call objs,$(wildcard tools/provider/*.c) $(BASE))
	$(say)LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lz -lm

# A unit test links the host's library; those of the worker's side (worker_*.c) link the worker's.
$(BUILD)/tests/unit/worker_%: $(BUILD)/tests/unit/worker_%.o $(BUILD)/libworker.a
	$(say)LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(WORKLIBS)
# The TLS server of one test is no part of the host.
$(BUILD)/tests/flow/proxy_tls: HOSTLIBS += -lssl
$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libsluice.a
	$(say)LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(HOSTLIBS)

tests: all $(UNIT) $(TESTPLUG) $(BUILD)/sluice-control

check: tests
	BUILD=$(BUILD) tests/run
# By programs that Debian does not have: Node 20 or newer, and what tests/clients/package-lock.json pins.
check-clients: tests
	BUILD=$(abspath $(BUILD)) tests/clients/run
check-valgrind: tests
	BUILD=$(BUILD) tests/valgrind
check-asan:
	$(MAKE) SAN=1 check

# Fuzzing: each target of tests/fuzz for FUZZ_SECONDS with libFuzzer (clang; package libclang-rt-14-dev). `make fuzz FUZZ_SECONDS=600`.
FUZZ_SECONDS ?= 60
FUZZERS  := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(wildcard tests/fuzz/*.c))
fuzz:
	$(MAKE) CC=clang SAN=1 BUILD=build-fuzz EXTRA_CFLAGS='-fsanitize=fuzzer-no-link -DFUZZING' fuzz-run
fuzz-run: $(FUZZERS)
	for target in $(FUZZERS); do mkdir -p $$target.corpus && $$target -max_total_time=$(FUZZ_SECONDS) -print_final_stats=0 $$target.corpus || exit 1; done
$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/libsluice.a
	$(say)LD $@
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(HOSTLIBS)

bench: all $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c)) $(TESTPLUG)
	BUILD=$(BUILD) tests/bench/run

# The executables, headers, pkg-config file, plugins, manual pages, completion, configuration (never over one that is there), guides, units, the service's user.
install: all
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin libexec/sluice lib/sluice/plugins lib/pkgconfig lib/sysusers.d include etc/sluice/conf.d lib/systemd/system share/doc/sluice share/man/man1 share/man/man5 share/bash-completion/completions)
	install -m 755 $(BUILD)/sluice $(BUILD)/sluice-provider $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(BUILD)/sluice-worker $(DESTDIR)$(PREFIX)/libexec/sluice/
	install -m 755 $(PLUGIN_SO) $(DESTDIR)$(PREFIX)/lib/sluice/plugins/
	install -m 644 sdk/sluice.h sdk/sluice_json.h $(DESTDIR)$(PREFIX)/include/
	sed 's|@PREFIX@|$(PREFIX)|g; s|@VERSION@|$(VERSION)|g' sdk/sluice.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/sluice.pc
	test -e $(DESTDIR)$(PREFIX)/etc/sluice/sluice.ini || install -m 644 conf/sluice.ini.in $(DESTDIR)$(PREFIX)/etc/sluice/sluice.ini
	test -e $(DESTDIR)$(PREFIX)/etc/sluice/environment || install -m 600 conf/environment $(DESTDIR)$(PREFIX)/etc/sluice/environment
	install -m 644 conf/reference.ini $(DESTDIR)$(PREFIX)/etc/sluice/reference.ini
	install -m 644 $(BUILD)/man/sluice.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 $(BUILD)/man/sluice.ini.5 $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m 644 conf/completion.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/sluice
	install -m 644 conf/GUIDE.md $(DESTDIR)$(PREFIX)/share/doc/sluice/
	install -m 644 sdk/GUIDE.md $(DESTDIR)$(PREFIX)/share/doc/sluice/SDK.md
	install -m 644 tools/provider/README.md $(DESTDIR)$(PREFIX)/share/doc/sluice/PROVIDER.md
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/sluice/examples sdk/examples/*.c
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/sluice/monitoring conf/monitoring/*
	for readme in plugins/README.md plugins/*/README.md; do install -D -m 644 $$readme $(DESTDIR)$(PREFIX)/share/doc/sluice/$$readme; done
	install -m 644 conf/sluice.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/sluice.conf
	for unit in sluice.service sluice-run.service sluice-run.timer; do sed 's|PREFIX|$(PREFIX)|g' conf/$$unit > $(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit; done

clean:
	rm -rf build build-*

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
