# SPDX-License-Identifier: MIT
# manyhart: `make run` boots Linux, `make check` tests everything, `make help` lists the rest.
# Folders are libraries (see README.md); every .c of a folder belongs to it.

BUILD ?= build
MODE ?= release
# One name for one folder: targets and dependency files carry it.
override BUILD := $(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))
CC ?= gcc
V ?= 0

include configs/$(MODE).mk

CFLAGS_ALL = -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -I. \
	-fno-strict-aliasing -fno-common -g -MMD -MP -DMH_VERSION='"$(VERSION)"' $(MODE_CFLAGS) $(CFLAGS)
LDFLAGS_ALL = -pthread $(MODE_LDFLAGS) $(LDFLAGS)
LIBS = -lfdt -lz -lm
VERSION = 0.1.0

Q = $(if $(filter 0,$(V)),@)
say = @printf '  %-7s %s\n' $(1) $(2)

# In link order: a library may need those behind it.
FOLDERS = firmware devices target-riscv accel tcg softmmu hw/backend hw/core hw/host
srcs = $(wildcard $(1)/*.c) $(if $(filter tcg,$(1)),$(wildcard tcg/x86_64/*.c))
objs = $(patsubst %.c,$(BUILD)/%.o,$(call srcs,$(1)))
lib = $(BUILD)/lib$(subst /,-,$(1)).a
LIBRARIES = $(foreach f,$(FOLDERS),$(call lib,$(f)))
MAIN_OBJS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard hw/*.c))
BIN = $(BUILD)/manyhart

all: $(BIN)

$(BIN): $(MAIN_OBJS) $(LIBRARIES)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(MAIN_OBJS) -Wl,--start-group $(LIBRARIES) -Wl,--end-group $(LIBS)

define library
$(call lib,$(1)): $(call objs,$(1))
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && $(AR) rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call library,$(f))))

# What the build itself needs. A machine that has it, from wherever, is left as it is.
$(BUILD)/.tools:
	@mkdir -p $(@D)
	@printf '#include <libfdt.h>\n#include <zlib.h>\nint main(void) { return !(fdt_strerror(0) && zlibVersion()); }\n' | \
		$(CC) -x c -o $@.probe - $(LIBS) 2>/dev/null || tests/guest/install-deps.sh build
	@rm -f $@.probe
	@touch $@

$(BUILD)/%.o: %.c Makefile configs/$(MODE).mk | $(BUILD)/.tools
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -c -o $@ $<

# --- tests: every tests/*/test-*.c is a program linked with all libraries ---------------------------------------------------
UNITS = $(wildcard tests/*/test-*.c)
UNIT_BINS = $(UNITS:%.c=$(BUILD)/%)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(LIBRARIES)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $< -Wl,--start-group $(LIBRARIES) -Wl,--end-group $(LIBS)

unit-bins: $(UNIT_BINS)

# The unit tests under a sanitizer, in their own folders below BUILD.
asan tsan:
	@BUILD=$(abspath $(BUILD)) tests/run-sanitized.sh $@

lint: all
	@tests/lint/lint.sh $(BUILD)

# Other versions lay out some constructs otherwise: with them the tree would change to and fro.
format:
	@clang-format --version | grep -q 'version 14\.' || { echo "make format: needs clang-format 14, for which .clang-format was made"; exit 1; }
	clang-format -i $$(git ls-files '*.c' '*.h')

help:
	@echo "make          build $(BIN)"
	@echo "make run      install what is missing, fetch a guest, boot it to a shell"
	@echo "make check    all tests; make check SUITES='unit smp' for some (tests/suites.txt)"
	@echo "make asan     unit tests under AddressSanitizer and UndefinedBehaviorSanitizer"
	@echo "make tsan     unit tests under ThreadSanitizer"
	@echo "make torture  random programs against QEMU and the interpreter: N=100000 SEED=1"
	@echo "make fp       floating point against QEMU, bit for bit: N=10000000 SEED=1"
	@echo "make bench    speed against QEMU in the same run"
	@echo "make lint     layers, headers, globals, locks, style;  make format: clang-format"
	@echo "make clean    removes what was built, but not fetched guests;  make distclean: all of $(BUILD)"
	@echo "MODE=release|debug|asan|tsan  BUILD=folder  V=1"

-include $(wildcard tests/*/*.mk)
-include $(shell find $(BUILD) -path $(BUILD)/guest -prune -o -type f -name '*.d' -print 2>/dev/null)

# Fetched guests stay: they are hundreds of MB, and no part of what was built.
clean:
	$(Q)[ ! -d $(BUILD) ] || find $(BUILD) -mindepth 1 -maxdepth 1 ! -path $(BUILD)/guest -exec rm -rf {} +
	$(Q)[ ! -d $(BUILD) ] || rmdir --ignore-fail-on-non-empty $(BUILD)

distclean:
	rm -rf $(BUILD)

.PHONY: all clean distclean unit-bins asan tsan lint format help
.SECONDARY:
