# ThreadSanitizer.
MODE_CFLAGS = -O1 -DMH_DEBUG -fsanitize=thread -fno-omit-frame-pointer
MODE_LDFLAGS = -fsanitize=thread
