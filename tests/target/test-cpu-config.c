/* SPDX-License-Identifier: MIT */
/* -cpu: models, properties, requirements, and the FDT's strings. */
#include "target-riscv/cpu.h"
#include "tests/unit.h"
#include <errno.h>
#include <string.h>

static bool parses(struct cpu_config *c, const char *spec)
{
    struct err err;

    return cpu_config_parse(c, spec, &err) == 0;
}

/* Refused with a message that contains PART. */
static bool refused(const char *spec, const char *part)
{
    struct cpu_config c;
    struct err err = {""};

    return cpu_config_parse(&c, spec, &err) == -EINVAL && strstr(err.text, part) &&
           !strchr(err.text, '\n');
}

static void rv64_is_what_the_board_promises(struct unit *u)
{
    struct cpu_config c;

    CHECK(u, parses(&c, "rv64"));
    CHECK(u, !strcmp(c.model, "rv64"));
    for (int e = 0; e < EXT_COUNT; e++) {
        CHECK_EQ(u, cpu_has(&c, e), e != EXT_SVADE);
    }
    CHECK_EQ(u, c.max_satp, SATP_SV39);
    CHECK_EQ(u, c.npmp, 16);
    CHECK(u, !c.misaligned_fault);
    CHECK(u, !strcmp(cpu_mmu_type(&c), "riscv,sv39"));
}

static void models_differ_in_extensions_and_paging(struct unit *u)
{
    struct cpu_config c;

    CHECK(u, parses(&c, "max") && c.max_satp == SATP_SV57 && cpu_has(&c, EXT_SVADE));
    CHECK(u, !strcmp(cpu_mmu_type(&c), "riscv,sv57"));
    CHECK(u, parses(&c, "rv64i") && cpu_has(&c, EXT_I) && !cpu_has(&c, EXT_M) &&
                 !cpu_has(&c, EXT_ZICSR));
    CHECK(u, !strcmp(cpu_mmu_type(&c), "riscv,none"));
}

static void each_extension_switches(struct unit *u)
{
    struct cpu_config c;

    CHECK(u, parses(&c, "rv64,zba=off,c=false,zbc=no") && !cpu_has(&c, EXT_ZBA) &&
                 !cpu_has(&c, EXT_C) && !cpu_has(&c, EXT_ZBC));
    CHECK(u, parses(&c, "rv64i,m=on,zba=true,zbb") && cpu_has(&c, EXT_M) && cpu_has(&c, EXT_ZBA) &&
                 cpu_has(&c, EXT_ZBB));
    CHECK(u, parses(&c, "rv64i,g=on") && cpu_has(&c, EXT_D) && cpu_has(&c, EXT_ZICSR) &&
                 !cpu_has(&c, EXT_C));
    CHECK(u, parses(&c, "rv64,zba=off,zba=on") && cpu_has(&c, EXT_ZBA));
}

static void paging_and_pmp_properties(struct unit *u)
{
    struct cpu_config c;

    CHECK(u, parses(&c, "rv64,sv48=on") && c.max_satp == SATP_SV48);
    CHECK(u, parses(&c, "rv64,sv57=on") && c.max_satp == SATP_SV57);
    CHECK(u, parses(&c, "max,sv57=off") && c.max_satp == SATP_SV48);
    CHECK(u, parses(&c, "max,sv48=off") && c.max_satp == SATP_SV39);
    CHECK(u, parses(&c, "rv64,mmu=off") && c.max_satp == SATP_BARE);
    CHECK(u, parses(&c, "rv64,s=off") && c.max_satp == SATP_BARE && !cpu_has(&c, EXT_SSTC) &&
                 !cpu_has(&c, EXT_SVADU));
    CHECK(u, parses(&c, "rv64,pmp=off") && c.npmp == 0);
    CHECK(u, parses(&c, "rv64,misaligned=off") && c.misaligned_fault);
}

static void properties_of_other_emulators_are_taken_where_they_are_true(struct unit *u)
{
    struct cpu_config c;

    CHECK(u, parses(&c, "rv64,h=off,v=off,zfa=off,zawrs=off,svinval=off"));
    CHECK(u, parses(&c, "max,pmu-mask=0xfffffff8"));
    CHECK(u, parses(&c, "rv64,s=on,u=on,pmp=on,priv_spec=v1.12.0,sv39=on"));
    CHECK(u, parses(&c, "rv64,cbom_blocksize=64"));
    CHECK(u, refused("rv64,cbom_blocksize=128", "cbom_blocksize"));
    CHECK(u, refused("rv64,v=on", "'v' is not implemented"));
    CHECK(u, refused("rva23s64", "rva23s64"));
}

static void nonsense_is_refused_by_name(struct unit *u)
{
    CHECK(u, refused("rv65", "rv65"));
    CHECK(u, refused("", "unknown model"));
    CHECK(u, refused("rv64,zbz=on", "zbz"));
    CHECK(u, refused("rv64,zba=maybe", "maybe"));
    CHECK(u, refused("rv64,sv48=3", "sv48"));
    CHECK(u, refused("rv64,priv_spec=v1.10.0", "priv_spec"));
    CHECK(u, refused("rv64,i=off", "'i'"));
    CHECK(
        u,
        refused(
            "rv64,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "too long"));
}

static void requirements_are_checked(struct unit *u)
{
    struct cpu_config c;

    CHECK(u, refused("rv64,f=off", "'d' requires extension 'f'"));
    CHECK(u, parses(&c, "rv64,f=off,d=off"));
    CHECK(u, refused("rv64,u=off", "'s' requires extension 'u'"));
    CHECK(u, refused("rv64i,zihpm=on", "'zihpm' requires extension 'zicsr'"));
    CHECK(u, refused("rv64,s=off,sstc=on", "'sstc' requires extension 's'"));
    CHECK(u, parses(&c, "rv64i,f=on,zicsr=on"));
}

static void isa_strings_are_in_canonical_order(struct unit *u)
{
    static const char want[] =
        "rv64imafdc_zicbom_zicbop_zicboz_zicntr_zicsr_zifencei_zihpm_zba_zbb_zbc_zbs_sstc_svadu";
    struct cpu_config c;
    char buf[256];

    CHECK(u, parses(&c, "rv64"));
    CHECK_EQ(u, cpu_isa_string(&c, buf, sizeof(buf)), sizeof(want));
    CHECK(u, !strcmp(buf, want));
    CHECK_EQ(u, cpu_isa_string(&c, buf, sizeof(want) - 1), -ENOSPC);
    CHECK(u, parses(&c, "rv64i,zicsr=on,m=on"));
    CHECK_EQ(u, cpu_isa_extensions(&c, buf, sizeof(buf)), sizeof("i\0m\0zicsr"));
    CHECK(u, !memcmp(buf, "i\0m\0zicsr", sizeof("i\0m\0zicsr")));
    CHECK_EQ(u, cpu_isa_extensions(&c, buf, 5), -ENOSPC);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(rv64_is_what_the_board_promises),
        UNIT(models_differ_in_extensions_and_paging),
        UNIT(each_extension_switches),
        UNIT(paging_and_pmp_properties),
        UNIT(properties_of_other_emulators_are_taken_where_they_are_true),
        UNIT(nonsense_is_refused_by_name),
        UNIT(requirements_are_checked),
        UNIT(isa_strings_are_in_canonical_order),
    };

    return unit_run(cases, sizeof(cases) / sizeof(cases[0]));
}
