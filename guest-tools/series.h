/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERIES_H
#define SERIES_H

/* What happened between the readings of a recording, and the picture of it. */

#include <stdio.h>

#include "reading.h"

/* What one reason did in one interval. */
struct series_value {
	unsigned int reason;		/* its number in struct series */
	uint64_t exits, cycles;
};

struct interval {
	double begin, end;		/* seconds since the first reading */
	struct series_value *values;	/* those that are not zero */
	size_t nr;
};

struct series_reason {
	struct counter row;		/* number and name; sums over all intervals */
};

struct series {
	struct detection d;		/* of the last reading with counters */
	struct stamp first, last;
	unsigned int readings;
	struct interval *intervals;
	size_t nr_intervals;
	struct series_reason *reasons;
	size_t nr_reasons;
	double *restarts;		/* when the counters started anew */
	size_t nr_restarts;
	struct counters sum;		/* of all intervals */
};

/*
 * Reads all that the source has.  0; -ENODATA after a message, with what there was
 * before in *s; -ENOMEM, with *s empty.
 */
int series_read(struct source *src, struct series *s);

void series_free(struct series *s);

/* An SVG document: exits per second, and the share of time, stacked by reason. */
void series_picture(const struct series *s, FILE *out);

#endif
