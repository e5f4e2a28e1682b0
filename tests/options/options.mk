# The option tests use the program's own objects, all but main.
OPTION_TEST_OBJS = $(patsubst %.c,$(BUILD)/%.o,hw/options.c hw/props.c $(wildcard hw/opt-*.c))
OPTION_TEST_BINS = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/options/test-*.c))

$(OPTION_TEST_BINS): $(OPTION_TEST_OBJS)
$(OPTION_TEST_BINS): UNIT_EXTRA = $(OPTION_TEST_OBJS)
