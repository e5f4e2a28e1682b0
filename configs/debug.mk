# Assertions about lock order, no optimisation.
MODE_CFLAGS = -O0 -DMH_DEBUG
