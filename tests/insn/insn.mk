# Guest programs of tests/insn and tests/smp: ELF files in $(BUILD)/tests/. See the README.md of both.
RISCV_CC ?= riscv64-linux-gnu-gcc
RT_DIR = tests/insn
RT_SRCS = $(RT_DIR)/start.S $(RT_DIR)/rt.c
RT_DEPS = $(RT_SRCS) $(RT_DIR)/rt.h $(RT_DIR)/link.ld
RT_MAX_HARTS = 8
# The compiler itself is kept to IMAC, so that what it makes of C stays away from what is tested.
RT_CFLAGS = -I. -O2 -ffreestanding -nostdlib -fno-pic -no-pie -static -mcmodel=medany -mabi=lp64 -msmall-data-limit=0 \
	-march=rv64imac_zicsr_zifencei -mno-riscv-attribute -mno-relax \
	-Wa,-march=rv64imafdc_zicsr_zifencei_zba_zbb_zbc_zbs_zicbom_zicboz_zicbop \
	-fno-strict-aliasing -fno-tree-loop-distribute-patterns -DRT_MAX_HARTS=$(RT_MAX_HARTS) -Wall -Wextra -Werror \
	-Wl,--build-id=none -Wl,--no-warn-rwx-segments -T $(RT_DIR)/link.ld

VALUE_PROGRAMS = i m zba zbb zbc zbs f d c
INSN_PROGRAMS = $(VALUE_PROGRAMS) $(patsubst tests/insn/guest-%.c,%,$(wildcard tests/insn/guest-*.c))
SMP_PROGRAMS = $(patsubst tests/smp/guest-%.c,%,$(wildcard tests/smp/guest-*.c))
INSN_ELFS = $(INSN_PROGRAMS:%=$(BUILD)/tests/insn/%.elf)
SMP_ELFS = $(SMP_PROGRAMS:%=$(BUILD)/tests/smp/%.elf)

$(VALUE_PROGRAMS:%=$(BUILD)/tests/insn/%.S): $(BUILD)/tests/insn/%.S: tests/insn/gen.py tests/insn/model.py
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)python3 -B tests/insn/gen.py $* >$@.tmp && mv $@.tmp $@

$(VALUE_PROGRAMS:%=$(BUILD)/tests/insn/%.elf): %.elf: %.S tests/insn/values.c $(RT_DEPS) tests/insn/insn.mk
	$(call say,GUEST,$@)
	$(Q)$(RISCV_CC) $(RT_CFLAGS) -o $@ $(RT_SRCS) tests/insn/values.c $<

$(BUILD)/tests/insn/%.elf: tests/insn/guest-%.c tests/insn/paging.h $(RT_DEPS) tests/insn/insn.mk
	@mkdir -p $(@D)
	$(call say,GUEST,$@)
	$(Q)$(RISCV_CC) $(RT_CFLAGS) -o $@ $(RT_SRCS) $<

$(BUILD)/tests/smp/%.elf: tests/smp/guest-%.c tests/smp/smp.h tests/insn/paging.h $(RT_DEPS) tests/insn/insn.mk
	@mkdir -p $(@D)
	$(call say,GUEST,$@)
	$(Q)$(RISCV_CC) $(RT_CFLAGS) -o $@ $(RT_SRCS) $<

insn-bins: $(INSN_ELFS)
smp-bins: $(SMP_ELFS)

.PHONY: insn-bins smp-bins
