# The option tests use the program's own objects, all but main.
OPTION_TEST_OBJS = $(patsubst %.c,$(BUILD)/%.o,hw/options.c hw/props.c $(wildcard hw/opt-*.c))
OPTION_TEST_BINS = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/options/test-*.c))

$(OPTION_TEST_BINS): %: %.o $(OPTION_TEST_OBJS) $(LIBRARIES)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $< $(OPTION_TEST_OBJS) -Wl,--start-group $(LIBRARIES) -Wl,--end-group $(LIBS)
