# The torture test: a guest runtime, and the generator and runner that carry it. See README.md.
TORTURE = $(BUILD)/tests/torture/torture
TORTURE_DIR = $(BUILD)/tests/torture
TORTURE_OBJS = $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/torture/runtime.c,$(wildcard tests/torture/*.c)))
RISCV_CC ?= riscv64-linux-gnu-gcc
RISCV_OBJCOPY ?= riscv64-linux-gnu-objcopy
TORTURE_GUEST_CFLAGS = -I. -O2 -ffreestanding -nostdlib -fno-pic -no-pie -static -mcmodel=medany -mabi=lp64 \
	-march=rv64ima_zicsr_zifencei -Wall -Wextra -Wl,--build-id=none

$(TORTURE_DIR)/runtime.elf: $(addprefix tests/torture/,runtime.c runtime-start.S runtime.ld guest.h csr-digest.def)
	@mkdir -p $(@D)
	$(call say,GUEST,$@)
	$(Q)$(RISCV_CC) $(TORTURE_GUEST_CFLAGS) -T tests/torture/runtime.ld -o $@ tests/torture/runtime-start.S tests/torture/runtime.c

$(TORTURE_DIR)/runtime.bin: $(TORTURE_DIR)/runtime.elf
	$(Q)$(RISCV_OBJCOPY) -O binary $< $@

$(TORTURE_DIR)/runtime-image.o: tests/torture/runtime-image.S $(TORTURE_DIR)/runtime.bin
	$(Q)$(CC) -c -DRUNTIME_BIN='"$(TORTURE_DIR)/runtime.bin"' -o $@ $<

$(TORTURE): $(TORTURE_OBJS) $(TORTURE_DIR)/runtime-image.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# At length, on all configurations: make torture N=100000 SEED=1
torture: N ?= 100000
torture: SEED ?= 1
torture: $(BIN) $(TORTURE)
	$(TORTURE) --manyhart $(BIN) --seed $(SEED) --count $(N)

.PHONY: torture
