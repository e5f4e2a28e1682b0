# The default: optimised, with debug information.
MODE_CFLAGS = -O2
