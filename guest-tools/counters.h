/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COUNTERS_H
#define COUNTERS_H

/* One reading of a VM's exit counters. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detect.h"

struct counter {
	bool listed;		/* false: the sum of reasons that no table names */
	uint32_t reason;	/* 0 if not listed */
	char name[REASON_NAME_SIZE];
	uint64_t exits;
	uint64_t cycles;	/* host TSC ticks */
	uint64_t away;		/* host TSC ticks; 0 if not has_away */
};

struct counters {
	/*
	 * With the record leaves exits are 64 bits wide.  Without, only the low 32
	 * bits are known: they wrap, both here and in the rows.
	 */
	bool wide;
	bool has_away;

	/* The totals, read after the rows: no smaller than their sum (unless wrapped). */
	uint64_t exits, cycles, away;

	/* What the two required leaves of totals said, read last of all. */
	uint32_t leaf_exits;
	uint64_t leaf_cycles;

	/* Every reason that the host defines, zeros included; most cycles first. */
	struct counter *rows;
	size_t nr_rows;
	uint64_t sum_exits, sum_cycles;		/* of the rows */
};

/*
 * Detects and, if there are counters, reads them; else *c is empty.  Signature
 * and instance id are read before and after; a reading that they show to be
 * torn by a move to another host is dropped and repeated once.
 *
 * Returns 0, an error of source_read(), or -EAGAIN: torn twice.  After an
 * error there is nothing to free.
 */
int probe(struct source *src, struct detection *d, struct counters *c);

void counters_free(struct counters *c);

#endif
