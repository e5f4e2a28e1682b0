/* SPDX-License-Identifier: MIT */
/*
 * Where boot puts firmware, kernel, initrd, device tree and reset vector, that a reset puts them
 * back, and what is refused. Addresses are QEMU's for the same images. Also: damaged device trees
 * are survived.
 */
#include "firmware/fdt.h"
#include "hw/host/bits.h"
#include "tests/firmware/guest.h"
#include <libfdt.h>

#define MUTATIONS 4000

enum { WORD_START = 32, WORD_FDT = 40, WORD_MAGIC = 48, WORD_NEXT = 64, WORD_MODE = 72 };

/* A small tree as the board would give. */
static void *make_fdt(void)
{
    struct fdt_board b = {
        .model = "test",
        .compatible = "test",
        .cpus = {.nharts = 2,
                 .timebase_hz = 10000000,
                 .isa = "rv64i",
                 .isa_base = "rv64i",
                 .isa_extensions = "i",
                 .isa_extensions_len = 2,
                 .mmu_type = "riscv,sv39"},
        .ram_base = RAM_BASE,
        .ram_size = RAM_SIZE,
    };
    struct err err;

    return fdt_build(&b, &err);
}

static struct boot *boot(struct guest *g, const struct boot_options *o, struct err *err)
{
    err->text[0] = '\0';
    return boot_new(o, &g->layout, g->map, o->dtb ? NULL : make_fdt(), err);
}

static uint64_t guest_u64(struct unit *u, struct guest *g, paddr_t pa)
{
    uint64_t value = 0;

    CHECK(u, memory_read(g->map, pa, &value, sizeof(value)));
    return value;
}

static uint8_t guest_u8(struct unit *u, struct guest *g, paddr_t pa)
{
    uint8_t value = 0;

    CHECK(u, memory_read(g->map, pa, &value, sizeof(value)));
    return value;
}

static void raw_images_go_where_qemu_puts_them(struct unit *u)
{
    char *fw = temp_file("FIRMWARE", 8), *kernel = temp_file("KERNEL__", 8),
         *initrd = temp_file("INITRD__", 8);
    struct boot_options o = {.bios = fw, .kernel = kernel, .initrd = initrd, .append = "quiet"};
    struct guest g;
    struct err err;
    struct boot *b;

    guest_init(&g);
    b = boot(&g, &o, &err);
    CHECK(u, b != NULL);
    CHECK_EQ(u, guest_u64(u, &g, RAM_BASE), 0);
    CHECK_EQ(u, boot_load(b, g.map, &err), 0);
    CHECK_EQ(u, guest_u64(u, &g, RAM_BASE), load_le64("FIRMWARE"));
    CHECK_EQ(u, guest_u64(u, &g, RAM_BASE + 0x200000), load_le64("KERNEL__"));
    CHECK_EQ(u, guest_u64(u, &g, RAM_BASE + 0x200000 + RAM_SIZE / 2), load_le64("INITRD__"));
    CHECK_EQ(u, guest_u64(u, &g, MROM_BASE + WORD_START), RAM_BASE);
    CHECK_EQ(u, guest_u64(u, &g, MROM_BASE + WORD_FDT), RAM_BASE + RAM_SIZE - 0x200000);
    CHECK_EQ(u, guest_u64(u, &g, MROM_BASE + WORD_MAGIC), 0x4942534f);
    CHECK_EQ(u, guest_u64(u, &g, MROM_BASE + WORD_NEXT), RAM_BASE + 0x200000);
    CHECK_EQ(u, guest_u64(u, &g, MROM_BASE + WORD_MODE), 1);
    CHECK_EQ(u, boot_reset_pc(b), MROM_BASE);
    boot_free(b);
    temp_file_drop(fw);
    temp_file_drop(kernel);
    temp_file_drop(initrd);
    guest_fini(&g);
}

static void chosen_has_what_the_command_line_says(struct unit *u)
{
    char *kernel = temp_file("KERNEL__", 8), *initrd = temp_file("INITRD__", 8);
    struct boot_options o = {
        .bios = "none", .kernel = kernel, .initrd = initrd, .append = "console=ttyS0 x=\"a b\""};
    uint64_t start = RAM_BASE + RAM_SIZE / 2;
    const void *fdt, *p;
    struct guest g;
    struct err err;
    struct boot *b;
    size_t size;
    int node, len;

    guest_init(&g);
    b = boot(&g, &o, &err);
    CHECK(u, b != NULL);
    fdt = boot_fdt(b, &size);
    CHECK_EQ(u, fdt_check_full(fdt, size), 0);
    node = fdt_path_offset(fdt, "/chosen");
    p = fdt_getprop(fdt, node, "bootargs", &len);
    CHECK(u, p && strcmp(p, o.append) == 0);
    p = fdt_getprop(fdt, node, "linux,initrd-start", &len);
    CHECK(u, p && len == 8 && fdt64_ld(p) == start);
    p = fdt_getprop(fdt, node, "linux,initrd-end", &len);
    CHECK(u, p && len == 8 && fdt64_ld(p) == start + 8);
    p = fdt_getprop(fdt, node, "rng-seed", &len);
    CHECK(u, p && len == FDT_RNG_SEED_SIZE);
    boot_free(b);
    temp_file_drop(kernel);
    temp_file_drop(initrd);
    guest_fini(&g);
}

/* Loads a machine whose IMAGE (a member of O) is an ELF program for ADDRESS. */
static void load_elf(struct unit *u, struct guest *g, struct boot_options *o, const char **image,
                     uint64_t address)
{
    uint8_t elf[ELF_SIZE];
    struct err err;
    struct boot *b;
    char *name;

    make_elf(elf, address);
    name = temp_file(elf, sizeof(elf));
    *image = name;
    b = boot(g, o, &err);
    CHECK(u, b && boot_load(b, g->map, &err) == 0);
    boot_free(b);
    temp_file_drop(name);
}

static void without_firmware_the_base_of_ram_is_entered(struct unit *u)
{
    struct boot_options o = {.bios = "none"};
    struct guest g;

    guest_init(&g);
    load_elf(u, &g, &o, &o.kernel, RAM_BASE);
    CHECK_EQ(u, guest_u64(u, &g, MROM_BASE + WORD_START), RAM_BASE);
    load_elf(u, &g, &o, &o.kernel, RAM_BASE + 0x100000);
    CHECK_EQ(u, guest_u64(u, &g, MROM_BASE + WORD_START), RAM_BASE + 0x100008);
    guest_fini(&g);
}

static void an_elf_firmware_is_entered_at_its_entry(struct unit *u)
{
    struct boot_options o = {0};
    struct guest g;

    guest_init(&g);
    load_elf(u, &g, &o, &o.bios, RAM_BASE + 0x4000);
    CHECK_EQ(u, guest_u64(u, &g, MROM_BASE + WORD_START), RAM_BASE + 0x4008);
    CHECK_EQ(u, guest_u64(u, &g, MROM_BASE + WORD_NEXT), 0);
    CHECK_EQ(u, guest_u8(u, &g, RAM_BASE + 0x4000), 0x5a);
    guest_fini(&g);
}

static void a_reset_restores_images_and_clears_bss(struct unit *u)
{
    static const uint8_t dirt[0x200] = {[0 ... 0x1ff] = 0xee};
    uint8_t elf[ELF_SIZE], seed[2][FDT_RNG_SEED_SIZE];
    char *name;
    struct boot_options o = {.bios = "none"};
    struct guest g;
    struct err err;
    struct boot *b;

    guest_init(&g);
    make_elf(elf, RAM_BASE);
    name = temp_file(elf, sizeof(elf));
    o.kernel = name;
    b = boot(&g, &o, &err);
    CHECK(u, b != NULL);
    for (unsigned i = 0; i < 2; i++) {
        const void *fdt, *p;
        size_t size;
        int len;

        CHECK(u, memory_write(g.map, RAM_BASE, dirt, i ? sizeof(dirt) : 0));
        CHECK_EQ(u, boot_load(b, g.map, &err), 0);
        CHECK_EQ(u, guest_u8(u, &g, RAM_BASE + 0xff), 0x5a);
        CHECK_EQ(u, guest_u8(u, &g, RAM_BASE + 0x100), 0);
        CHECK_EQ(u, guest_u8(u, &g, RAM_BASE + 0x17f), 0);
        fdt = boot_fdt(b, &size);
        p = fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), "rng-seed", &len);
        memcpy(seed[i], p, sizeof(seed[i]));
        unlink(name);
    }
    CHECK_EQ(u, guest_u8(u, &g, RAM_BASE + 0x180), 0xee);
    CHECK(u, memcmp(seed[0], seed[1], sizeof(seed[0])) != 0);
    boot_free(b);
    free(name);
    guest_fini(&g);
}

static void overlapping_images_are_refused(struct unit *u)
{
    uint8_t elf[ELF_SIZE];
    char *kernel, *fw = temp_file("FIRMWARE", 8);
    struct boot_options o = {.bios = fw};
    struct guest g;
    struct err err;

    guest_init(&g);
    make_elf(elf, RAM_BASE + 4);
    kernel = temp_file(elf, sizeof(elf));
    o.kernel = kernel;
    CHECK(u, boot(&g, &o, &err) == NULL);
    CHECK(u, strstr(err.text, "the kernel") && strstr(err.text, "overlaps the firmware"));
    temp_file_drop(kernel);
    temp_file_drop(fw);
    guest_fini(&g);
}

static void missing_files_are_named(struct unit *u)
{
    const struct boot_options options[] = {
        {.bios = "/nonexistent/fw"},
        {.bios = "none", .kernel = "/nonexistent/kernel"},
        {.bios = "none", .initrd = "/nonexistent/initrd"},
        {.bios = "none", .dtb = "/nonexistent/dtb"},
    };
    static const char *const expect[] = {
        "could not load firmware '/nonexistent/fw'",
        "could not load kernel '/nonexistent/kernel'",
        "could not load ramdisk '/nonexistent/initrd'",
        "could not load device tree '/nonexistent/dtb'",
    };
    struct guest g;

    guest_init(&g);
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        struct err err;

        CHECK(u, boot(&g, &options[i], &err) == NULL);
        CHECK(u, strstr(err.text, expect[i]) != NULL);
    }
    guest_fini(&g);
}

static void loader_devices_put_files_and_values_into_memory(struct unit *u)
{
    char *raw = temp_file("RAWBYTES", 8);
    struct boot_extra extras[] = {
        {.file = raw, .has_addr = true, .addr = RAM_BASE + 0x1000},
        {.has_addr = true, .addr = RAM_BASE + 0x2000, .data = 0x1122334455667788, .data_len = 4},
    };
    struct boot_options o = {.bios = "none", .extras = extras, .nextras = 2};
    struct guest g;
    struct err err;
    struct boot *b;

    guest_init(&g);
    b = boot(&g, &o, &err);
    CHECK(u, b && boot_load(b, g.map, &err) == 0);
    CHECK_EQ(u, guest_u64(u, &g, RAM_BASE + 0x1000), load_le64("RAWBYTES"));
    CHECK_EQ(u, guest_u64(u, &g, RAM_BASE + 0x2000), 0x55667788);
    boot_free(b);
    extras[0].addr = 0x10000000;
    CHECK(u, boot(&g, &o, &err) == NULL);
    extras[0].has_addr = false;
    CHECK(u, boot(&g, &o, &err) == NULL);
    CHECK(u, strstr(err.text, "addr=") != NULL);
    temp_file_drop(raw);
    guest_fini(&g);
}

static void a_users_dtb_is_patched_only_in_chosen(struct unit *u)
{
    uint8_t tree[1024];
    char *name;
    struct boot_options o = {.bios = "none", .append = "hello"};
    char *kernel = temp_file("K", 1);
    struct guest g;
    struct err err;
    struct boot *b;
    const void *fdt;
    size_t size;
    int len;

    fdt_create_empty_tree(tree, sizeof(tree));
    fdt_setprop_string(tree, 0, "model", "mine");
    name = temp_file(tree, fdt_totalsize(tree));
    o.dtb = name;
    o.kernel = kernel;
    guest_init(&g);
    b = boot(&g, &o, &err);
    CHECK(u, b != NULL);
    fdt = boot_fdt(b, &size);
    CHECK_EQ(u, fdt_check_full(fdt, size), 0);
    CHECK(u, strcmp(fdt_getprop(fdt, 0, "model", &len), "mine") == 0);
    CHECK(u, strcmp(fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), "bootargs", &len), "hello") ==
                 0);
    boot_free(b);
    temp_file_drop(name);
    temp_file_drop(kernel);
    guest_fini(&g);
}

static void damaged_device_trees_are_survived(struct unit *u)
{
    void *tree = make_fdt();
    size_t size;
    uint64_t seed = 99;
    struct guest g;

    fdt_pack(tree);
    size = fdt_totalsize(tree);
    guest_init(&g);
    for (unsigned i = 0; i < MUTATIONS; i++) {
        struct boot_options o = {.bios = "none"};
        uint8_t *copy = malloc(size);
        size_t keep = i % 4 ? size : 1 + random_next(&seed) % size;
        struct boot *b;
        struct err err;
        char *name;

        memcpy(copy, tree, size);
        for (unsigned n = 1 + i % 3; n > 0; n--) {
            uint64_t r = random_next(&seed);

            copy[(r >> 8) % (r & 1 ? sizeof(struct fdt_header) : size)] = (uint8_t)(r >> 56);
        }
        name = temp_file(copy, keep);
        o.dtb = name;
        b = boot(&g, &o, &err);
        CHECK(u, b ? boot_load(b, g.map, &err) == 0 : err.text[0] != '\0');
        boot_free(b);
        temp_file_drop(name);
        free(copy);
    }
    guest_fini(&g);
    free(tree);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(raw_images_go_where_qemu_puts_them),
        UNIT(chosen_has_what_the_command_line_says),
        UNIT(without_firmware_the_base_of_ram_is_entered),
        UNIT(an_elf_firmware_is_entered_at_its_entry),
        UNIT(a_reset_restores_images_and_clears_bss),
        UNIT(overlapping_images_are_refused),
        UNIT(missing_files_are_named),
        UNIT(loader_devices_put_files_and_values_into_memory),
        UNIT(a_users_dtb_is_patched_only_in_chosen),
        UNIT(damaged_device_trees_are_survived),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
