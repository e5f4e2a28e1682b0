/* SPDX-License-Identifier: MIT */
/*
 * virtio-blk: every request type, its errors, layouts, indirect descriptors, event index, several
 * queues, resets under way.
 */
#include "tests/devices/virtio-driver.h"

static const struct disk_options plain;

static void fill_data(struct driver *d, uint8_t byte, unsigned len)
{
    memset(memory_host(d->fx.m.memory, DATA_PA, &(uint64_t){len}), byte, len);
}

static uint8_t file_byte(struct driver *d, uint64_t offset)
{
    int fd = open(d->image, O_RDONLY);
    uint8_t byte = 0xee;

    if (pread(fd, &byte, 1, (off_t)offset) != 1) {
        byte = 0xee;
    }
    close(fd);
    return byte;
}

static void sectors_are_read_and_written(struct unit *u)
{
    struct driver d;

    driver_init(&d, false, plain, 1);
    driver_start(&d, F_FLUSH);
    CHECK_EQ(u, do_request(&d, T_IN, 3, 1024, true), S_OK);
    CHECK_EQ(u, ram_get8(&d, DATA_PA + 7), image_byte(3, 7));
    CHECK_EQ(u, ram_get8(&d, DATA_PA + 1023), image_byte(4, 511));
    fill_data(&d, 0x5a, 1024);
    CHECK_EQ(u, do_request(&d, T_OUT, 62, 1024, false), S_OK);
    CHECK_EQ(u, file_byte(&d, 62 * 512), 0x5a);
    CHECK_EQ(u, file_byte(&d, 64 * 512 - 1), 0x5a);
    CHECK_EQ(u, file_byte(&d, 61 * 512), image_byte(61, 0));
    CHECK_EQ(u, do_request(&d, T_FLUSH, 0, 0, false), S_OK);
    driver_fini(&d);
}

static void what_lies_outside_the_disk_is_an_error_and_changes_nothing(struct unit *u)
{
    struct driver d;

    driver_init(&d, false, plain, 1);
    driver_start(&d, 0);
    fill_data(&d, 0x5a, 4096);
    CHECK_EQ(u, do_request(&d, T_IN, 64, 512, true), S_IOERR);
    CHECK_EQ(u, do_request(&d, T_OUT, 63, 1024, false), S_IOERR);
    CHECK_EQ(u, file_byte(&d, 63 * 512), image_byte(63, 0));
    CHECK_EQ(u, do_request(&d, T_OUT, UINT64_MAX, 512, false), S_IOERR);
    CHECK_EQ(u, do_request(&d, T_OUT, UINT64_MAX / 512, 512, false), S_IOERR);
    CHECK_EQ(u, do_request(&d, T_IN, 0, 511, true), S_IOERR);
    CHECK_EQ(u, do_request(&d, 99, 0, 512, true), S_UNSUPP);
    CHECK_EQ(u, do_request(&d, T_IN, 64, 0, true), S_OK);
    driver_fini(&d);
}

static void the_serial_number_has_twenty_bytes(struct unit *u)
{
    struct driver d;
    char id[24] = {0};

    driver_init(&d, false, plain, 1);
    driver_start(&d, 0);
    fill_data(&d, 0x11, 24);
    CHECK_EQ(u, do_request(&d, T_GET_ID, 0, 20, true), S_OK);
    ram_read(&d, DATA_PA, id, 21);
    CHECK(u, memcmp(id, "SERIAL-0123456789-AB\x11", 21) == 0);
    CHECK_EQ(u, do_request(&d, T_GET_ID, 0, 4, true), S_OK);
    driver_fini(&d);
}

static unsigned do_range(struct driver *d, uint32_t type, uint64_t sector, uint32_t count,
                         uint32_t flags)
{
    uint8_t range[16];

    store_le64(range, sector);
    store_le32(range + 8, count);
    store_le32(range + 12, flags);
    ram_write(d, DATA_PA, range, sizeof(range));
    return do_request(d, type, 0, sizeof(range), false);
}

static void zeroes_and_discards_leave_zeroes(struct unit *u)
{
    struct driver d;

    driver_init(&d, false, plain, 1);
    driver_start(&d, 0);
    CHECK_EQ(u, do_range(&d, T_WRITE_ZEROES, 2, 3, 0), S_OK);
    CHECK_EQ(u, do_range(&d, T_WRITE_ZEROES, 10, 1, 1), S_OK);
    CHECK_EQ(u, do_range(&d, T_DISCARD, 20, 8, 0), S_OK);
    CHECK_EQ(u, file_byte(&d, 2 * 512 + 1), 0);
    CHECK_EQ(u, file_byte(&d, 5 * 512 - 1), 0);
    CHECK_EQ(u, file_byte(&d, 5 * 512), image_byte(5, 0));
    CHECK_EQ(u, file_byte(&d, 10 * 512 + 1), 0);
    CHECK_EQ(u, file_byte(&d, 20 * 512 + 1), 0);
    CHECK_EQ(u, file_byte(&d, 28 * 512 + 1), image_byte(28, 1));
    CHECK_EQ(u, do_range(&d, T_DISCARD, 20, 8, 1), S_UNSUPP);
    CHECK_EQ(u, do_range(&d, T_WRITE_ZEROES, 20, 8, 2), S_UNSUPP);
    CHECK_EQ(u, do_range(&d, T_WRITE_ZEROES, 60, 8, 0), S_IOERR);
    CHECK_EQ(u, do_range(&d, T_DISCARD, UINT64_MAX, 1, 0), S_IOERR);
    CHECK_EQ(u, do_range(&d, T_DISCARD, 0, UINT32_MAX, 0), S_IOERR);
    CHECK_EQ(u, do_request(&d, T_DISCARD, 0, 15, false), S_IOERR);
    CHECK_EQ(u, do_request(&d, T_DISCARD, 0, 32, false), S_UNSUPP);
    CHECK_EQ(u, do_request(&d, T_DISCARD, 0, 0, false), S_UNSUPP);
    driver_fini(&d);
}

static void a_read_only_disk_refuses_every_change(struct unit *u)
{
    struct driver d;

    driver_init(&d, false, (struct disk_options){.read_only = true}, 1);
    CHECK(u, rd(&d, DEVICE_FEATURES) & BIT(5));
    driver_start(&d, 0);
    CHECK_EQ(u, do_request(&d, T_IN, 3, 512, true), S_OK);
    CHECK_EQ(u, do_request(&d, T_OUT, 3, 512, false), S_IOERR);
    CHECK_EQ(u, do_range(&d, T_DISCARD, 20, 8, 0), S_IOERR);
    CHECK_EQ(u, do_range(&d, T_WRITE_ZEROES, 20, 8, 0), S_IOERR);
    CHECK_EQ(u, do_request(&d, T_FLUSH, 0, 0, false), S_OK);
    CHECK_EQ(u, file_byte(&d, 3 * 512), image_byte(3, 0));
    driver_fini(&d);
}

static void a_snapshot_shows_changes_and_keeps_the_image(struct unit *u)
{
    struct driver d;

    driver_init(&d, false, (struct disk_options){.snapshot = true}, 1);
    driver_start(&d, 0);
    fill_data(&d, 0x77, 512);
    CHECK_EQ(u, do_request(&d, T_OUT, 33, 512, false), S_OK);
    CHECK_EQ(u, do_range(&d, T_WRITE_ZEROES, 35, 1, 1), S_OK);
    CHECK_EQ(u, do_request(&d, T_IN, 31, 5 * 512, true), S_OK);
    CHECK_EQ(u, ram_get8(&d, DATA_PA), image_byte(31, 0));
    CHECK_EQ(u, ram_get8(&d, DATA_PA + 2 * 512), 0x77);
    CHECK_EQ(u, ram_get8(&d, DATA_PA + 3 * 512 + 9), image_byte(34, 9));
    CHECK_EQ(u, ram_get8(&d, DATA_PA + 4 * 512 + 9), 0);
    CHECK_EQ(u, file_byte(&d, 33 * 512), image_byte(33, 0));
    CHECK_EQ(u, file_byte(&d, 35 * 512 + 9), image_byte(35, 9));
    driver_fini(&d);
}

/* Header in two parts, data cut anywhere, status at the end of the data's descriptor. */
static void any_layout_of_descriptors_works(struct unit *u)
{
    struct driver d;

    driver_init(&d, false, plain, 1);
    driver_start(&d, 0);
    put_request(&d, DESC_PA, T_IN, 6, 512, true);
    put_desc(&d, DESC_PA, 0, HEADER_PA, 5, D_NEXT, 3);
    put_desc(&d, DESC_PA, 3, HEADER_PA + 5, 11, D_NEXT, 1);
    put_desc(&d, DESC_PA, 1, DATA_PA, 100, D_NEXT | D_WRITE, 2);
    put_desc(&d, DESC_PA, 2, DATA_PA + 100, 413, D_WRITE, 0);
    publish(&d, AVAIL_PA, 0);
    wr(&d, QUEUE_NOTIFY, 0);
    settle(&d);
    CHECK_EQ(u, ram_get16(&d, USED_PA + 2), 1);
    CHECK_EQ(u, ram_get8(&d, DATA_PA + 511), image_byte(6, 511));
    CHECK_EQ(u, ram_get8(&d, DATA_PA + 512), S_OK);
    driver_fini(&d);
}

static void indirect_descriptors_are_followed_if_negotiated(struct unit *u)
{
    struct driver d;

    driver_init(&d, false, plain, 1);
    driver_start(&d, F_INDIRECT);
    put_request(&d, INDIRECT_PA, T_IN, 9, 512, true);
    put_desc(&d, DESC_PA, 5, INDIRECT_PA, 48, D_INDIRECT, 0);
    publish(&d, AVAIL_PA, 5);
    wr(&d, QUEUE_NOTIFY, 0);
    settle(&d);
    CHECK_EQ(u, ram_get8(&d, STATUS_PA), S_OK);
    CHECK_EQ(u, ram_get8(&d, DATA_PA + 1), image_byte(9, 1));
    CHECK_EQ(u, ram_get16(&d, USED_PA + 4), 5);
    driver_start(&d, 0);
    put_request(&d, INDIRECT_PA, T_IN, 9, 512, true);
    put_desc(&d, DESC_PA, 5, INDIRECT_PA, 48, D_INDIRECT, 0);
    publish(&d, AVAIL_PA, 5);
    wr(&d, QUEUE_NOTIFY, 0);
    CHECK(u, rd(&d, STATUS) & NEEDS_RESET);
    driver_fini(&d);
}

static void with_event_index_interrupts_come_when_the_driver_asks(struct unit *u)
{
    struct driver d;

    driver_init(&d, false, plain, 1);
    driver_start(&d, F_EVENT_IDX);
    CHECK_EQ(u, do_request(&d, T_IN, 0, 512, true), S_OK);
    CHECK_EQ(u, d.fx.level[0], 1);
    CHECK_EQ(u, ram_get16(&d, USED_PA + 4 + 8 * RING_SIZE),
             1); /* avail_event: notify for entry 1 */
    wr(&d, INTERRUPT_ACK, 1);
    ram_put16(&d, AVAIL_PA + 4 + 2 * RING_SIZE, 2); /* used_event: after entry 2 */
    CHECK_EQ(u, do_request(&d, T_IN, 0, 512, true), S_OK);
    CHECK_EQ(u, d.fx.level[0], 0);
    CHECK_EQ(u, do_request(&d, T_IN, 0, 512, true), S_OK);
    CHECK_EQ(u, d.fx.level[0], 1);
    driver_fini(&d);
}

static void the_indices_wrap(struct unit *u)
{
    struct driver d;

    driver_init(&d, false, plain, 1);
    driver_start(&d, F_EVENT_IDX | F_FLUSH);
    for (unsigned i = 0; i < 66000 && !u->failed; i++) {
        CHECK_EQ(u, do_request(&d, T_GET_ID, 0, 20, true), S_OK);
    }
    driver_fini(&d);
}

static void every_queue_works(struct unit *u)
{
    struct driver d;

    driver_init(&d, false, plain, 3);
    driver_start(&d, 0);
    wr(&d, QUEUE_READY, 0);
    wr(&d, QUEUE_SEL, 2);
    wr(&d, QUEUE_SIZE, RING_SIZE);
    put_address(&d, QUEUE_DESC, DESC_PA);
    put_address(&d, QUEUE_DRIVER, AVAIL_PA);
    put_address(&d, QUEUE_DEVICE, USED_PA);
    wr(&d, QUEUE_READY, 1);
    put_request(&d, DESC_PA, T_IN, 6, 512, true);
    publish(&d, AVAIL_PA, 0);
    wr(&d, QUEUE_NOTIFY, 0);
    wr(&d, QUEUE_NOTIFY, 1);
    CHECK_EQ(u, ram_get16(&d, USED_PA + 2), 0);
    wr(&d, QUEUE_NOTIFY, 2);
    settle(&d);
    CHECK_EQ(u, ram_get16(&d, USED_PA + 2), 1);
    CHECK_EQ(u, ram_get8(&d, STATUS_PA), S_OK);
    driver_fini(&d);
}

static void requests_complete_through_the_event_loop(struct unit *u)
{
    struct driver d;

    driver_init(&d, false, plain, 1);
    driver_start(&d, 0);
    put_request(&d, DESC_PA, T_OUT, 6, 512, false);
    publish(&d, AVAIL_PA, 0);
    wr(&d, QUEUE_NOTIFY, 0);
    fixture_run(&d.fx, 50);
    CHECK_EQ(u, ram_get16(&d, USED_PA + 2), 1);
    CHECK_EQ(u, d.fx.level[0], 1);
    driver_fini(&d);
}

/*
 * Once the reset is done nothing of the old requests reaches the rings, and the data is no longer
 * written.
 */
static void a_reset_ends_what_is_under_way(struct unit *u)
{
    struct driver d;

    driver_init(&d, false, plain, 1);
    for (unsigned i = 0; i < 200; i++) {
        driver_start(&d, 0);
        put_request(&d, DESC_PA, i & 1 ? T_OUT : T_IN, 6, 4096, !(i & 1));
        publish(&d, AVAIL_PA, 0);
        wr(&d, QUEUE_NOTIFY, 0);
        wr(&d, STATUS, 0);
        fill_data(&d, 0x99, 4096);
        ram_put16(&d, USED_PA + 2, 0x1234);
        fixture_run(&d.fx, 1);
        CHECK_EQ(u, ram_get16(&d, USED_PA + 2), 0x1234);
        CHECK_EQ(u, ram_get8(&d, DATA_PA + 100), 0x99);
        CHECK_EQ(u, d.fx.level[0], 0);
    }
    driver_fini(&d);
}

static void closing_with_requests_under_way_is_clean(struct unit *u)
{
    for (unsigned i = 0; i < 20; i++) {
        struct driver d;

        driver_init(&d, false, plain, 1);
        driver_start(&d, 0);
        put_request(&d, DESC_PA, T_OUT, 6, 4096, false);
        publish(&d, AVAIL_PA, 0);
        wr(&d, QUEUE_NOTIFY, 0);
        CHECK_EQ(u, rd(&d, STATUS) & NEEDS_RESET, 0);
        driver_fini(&d);
    }
}

static void the_cache_mode_can_be_chosen_if_negotiated(struct unit *u)
{
    struct driver d;

    driver_init(&d, false, plain, 1);
    driver_start(&d, BIT(11));
    put(&d.fx, CONFIG + 32, 0, 1);
    CHECK_EQ(u, get(&d.fx, CONFIG + 32, 1), 0);
    fill_data(&d, 1, 512);
    CHECK_EQ(u, do_request(&d, T_OUT, 1, 512, false), S_OK);
    put(&d.fx, CONFIG + 32, 1, 1);
    CHECK_EQ(u, get(&d.fx, CONFIG + 32, 1), 1);
    put(&d.fx, CONFIG, 0, 4);
    CHECK_EQ(u, get(&d.fx, CONFIG, 4), DISK_SECTORS);
    driver_fini(&d);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(sectors_are_read_and_written),
        UNIT(what_lies_outside_the_disk_is_an_error_and_changes_nothing),
        UNIT(the_serial_number_has_twenty_bytes),
        UNIT(zeroes_and_discards_leave_zeroes),
        UNIT(a_read_only_disk_refuses_every_change),
        UNIT(a_snapshot_shows_changes_and_keeps_the_image),
        UNIT(any_layout_of_descriptors_works),
        UNIT(indirect_descriptors_are_followed_if_negotiated),
        UNIT(with_event_index_interrupts_come_when_the_driver_asks),
        UNIT(the_indices_wrap),
        UNIT(every_queue_works),
        UNIT(requests_complete_through_the_event_loop),
        UNIT(a_reset_ends_what_is_under_way),
        UNIT(closing_with_requests_under_way_is_clean),
        UNIT(the_cache_mode_can_be_chosen_if_negotiated),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
