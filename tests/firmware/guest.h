/* SPDX-License-Identifier: MIT */
/*
 * What the firmware tests share: a guest memory, image makers, temporary files, and a random number
 * generator.
 */
#ifndef TESTS_FIRMWARE_GUEST_H
#define TESTS_FIRMWARE_GUEST_H

#include "firmware/internal.h"
#include "hw/core/machine.h"
#include "tests/unit.h"
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define RAM_BASE  UINT64_C(0x80000000)
#define RAM_SIZE  (UINT64_C(64) << 20)
#define MROM_BASE UINT64_C(0x1000)
#define MROM_SIZE UINT64_C(0xf000)

struct guest {
    struct machine machine;
    struct memory_map *map;
    struct image_target target;
    struct boot_layout layout;
};

static inline void guest_init(struct guest *g)
{
    struct err err;

    memset(g, 0, sizeof(*g));
    g->map = memory_map_new(&g->machine);
    if (memory_add_ram(g->map, MROM_BASE, MROM_SIZE, MEMORY_ROM, &err) < 0 ||
        memory_add_ram(g->map, RAM_BASE, RAM_SIZE, MEMORY_RAM, &err) < 0) {
        abort();
    }
    g->target = (struct image_target){.map = g->map, .max_size = RAM_SIZE};
    g->layout = (struct boot_layout){RAM_BASE, RAM_SIZE, MROM_BASE, MROM_SIZE};
}

static inline void guest_fini(struct guest *g)
{
    memory_map_free(g->map);
}

/* xorshift64*: the same sequence everywhere, so that a failure can be repeated. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* A temporary file with these bytes; unlink and free the name. */
static inline char *temp_file(const void *data, size_t size)
{
    char *name = strdup("/tmp/manyhart-test-XXXXXX");
    int fd = mkstemp(name);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
        abort();
    }
    close(fd);
    return name;
}

static inline void temp_file_drop(char *name)
{
    unlink(name);
    free(name);
}

#define ELF_SIZE 0x400

/*
 * An ELF program: 0x100 bytes of 0x5a at PA and 0x80 of zeroes behind them, 0x40 of 0xa5 at PA +
 * 0x10000.
 */
static inline void make_elf(uint8_t elf[ELF_SIZE], uint64_t pa)
{
    Elf64_Ehdr eh = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_RISCV,
        .e_version = EV_CURRENT,
        .e_entry = pa + 8,
        .e_phoff = sizeof(eh),
        .e_ehsize = sizeof(eh),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 2,
    };
    Elf64_Phdr ph[2] = {
        {.p_type = PT_LOAD,
         .p_offset = 0x200,
         .p_vaddr = ~UINT64_C(0),
         .p_paddr = pa,
         .p_filesz = 0x100,
         .p_memsz = 0x180},
        {.p_type = PT_LOAD,
         .p_offset = 0x300,
         .p_paddr = pa + 0x10000,
         .p_filesz = 0x40,
         .p_memsz = 0x40},
    };

    memset(elf, 0, ELF_SIZE);
    memcpy(elf, &eh, sizeof(eh));
    memcpy(elf + sizeof(eh), ph, sizeof(ph));
    memset(elf + 0x200, 0x5a, 0x100);
    memset(elf + 0x300, 0xa5, 0x40);
}

/* gzip of DATA into a malloc'ed buffer. */
static inline uint8_t *make_gzip(const void *data, size_t size, size_t *out_size)
{
    z_stream z = {0};
    size_t room = size + 4096;
    uint8_t *out = malloc(room);

    if (!out || deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        abort();
    }
    z.next_in = (Bytef *)data;
    z.avail_in = (uInt)size;
    z.next_out = out;
    z.avail_out = (uInt)room;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) {
        abort();
    }
    *out_size = room - z.avail_out;
    deflateEnd(&z);
    return out;
}

#endif
