/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MEANINGS_H
#define MEANINGS_H

/* What the exit reasons mean, and where the manuals list them. */

#include "reasons.h"

/*
 * One line; NULL for a reason without an entry; the tests see to it that every
 * defined one has one.
 */
const char *reason_meaning(enum vendor vendor, uint32_t reason);
/* Where the vendor's manual lists its exit reasons. */
const char *reasons_manual(enum vendor vendor);

#endif
