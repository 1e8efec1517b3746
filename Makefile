# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
TOOLS := handlerlat tcplat httpsniff httptrace

# make                 build .output/bin/TOOL
# make check           every test; sudo scripts/check installs what it needs first
# make check-quick     the tests that need no guest
# make check-arm64     tests in emulated arm64 guests, some minutes of them
# make bench TOOL=X    what X costs, beside others
# make soak            ten minutes of all tools on busy servers
# make install DESTDIR= prefix=
# make LIBBPF=DIR      use the libbpf built in that source tree (DIR/src), not the system's
# make STATIC=1        one portable file
# make VMLINUX_H=FILE  compile the kernel halves against a full vmlinux.h
# make CC=aarch64-linux-gnu-gcc ARCH=arm64     cross-compile; SYSROOT=DIR has its libraries
# make V=1             show the commands

comma   := ,
O       ?= .output
prefix  ?= /usr/local
CLANG   ?= clang
STRIP   ?= llvm-strip
# llvm-strip 14 cannot strip glibc's static programs.
USERSTRIP = $(if $(filter %-gcc,$(CC)),$(CC:gcc=strip),strip)
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool) bpftool)
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := $(if $(filter %-gcc,$(CC)),$(CC:gcc=g++),g++)
endif
VERSION := 0.1
HOSTARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
ARCH    ?= $(HOSTARCH)
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)

sysroot_cflags  := $(if $(SYSROOT),-isystem $(SYSROOT)/usr/include -isystem $(SYSROOT)/usr/include/$(MULTIARCH))
sysroot_ldflags := $(if $(SYSROOT),-L$(SYSROOT)/usr/lib/$(MULTIARCH) \
	-Wl$(comma)-rpath-link$(comma)$(SYSROOT)/usr/lib/$(MULTIARCH))

CFLAGS  ?= -O2 -g
WARN    := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wno-unused-parameter $(if $(WERROR),-Werror)
ALLCFLAGS := -std=gnu17 $(WARN) -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Ibpf -Icommon -I$(O)/skel \
	$(if $(LIBBPF),-I$(O)/libbpf/include -I$(LIBBPF)/include/uapi) $(sysroot_cflags)
BPFCFLAGS := -target bpf -mcpu=v2 -O2 -g -std=gnu17 -D__TARGET_ARCH_$(ARCH) -Wall -Wextra -Wno-unused-parameter \
	-Wno-missing-declarations $(if $(WERROR),-Werror) \
	$(if $(VMLINUX_H),-I$(O)/vmlinux) -Ibpf $(if $(LIBBPF),-I$(O)/libbpf/include) \
	-idirafter /usr/include/$(or $(MULTIARCH),$(shell uname -m)-linux-gnu)
LIBBPF_A := $(if $(LIBBPF),$(LIBBPF)/src/libbpf.a)
LDLIBS  := $(or $(LIBBPF_A),-lbpf) -lelf -lz
LIBS_tcplat := -ljson-c
LDFLAGS += $(if $(STATIC),-static) $(sysroot_ldflags)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2))

common_src := $(wildcard common/*.c)
common_obj := $(common_src:common/%.c=$(O)/common/%.o)
unit_tests := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))
fuzzers    := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
loads      := $(patsubst tests/load/%.c,%,$(wildcard tests/load/*.c)) exceptions symbols tcp http
benches    := $(patsubst tests/bench/%.c,%,$(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))
formatted  := $(wildcard common/*.[ch] tools/*.[ch] bpf/*.c tests/*/*.[ch] tests/load/*.cc \
	tests/load/symbols/*.[ch] tests/load/tcp/*.[ch] tests/load/http/*.[ch] \
	tests/load/go/*/*.c) \
	$(filter-out bpf/vmlinux.h,$(wildcard bpf/*.h))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all list clean install check check-quick check-arm64 unit workloads fuzz load bench soak format check-format
all: $(TOOLS:%=$(O)/bin/%)

list:
	@for t in $(TOOLS); do sed -n 's/^.*\\- //p' man/$$t.8 | head -1 | sed "s/^/$$t  /"; done

# A tool with no man page or no test is refused here, before anything is built.
$(foreach t,$(TOOLS),$(if $(wildcard man/$(t).8),,$(error $(t) has no man page: write man/$(t).8)))
$(foreach t,$(TOOLS),$(if $(wildcard tests/behave/$(t)*.sh),,$(error $(t) has no test: write tests/behave/$(t).sh)))

# --- kernel half: X.bpf.c -> X.bpf.o -> X.skel.h. Linking resolves the relocations of
# its line numbers, so that neither they nor the labels that they name are carried about.
ifdef VMLINUX_H
$(O)/vmlinux/vmlinux.h: $(VMLINUX_H)
	@mkdir -p $(@D)
	$(Q)cp $< $@
bpf_dep := $(O)/vmlinux/vmlinux.h
endif
ifdef LIBBPF
$(O)/libbpf/include/bpf/bpf.h: $(wildcard $(LIBBPF)/src/*.h)
	@mkdir -p $(@D)
	$(Q)cp $(LIBBPF)/src/*.h $(@D)/
bpf_dep += $(O)/libbpf/include/bpf/bpf.h
$(common_obj): | $(O)/libbpf/include/bpf/bpf.h
endif
$(O)/bpf/%.bpf.o: bpf/%.bpf.c $(bpf_dep)
	@mkdir -p $(@D)
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPFCFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c $< -o $@.tmp
	$(Q)$(BPFTOOL) gen object $@ $@.tmp
	$(Q)$(STRIP) -g --wildcard --strip-symbol='LBB*' $@
	$(Q)rm $@.tmp
$(O)/tests/bench/%.bpf.o: tests/bench/%.bpf.c $(bpf_dep)
	@mkdir -p $(@D)
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPFCFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c $< -o $@
$(O)/skel/%.skel.h: $(O)/bpf/%.bpf.o
	@mkdir -p $(@D)
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# --- user half
$(O)/common/%.o: common/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CFLAGS) $(ALLCFLAGS) -MMD -MP -c $< -o $@
$(O)/libreq.a: $(common_obj)
	$(call say,AR,$@)
	$(Q)rm -f $@; $(AR) rcs $@ $^
$(O)/tools/%.o: tools/%.c | $(TOOLS:%=$(O)/skel/%.skel.h)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CFLAGS) $(ALLCFLAGS) -MMD -MP -c $< -o $@
# A tool is tools/X.c and, where it has parts, tools/X_*.c.
.SECONDEXPANSION:
parts = $(patsubst %.c,$(O)/%.o,tools/$(1).c $(wildcard tools/$(1)_*.c))
$(TOOLS:%=$(O)/bin/%): $(O)/bin/%: $$(call parts,$$*) $(O)/libreq.a $(LIBBPF_A)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(call parts,$*) $(O)/libreq.a $(LIBS_$*) $(LDLIBS) -lpthread -o $@
	$(if $(STATIC),$(Q)$(USERSTRIP) $@)

# --- tests. The user half is compiled a second time with the sanitizers for them.
SAN := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
$(O)/asan/%.o: common/%.c
	@mkdir -p $(@D)
	$(call say,CC-ASAN,$@)
	$(Q)$(CC) $(SAN) $(ALLCFLAGS) -MMD -MP -c $< -o $@
$(O)/asan/libreq.a: $(common_src:common/%.c=$(O)/asan/%.o)
	$(Q)rm -f $@; $(AR) rcs $@ $^
$(O)/tests/unit/%: tests/unit/%.c $(O)/asan/libreq.a
	@mkdir -p $(@D)
	$(call say,CC-ASAN,$@)
	$(Q)$(CC) $(SAN) $(ALLCFLAGS) -Itests -MMD -MP $< $(O)/asan/libreq.a $(sysroot_ldflags) $(LDLIBS) -o $@
$(O)/fuzz/%.o: common/%.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(SAN) -fsanitize=fuzzer-no-link $(ALLCFLAGS) -MMD -MP -c $< -o $@
$(O)/fuzz/libreq.a: $(common_src:common/%.c=$(O)/fuzz/%.o)
	$(Q)rm -f $@; $(AR) rcs $@ $^
$(O)/tests/fuzz/%: tests/fuzz/%.c $(O)/fuzz/libreq.a
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)
	$(Q)$(CLANG) $(SAN) -fsanitize=fuzzer $(ALLCFLAGS) -Itests -MMD -MP $< $(O)/fuzz/libreq.a $(LDLIBS) -o $@
$(O)/tests/load/%: tests/load/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -O2 -g -std=gnu17 $(WARN) -D_GNU_SOURCE -fno-omit-frame-pointer -MMD -MP $< -o $@ -lpthread

$(O)/tests/load/exceptions: tests/load/exceptions.cc tests/load/load.h
	@mkdir -p $(@D)
	$(call say,CXX,$@)
	$(Q)$(CXX) -O2 -g -std=gnu++17 -Wall -Wextra -Wno-unused-parameter $(if $(WERROR),-Werror) \
		-D_GNU_SOURCE -fno-omit-frame-pointer $< -o $@
$(O)/tests/load/symbols: $(wildcard tests/load/symbols/*.c) tests/load/load.h tests/load/symbols/symbols.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -O2 -g -std=gnu17 $(WARN) -D_GNU_SOURCE -fno-omit-frame-pointer $(filter %.c,$^) -o $@
$(O)/tests/load/tcp: $(wildcard tests/load/tcp/*.[ch]) tests/load/load.h tests/load/uring.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -O2 -g -std=gnu17 $(WARN) -D_GNU_SOURCE -fno-omit-frame-pointer $(filter %.c,$^) -o $@ -lpthread
$(O)/tests/load/http: $(wildcard tests/load/http/*.[ch]) tests/load/load.h tests/load/uring.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -O2 -g -std=gnu17 $(WARN) -D_GNU_SOURCE -fno-omit-frame-pointer $(sysroot_cflags) $(filter %.c,$^) \
		-o $@ $(sysroot_ldflags) -lpthread -lz
$(O)/tests/bench/standin: $(O)/tests/bench/standin.bpf.o
$(O)/tests/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CFLAGS) $(ALLCFLAGS) -MMD -MP $< $(LDLIBS) -o $@

unit: $(unit_tests:%=$(O)/tests/unit/%)
fuzz: $(fuzzers:%=$(O)/tests/fuzz/%)
workloads: $(loads:%=$(O)/tests/load/%)
load: workloads $(benches:%=$(O)/tests/bench/%)

check: all unit load
	tests/run.sh
check-quick: all unit load
	tests/run.sh --quick
# What runs there is cross-compiled: tools, and workloads in C and in Go.
arm64 := CC=aarch64-linux-gnu-gcc ARCH=arm64
cache := $(or $(REQTOOLS_CACHE),$(or $(XDG_CACHE_HOME),/var/cache)/reqtools)
check-arm64:
	$(MAKE) $(arm64) O=$(O)/arm64 SYSROOT=$(cache)/sysroot-arm64 all workloads
	$(arm64) tests/c-build.sh $(abspath $(O))/arm64/tests/load
	$(arm64) tests/go-build.sh $(abspath $(O))/arm64/tests/go
	tests/run.sh $(addprefix --guest ,$(shell scripts/kernels names arm64)) matrix
bench: all load
	tests/bench/run.sh
soak: all load
	tests/soak.sh

# --- housekeeping
format:
	clang-format -i $(formatted)
check-format:
	clang-format --dry-run -Werror $(formatted)
install: all
	install -d $(DESTDIR)$(prefix)/sbin $(DESTDIR)$(prefix)/share/man/man8 $(DESTDIR)$(prefix)/share/man/man7
	install -m 755 $(TOOLS:%=$(O)/bin/%) $(DESTDIR)$(prefix)/sbin/
	install -m 644 $(TOOLS:%=man/%.8) $(DESTDIR)$(prefix)/share/man/man8/
	install -m 644 $(wildcard man/*.7) $(DESTDIR)$(prefix)/share/man/man7/
clean:
	rm -rf $(O)

-include $(wildcard $(O)/*/*.d $(O)/tests/*/*.d $(O)/*/*.bpf.d)
