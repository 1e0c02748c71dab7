/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MEANINGS_H
#define MEANINGS_H

/* What the exit reasons mean, and where the manuals say so. */

#include "reasons.h"

/*
 * One line; *manual, unless manual is NULL, is the section.  NULL for a reason
 * without an entry; the tests see to it that every defined one has one.
 */
const char *reason_meaning(enum vendor vendor, uint32_t reason, const char **manual);

#endif
