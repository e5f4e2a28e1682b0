# AddressSanitizer and UndefinedBehaviorSanitizer.
MODE_CFLAGS = -O1 -DMH_DEBUG -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
MODE_LDFLAGS = -fsanitize=address,undefined
