/* SPDX-License-Identifier: MIT */
/*
 * Guests that mean harm: random accesses to every device, broken and random rings, and rings that
 * change while they are read. It is enough that nothing crashes (run it under the sanitizers),
 * hangs, or writes outside the buffers that were given.
 */
#include "hw/host/thread.h"
#include "tests/devices/virtio-driver.h"

enum { ACCESSES = 20000, SEEDS = 10 };

static const struct disk_options plain;

static void random_access(struct fixture *fx, uint64_t *seed)
{
    const struct device_model *model = fx->dev->model;
    uint64_t r = next_random(seed);
    unsigned size = model->min_access << (r % 4);
    uint64_t offset, value = next_random(seed);

    while (size > model->max_access) {
        size /= 2;
    }
    offset = (r >> 8) % model->size;
    /* mostly where the registers are */
    if (r & 0x10) {
        offset %= 0x110;
    }
    offset &= ~(uint64_t)(size - 1);
    value = r & 0x20 ? value & 0xff : value;
    value &= BITS(size * 8 - 1, 0);
    if (r & 0x40) {
        put(fx, offset, value, size);
    } else {
        CHECK(&(struct unit){.name = "value"},
              (get(fx, offset, size) & ~BITS(size * 8 - 1, 0)) == 0);
    }
}

static void storm(struct fixture *fx)
{
    for (uint64_t s = 1; s <= SEEDS; s++) {
        uint64_t seed = s;

        for (unsigned i = 0; i < ACCESSES; i++) {
            random_access(fx, &seed);
        }
        fixture_run(fx, 1);
        fixture_reset(fx);
    }
}

static void simple_devices_survive_random_accesses(struct unit *u)
{
    static const struct ns16550a_config uart;
    const struct irq *none[3] = {NULL, NULL, NULL};
    struct clint_config clint = {.nharts = 3, .msip = none, .mtip = none};
    struct plic_context contexts[2] = {{0}};
    struct plic_config plic = {.nsources = 95, .ncontexts = 2, .contexts = contexts};
    const struct {
        const struct device_model *model;
        const void *config;
    } rows[] = {
        {&goldfish_rtc_model, NULL}, {&ns16550a_model, &uart},   {&clint_model, &clint},
        {&plic_model, &plic},        {&virtio_mmio_model, NULL},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct fixture fx;

        fixture_init(&fx);
        fixture_add(&fx, rows[i].model, rows[i].config);
        storm(&fx);
        CHECK_EQ(u, fx.m.request, MACHINE_RUNNING);
        fixture_fini(&fx);
    }
}

static void a_virtio_slot_survives_random_accesses(struct unit *u)
{
    for (unsigned legacy = 0; legacy < 2; legacy++) {
        struct driver d;

        driver_init(&d, legacy, plain, 2);
        driver_start(&d, F_EVENT_IDX | F_INDIRECT);
        storm(&d.fx);
        CHECK_EQ(u, d.fx.m.request, MACHINE_RUNNING);
        driver_fini(&d);
    }
}

/* Each breaks one rule; the device must ask for a reset, and work again after it. */
static void break_head(struct driver *d)
{
    publish(d, AVAIL_PA, RING_SIZE);
}

static void break_index(struct driver *d)
{
    ram_put16(d, AVAIL_PA + 2, RING_SIZE + 1);
}

static void break_next(struct driver *d)
{
    put_desc(d, DESC_PA, 0, HEADER_PA, 16, D_NEXT, RING_SIZE);
    publish(d, AVAIL_PA, 0);
}

static void break_loop(struct driver *d)
{
    put_desc(d, DESC_PA, 0, HEADER_PA, 16, D_NEXT, 1);
    put_desc(d, DESC_PA, 1, HEADER_PA, 16, D_NEXT, 0);
    publish(d, AVAIL_PA, 0);
}

static void break_self_loop_of_empty_buffers(struct driver *d)
{
    put_desc(d, DESC_PA, 0, HEADER_PA, 0, D_NEXT, 0);
    publish(d, AVAIL_PA, 0);
}

static void break_address(struct driver *d)
{
    put_desc(d, DESC_PA, 0, 0x1000, 16, 0, 0);
    publish(d, AVAIL_PA, 0);
}

static void break_end_of_ram(struct driver *d)
{
    put_desc(d, DESC_PA, 0, RAM_BASE + RAM_SIZE - 8, 16, 0, 0);
    publish(d, AVAIL_PA, 0);
}

static void break_wrapping_address(struct driver *d)
{
    put_desc(d, DESC_PA, 0, UINT64_MAX - 7, 16, 0, 0);
    publish(d, AVAIL_PA, 0);
}

static void break_order(struct driver *d)
{
    put_desc(d, DESC_PA, 0, STATUS_PA, 1, D_WRITE | D_NEXT, 1);
    put_desc(d, DESC_PA, 1, HEADER_PA, 16, 0, 0);
    publish(d, AVAIL_PA, 0);
}

static void break_indirect_size(struct driver *d)
{
    put_desc(d, DESC_PA, 0, INDIRECT_PA, 17, D_INDIRECT, 0);
    publish(d, AVAIL_PA, 0);
}

static void break_indirect_empty(struct driver *d)
{
    put_desc(d, DESC_PA, 0, INDIRECT_PA, 0, D_INDIRECT, 0);
    publish(d, AVAIL_PA, 0);
}

static void break_indirect_huge(struct driver *d)
{
    put_desc(d, DESC_PA, 0, INDIRECT_PA, 0xfffffff0, D_INDIRECT, 0);
    publish(d, AVAIL_PA, 0);
}

static void break_indirect_nested(struct driver *d)
{
    put_desc(d, INDIRECT_PA, 0, INDIRECT_PA, 16, D_INDIRECT, 0);
    put_desc(d, DESC_PA, 0, INDIRECT_PA, 16, D_INDIRECT, 0);
    publish(d, AVAIL_PA, 0);
}

static void break_indirect_next(struct driver *d)
{
    put_desc(d, DESC_PA, 0, INDIRECT_PA, 48, D_INDIRECT | D_NEXT, 1);
    publish(d, AVAIL_PA, 0);
}

static void break_short_header(struct driver *d)
{
    put_desc(d, DESC_PA, 0, HEADER_PA, 15, D_NEXT, 1);
    put_desc(d, DESC_PA, 1, STATUS_PA, 1, D_WRITE, 0);
    publish(d, AVAIL_PA, 0);
}

static void break_no_status(struct driver *d)
{
    put_desc(d, DESC_PA, 0, HEADER_PA, 16, 0, 0);
    publish(d, AVAIL_PA, 0);
}

static void every_broken_rule_of_rings_needs_a_reset(struct unit *u)
{
    static const struct {
        const char *name;
        void (*break_it)(struct driver *d);
    } rules[] = {
        {"head", break_head},
        {"index", break_index},
        {"next", break_next},
        {"loop", break_loop},
        {"loop of empty buffers", break_self_loop_of_empty_buffers},
        {"address", break_address},
        {"end of RAM", break_end_of_ram},
        {"wrapping address", break_wrapping_address},
        {"order", break_order},
        {"indirect size", break_indirect_size},
        {"indirect empty", break_indirect_empty},
        {"indirect huge", break_indirect_huge},
        {"indirect nested", break_indirect_nested},
        {"indirect next", break_indirect_next},
        {"short header", break_short_header},
        {"no status", break_no_status},
    };
    struct driver d;

    driver_init(&d, false, plain, 1);
    for (unsigned i = 0; i < ARRAY_SIZE(rules); i++) {
        driver_start(&d, F_INDIRECT);
        rules[i].break_it(&d);
        wr(&d, QUEUE_NOTIFY, 0);
        if (!(rd(&d, STATUS) & NEEDS_RESET)) {
            printf("# not noticed: %s\n", rules[i].name);
        }
        CHECK(u, rd(&d, STATUS) & NEEDS_RESET);
        CHECK_EQ(u, rd(&d, INTERRUPT_STATUS), 2);
        CHECK_EQ(u, ram_get16(&d, USED_PA + 2), 0);
        wr(&d, QUEUE_NOTIFY, 0);
        driver_start(&d, F_INDIRECT);
        CHECK_EQ(u, do_request(&d, T_IN, 3, 512, true), S_OK);
    }
    driver_fini(&d);
}

/* Random bytes with a bias: small numbers, and addresses in RAM. */
static void scribble(struct driver *d, uint64_t *seed)
{
    for (unsigned i = 0; i < RING_SIZE; i++) {
        uint64_t r = next_random(seed);
        unsigned flags = (r >> 60) & 7;

        flags &= r & BIT(50) ? 3 : 7;
        put_desc(d, DESC_PA, i, RAM_BASE + 0x10000 + (r & 0xfffff), (uint32_t)(r >> 20) & 0xfff,
                 flags, (r >> 40) % (RING_SIZE + 1));
        put_desc(d, INDIRECT_PA, i, RAM_BASE + 0x10000 + (r & 0x3ffff), (uint32_t)(r >> 30) & 0xff,
                 flags, (r >> 44) % 8);
        ram_put16(d, AVAIL_PA + 4 + 2 * i, (uint16_t)((r >> 32) % RING_SIZE));
        if (r & BIT(51)) {
            put_desc(d, DESC_PA, i, INDIRECT_PA, 16 * ((r >> 33) % 9), D_INDIRECT, 0);
        }
        if (r & BIT(52)) {
            uint8_t header[16] = {(uint8_t)(r % 14)};

            header[8] = (uint8_t)(r >> 24);
            ram_write(d, HEADER_PA, header, sizeof(header));
            put_desc(d, DESC_PA, i, HEADER_PA, 16, D_NEXT, (i + 1) % RING_SIZE);
        }
    }
    d->avail += (uint16_t)(next_random(seed) % (RING_SIZE + 1));
    ram_put16(d, AVAIL_PA + 2, d->avail);
}

static void random_rings_are_survived(struct unit *u)
{
    struct driver d;
    uint64_t seed = 42;

    driver_init(&d, false, plain, 1);
    for (unsigned i = 0; i < 20000; i++) {
        if (i % 8 == 0 || (rd(&d, STATUS) & NEEDS_RESET)) {
            driver_start(&d, F_INDIRECT | (i & 16 ? F_EVENT_IDX : 0));
        }
        scribble(&d, &seed);
        wr(&d, QUEUE_NOTIFY, 0);
    }
    driver_start(&d, 0);
    put_request(&d, DESC_PA, T_IN, 3, 512, true);
    CHECK_EQ(u, do_request(&d, T_IN, 3, 512, true), S_OK);
    driver_fini(&d);
}

struct racer {
    struct driver *d;
    uint32_t stop; /* a */
};

static void *scribble_on(void *arg)
{
    struct racer *r = arg;
    uint64_t size = 0x5000;
    uint8_t *ring = memory_host(r->d->fx.m.memory, DESC_PA, &size);
    uint64_t seed = 7;

    while (!load_relaxed(&r->stop)) {
        uint64_t x = next_random(&seed);

        store_relaxed(ring + x % 0x4080, (uint8_t)(x >> 32));
    }
    return NULL;
}

static void rings_that_change_under_the_device_are_survived(struct unit *u)
{
    struct driver d;
    struct racer racer = {.d = &d};
    struct thread t;
    uint64_t seed = 43;

    driver_init(&d, false, plain, 1);
    CHECK_EQ(u, thread_create(&t, "racer", scribble_on, &racer), 0);
    for (unsigned i = 0; i < 5000; i++) {
        driver_start(&d, F_INDIRECT);
        scribble(&d, &seed);
        wr(&d, QUEUE_NOTIFY, 0);
    }
    store_relaxed(&racer.stop, 1);
    thread_join(&t);
    driver_start(&d, 0);
    CHECK_EQ(u, do_request(&d, T_IN, 3, 512, true), S_OK);
    driver_fini(&d);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(simple_devices_survive_random_accesses),
        UNIT(a_virtio_slot_survives_random_accesses),
        UNIT(every_broken_rule_of_rings_needs_a_reset),
        UNIT(random_rings_are_survived),
        UNIT(rings_that_change_under_the_device_are_survived),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
