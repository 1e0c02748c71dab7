/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COUNTERS_H
#define COUNTERS_H

/* One reading of a VM's exit counters. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detect.h"

struct counter {
	bool listed;		/* false: the sum of reasons that no table names, or a total */
	bool total;		/* the sum of all rows, added for show */
	uint32_t reason;	/* 0 if not listed */
	char name[REASON_NAME_SIZE];
	uint64_t exits;
	uint64_t cycles;	/* host TSC ticks */
	uint64_t away;		/* host TSC ticks; 0 if not has_away */

	/* Of several runs: means, of which exits and cycles are rounded, and standard deviations. */
	double mean_exits, mean_cycles;
	double exits_deviation, cycles_deviation;
};

/* What reading itself costs: each read is one exit, of the reason CPUID. */
struct own_cost {
	uint64_t exits, cycles;
	double cycles_per_exit;
};

struct counters {
	/*
	 * With the record leaves exits are 64 bits wide.  Without, only the low 32
	 * bits are known: they wrap, both here and in the rows.
	 */
	bool wide;
	bool has_away;
	bool offers_reasons;	/* the required leaves that tell reasons */

	/* The totals, read after the rows: no smaller than their sum (unless wrapped). */
	uint64_t exits, cycles, away;

	/* What the two required leaves of totals said, read last of all. */
	uint32_t leaf_exits;
	uint64_t leaf_cycles;

	/* Every reason that the host defines, zeros included; most cycles first. */
	struct counter *rows;
	size_t nr_rows;
	uint64_t sum_exits, sum_cycles;		/* of the rows */
	double mean_sum_exits, mean_sum_cycles;	/* of several runs, not rounded */

	/*
	 * Of this reading, or in a difference what was subtracted.  The exits are exact,
	 * the cycles what the reads between two looks cost.  0: not known, as the reason
	 * CPUID does not count.
	 */
	struct own_cost own;

	/* How many reads the source had done when these were read, so that differences are exact. */
	uint64_t reads_at_cpuid, reads_at_total, reads_at_required;

	/* For what columns show: the unit of cycles, 0 if not known, ... */
	uint32_t tsc_khz, vcpus;
	/* ... and the time that this is a difference over; 0: none, or not known. */
	double seconds;
	unsigned int runs;	/* a mean of so many; 0 and 1: of none */
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

/*
 * *diff is what was counted between two readings of one source, its own reads
 * left out of it.  0; -ENOMEM; or -ESTALE if the counters started anew in between:
 * another machine, or a counter went backwards.  Then *diff is empty.
 */
int counters_subtract(const struct counters *before, const struct counters *after,
		      struct counters *diff);

/* Adds a row, and what it counts to the sums.  0 or -ENOMEM. */
int counters_add_row(struct counters *c, const struct counter *row);

/* Rows as they were read stand by cost; this is the same order after a change. */
void counters_sort(struct counters *c);

/* The row of a reason of this name, or NULL. */
struct counter *counters_find(const struct counters *c, const char *name);

void counters_free(struct counters *c);

#endif
