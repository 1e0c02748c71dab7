/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef REPORT_H
#define REPORT_H

/* Counters on a stream, one function for each family of formats. */

#include <stdio.h>

#include "columns.h"
#include "json.h"
#include "reading.h"
#include "table.h"

struct report {
	FILE *out;
	bool all;			/* rows of zeros too */
	struct table_style style;
	struct filter filter;
	bool sorted;			/* by the column sort, not by cost */
	enum column_id sort;
	bool columns_chosen;		/* sel is filled; otherwise report_prepare() does it, and adds: */
	struct selection more;
	bool rates;			/* choose rates, not numbers */
	struct selection sel;
	const char *time;		/* NULL, or the cell of a column TIME before all others */
	bool padded;			/* columns no narrower than usual */
};

/*
 * Chooses columns and sorts the rows.  0, or -EINVAL with a message: the filter has a
 * reason of another vendor, or the number of none.
 */
int report_prepare(struct report *rep, const struct detection *d, struct counters *c);

/* Whoever asked for the table alone gets no text above it. */
bool report_table_only(const struct report *rep);

/*
 * The share of the elapsed time that these cycles are, in percent of one vCPU's; negative if
 * not known.
 */
double time_share(const struct counters *c, uint64_t cycles, double seconds);

/* "3.70 % of ..., of all 4 vCPUs' time 0.93 %", for people; nothing if not known. */
void print_time_share(const struct counters *c, double seconds, const char *of, FILE *out);

/* Only the table.  0, or -ENOMEM.  Write errors are left to whoever closes the stream. */
int report_rows(const struct report *rep, const struct detection *d, const struct counters *c);

/* The whole reading: what the machine is, totals and table.  As above. */
int report_table(const struct report *rep, const struct reading *r);

/* Adds a cell to an object.  0 or -ENOMEM. */
int json_cell(struct json_object *o, const char *key, const struct cell *cell);

/* The same as JSON: the document, for more members, or NULL; and at once. */
struct json_object *report_json_document(const struct report *rep, const struct detection *d,
					 const struct counters *c, bool has_totals);
int report_json(const struct report *rep, const struct reading *r);

#endif
