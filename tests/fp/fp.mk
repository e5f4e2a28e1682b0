# Floating point against a reference, bit for bit. At length: make fp N=10000000 (random operands for each instruction).
FP_SRCS = $(addprefix tests/fp/,guest.c operands.c kernels.c)

$(BUILD)/tests/fp/fp.elf: $(FP_SRCS) tests/fp/guest.h tests/fp/ops.def tests/fp/fp.mk $(addprefix tests/insn/,start.S rt.c rt.h link.ld)
	@mkdir -p $(@D)
	$(call say,GUEST,$@)
	$(Q)$(RISCV_CC) $(RT_CFLAGS) -o $@ $(RT_SRCS) $(FP_SRCS)

fp-bins: $(BUILD)/tests/fp/fp.elf

CHECK_BINS += fp-bins

fp: N ?= 10000000
fp: SEED ?= 1
fp: $(BIN) fp-bins
	@tests/guest/fetch.sh qemu
	@BUILD=$(abspath $(BUILD)) tests/fp/run.py --random $(N) --seed $(SEED)

.PHONY: fp fp-bins
