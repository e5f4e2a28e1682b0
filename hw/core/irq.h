/* SPDX-License-Identifier: MIT */
/*
 * An interrupt line: a level that its one driver sets and its one receiver is told about. Lines are embedded in the receiver
 * (or board) and handed to devices as pointers. A NULL line is allowed: nobody listens.
 */
#ifndef HW_CORE_IRQ_H
#define HW_CORE_IRQ_H

#include "hw/host/compiler.h"

typedef void irq_fn(void *opaque, unsigned line, bool level);

struct irq {
    irq_fn *set; /* c: must be safe from whatever thread the driver uses (devices: BQL held, unless lockless) */
    void *opaque;
    unsigned line;
};

static inline void irq_set(const struct irq *irq, bool level)
{
    if (irq && irq->set) {
        irq->set(irq->opaque, irq->line, level);
    }
}

#endif
