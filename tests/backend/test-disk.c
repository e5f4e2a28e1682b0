/* SPDX-License-Identifier: MIT */
/*
 * Disk images: what opens and what does not, odd sizes, locks, snapshots against a model, many
 * requests at once.
 */
#include "hw/backend/disk.h"
#include "hw/host/bits.h"
#include "tests/random.h"
#include "tests/unit.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    struct machine m;
    char dir[32], path[64];
};

static void init(struct fixture *fx, uint64_t size)
{
    struct err err;
    int fd;

    memset(fx, 0, sizeof(*fx));
    if (machine_init(&fx->m, &err) != 0) {
        abort();
    }
    snprintf(fx->dir, sizeof(fx->dir), "%s", "/tmp/mh-disk-XXXXXX");
    if (!mkdtemp(fx->dir)) {
        abort();
    }
    snprintf(fx->path, sizeof(fx->path), "%s/image", fx->dir);
    fd = open(fx->path, O_CREAT | O_WRONLY, 0600);
    for (uint64_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(i * 7 + i / 512);

        if (write(fd, &byte, 1) != 1) {
            abort();
        }
    }
    close(fd);
}

static void fini(struct fixture *fx)
{
    machine_fini(&fx->m);
    unlink(fx->path);
    rmdir(fx->dir);
}

static uint64_t file_size(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void is_done(struct disk_request *rq)
{
    (void)rq;
}

static int transfer(struct fixture *fx, struct disk *d, enum disk_op op, uint64_t sector, void *buf,
                    size_t len)
{
    struct iovec iov[2] = {{buf, len / 3}, {(char *)buf + len / 3, len - len / 3}};
    struct disk_request rq = {
        .op = op, .sector = sector, .nsectors = len / 512, .unmap = true, .done = is_done};

    if (op == DISK_READ || op == DISK_WRITE) {
        rq.iov = iov;
        rq.iovcnt = 2;
    }
    mutex_lock(&fx->m.bql);
    disk_submit(d, &rq);
    disk_drain(d);
    mutex_unlock(&fx->m.bql);
    return rq.result;
}

static void check_refused(struct unit *u, struct fixture *fx, const char *path, const char *why)
{
    struct err err = {{0}};
    struct disk *d = disk_open(&fx->m, &(struct disk_options){.path = path}, &err);

    CHECK(u, d == NULL);
    CHECK(u, strstr(err.text, path) != NULL);
    CHECK(u, strstr(err.text, why) != NULL);
    CHECK(u, strchr(err.text, '\n') == NULL);
}

static void what_is_no_image_is_refused_by_name(struct unit *u)
{
    struct fixture fx;
    char name[80];

    init(&fx, 0);
    snprintf(name, sizeof(name), "%s/missing", fx.dir);
    check_refused(u, &fx, name, "No such file");
    check_refused(u, &fx, fx.dir, "directory");
    check_refused(u, &fx, "/dev/null", "neither");
    snprintf(name, sizeof(name), "%s/fifo", fx.dir);
    CHECK_EQ(u, mkfifo(name, 0600), 0);
    check_refused(u, &fx, name, "neither");
    unlink(name);
    fini(&fx);
}

static void writers_exclude_everyone_and_readers_share(struct unit *u)
{
    struct fixture fx;
    struct err err;
    struct disk *a, *b;

    init(&fx, 1024);
    a = disk_open(&fx.m, &(struct disk_options){.path = fx.path}, &err);
    CHECK(u, a != NULL);
    check_refused(u, &fx, fx.path, "in use");
    CHECK(u, disk_open(&fx.m, &(struct disk_options){.path = fx.path, .read_only = true}, &err) ==
                 NULL);
    disk_close(a);
    a = disk_open(&fx.m, &(struct disk_options){.path = fx.path, .read_only = true}, &err);
    b = disk_open(&fx.m, &(struct disk_options){.path = fx.path, .snapshot = true}, &err);
    CHECK(u, a && b);
    disk_close(a);
    disk_close(b);
    fini(&fx);
}

static void an_odd_size_is_rounded_up_and_its_end_reads_zero(struct unit *u)
{
    struct fixture fx;
    struct err err;
    struct disk *d;
    uint8_t buf[1024];

    init(&fx, 1000);
    d = disk_open(&fx.m, &(struct disk_options){.path = fx.path}, &err);
    CHECK_EQ(u, disk_sectors(d), 2);
    memset(buf, 0xcc, sizeof(buf));
    CHECK_EQ(u, transfer(&fx, d, DISK_READ, 0, buf, 1024), 0);
    CHECK_EQ(u, buf[999], (uint8_t)(999 * 7 + 1));
    CHECK_EQ(u, buf[1000], 0);
    CHECK_EQ(u, buf[1023], 0);
    CHECK_EQ(u, file_size(fx.path), 1000);
    memset(buf, 0x3d, sizeof(buf));
    CHECK_EQ(u, transfer(&fx, d, DISK_WRITE, 1, buf, 512), 0);
    CHECK_EQ(u, file_size(fx.path), 1024);
    memset(buf, 0, sizeof(buf));
    CHECK_EQ(u, transfer(&fx, d, DISK_READ, 1, buf, 512), 0);
    CHECK_EQ(u, buf[511], 0x3d);
    CHECK_EQ(u, transfer(&fx, d, DISK_READ, 1, buf, 1024), -EIO);
    disk_close(d);
    fini(&fx);
}

static void an_empty_image_has_no_sectors(struct unit *u)
{
    struct fixture fx;
    struct err err;
    struct disk *d;
    uint8_t buf[512];

    init(&fx, 0);
    d = disk_open(&fx.m, &(struct disk_options){.path = fx.path, .snapshot = true}, &err);
    CHECK_EQ(u, disk_sectors(d), 0);
    CHECK_EQ(u, transfer(&fx, d, DISK_READ, 0, buf, 512), -EIO);
    CHECK_EQ(u, transfer(&fx, d, DISK_FLUSH, 0, NULL, 0), 0);
    disk_close(d);
    fini(&fx);
}

static void changes_of_a_read_only_disk_are_errors_of_the_request(struct unit *u)
{
    struct fixture fx;
    struct err err;
    struct disk *d;
    uint8_t buf[512] = {0};

    init(&fx, 512);
    CHECK_EQ(u, chmod(fx.path, 0400), 0);
    d = disk_open(&fx.m, &(struct disk_options){.path = fx.path, .read_only = true}, &err);
    CHECK_EQ(u, transfer(&fx, d, DISK_WRITE, 0, buf, 512), -EPERM);
    CHECK_EQ(u, transfer(&fx, d, DISK_DISCARD, 0, NULL, 512), -EPERM);
    disk_close(d);
    fini(&fx);
}

enum { MODEL_SECTORS = 96, MODEL_STEPS = 3000 };

/* Random requests against an array that does the same. */
static void check_against_model(struct unit *u, bool snapshot)
{
    static uint8_t model[MODEL_SECTORS * 512], buf[MODEL_SECTORS * 512];
    struct disk_options o = {.snapshot = snapshot, .discard = true};
    struct fixture fx;
    struct err err;
    struct disk *d;
    uint64_t seed = 5;

    init(&fx, sizeof(model));
    o.path = fx.path;
    d = disk_open(&fx.m, &o, &err);
    CHECK(u, d != NULL);
    CHECK_EQ(u, transfer(&fx, d, DISK_READ, 0, model, sizeof(model)), 0);
    for (unsigned i = 0; i < MODEL_STEPS; i++) {
        uint64_t r = next_random(&seed);
        uint64_t sector = r % MODEL_SECTORS;
        size_t len = ((r >> 10) % (MODEL_SECTORS - sector) + 1) * 512;

        switch ((r >> 20) % 3) {
        case 0:
            memset(buf, (int)(r >> 30) & 0xff, len);
            memcpy(model + sector * 512, buf, len);
            CHECK_EQ(u, transfer(&fx, d, DISK_WRITE, sector, buf, len), 0);
            break;
        case 1:
            memset(model + sector * 512, 0, len);
            CHECK_EQ(u, transfer(&fx, d, DISK_WRITE_ZEROES, sector, NULL, len), 0);
            break;
        default:
            CHECK_EQ(u, transfer(&fx, d, DISK_READ, sector, buf, len), 0);
            CHECK(u, memcmp(buf, model + sector * 512, len) == 0);
        }
    }
    CHECK_EQ(u, transfer(&fx, d, DISK_READ, 0, buf, sizeof(buf)), 0);
    CHECK(u, memcmp(buf, model, sizeof(model)) == 0);
    disk_close(d);
    fini(&fx);
}

static void random_requests_agree_with_a_model(struct unit *u)
{
    check_against_model(u, false);
}

static void random_requests_on_a_snapshot_agree_with_a_model(struct unit *u)
{
    check_against_model(u, true);
}

enum { MANY = 500 };

static void count_done(struct disk_request *rq)
{
    unsigned *done = (unsigned *)(uintptr_t)rq->nsectors;

    (*done)++;
}

static void many_requests_all_complete(struct unit *u)
{
    static struct disk_request rq[MANY];
    static uint8_t buf[MANY][512];
    static struct iovec iov[MANY];
    struct fixture fx;
    struct err err;
    struct disk *d;
    unsigned done = 0;

    init(&fx, 16 * 512);
    d = disk_open(&fx.m, &(struct disk_options){.path = fx.path}, &err);
    mutex_lock(&fx.m.bql);
    for (unsigned i = 0; i < MANY; i++) {
        iov[i] = (struct iovec){buf[i], 512};
        rq[i] = (struct disk_request){
            .op = DISK_READ, .sector = i % 16, .iov = &iov[i], .iovcnt = 1, .done = count_done};
        rq[i].nsectors = (uintptr_t)&done;
        disk_submit(d, &rq[i]);
    }
    disk_drain(d);
    CHECK_EQ(u, done, MANY);
    mutex_unlock(&fx.m.bql);
    for (unsigned i = 0; i < MANY; i++) {
        CHECK_EQ(u, rq[i].result, 0);
        CHECK_EQ(u, buf[i][1], (uint8_t)((i % 16 * 512 + 1) * 7 + i % 16));
    }
    disk_close(d);
    fini(&fx);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(what_is_no_image_is_refused_by_name),
        UNIT(writers_exclude_everyone_and_readers_share),
        UNIT(an_odd_size_is_rounded_up_and_its_end_reads_zero),
        UNIT(an_empty_image_has_no_sectors),
        UNIT(changes_of_a_read_only_disk_are_errors_of_the_request),
        UNIT(random_requests_agree_with_a_model),
        UNIT(random_requests_on_a_snapshot_agree_with_a_model),
        UNIT(many_requests_all_complete),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
