/* SPDX-License-Identifier: MIT */
/*
 * Image formats: what is loaded where, what is refused and why, and that damaged files of every
 * kind end in an error message and nothing else (run under AddressSanitizer: make asan).
 */
#include "hw/host/bits.h"
#include "tests/firmware/guest.h"
#include <errno.h>

#define MUTATIONS 4000

static int load_elf(struct guest *g, struct blob_list *l, const uint8_t *elf, size_t size,
                    struct image_info *info, struct err *err)
{
    memset(l, 0, sizeof(*l));
    memset(info, 0, sizeof(*info));
    err->text[0] = '\0';
    return image_load_elf(l, "test", elf, size, &g->target, info, err);
}

static void an_elf_file_goes_to_its_physical_addresses(struct unit *u)
{
    uint8_t elf[ELF_SIZE];
    struct image_info info;
    struct blob_list l;
    struct guest g;
    struct err err;

    guest_init(&g);
    make_elf(elf, RAM_BASE + 0x1000);
    CHECK_EQ(u, load_elf(&g, &l, elf, sizeof(elf), &info, &err), 0);
    CHECK_EQ(u, l.n, 2);
    CHECK_EQ(u, info.low, RAM_BASE + 0x1000);
    CHECK_EQ(u, info.high, RAM_BASE + 0x11040);
    CHECK_EQ(u, info.entry, RAM_BASE + 0x1008);
    CHECK_EQ(u, l.v[0].size, 0x100);
    CHECK_EQ(u, l.v[0].zero, 0x80);
    CHECK_EQ(u, l.v[1].pa, RAM_BASE + 0x11000);
    CHECK_EQ(u, l.v[1].data[0x3f], 0xa5);
    blob_list_free(&l);
    guest_fini(&g);
}

/* One field of the header or of the first segment, overwritten, and what the error says then. */
static const struct bad_elf {
    size_t offset, len;
    uint64_t value;
    const char *expect;
} bad_elves[] = {
    {offsetof(Elf64_Ehdr, e_machine), 2, EM_X86_64, "wrong architecture"},
    {offsetof(Elf64_Ehdr, e_ident) + EI_CLASS, 1, ELFCLASS32, "wrong architecture"},
    {offsetof(Elf64_Ehdr, e_ident) + EI_DATA, 1, ELFDATA2MSB, "wrong architecture"},
    {offsetof(Elf64_Ehdr, e_type), 2, ET_REL, "not an executable"},
    {offsetof(Elf64_Ehdr, e_phnum), 2, 0, "without program headers"},
    {offsetof(Elf64_Ehdr, e_phnum), 2, 65535, "truncated"},
    {offsetof(Elf64_Ehdr, e_phoff), 8, UINT64_MAX, "truncated"},
    {offsetof(Elf64_Ehdr, e_phoff), 8, ELF_SIZE - 8, "truncated"},
    {sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_offset), 8, UINT64_MAX - 8, "truncated"},
    {sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_filesz), 8, UINT64_MAX, "truncated"},
    {sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_memsz), 8, 0x10, "larger in the file"},
    {sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_memsz), 8, UINT64_MAX, "beyond the end of RAM"},
    {sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_memsz), 8, RAM_SIZE + 1, "beyond the end of RAM"},
    {sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_paddr), 8, 0x10000000, "not in the guest's RAM"},
    {sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_paddr), 8, UINT64_MAX - 4,
     "not in the guest's RAM"},
};

static void a_bad_elf_field_is_named(struct unit *u)
{
    struct guest g;

    guest_init(&g);
    for (size_t i = 0; i < ARRAY_SIZE(bad_elves); i++) {
        uint8_t elf[ELF_SIZE];
        struct image_info info;
        struct blob_list l;
        struct err err;

        make_elf(elf, RAM_BASE);
        memcpy(elf + bad_elves[i].offset, &bad_elves[i].value, bad_elves[i].len);
        CHECK(u, load_elf(&g, &l, elf, sizeof(elf), &info, &err) < 0);
        CHECK(u, strstr(err.text, bad_elves[i].expect) != NULL);
        blob_list_free(&l);
    }
    guest_fini(&g);
}

/* Exact-size copies, so that a read beyond the end is seen by AddressSanitizer. */
static void try_image(struct unit *u, struct guest *g, const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1), *out = NULL;
    struct image_info info;
    struct blob_list l;
    size_t out_size;
    struct err err;

    memcpy(copy, data, size);
    if (image_is_packed(copy, size)) {
        err.text[0] = '\0';
        CHECK(u, image_unpack(copy, size, RAM_SIZE, &out, &out_size, &err) == 0 || err.text[0]);
        free(out);
    } else if (image_is_elf(copy, size)) {
        CHECK(u, load_elf(g, &l, copy, size, &info, &err) == 0 || err.text[0]);
        blob_list_free(&l);
    } else if (size) {
        memset(&l, 0, sizeof(l));
        err.text[0] = '\0';
        CHECK(u, image_load_raw(&l, "x", RAM_BASE, copy, size, &g->target, &info, &err) == 0 ||
                     err.text[0]);
        blob_list_free(&l);
    }
    free(copy);
}

static void mutate_and_try(struct unit *u, const uint8_t *image, size_t size, size_t header,
                           uint64_t seed)
{
    uint8_t *copy = malloc(size);
    struct guest g;

    guest_init(&g);
    for (unsigned i = 0; i < MUTATIONS; i++) {
        unsigned n = 1 + random_next(&seed) % 4;
        size_t keep = i % 4 == 0 ? random_next(&seed) % (size + 1) : size;

        memcpy(copy, image, size);
        while (n-- > 0) {
            uint64_t r = random_next(&seed);
            size_t at = (r & 1 ? header : size);

            copy[(r >> 8) % at] = (r & 2) ? (uint8_t)(r >> 56) : (uint8_t)(r & 4 ? 0xff : 0);
        }
        try_image(u, &g, copy, keep);
    }
    guest_fini(&g);
    free(copy);
}

static void damaged_elf_files_are_survived(struct unit *u)
{
    uint8_t elf[ELF_SIZE];

    make_elf(elf, RAM_BASE);
    mutate_and_try(u, elf, sizeof(elf), sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr), 1);
}

static void damaged_gzip_files_are_survived(struct unit *u)
{
    uint8_t plain[20000], *gz;
    uint64_t seed = 7;
    size_t size;

    for (size_t i = 0; i < sizeof(plain); i++) {
        plain[i] = (uint8_t)(random_next(&seed) % 11);
    }
    gz = make_gzip(plain, sizeof(plain), &size);
    mutate_and_try(u, gz, size, 32, 2);
    free(gz);
}

/* Header of an EFI zboot image around GZ. */
static uint8_t *make_zboot(const uint8_t *gz, size_t gz_size, size_t *size)
{
    uint8_t *z = calloc(1, 64 + gz_size);

    memcpy(z, "MZ\0\0zimg", 8);
    store_le32(z + 8, 64);
    store_le32(z + 12, (uint32_t)gz_size);
    memcpy(z + 24, "gzip", 5);
    memcpy(z + 64, gz, gz_size);
    *size = 64 + gz_size;
    return z;
}

static void damaged_zboot_images_are_survived(struct unit *u)
{
    uint8_t plain[3000] = {1, 2, 3}, *gz, *z;
    size_t gz_size, size;

    gz = make_gzip(plain, sizeof(plain), &gz_size);
    z = make_zboot(gz, gz_size, &size);
    mutate_and_try(u, z, size, 80, 3);
    free(z);
    free(gz);
}

static void gzip_and_zboot_give_the_payload_back(struct unit *u)
{
    uint8_t plain[100000], *gz, *z, *out;
    size_t gz_size, z_size, size;
    struct err err;

    for (size_t i = 0; i < sizeof(plain); i++) {
        plain[i] = (uint8_t)(i * i >> 3);
    }
    gz = make_gzip(plain, sizeof(plain), &gz_size);
    z = make_zboot(gz, gz_size, &z_size);
    CHECK(u, image_is_packed(gz, gz_size) && image_is_packed(z, z_size));
    CHECK_EQ(u, image_unpack(gz, gz_size, RAM_SIZE, &out, &size, &err), 0);
    CHECK(u, size == sizeof(plain) && memcmp(out, plain, size) == 0);
    free(out);
    CHECK_EQ(u, image_unpack(z, z_size, RAM_SIZE, &out, &size, &err), 0);
    CHECK(u, size == sizeof(plain) && memcmp(out, plain, size) == 0);
    free(out);
    memcpy(z + 24, "zstd22", 7);
    CHECK_EQ(u, image_unpack(z, z_size, RAM_SIZE, &out, &size, &err), -EINVAL);
    CHECK(u, strstr(err.text, "unsupported compression") != NULL);
    free(z);
    free(gz);
}

static void a_decompression_bomb_is_cut_off(struct unit *u)
{
    size_t plain_size = 8 << 20, gz_size, size;
    uint8_t *plain = calloc(1, plain_size), *gz = make_gzip(plain, plain_size, &gz_size), *out;
    struct err err;

    CHECK_EQ(u, image_unpack(gz, gz_size, 1 << 20, &out, &size, &err), -EFBIG);
    CHECK_EQ(u, image_unpack(gz, gz_size, plain_size - 1, &out, &size, &err), -EFBIG);
    CHECK_EQ(u, image_unpack(gz, gz_size, plain_size, &out, &size, &err), 0);
    CHECK_EQ(u, size, plain_size);
    free(out);
    free(gz);
    free(plain);
}

static void a_linux_image_needs_room_for_its_bss(struct unit *u)
{
    uint8_t image[4096] = {0};
    struct blob_list l = {0};
    struct image_info info;
    struct guest g;
    struct err err;

    guest_init(&g);
    memcpy(image + 56, "RSC\x05", 4);
    store_le64(image + 16, 0x200000);
    CHECK_EQ(
        u,
        image_load_raw(&l, "k", RAM_BASE + 0x200000, image, sizeof(image), &g.target, &info, &err),
        0);
    CHECK_EQ(u, info.high, RAM_BASE + 0x400000);
    store_le64(image + 16, RAM_SIZE);
    CHECK(u, image_load_raw(&l, "k", RAM_BASE + 0x200000, image, sizeof(image), &g.target, &info,
                            &err) < 0);
    CHECK(u, strstr(err.text, "beyond the end of RAM") != NULL);
    store_le64(image + 16, UINT64_MAX);
    CHECK(u, image_load_raw(&l, "k", RAM_BASE, image, sizeof(image), &g.target, &info, &err) < 0);
    blob_list_free(&l);
    guest_fini(&g);
}

static void images_of_other_architectures_are_refused(struct unit *u)
{
    uint8_t image[4096] = {0};
    struct blob_list l = {0};
    struct image_info info;
    struct guest g;
    struct err err;

    guest_init(&g);
    memcpy(image + 56, "ARM\x64", 4);
    CHECK(u, image_load_raw(&l, "k", RAM_BASE, image, sizeof(image), &g.target, &info, &err) < 0);
    CHECK(u, strstr(err.text, "wrong architecture: an arm64") != NULL);
    CHECK_EQ(u, l.n, 0);
    guest_fini(&g);
}

static void files_that_cannot_be_read_say_why(struct unit *u)
{
    char *empty = temp_file("", 0);
    struct file_view f;
    struct err err;

    CHECK_EQ(u, file_view_open(&f, "/nonexistent/file", &err), -ENOENT);
    CHECK_EQ(u, file_view_open(&f, "/tmp", &err), -EISDIR);
    CHECK_EQ(u, file_view_open(&f, empty, &err), -EINVAL);
    CHECK(u, strstr(err.text, "empty") != NULL);
    temp_file_drop(empty);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(an_elf_file_goes_to_its_physical_addresses),
        UNIT(a_bad_elf_field_is_named),
        UNIT(damaged_elf_files_are_survived),
        UNIT(damaged_gzip_files_are_survived),
        UNIT(damaged_zboot_images_are_survived),
        UNIT(gzip_and_zboot_give_the_payload_back),
        UNIT(a_decompression_bomb_is_cut_off),
        UNIT(a_linux_image_needs_room_for_its_bss),
        UNIT(images_of_other_architectures_are_refused),
        UNIT(files_that_cannot_be_read_say_why),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
