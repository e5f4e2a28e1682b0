/* SPDX-License-Identifier: MIT */
/*
 * Image formats. ELF: System V ABI, ELF-64 object file format, with the RISC-V psABI's machine
 * number. Linux Image: Documentation/arch/riscv/boot-image-header.rst. Everything read here comes
 * from a file that may be damaged or hostile: each offset and size is checked against the file and
 * against the guest's RAM before it is used.
 */
#include "firmware/internal.h"
#include "hw/host/bits.h"
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Sane kernels and firmware have a handful; a hostile file could have 65535 of them. */
#define ELF_MAX_SEGMENTS 128

/* Linux Image header: offsets of the fields used. */
enum {
    IMAGE_SIZE_OFFSET = 16,
    IMAGE_FLAGS_OFFSET = 24,
    IMAGE_MAGIC2_OFFSET = 56,
    IMAGE_HEADER_SIZE = 64
};
#define IMAGE_MAGIC2          0x05435352u /* "RSC\x05" */
#define IMAGE_FLAG_BIG_ENDIAN 1u

/* Flat formats of other architectures, known by a few bytes at a fixed place. */
static const struct {
    const char *what;
    size_t offset, len;
    const char *bytes;
} foreign_images[] = {
    {"an arm64 Linux image", 56, 4, "ARM\x64"},
    {"a LoongArch Linux image", 56, 4, "\x81\x0e\xb4\x45"},
    {"an x86 Linux bzImage", 0x202, 4, "HdrS"},
    {"an arm Linux zImage", 36, 4, "\x18\x28\x6f\x01"},
};

int image_check_range(const struct image_target *t, paddr_t pa, uint64_t size, struct err *err)
{
    const struct memory_region *r = memory_find(t->map, pa);

    if (!r || r->kind == MEMORY_MMIO) {
        return err_set(err, -EINVAL, "0x%llx is not in the guest's RAM", (unsigned long long)pa);
    }
    if (size > r->size - (pa - r->base)) {
        return err_set(err, -EFBIG, "%llu bytes at 0x%llx go beyond the end of RAM (0x%llx)",
                       (unsigned long long)size, (unsigned long long)pa,
                       (unsigned long long)(r->base + r->size));
    }
    return 0;
}

bool image_is_elf(const uint8_t *data, size_t size)
{
    return size >= SELFMAG && memcmp(data, ELFMAG, SELFMAG) == 0;
}

static int check_elf_header(const Elf64_Ehdr *eh, size_t size, struct err *err)
{
    if (size < sizeof(*eh)) {
        return err_set(err, -EINVAL, "truncated ELF header");
    }
    if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB ||
        eh->e_machine != EM_RISCV) {
        return err_set(
            err, -EINVAL,
            "wrong architecture: not a 64-bit little-endian RISC-V ELF file (machine %u, class %u)",
            eh->e_machine, eh->e_ident[EI_CLASS]);
    }
    if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN) {
        return err_set(err, -EINVAL, "not an executable ELF file (type %u)", eh->e_type);
    }
    if (eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phnum == 0) {
        return err_set(err, -EINVAL, "ELF file without program headers");
    }
    if (eh->e_phoff > size || (uint64_t)eh->e_phnum * sizeof(Elf64_Phdr) > size - eh->e_phoff) {
        return err_set(err, -EINVAL, "truncated ELF file: program headers are beyond its end");
    }
    return 0;
}

static int load_segment(struct blob_list *l, const char *name, const uint8_t *data, size_t size,
                        const Elf64_Phdr *ph, const struct image_target *t, struct err *err)
{
    int code;

    if (ph->p_offset > size || ph->p_filesz > size - ph->p_offset) {
        return err_set(err, -EINVAL, "truncated ELF file: the segment at 0x%llx is beyond its end",
                       (unsigned long long)ph->p_paddr);
    }
    if (ph->p_filesz > ph->p_memsz) {
        return err_set(
            err, -EINVAL,
            "damaged ELF file: the segment at 0x%llx is larger in the file than in memory",
            (unsigned long long)ph->p_paddr);
    }
    code = image_check_range(t, ph->p_paddr, ph->p_memsz, err);
    if (code < 0) {
        return code;
    }
    return blob_add(l, name, ph->p_paddr, data + ph->p_offset, ph->p_filesz,
                    ph->p_memsz - ph->p_filesz, err);
}

int image_load_elf(struct blob_list *l, const char *name, const uint8_t *data, size_t size,
                   const struct image_target *t, struct image_info *info, struct err *err)
{
    Elf64_Ehdr eh = {0};
    unsigned nloaded = 0;
    int code;

    memcpy(&eh, data, MIN(size, sizeof(eh)));
    code = check_elf_header(&eh, size, err);
    if (code < 0) {
        return code;
    }
    info->low = UINT64_MAX;
    info->high = 0;
    info->entry = eh.e_entry;
    for (unsigned i = 0; i < eh.e_phnum; i++) {
        Elf64_Phdr ph;

        memcpy(&ph, data + eh.e_phoff + i * sizeof(ph), sizeof(ph));
        if (ph.p_type != PT_LOAD || ph.p_memsz == 0) {
            continue;
        }
        if (++nloaded > ELF_MAX_SEGMENTS) {
            return err_set(err, -EINVAL, "ELF file with more than %u segments", ELF_MAX_SEGMENTS);
        }
        code = load_segment(l, name, data, size, &ph, t, err);
        if (code < 0) {
            return code;
        }
        info->low = MIN(info->low, ph.p_paddr);
        info->high = MAX(info->high, ph.p_paddr + ph.p_memsz);
    }
    if (nloaded == 0) {
        return err_set(err, -EINVAL, "ELF file without anything to load");
    }
    return 0;
}

static int check_foreign(const uint8_t *data, size_t size, struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(foreign_images); i++) {
        size_t offset = foreign_images[i].offset, len = foreign_images[i].len;

        if (size >= offset + len && memcmp(data + offset, foreign_images[i].bytes, len) == 0) {
            return err_set(err, -EINVAL, "wrong architecture: %s", foreign_images[i].what);
        }
    }
    return 0;
}

/*
 * Bytes of memory that a Linux Image needs from where it is loaded (0: not an Image, or it does not
 * say).
 */
static int linux_image_size(const uint8_t *data, size_t size, uint64_t *image_size, struct err *err)
{
    *image_size = 0;
    if (size < IMAGE_HEADER_SIZE || load_le32(data + IMAGE_MAGIC2_OFFSET) != IMAGE_MAGIC2) {
        return 0;
    }
    if (load_le64(data + IMAGE_FLAGS_OFFSET) & IMAGE_FLAG_BIG_ENDIAN) {
        return err_set(err, -EINVAL, "wrong architecture: a big-endian RISC-V Linux image");
    }
    *image_size = load_le64(data + IMAGE_SIZE_OFFSET);
    return 0;
}

int image_load_raw(struct blob_list *l, const char *name, paddr_t pa, const uint8_t *data,
                   size_t size, const struct image_target *t, struct image_info *info,
                   struct err *err)
{
    uint64_t image_size = 0;
    int code = check_foreign(data, size, err);

    if (code == 0) {
        code = linux_image_size(data, size, &image_size, err);
    }
    if (code == 0) {
        code = image_check_range(t, pa, MAX(image_size, size), err);
    }
    if (code < 0) {
        return code;
    }
    info->low = pa;
    info->high = pa + MAX(image_size, size);
    info->entry = pa;
    return blob_add(l, name, pa, data, size, 0, err);
}

static int load_bytes(struct blob_list *l, const char *name, paddr_t pa, const uint8_t *data,
                      size_t size, const struct image_target *t, struct image_info *info,
                      struct err *err)
{
    if (image_is_elf(data, size)) {
        return image_load_elf(l, name, data, size, t, info, err);
    }
    return image_load_raw(l, name, pa, data, size, t, info, err);
}

static int load_packed(struct blob_list *l, const char *name, paddr_t pa, const struct file_view *f,
                       const struct image_target *t, struct image_info *info, struct err *err)
{
    uint8_t *out;
    size_t size;
    int code = image_unpack(f->data, f->size, t->max_size, &out, &size, err);

    if (code < 0) {
        return code;
    }
    code = load_bytes(l, name, pa, out, size, t, info, err);
    free(out);
    return code;
}

int image_load_file(struct blob_list *l, const char *name, const char *path, paddr_t pa,
                    bool unpack, const struct image_target *t, struct image_info *info,
                    struct err *err)
{
    struct file_view f;
    int code = file_view_open(&f, path, err);

    if (code < 0) {
        return code;
    }
    if (unpack && image_is_packed(f.data, f.size)) {
        code = load_packed(l, name, pa, &f, t, info, err);
    } else {
        code = load_bytes(l, name, pa, f.data, f.size, t, info, err);
    }
    file_view_close(&f);
    return code;
}
