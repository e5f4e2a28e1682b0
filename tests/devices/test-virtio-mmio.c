/* SPDX-License-Identifier: MIT */
/*
 * The virtio-mmio transport: identity, both layouts, negotiation, status, queues, and what a driver
 * must not do.
 */
#include "tests/devices/virtio-driver.h"

static const struct disk_options plain;

static void an_empty_slot_has_device_id_zero(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx);
    fixture_add(&fx, &virtio_mmio_model, NULL);
    CHECK_EQ(u, get(&fx, MAGIC, 4), 0x74726976);
    CHECK_EQ(u, get(&fx, VERSION, 4), 2);
    CHECK_EQ(u, get(&fx, VENDOR_ID, 4), 0x554d4551);
    CHECK_EQ(u, get(&fx, DEVICE_ID, 4), 0);
    put(&fx, STATUS, 1, 4);
    CHECK_EQ(u, get(&fx, STATUS, 4), 0);
    CHECK_EQ(u, get(&fx, CONFIG, 4), 0);
    fixture_fini(&fx);
}

static void a_modern_disk_shows_its_identity_features_and_configuration(struct unit *u)
{
    struct driver d;

    driver_init(&d, false, plain, 4);
    CHECK_EQ(u, rd(&d, VERSION), 2);
    CHECK_EQ(u, rd(&d, DEVICE_ID), 2);
    CHECK_EQ(u, rd(&d, DEVICE_FEATURES), 0x30007e54);
    wr(&d, DEVICE_FEATURES_SEL, 1);
    CHECK_EQ(u, rd(&d, DEVICE_FEATURES), 1);
    wr(&d, DEVICE_FEATURES_SEL, 2);
    CHECK_EQ(u, rd(&d, DEVICE_FEATURES), 0);
    CHECK_EQ(u, rd(&d, CONFIG), DISK_SECTORS);
    CHECK_EQ(u, rd(&d, CONFIG + 4), 0);
    CHECK_EQ(u, rd(&d, CONFIG + 12), 254);
    CHECK_EQ(u, rd(&d, CONFIG + 20), 512);
    CHECK_EQ(u, get(&d.fx, CONFIG + 32, 1), 1);
    CHECK_EQ(u, get(&d.fx, CONFIG + 34, 2), 4);
    CHECK_EQ(u, rd(&d, CONFIG + 0xf0), 0);
    CHECK_EQ(u, rd(&d, SHM_LEN), UINT32_MAX);
    for (unsigned q = 0; q < 5; q++) {
        wr(&d, QUEUE_SEL, q);
        CHECK_EQ(u, rd(&d, QUEUE_SIZE_MAX), q < 4 ? 256 : 0);
    }
    CHECK_EQ(u, get(&d.fx, STATUS, 1), 0);
    CHECK_EQ(u, rd(&d, QUEUE_PFN), 0);
    driver_fini(&d);
}

static void features_that_were_not_offered_or_lack_version_1_are_refused(struct unit *u)
{
    struct driver d;

    driver_init(&d, false, plain, 1);
    wr(&d, STATUS, ACKNOWLEDGE | DRIVER);
    wr(&d, DRIVER_FEATURES, 0);
    wr(&d, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    CHECK_EQ(u, rd(&d, STATUS), ACKNOWLEDGE | DRIVER);
    wr(&d, DRIVER_FEATURES_SEL, 1);
    wr(&d, DRIVER_FEATURES, 3);
    wr(&d, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    CHECK_EQ(u, rd(&d, STATUS), ACKNOWLEDGE | DRIVER);
    wr(&d, STATUS, ACKNOWLEDGE | DRIVER | DRIVER_OK);
    CHECK_EQ(u, rd(&d, STATUS), ACKNOWLEDGE | DRIVER);
    wr(&d, DRIVER_FEATURES, 1);
    wr(&d, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    CHECK_EQ(u, rd(&d, STATUS), ACKNOWLEDGE | DRIVER | FEATURES_OK);
    driver_fini(&d);
}

static void a_ring_size_must_be_a_power_of_two_within_the_maximum(struct unit *u)
{
    static const uint32_t bad[] = {0, 3, 257, 512, 0x80000000, 0x10008};
    struct driver d;

    driver_init(&d, false, plain, 1);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        driver_start(&d, 0);
        wr(&d, QUEUE_READY, 0);
        wr(&d, QUEUE_SIZE, bad[i]); /* ignored: 8 stays */
        wr(&d, QUEUE_READY, 1);
        CHECK_EQ(u, do_request(&d, T_IN, 1, 512, true), S_OK);
    }
    driver_fini(&d);
}

static void a_ring_outside_ram_needs_a_reset(struct unit *u)
{
    static const paddr_t bad[] = {0, RAM_BASE - 0x1000, RAM_BASE + RAM_SIZE - 16, RAM_BASE + 1,
                                  UINT64_MAX & ~15u};
    struct driver d;

    driver_init(&d, false, plain, 1);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        driver_start(&d, 0);
        wr(&d, QUEUE_READY, 0);
        put_address(&d, QUEUE_DESC, bad[i]);
        wr(&d, QUEUE_READY, 1);
        CHECK_EQ(u, rd(&d, QUEUE_READY), 0);
        CHECK(u, rd(&d, STATUS) & NEEDS_RESET);
        CHECK_EQ(u, rd(&d, INTERRUPT_STATUS), 2);
        CHECK_EQ(u, d.fx.level[0], 1);
        wr(&d, QUEUE_NOTIFY, 0);
        wr(&d, STATUS, 0);
        CHECK_EQ(u, rd(&d, STATUS), 0);
        CHECK_EQ(u, d.fx.level[0], 0);
    }
    driver_start(&d, 0);
    CHECK_EQ(u, do_request(&d, T_IN, 1, 512, true), S_OK);
    driver_fini(&d);
}

static void nothing_happens_before_driver_ok(struct unit *u)
{
    struct driver d;

    driver_init(&d, false, plain, 1);
    driver_start(&d, 0);
    wr(&d, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    CHECK_EQ(u, do_request(&d, T_IN, 1, 512, true), S_NONE);
    CHECK_EQ(u, d.fx.level[0], 0);
    wr(&d, QUEUE_NOTIFY, 77);
    wr(&d, QUEUE_NOTIFY, UINT32_MAX);
    driver_fini(&d);
}

static void the_interrupt_stays_until_it_is_acknowledged(struct unit *u)
{
    struct driver d;

    driver_init(&d, false, plain, 1);
    driver_start(&d, 0);
    CHECK_EQ(u, do_request(&d, T_IN, 0, 512, true), S_OK);
    CHECK_EQ(u, rd(&d, INTERRUPT_STATUS), 1);
    CHECK_EQ(u, d.fx.level[0], 1);
    wr(&d, INTERRUPT_ACK, 2);
    CHECK_EQ(u, d.fx.level[0], 1);
    wr(&d, INTERRUPT_ACK, 1);
    CHECK_EQ(u, d.fx.level[0], 0);
    ram_put16(&d, AVAIL_PA, 1); /* no interrupts, please */
    CHECK_EQ(u, do_request(&d, T_IN, 0, 512, true), S_OK);
    CHECK_EQ(u, d.fx.level[0], 0);
    driver_fini(&d);
}

/*
 * Ring of 8 at page 16: descriptors, available ring behind them, used ring at the next multiple of
 * 4096.
 */
static void a_legacy_driver_reads_a_sector(struct unit *u)
{
    const paddr_t ring = RAM_BASE + 0x10 * 4096, avail = ring + 16 * RING_SIZE, used = ring + 4096;
    const uint32_t pfn = (uint32_t)(ring >> 12);
    struct driver d;

    driver_init(&d, true, plain, 1);
    CHECK_EQ(u, rd(&d, VERSION), 1);
    CHECK_EQ(u, rd(&d, DEVICE_FEATURES), 0x38006e54);
    wr(&d, LEGACY_PAGE_SIZE, 4096); /* once, as Linux does: it outlives the driver's reset */
    wr(&d, STATUS, 0);
    wr(&d, STATUS, ACKNOWLEDGE | DRIVER);
    wr(&d, DRIVER_FEATURES, 0);
    wr(&d, QUEUE_SIZE, RING_SIZE);
    wr(&d, QUEUE_ALIGN, 4096);
    wr(&d, QUEUE_PFN, pfn);
    CHECK_EQ(u, rd(&d, QUEUE_PFN), pfn);
    wr(&d, STATUS, ACKNOWLEDGE | DRIVER | DRIVER_OK);
    put_request(&d, ring, T_IN, 5, 512, true);
    put_desc(&d, ring, 1, RAM_BASE + 0x80000, 512, D_NEXT | D_WRITE, 2);
    publish(&d, avail, 0);
    wr(&d, QUEUE_NOTIFY, 0);
    settle(&d);
    CHECK_EQ(u, ram_get16(&d, used + 2), 1);
    CHECK_EQ(u, ram_get8(&d, STATUS_PA), S_OK);
    CHECK_EQ(u, ram_get8(&d, RAM_BASE + 0x80000 + 9), image_byte(5, 9));
    CHECK_EQ(u, d.fx.level[0], 1);
    wr(&d, QUEUE_PFN, 0);
    CHECK_EQ(u, rd(&d, STATUS), 0);
    CHECK_EQ(u, d.fx.level[0], 0);
    driver_fini(&d);
}

static void legacy_registers_survive_nonsense(struct unit *u)
{
    struct driver d;

    driver_init(&d, true, plain, 1);
    wr(&d, LEGACY_PAGE_SIZE, 0);
    wr(&d, QUEUE_ALIGN, 3);
    wr(&d, QUEUE_PFN, UINT32_MAX);
    wr(&d, QUEUE_NOTIFY, 0);
    wr(&d, LEGACY_PAGE_SIZE, 0x80000000);
    wr(&d, QUEUE_ALIGN, 0x80000000);
    wr(&d, QUEUE_PFN, UINT32_MAX);
    wr(&d, QUEUE_NOTIFY, 0);
    CHECK_EQ(u, rd(&d, STATUS), 0);
    driver_fini(&d);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(an_empty_slot_has_device_id_zero),
        UNIT(a_modern_disk_shows_its_identity_features_and_configuration),
        UNIT(features_that_were_not_offered_or_lack_version_1_are_refused),
        UNIT(a_ring_size_must_be_a_power_of_two_within_the_maximum),
        UNIT(a_ring_outside_ram_needs_a_reset),
        UNIT(nothing_happens_before_driver_ok),
        UNIT(the_interrupt_stays_until_it_is_acknowledged),
        UNIT(a_legacy_driver_reads_a_sector),
        UNIT(legacy_registers_survive_nonsense),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
