/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef READING_H
#define READING_H

/* A machine at one moment, and what happened between two. */

#include "counters.h"

struct reading {
	struct detection d;
	struct counters c;	/* empty if !has_counters(&d) */
	struct stamp stamp;
};

/*
 * The next reading of the source.  0; 1 at the end of a file; an error of
 * source_begin(), probe() or source_end().  Unless 0 there is nothing to free.
 */
int reading_take(struct source *src, struct reading *r);

/* As counters_subtract(), for the whole machine; diff->seconds is set, too. */
int reading_subtract(const struct reading *before, const struct reading *after,
		     struct counters *diff);

void reading_free(struct reading *r);

#endif
