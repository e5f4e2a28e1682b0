/* SPDX-License-Identifier: MIT */
/*
 * The goldfish real-time clock: nanoseconds since 1970-01-01 UTC and one alarm. Aligned 4-byte
 * accesses; BQL held in every callback.
 *
 * offset  access  register
 * 0x00    RW      TIME_LOW: read: low half of the time, and latches the high half; write: sets the
 *                 clock, to this and TIME_HIGH
 * 0x04    RW      TIME_HIGH: read: the half latched by the last read of TIME_LOW; write: the high
 *                 half for the next TIME_LOW
 * 0x08    RW      ALARM_LOW: low half of the alarm; a write arms it, with ALARM_HIGH
 * 0x0c    RW      ALARM_HIGH: high half; a write only stores it
 * 0x10    RW      IRQ_ENABLED: bit 0
 * 0x14    W       CLEAR_ALARM: disarms
 * 0x18    R       ALARM_STATUS: 1 while armed
 * 0x1c    W       CLEAR_INTERRUPT
 * rest            reads 0, writes are ignored
 *
 * The alarm fires once, when the time has reached it; an alarm in the past fires at once. The line
 * is high while an alarm has fired that was not cleared and IRQ_ENABLED is set. The guest's setting
 * of the clock is kept across resets of the machine.
 */
#include "devices/devices.h"
#include "hw/core/machine.h"
#include "hw/host/bits.h"
#include "hw/host/clock.h"
#include "hw/host/log.h"
#include <inttypes.h>

enum {
    REG_TIME_LOW = 0x00,
    REG_TIME_HIGH = 0x04,
    REG_ALARM_LOW = 0x08,
    REG_ALARM_HIGH = 0x0c,
    REG_IRQ_ENABLED = 0x10,
    REG_CLEAR_ALARM = 0x14,
    REG_ALARM_STATUS = 0x18,
    REG_CLEAR_INTERRUPT = 0x1c,
};

struct rtc {
    struct device *dev; /* c */
    struct timer timer;
    uint64_t offset_ns; /* guest time - clock_now_ns */
    uint64_t alarm_ns;
    uint32_t time_high; /* latched by reads */
    uint32_t set_high;  /* for the next write of TIME_LOW */
    bool has_set_high;  /* else that write keeps the high half */
    bool armed, pending, irq_enabled;
};

static uint64_t rtc_now(const struct rtc *rtc)
{
    return (uint64_t)clock_now_ns() + rtc->offset_ns;
}

static void update_irq(struct rtc *rtc)
{
    irq_set(rtc->dev->irq, rtc->pending && rtc->irq_enabled);
}

static void disarm(struct rtc *rtc)
{
    rtc->armed = false;
    timer_del(rtc->dev->machine->timers, &rtc->timer);
}

/* Fires the alarm if it is due, else sees to it that the timer asks again. */
static void check_alarm(struct rtc *rtc)
{
    uint64_t now = rtc_now(rtc);

    if (!rtc->armed) {
        return;
    }
    if (now >= rtc->alarm_ns) {
        disarm(rtc);
        rtc->pending = true;
        update_irq(rtc);
    } else {
        uint64_t deadline = (uint64_t)clock_now_ns() + (rtc->alarm_ns - now);

        timer_mod(rtc->dev->machine->timers, &rtc->timer,
                  deadline > INT64_MAX ? INT64_MAX : (int64_t)deadline);
    }
}

/* I/O thread, no lock held. */
static void alarm_due(void *opaque)
{
    struct rtc *rtc = opaque;

    mutex_lock(&rtc->dev->machine->bql);
    check_alarm(rtc);
    mutex_unlock(&rtc->dev->machine->bql);
}

static void set_time(struct rtc *rtc, uint32_t low)
{
    uint64_t now = rtc_now(rtc);
    uint64_t high = rtc->has_set_high ? rtc->set_high : now >> 32;

    rtc->offset_ns += (high << 32 | low) - now;
    rtc->has_set_high = false;
    check_alarm(rtc);
}

static uint64_t rtc_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct rtc *rtc = dev->state;
    uint64_t now;

    (void)size;
    switch (offset) {
    case REG_TIME_LOW:
        now = rtc_now(rtc);
        rtc->time_high = (uint32_t)(now >> 32);
        return (uint32_t)now;
    case REG_TIME_HIGH:
        return rtc->time_high;
    case REG_ALARM_LOW:
        return (uint32_t)rtc->alarm_ns;
    case REG_ALARM_HIGH:
        return rtc->alarm_ns >> 32;
    case REG_IRQ_ENABLED:
        return rtc->irq_enabled;
    case REG_ALARM_STATUS:
        return rtc->armed;
    }
    return 0;
}

static void rtc_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct rtc *rtc = dev->state;

    (void)size;
    switch (offset) {
    case REG_TIME_LOW:
        set_time(rtc, (uint32_t)value);
        break;
    case REG_TIME_HIGH:
        rtc->set_high = (uint32_t)value;
        rtc->has_set_high = true;
        break;
    case REG_ALARM_LOW:
        rtc->alarm_ns = deposit64(rtc->alarm_ns, 0, 32, value);
        rtc->armed = true;
        check_alarm(rtc);
        break;
    case REG_ALARM_HIGH:
        rtc->alarm_ns = deposit64(rtc->alarm_ns, 32, 32, value);
        break;
    case REG_IRQ_ENABLED:
        rtc->irq_enabled = value & 1;
        update_irq(rtc);
        break;
    case REG_CLEAR_ALARM:
        disarm(rtc);
        break;
    case REG_CLEAR_INTERRUPT:
        rtc->pending = false;
        update_irq(rtc);
        break;
    default:
        log_guest_error("goldfish-rtc: write of 0x%" PRIx64 " at 0x%" PRIx64 "\n", value, offset);
    }
}

static void rtc_reset(struct device *dev)
{
    struct rtc *rtc = dev->state;

    disarm(rtc);
    rtc->alarm_ns = 0;
    rtc->time_high = rtc->set_high = 0;
    rtc->pending = rtc->irq_enabled = rtc->has_set_high = false;
    update_irq(rtc);
}

static int rtc_init(struct device *dev, struct err *err)
{
    struct rtc *rtc = dev->state;

    (void)err;
    rtc->dev = dev;
    rtc->offset_ns = (uint64_t)clock_realtime_ns() - (uint64_t)clock_now_ns();
    timer_init(&rtc->timer, alarm_due, rtc);
    return 0;
}

static void rtc_destroy(struct device *dev)
{
    struct rtc *rtc = dev->state;

    timer_del(dev->machine->timers, &rtc->timer);
}

const struct device_model goldfish_rtc_model = {
    .name = "goldfish-rtc",
    .compatible = "google,goldfish-rtc\0",
    .node = "rtc",
    .size = 0x1000,
    .min_access = 4,
    .max_access = 4,
    .state_size = sizeof(struct rtc),
    .init = rtc_init,
    .reset = rtc_reset,
    .read = rtc_read,
    .write = rtc_write,
    .destroy = rtc_destroy,
};
