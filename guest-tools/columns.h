/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COLUMNS_H
#define COLUMNS_H

/* The columns of the table of reasons, the same for every output format. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters.h"

enum column_id {
	COL_REASON,
	COL_NAME,
	COL_EXITS,
	COL_EXITS_SHARE,
	COL_CYCLES,
	COL_CYCLES_SHARE,
	COL_CYCLES_PER_EXIT,
	COL_AWAY,
	NR_COLUMNS
};

struct column {
	const char *name;	/* heading, and what --output takes */
	const char *key;	/* in JSON */
	const char *help;
	bool right;		/* aligned to the right */
};

extern const struct column columns[NR_COLUMNS];

/* An ordered choice of columns. */
struct selection {
	enum column_id ids[NR_COLUMNS];
	size_t nr;
};

/*
 * Reads a comma-separated list of column names, in any case.  0, or -1 with a
 * message on stderr: unknown, twice, or none.
 */
int selection_parse(struct selection *sel, const char *list);

/* All columns; that of away cycles only where they are offered. */
void selection_default(struct selection *sel, const struct counters *c);

/* What one cell holds. */
struct cell {
	enum { CELL_NONE, CELL_TEXT, CELL_NUMBER, CELL_SHARE } type;
	const char *text;	/* CELL_TEXT: lives as long as the row */
	uint64_t number;	/* CELL_NUMBER */
	double share;		/* CELL_SHARE: percent, 0 to 100 */
};

struct cell column_cell(enum column_id id, const struct counters *c,
			const struct counter *row);

/* Room for any formatted cell. */
#define CELL_SIZE 64

/* The cell as table text: AMD's codes in hexadecimal as in its manual, "-" for none. */
void column_text(enum column_id id, const struct detection *d, const struct counters *c,
		 const struct counter *row, char text[CELL_SIZE]);

/* Whether a report has this row: all of them, or those that are not zero. */
bool row_shown(const struct counter *row, bool all);

#endif
