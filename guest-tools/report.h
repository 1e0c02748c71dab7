/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef REPORT_H
#define REPORT_H

/* A reading on standard output, one function for each family of formats. */

#include "columns.h"

struct report {
	bool all;			/* rows of zeros too */
	bool raw;			/* no summary above the table, columns not aligned */
	bool no_headings;		/* no summary above the table, no headings */
	const struct selection *sel;
};

/* 0, or -ENOMEM.  Write errors are left to whoever closes standard output. */
int report_table(const struct report *rep, const struct detection *d, const struct counters *c);
int report_json(const struct report *rep, const struct detection *d, const struct counters *c);

#endif
