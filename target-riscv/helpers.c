/* SPDX-License-Identifier: MIT */
/*
 * Helpers of the base ISA, and the table of all: what generated code calls for system instructions, LR/SC that is not fused,
 * and cache blocks. CSR helpers are in csr.c, floating point in fp.c. All on the hart's vCPU thread; a helper that
 * raised returns anything.
 */
#include "hw/host/log.h"
#include "target-riscv/csr.h"
#include "target-riscv/hart.h"
#include <string.h>

const struct tcg_helper riscv_helpers[HELPER_COUNT] = {
#define HELPER(name, nargs, flags) {#name, (void *)helper_##name, nargs, flags},
#include "target-riscv/helpers.def"
#undef HELPER
};

static uint64_t illegal(struct hart *h, int64_t raw)
{
    hart_raise(h, CAUSE_ILLEGAL, (uint32_t)raw);
    return 0;
}

/* ---- control ----------------------------------------------------------------------------------------------------------------- */

uint64_t helper_raise(struct hart *h, uint64_t a, int64_t imm)
{
    hart_raise(h, (enum cause)imm, a);
    return 0;
}

uint64_t helper_ecall(struct hart *h, uint64_t a, int64_t imm UNUSED)
{
    h->cpu.pc = a;
    hart_trap(h, (enum cause)(CAUSE_ECALL_U + h->priv), 0);
    return 0;
}

uint64_t helper_mret(struct hart *h, int64_t imm UNUSED)
{
    hart_mret(h);
    return 0;
}

uint64_t helper_sret(struct hart *h, int64_t imm UNUSED)
{
    hart_sret(h);
    return 0;
}

uint64_t helper_irq_check(struct hart *h, int64_t imm UNUSED)
{
    hart_update_irq(h);
    return 0;
}

/* With S-mode, wfi in U-mode is illegal (its wait would be unbounded); TW makes it so in S-mode, or in U-mode without S. */
uint64_t helper_wfi(struct hart *h, int64_t imm)
{
    bool has_s = cpu_has(h->config, EXT_S);

    if ((h->priv < PRIV_M && h->mstatus & MSTATUS_TW) || (h->priv == PRIV_U && has_s)) {
        return illegal(h, imm);
    }
    vcpu_wait(&h->cpu);
    return 0;
}

uint64_t helper_fs_dirty(struct hart *h, int64_t imm UNUSED)
{
    h->mstatus |= MSTATUS_FS;
    hart_update_mode(h);
    return 0;
}

uint64_t helper_fence_i(struct hart *h, int64_t imm UNUSED)
{
    return vcpu_fence_i(&h->cpu);
}

/* ---- sfence.vma ---------------------------------------------------------------------------------------------------------------- */

static bool asid_matches(uint64_t key, uint64_t asid)
{
    return get_field(key, SATP_ASID) == asid;
}

/*
 * Each slot is one satp value, and holds its own copy of global pages: by address alone, all slots lose the page; with an
 * ASID only that one's, which may drop global pages too (more than must be, never less).
 */
uint64_t helper_sfence_vma(struct hart *h, uint64_t a, uint64_t b, int64_t imm)
{
    bool any_va = extract64((uint64_t)imm, 15, 5) == 0;
    bool any_asid = extract64((uint64_t)imm, 20, 5) == 0;
    bool trapped = h->priv == PRIV_S && h->mstatus & MSTATUS_TVM;
    uint64_t asid = b & 0xffff;

    if (h->priv < PRIV_S || trapped || !cpu_has(h->config, EXT_S)) {
        return illegal(h, imm);
    }
    if (log_enabled(LOG_MMU)) {
        log_printf(LOG_MMU, "mmu: hart %u sfence.vma va %s0x%llx asid %s0x%llx\n", h->hartid,
                   any_va ? "any " : "", (unsigned long long)a, any_asid ? "any " : "",
                   (unsigned long long)asid);
    }
    if (any_va && any_asid) {
        vcpu_flush_paged(&h->cpu);
    } else if (any_va) {
        vcpu_flush_slots(&h->cpu, asid_matches, asid);
    } else {
        vcpu_flush_page(&h->cpu, a, any_asid ? NULL : asid_matches, asid);
    }
    return 0;
}

/* ---- LR and SC ----------------------------------------------------------------------------------------------------------------- */

uint64_t helper_lr(struct hart *h, uint64_t a, int64_t imm)
{
    uint64_t value = 0;

    if (!mmu_load_reserved(&h->cpu.mmu, a, (unsigned)imm, h->cpu.data_regime, &value)) {
        return 0;
    }
    return (imm & MO_SIZE) == MO_32 ? (uint64_t)(int32_t)value : value;
}

uint64_t helper_sc(struct hart *h, uint64_t a, uint64_t b, int64_t imm)
{
    bool ok = false;

    if (!mmu_store_conditional(&h->cpu.mmu, a, (unsigned)imm, h->cpu.data_regime, b, &ok)) {
        return 0;
    }
    return ok ? 0 : 1;
}

/* ---- cache blocks ---------------------------------------------------------------------------------------------------------------- */

#define CBO_BLOCK 64

/* Whether menvcfg and senvcfg let the current privilege use what FIELD enables. */
static bool envcfg_allows(const struct hart *h, uint64_t field)
{
    if (h->priv < PRIV_M && !(h->menvcfg & field)) {
        return false;
    }
    return h->priv > PRIV_U || !cpu_has(h->config, EXT_S) || h->senvcfg & field;
}

/* Faults are stores' and report the address that was given, not its block's start. */
static void raise_block_fault(struct hart *h, uint64_t va, int code)
{
    riscv_mmu_fault(&h->cpu, va, ACCESS_WRITE, code);
}

/* Host address of VA's block where the TLB says that stores need no care, or NULL. */
static void *writable_block(const struct hart *h, uint64_t block)
{
    const struct tlb_entry *e = tlb_entry_of(&h->cpu.tlb, block);

    if (load_relaxed(&e->tag[ACCESS_WRITE]) != (block & GUEST_PAGE_MASK)) {
        return NULL;
    }
    return (void *)(uintptr_t)(block + e->addend);
}

uint64_t helper_cbo_zero(struct hart *h, uint64_t a, int64_t imm)
{
    uint64_t block = align_down(a, CBO_BLOCK);
    void *host = writable_block(h, block);
    struct mmu_walk walk;
    int code;

    if (!envcfg_allows(h, ENVCFG_CBZE)) {
        return illegal(h, imm);
    }
    if (host) {
        memset(host, 0, CBO_BLOCK);
        return 0;
    }
    code = riscv_walk(&h->cpu, block, CBO_BLOCK, ACCESS_WRITE, h->cpu.data_regime, &walk);
    if (!code && !memory_find(h->machine->memory, walk.pa)) {
        code = WALK_ACCESS_FAULT;
    }
    if (code) {
        raise_block_fault(h, a, code);
        return 0;
    }
    for (unsigned i = 0; i < CBO_BLOCK; i += 8) {
        if (!mmu_store(&h->cpu.mmu, block + i, MO_64, h->cpu.data_regime, 0)) {
            return 0;
        }
    }
    return 0;
}

/*
 * clean, flush, inval: caches are coherent here, so only the permissions are left to do. What may be read or written may be
 * managed; no page can be written that cannot be read.
 */
static uint64_t manage_block(struct hart *h, uint64_t va, uint64_t field, int64_t raw)
{
    struct mmu_walk walk;
    int code;

    if (!envcfg_allows(h, field)) {
        return illegal(h, raw);
    }
    code = riscv_walk(&h->cpu, align_down(va, CBO_BLOCK), CBO_BLOCK, ACCESS_READ,
                      h->cpu.data_regime, &walk);
    if (code) {
        raise_block_fault(h, va, code);
    } else if (!memory_find(h->machine->memory, walk.pa)) {
        raise_block_fault(h, va, WALK_ACCESS_FAULT);
    }
    return 0;
}

uint64_t helper_cbo_clean(struct hart *h, uint64_t a, int64_t imm)
{
    return manage_block(h, a, ENVCFG_CBCFE, imm);
}

uint64_t helper_cbo_flush(struct hart *h, uint64_t a, int64_t imm)
{
    return manage_block(h, a, ENVCFG_CBCFE, imm);
}

uint64_t helper_cbo_inval(struct hart *h, uint64_t a, int64_t imm)
{
    return manage_block(h, a, ENVCFG_CBIE, imm);
}
